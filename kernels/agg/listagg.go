package agg

import (
	"bytes"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/kernels"
)

func bindListagg(f *Function, args []arrow.DataType) (*Spec, error) {
	if len(args) < 1 || len(args) > 2 {
		return nil, refusal("%s: want %s, got %d arguments", f.Name, f.Usage, len(args))
	}
	text := arrow.BinaryTypes.String
	in := make([]arrow.DataType, len(args))
	for i, t := range args {
		if ok, _ := kernels.CanCast(t, text); !ok {
			return nil, f.refuse(t, "a text, or what can be cast to one")
		}
		in[i] = text
	}
	list := arrow.ListOf(text)
	return &Spec{
		Args: in, Out: text, Nullable: true, Merge: true, StateTypes: []arrow.DataType{list, text},
		New: func(mem memory.Allocator) Accumulator {
			return &listagg{collect: collect{mem: mem, elem: text, spans: newChains[span](mem), arena: column[byte]{mem: mem}}, separator: []byte(",")}
		},
	}, nil
}

// listagg is the texts of a group in the order of the rows, without NULLs, with
// a separator between them, one for the whole aggregation; NULL if there are
// none. State: the list of the texts, and the separator.
type listagg struct {
	collect
	separator []byte
	known     bool // the separator was given
}

// Update implements Accumulator.
func (l *listagg) Update(groups []uint32, n int, args ...arrow.Array) error {
	if len(args) > 1 {
		if err := l.separate(args[1]); err != nil {
			return err
		}
	}
	return l.collect.Update(groups, n, args[0])
}

// separate notes the separator: the first value that is not NULL, which all
// others must equal.
func (l *listagg) separate(a arrow.Array) error {
	values := newByteValues(a)
	for i := range values.valid.Ones() {
		s := values.at(i)
		if !l.known {
			l.separator, l.known = bytes.Clone(s), true
		} else if !bytes.Equal(s, l.separator) {
			return &kernels.Error{Code: kernels.CodeValue, Msg: fmt.Sprintf("listagg: the separator is %q after %q", s, l.separator), Hint: "pass a constant"}
		}
	}
	return nil
}

// Merge implements Accumulator.
func (l *listagg) Merge(groups []uint32, n int, state ...arrow.Array) error {
	if err := l.separate(state[1]); err != nil {
		return err
	}
	return l.collect.Merge(groups, n, state[0])
}

// State implements Accumulator.
func (l *listagg) State(groups []uint32) ([]arrow.Array, error) {
	lists, err := l.collect.State(groups)
	if err != nil {
		return nil, err
	}
	return l.withSeparator(lists)
}

// withSeparator adds a column of the separator, NULL if none was given, to the
// state in lists.
func (l *listagg) withSeparator(lists []arrow.Array) ([]arrow.Array, error) {
	separators := make([][]byte, lists[0].Len())
	if l.known {
		for i := range separators {
			separators[i] = l.separator
		}
	}
	a, err := bytesToArray(l.mem, arrow.BinaryTypes.String, separators)
	if err != nil {
		releaseAll(lists)
		return nil, err
	}
	return append(lists, a), nil
}

// bindDistinctList is listagg(DISTINCT text, separator).
func bindDistinctList(inner *Spec) (*Spec, error) {
	texts := *inner
	texts.Args = inner.Args[:1]
	spec, err := bindDistinct(&texts)
	if err != nil {
		return nil, err
	}
	each := spec.New
	spec.Args, spec.StateTypes, spec.retract = inner.Args, append(spec.StateTypes, arrow.BinaryTypes.String), nil
	spec.New = func(mem memory.Allocator) Accumulator {
		d := each(mem).(*distinct)
		return &distinctList{distinct: d, list: d.inner.(*listagg)}
	}
	return spec, nil
}

// distinctList is a listagg of the distinct texts of a group. State: those of
// distinct, and the separator.
type distinctList struct {
	*distinct
	list *listagg
}

// Update implements Accumulator.
func (d *distinctList) Update(groups []uint32, n int, args ...arrow.Array) error {
	if err := d.list.separate(args[1]); err != nil {
		return err
	}
	return d.distinct.Update(groups, n, args[0])
}

// Merge implements Accumulator.
func (d *distinctList) Merge(groups []uint32, n int, state ...arrow.Array) error {
	if err := d.list.separate(state[1]); err != nil {
		return err
	}
	return d.distinct.Merge(groups, n, state[0])
}

// State implements Accumulator.
func (d *distinctList) State(groups []uint32) ([]arrow.Array, error) {
	lists, err := d.distinct.State(groups)
	if err != nil {
		return nil, err
	}
	return d.list.withSeparator(lists)
}

// Final implements Accumulator.
func (l *listagg) Final(groups []uint32) (arrow.Array, error) {
	return l.joined(groups, "", string(l.separator), "")
}

// joined are the texts of each group, with a separator between them, between
// open and end; NULL if there are none.
func (c *collect) joined(groups []uint32, open, separator, end string) (arrow.Array, error) {
	c.spans.grow(need(groups))
	groups = all(groups, c.spans.len())
	rows := make([][]byte, len(groups))
	for i, g := range groups {
		if c.spans.count(g) == 0 {
			continue
		}
		row, before := []byte{}, open
		for p := range c.spans.of(g) {
			const head = 5 // of a text as appendValue writes it
			row = append(append(row, before...), c.arena.v[p.from+head:p.from+int64(p.n)]...)
			before = separator
		}
		rows[i] = append(row, end...)
	}
	return bytesToArray(c.mem, arrow.BinaryTypes.String, rows)
}
