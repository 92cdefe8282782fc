package grouped

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/agg"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// Plan is a list of aggregates bound to an input schema. Equal arguments of
// several aggregates, and equal parts of arguments and filters, are evaluated
// once per batch.
type Plan struct {
	aggs   []boundAgg
	args   []argument
	list   *expr.List // of args
	fields []arrow.Field
	states []arrow.Field
	back   bool // rows are taken back
}

type boundAgg struct {
	spec   *agg.Spec
	in     []int // positions in args
	states int   // number of state columns
	shares int   // the aggregate before it whose state it has, -1 for its own
}

type argument struct {
	source expr.Expr
	to     arrow.DataType
	bound  *expr.Bound
	cast   bool // bound is source converted
}

// Bind types aggs against in. what names the operator in errors. If in is a
// changelog, the aggregates can take rows back, see [Set.Change].
func Bind(what string, aggs []Agg, in *arrow.Schema) (*Plan, error) {
	p := &Plan{back: columnar.Changelog(in), list: expr.NewList(in)}
	for _, a := range aggs {
		if err := p.add(a, in); err != nil {
			name := a.Name
			if name == "" {
				name = a.Func
			}
			return nil, Error(fmt.Sprintf("%s: aggregate %q", what, name), err)
		}
	}
	return p, nil
}

func (p *Plan) add(a Agg, in *arrow.Schema) error {
	f, ok := agg.Find(a.Func)
	if !ok {
		return &arrowstream.Error{
			Code: "AS1601", Msg: fmt.Sprintf("unknown aggregate function %q", a.Func),
			Hint: arrowstream.Suggest(a.Func, agg.Names(), "aggregate functions"),
		}
	}
	args := a.Args
	if a.Filter != nil && len(args) == 0 {
		// count(*) FILTER (WHERE c) is count_if(c).
		if f.Name != "count" {
			return &arrowstream.Error{Code: "AS1601", Msg: fmt.Sprintf("%s without arguments takes no filter", f.Name)}
		}
		f, _ = agg.Find("count_if")
		args, a.Filter = []expr.Expr{a.Filter}, nil
	}
	types, bound := make([]arrow.DataType, len(args)), make([]*expr.Bound, len(args))
	for i, e := range args {
		var err error
		if a.Filter != nil { // it becomes a part of an argument
			bound[i], err = expr.Bind(e, in)
		} else {
			bound[i], err = p.bind(e)
		}
		if err != nil {
			return err
		}
		types[i] = bound[i].Type()
	}
	spec, err := f.BindOrdered(types, a.Distinct, a.Order)
	if err != nil {
		return &arrowstream.Error{Code: "AS1601", Msg: err.Error()}
	}
	args = args[:len(spec.Args)]
	if p.back {
		if spec, err = spec.Retractable(); err != nil {
			return &arrowstream.Error{
				Code: "AS1407", Msg: fmt.Sprintf("%s cannot take rows back that the input updates: %s", f.Name, err.Error()),
				Hint: "aggregate a stream that only appends, or leave the aggregate out",
			}
		}
	}
	b := boundAgg{spec: spec, states: len(spec.StateTypes)}
	if a.Filter != nil {
		if args, err = filtered(args, a.Filter, in); err != nil {
			return err
		}
		for i, e := range args {
			if bound[i], err = p.bind(e); err != nil {
				return err
			}
		}
	}
	for i, e := range args {
		at, err := p.argument(e, bound[i], spec.Args[i])
		if err != nil {
			return err
		}
		b.in = append(b.in, at)
	}
	b.shares = slices.IndexFunc(p.aggs, func(o boundAgg) bool {
		return spec.State != "" && o.spec.State == spec.State && o.shares < 0 && slices.Equal(o.in, b.in)
	})
	name := a.Name
	if name == "" {
		name = f.Name
	}
	for i, t := range spec.StateTypes {
		p.states = append(p.states, arrow.Field{Name: fmt.Sprintf("agg%d_%d", len(p.aggs), i), Type: t, Nullable: true})
	}
	p.aggs = append(p.aggs, b)
	p.fields = append(p.fields, arrow.Field{Name: name, Type: spec.Out, Nullable: spec.Nullable})
	return nil
}

// filtered are args with NULL where the condition is not TRUE, which aggregates
// skip. An argument is not evaluated there.
func filtered(args []expr.Expr, cond expr.Expr, in *arrow.Schema) ([]expr.Expr, error) {
	c, err := expr.Bind(cond, in)
	if err != nil {
		return nil, err
	}
	if id := c.Type().ID(); id != arrow.BOOL && id != arrow.NULL {
		return nil, &arrowstream.Error{Code: "AS1301", Msg: fmt.Sprintf("the filter must be a condition, not %s", c.Type())}
	}
	out := make([]expr.Expr, len(args))
	for i, e := range args {
		if _, ok := e.(expr.Lit); ok && i > 0 {
			out[i] = e
			continue
		}
		out[i] = expr.Case{Whens: []expr.When{{Cond: cond, Then: e}}}
	}
	return out, nil
}

// bind binds e as one of the arguments, or finds it bound.
func (p *Plan) bind(e expr.Expr) (*expr.Bound, error) {
	for _, a := range p.args {
		if !a.cast && expr.Equal(a.source, e) {
			return a.bound, nil
		}
	}
	return p.list.Bind(e)
}

// argument is the position of e, bound to b, as a column of type want; plain
// values serve where want is a dictionary.
func (p *Plan) argument(e expr.Expr, b *expr.Bound, want arrow.DataType) (int, error) {
	is := b.Type()
	if d, ok := want.(*arrow.DictionaryType); ok {
		if want = d.ValueType; is.ID() == arrow.DICTIONARY {
			want = is
		}
	}
	for i, a := range p.args {
		if columnar.SameType(a.to, want) && expr.Equal(a.source, e) {
			return i, nil
		}
	}
	arg := argument{source: e, to: want, bound: b, cast: !columnar.SameType(is, want)}
	if arg.cast {
		var err error
		if arg.bound, err = p.list.Bind(expr.Cast{Of: e, To: want}); err != nil {
			return 0, err
		}
	}
	p.list.Add(arg.bound)
	p.args = append(p.args, arg)
	return len(p.args) - 1, nil
}

// Fields are the result columns.
func (p *Plan) Fields() []arrow.Field { return p.fields }

// ArgFields are the columns of [Set.Args] with the values of dictionaries.
func (p *Plan) ArgFields() []arrow.Field {
	fields := make([]arrow.Field, len(p.args))
	for i, a := range p.args {
		fields[i] = arrow.Field{Name: fmt.Sprintf("arg%d", i), Type: agg.Plain(a.to), Nullable: true}
	}
	return fields
}

// Fails reports whether the arguments of some rows may be errors.
func (p *Plan) Fails() bool {
	return p.list.Fails()
}

// StateFields are the columns of [Set.State].
func (p *Plan) StateFields() []arrow.Field { return p.states }

// Combines tells that rows may be aggregated in parts, which are merged in their
// order, with the same bits: of counts, extremes and exact sums, but not of sums
// of floats. The state of a part is numbers and texts: lists and sketches would be
// as large as the rows.
func (p *Plan) Combines() bool {
	for _, a := range p.aggs {
		if !a.spec.Merge || !a.spec.OrderFree {
			return false
		}
		for _, t := range a.spec.StateTypes {
			if _, fixed := t.(arrow.FixedWidthDataType); !fixed && t.ID() != arrow.STRING {
				return false
			}
		}
	}
	return true
}

// Mergeable is an error that names the first aggregate whose states cannot be
// merged, which what needs.
func (p *Plan) Mergeable(what string) error {
	for i, a := range p.aggs {
		if !a.spec.Merge {
			return &arrowstream.Error{
				Code: "AS1601", Msg: fmt.Sprintf("%s: aggregate %q cannot be put together from parts", what, p.fields[i].Name),
				Hint: "use it in tumbling windows",
			}
		}
	}
	return nil
}
