package stage

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/agg"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// JoinColumns are the columns of the two inputs of a join and of its output.
type JoinColumns struct {
	// LeftKeys and RightKeys are the columns that have to be equal, pair by
	// pair, of the same type. NULL equals nothing. No keys make every row of
	// one input meet every row of the other.
	LeftKeys, RightKeys []string
	// NullSafe makes NULL equal NULL for the keys for which it is true, as IS
	// NOT DISTINCT FROM does. Default: for none.
	NullSafe []bool
	// Left and Right rename the columns of the inputs, all of them in their
	// order, for Where and for the output. Nil keeps the names.
	Left, Right []string
	// Where is a further condition, over the columns of the left and then of
	// the right input; nil is none. NULL is no match.
	Where expr.Expr
	// Columns are those of the output, in the order of the inputs. Nil is all:
	// those of the left input followed by those of the right, or those of the
	// left input alone if the kind emits no others.
	Columns []string
	// EventTime is the output column that is marked as event time. Default:
	// none, for a row of a join may be as old as anything it remembers.
	EventTime string
}

// joinInput is one of the two inputs of a join.
type joinInput struct {
	in       *arrow.Schema // as it comes
	schema   *arrow.Schema // without the column of changes, as it is remembered
	updating bool
	keys     []int
}

// keysOf are the key columns of b, borrowed.
func (in *joinInput) keysOf(b arrow.Record, out []arrow.Array) []arrow.Array {
	for _, k := range in.keys {
		out = append(out, b.Column(k))
	}
	return out
}

// joinColumn is a column of an input.
type joinColumn struct{ input, column int }

// joinPlan is JoinColumns bound to the schemas of the inputs.
type joinPlan struct {
	what    string
	inputs  [2]joinInput
	strict  []int // keys for which NULL equals nothing
	types   []arrow.DataType
	out     *arrow.Schema
	columns []joinColumn // of the output, without the column of changes
	where   *expr.Bound  // over whereIn
	whereIn *arrow.Schema
	using   []joinColumn // the columns of whereIn
}

// bind binds c for a join of the given kind, whose output updates or not.
func (c JoinColumns) bind(what string, kind JoinKind, updates bool, in []*arrow.Schema) (*joinPlan, error) {
	if len(in) != 2 {
		return nil, planError("AS1302", fmt.Sprintf("%s: %d inputs instead of 2", what, len(in)), "")
	}
	p := &joinPlan{what: what}
	var all []arrow.Field
	var from []joinColumn
	for i, names := range [][]string{c.Left, c.Right} {
		side := &p.inputs[i]
		side.in, side.schema = in[i], in[i]
		fields := slices.Clone(in[i].Fields())
		if side.updating = columnar.Changelog(in[i]); side.updating {
			fields = fields[:len(fields)-1]
		}
		side.schema = arrow.NewSchema(fields, nil)
		if names != nil && len(names) != len(fields) {
			return nil, planError("AS1302", fmt.Sprintf("%s: %d names for %d columns", what, len(names), len(fields)), "")
		}
		for k, f := range fields {
			if names != nil {
				f.Name = names[k]
			}
			f.Metadata = arrow.Metadata{}
			f.Nullable = f.Nullable || kind.pads(1-i)
			all, from = append(all, f), append(from, joinColumn{i, k})
		}
	}
	if err := p.bindKeys(c); err != nil {
		return nil, err
	}
	if err := p.bindWhere(c.Where, all, from); err != nil {
		return nil, err
	}
	return p, p.bindOutput(c, kind, updates, all, from)
}

// dropNulls gives rows with a NULL in a key for which NULL equals nothing no group,
// and appends the groups that they had to dropped.
func (p *joinPlan) dropNulls(keys []arrow.Array, ids, dropped []uint32) []uint32 {
	for _, k := range p.strict {
		valid := columnar.Validity(keys[k])
		if valid.All() {
			continue
		}
		for i, id := range ids {
			if id != agg.NoGroup && !valid.Get(i) {
				dropped, ids[i] = append(dropped, id), agg.NoGroup
			}
		}
	}
	return dropped
}

func (p *joinPlan) bindKeys(c JoinColumns) error {
	if len(c.LeftKeys) != len(c.RightKeys) || c.NullSafe != nil && len(c.NullSafe) != len(c.LeftKeys) {
		return planError("AS1302", fmt.Sprintf("%s: %d keys of the left and %d of the right input", p.what, len(c.LeftKeys), len(c.RightKeys)), "")
	}
	for k, left := range c.LeftKeys {
		var types [2]arrow.DataType
		for i, name := range []string{left, c.RightKeys[k]} {
			at, err := grouped.Column(p.what, p.inputs[i].schema, name)
			if err != nil {
				return err
			}
			p.inputs[i].keys = append(p.inputs[i].keys, at)
			types[i] = agg.Plain(p.inputs[i].schema.Field(at).Type)
		}
		if !arrow.TypeEqual(types[0], types[1]) {
			return planError("AS1301", fmt.Sprintf("%s: %s %q cannot equal %s %q", p.what, kernels.SQLName(types[0]), left, kernels.SQLName(types[1]), c.RightKeys[k]), "cast one of them")
		}
		p.types = append(p.types, types[0])
		if c.NullSafe == nil || !c.NullSafe[k] {
			p.strict = append(p.strict, k)
		}
	}
	return nil
}

// bindWhere binds the condition to those columns that it names, though it may
// know that it does not need them all.
func (p *joinPlan) bindWhere(where expr.Expr, all []arrow.Field, from []joinColumn) error {
	if where == nil {
		return nil
	}
	if _, err := condition(p.what, where, arrow.NewSchema(all, nil)); err != nil {
		return err
	}
	named := map[string]bool{}
	expr.Walk(where, func(e expr.Expr) bool {
		if c, ok := e.(expr.Col); ok {
			named[c.Name] = true
		}
		return true
	})
	var fields []arrow.Field
	for i, f := range all {
		if named[f.Name] {
			fields, p.using = append(fields, f), append(p.using, from[i])
		}
	}
	var err error
	p.whereIn = arrow.NewSchema(fields, nil)
	p.where, err = condition(p.what, where, p.whereIn)
	return err
}

func (p *joinPlan) bindOutput(c JoinColumns, kind JoinKind, updates bool, all []arrow.Field, from []joinColumn) error {
	if !kind.pairs() {
		n := p.inputs[0].schema.NumFields()
		all, from = all[:n], from[:n]
	}
	var fields []arrow.Field
	whole := arrow.NewSchema(all, nil)
	keep := make([]bool, len(all))
	for _, name := range c.Columns {
		i, err := grouped.Column(p.what, whole, name)
		if err != nil {
			return err
		}
		keep[i] = true
	}
	for i, f := range all {
		if c.Columns == nil || keep[i] {
			fields, p.columns = append(fields, f), append(p.columns, from[i])
		}
	}
	if len(fields) == 0 {
		return planError("AS1101", p.what+": no columns", "")
	}
	if err := grouped.Distinct(p.what, fields); err != nil {
		return err
	}
	p.out = arrow.NewSchema(fields, nil)
	if c.EventTime != "" {
		if updates {
			return planError("AS1406", p.what+": rows that are taken back have no event time", "")
		}
		if _, err := grouped.Column(p.what, p.out, c.EventTime); err != nil {
			return err
		}
		p.out = columnar.WithEventTime(p.out, c.EventTime)
	}
	if updates {
		p.out = columnar.WithChangelog(p.out)
	}
	return nil
}

// pairing are pairs of rows of a batch of one input and of what is remembered of
// the other. Row -1 and [kernels.NoPlace] are rows that are not there.
type pairing struct {
	input  int          // of the batch
	batch  arrow.Record // nil if there are no rows of it
	rows   []int32
	places []kernels.Place
}

// gather returns the given columns of the pairs; the caller releases them.
func (p *joinPlan) gather(mem memory.Allocator, columns []joinColumn, of pairing, others *joinRows) ([]arrow.Array, error) {
	cols := make([]arrow.Array, 0, len(columns)+1)
	whole := of.batch != nil && isWhole(of.rows, int(of.batch.NumRows()))
	var chunks []arrow.Array
	for _, c := range columns {
		var col arrow.Array
		var err error
		switch {
		case c.input == of.input && of.batch == nil:
			col = kernels.Nulls(mem, p.inputs[c.input].schema.Field(c.column).Type, len(of.rows))
		case c.input == of.input && whole:
			col = of.batch.Column(c.column)
			col.Retain()
		case c.input == of.input:
			col, err = kernels.Take(mem, of.batch.Column(c.column), of.rows)
		default:
			chunks = others.column(c.column, chunks)
			col, err = kernels.Gather(mem, others.schema.Field(c.column).Type, chunks, of.places)
		}
		if err != nil {
			grouped.Release(cols)
			return nil, err
		}
		cols = append(cols, col)
	}
	return cols, nil
}

// isWhole reports whether rows are 0 to n-1.
func isWhole(rows []int32, n int) bool {
	if len(rows) != n {
		return false
	}
	for i, r := range rows {
		if int(r) != i {
			return false
		}
	}
	return true
}

// matching keeps the pairs for which the condition holds; it reports them by
// their positions, nil for all.
func (p *joinPlan) matching(mem memory.Allocator, of pairing, others *joinRows) (columnar.Bitmap, error) {
	n := len(of.rows)
	if p.where == nil || n == 0 {
		return columnar.Bitmap{N: n}, nil
	}
	cols, err := p.gather(mem, p.using, of, others)
	if err != nil {
		return columnar.Bitmap{}, err
	}
	defer grouped.Release(cols)
	b := array.NewRecord(p.whereIn, cols, int64(n))
	defer b.Release()
	keep, err := p.where.Select(mem, b)
	if err != nil {
		return columnar.Bitmap{}, grouped.Error(p.what, err)
	}
	return keep, nil
}
