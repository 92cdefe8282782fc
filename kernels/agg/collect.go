package agg

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

func bindCollect(f *Function, args []arrow.DataType) (*Spec, error) {
	if err := f.arity(args, 1); err != nil {
		return nil, err
	}
	if !encodable(args[0]) {
		return nil, f.refuse(args[0], "a number, a string, a time, or a list or struct of these")
	}
	elem := Plain(args[0])
	out := arrow.ListOf(elem)
	return &Spec{
		Args: args, Out: out, Nullable: true, StateTypes: []arrow.DataType{out}, Merge: true,
		New: func(mem memory.Allocator) Accumulator {
			return &collect{mem: mem, elem: elem, spans: newChains[span](mem), arena: column[byte]{mem: mem}}
		},
	}, nil
}

// bindCollectSet is array_agg(DISTINCT x).
func bindCollectSet(f *Function, args []arrow.DataType) (*Spec, error) {
	spec, err := bindCollect(f, args)
	if err != nil {
		return nil, err
	}
	return bindDistinct(spec)
}

// collect is array_agg: the list of the values of a group in the order of the
// rows, without NULLs; NULL if there are none. State: the list.
type collect struct {
	mem   memory.Allocator
	elem  arrow.DataType
	spans chains[span]
	arena column[byte] // compacted when most of it belongs to groups that were reset
	dead  int64
	buf   []byte
}

// Update implements Accumulator.
func (c *collect) Update(groups []uint32, n int, args ...arrow.Array) error {
	c.spans.grow(max(n, 1))
	for i := range logicalValidity(args[0]).Ones() {
		c.buf = appendValue(c.buf[:0], args[0], i, false)
		from := len(c.arena.v)
		c.arena.grow(from + len(c.buf))
		copy(c.arena.v[from:], c.buf)
		c.spans.push(at(groups, i), span{from: int64(from), n: int32(len(c.buf)), set: true})
	}
	return nil
}

// Merge implements Accumulator.
func (c *collect) Merge(groups []uint32, n int, state ...arrow.Array) error {
	owners, vals := flatten(groups, state[0])
	defer vals.Release()
	return c.Update(owners, n, vals)
}

// State implements Accumulator.
func (c *collect) State(groups []uint32) ([]arrow.Array, error) {
	a, err := c.Final(groups)
	if err != nil {
		return nil, err
	}
	return []arrow.Array{a}, nil
}

// Final implements Accumulator.
func (c *collect) Final(groups []uint32) (arrow.Array, error) {
	c.spans.grow(need(groups))
	groups = all(groups, c.spans.len())
	rows := make([][]byte, 0, c.spans.total(groups))
	offsets := newResult[int32](c.mem, len(groups)+1)
	for i, g := range groups {
		for p := range c.spans.of(g) {
			rows = append(rows, c.arena.v[p.from:p.from+int64(p.n)])
		}
		offsets.v[i+1] = int32(len(rows))
	}
	valid, nulls := c.spans.some(c.mem, groups)
	buffers := []*memory.Buffer{valid.buffer(nulls), offsets.values}
	values, err := decodeValues(c.mem, c.elem, rows)
	if err != nil {
		for _, b := range buffers {
			if b != nil {
				b.Release()
			}
		}
		return nil, err
	}
	defer values.Release()
	return newArray(arrow.ListOf(c.elem), len(groups), nulls, buffers, values), nil
}

// Reset implements Accumulator.
func (c *collect) Reset(groups []uint32) {
	for _, g := range all(groups, c.spans.len()) {
		for p := range c.spans.of(g) {
			c.dead += int64(p.n)
		}
	}
	c.spans.reset(groups)
	if len(c.arena.v) > 4096 && c.dead > int64(len(c.arena.v))/2 {
		c.compact()
	}
}

// compact moves the values of all groups into a new arena.
func (c *collect) compact() {
	fresh := column[byte]{mem: c.mem}
	for g := range c.spans.heads.v {
		for at := c.spans.heads.v[g].first; at != 0; at = c.spans.links.v[at-1].next {
			p := &c.spans.links.v[at-1].v
			from := len(fresh.v)
			fresh.grow(from + int(p.n))
			copy(fresh.v[from:], c.arena.v[p.from:p.from+int64(p.n)])
			p.from = int64(from)
		}
	}
	c.arena.release()
	c.arena, c.dead = fresh, 0
}

// Bytes implements Accumulator.
func (c *collect) Bytes() int64 { return c.spans.bytes() + c.arena.bytes() }

// Release implements Accumulator.
func (c *collect) Release() {
	c.spans.release()
	c.arena.release()
}
