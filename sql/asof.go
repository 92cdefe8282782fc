package sql

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
)

// nearest are the comparisons left op right of an ASOF join, and how they read
// with their sides swapped.
var nearest = map[string]struct {
	way     stage.Nearest
	swapped string
}{
	"ge": {stage.AtOrBefore, "le"}, "gt": {stage.Before, "lt"}, "le": {stage.AtOrAfter, "ge"}, "lt": {stage.After, "gt"},
}

// asof is an ASOF join while it is planned.
type asof struct {
	joinNode
	way   stage.Nearest
	time  [2]expr.Expr // of the two sides
	at    syntax.Expr  // the comparison
	input *sides
}

// asofJoin plans l ASOF JOIN r.
func (p *block) asofJoin(j *syntax.Join) (*relation, error) {
	l, err := p.table(j.L)
	if err != nil {
		return nil, err
	}
	r, err := p.table(j.R)
	if err != nil {
		return nil, err
	}
	both, err := p.sides(j, l, r, j.Match)
	if err != nil {
		return nil, err
	}
	for _, in := range []*node{l.node, r.node} {
		if err := p.s.appendOnly(in, "AS1406", "ASOF JOIN", j.R.Range()); err != nil {
			return nil, err
		}
	}
	a := &asof{joinNode: joinNode{s: p.s, kind: joinKinds[j.Kind], in: [2]*node{l.node, r.node}}, input: both}
	for _, c := range both.conds {
		if err := a.add(c); err != nil {
			return nil, err
		}
	}
	if a.at == nil {
		return nil, p.s.src.Error(j.R.Range(), "AS1408", "add to ON a comparison of times: l.ts >= r.ts", "an ASOF JOIN wants to know which row is the nearest")
	}
	n, err := a.plan()
	if err != nil {
		return nil, p.s.coded(a.at.Range(), "AS1408", err)
	}
	return both.result(p, n)
}

// add takes a condition.
func (a *asof) add(c conjunct) error {
	l, r := a.in[0], a.in[1]
	a.conditions = append(a.conditions, exprText(c.x))
	if left, right, nulls, ok := equality(c.x, l, r); ok {
		if err := a.addKey(left, right, nulls); err != nil {
			return a.s.coded(c.at.Range(), "AS1301", err)
		}
		return nil
	}
	if op, isCall := c.x.(expr.Call); isCall && nearest[op.Name].swapped != "" {
		var of [2]columns
		exprColumns(op.Args[0], &of[0])
		exprColumns(op.Args[1], &of[1])
		args, name := op.Args, op.Name
		if covers(of[0], r) && covers(of[1], l) && len(of[0].names) > 0 {
			of[0], of[1] = of[1], of[0]
			args, name = []expr.Expr{args[1], args[0]}, nearest[name].swapped
		}
		if len(of[0].names) > 0 && len(of[1].names) > 0 && covers(of[0], l) && covers(of[1], r) {
			if a.at != nil {
				return a.s.src.Error(c.at.Range(), "AS1408", "leave one of them out, or test it in WHERE", "an ASOF JOIN has one comparison that says which row is the nearest")
			}
			a.way, a.time, a.at = nearest[name].way, [2]expr.Expr{args[0], args[1]}, c.at
			return nil
		}
	}
	var err error
	switch {
	case covers(c.on, r):
		a.in[1], err = a.s.filtered(r, []conjunct{c})
	case covers(c.on, l) && a.kind == stage.InnerJoin:
		a.in[0], err = a.s.filtered(l, []conjunct{c})
	case covers(c.on, l):
		a.rest = append(a.rest, c.x)
	default:
		err = a.s.src.Error(c.at.Range(), "AS1408", "test it in WHERE", "the condition of an ASOF JOIN is equalities and one comparison of times")
	}
	return err
}

// plan chooses how the rows are put in order.
func (a *asof) plan() (*node, error) {
	var column [2]string
	events := true // the times are the event times
	for i, x := range a.time {
		if c, ok := x.(expr.Col); ok {
			column[i] = c.Name
		}
		events = events && column[i] != "" && a.in[i].eventTime() == column[i]
	}
	bounded := a.in[0].bounded && a.in[1].bounded
	later := a.way == stage.AtOrAfter || a.way == stage.After
	final := bounded && (!events || later)
	if !bounded {
		if later {
			return nil, a.s.src.Error(a.at.Range(), "AS1408", "look for the row before: l.ts >= r.ts", "an ASOF JOIN of streams that looks for later rows would wait for them without end")
		}
		if err := a.eventTimes(&column); err != nil {
			return nil, err
		}
	}
	if final {
		if err := a.comparable(&column); err != nil {
			return nil, err
		}
	}
	a.times = [2][]string{column[:1], column[1:]}
	a.where = allOf(a.rest)
	n := &node{kind: "asof join", detail: a.text()}
	if final {
		n.notes = append(n.notes, "state: all rows of both tables, joined at their end")
	} else {
		n.notes = append(n.notes, "state: rows until the watermark passes them, and the last row of each key of the right input")
	}
	mark := a.in[0].eventTime()
	n.join = func(want columns) (arrowstream.Join, error) {
		c := a.columns(n, want)
		c.EventTime = mark
		return &stage.TemporalJoin{JoinColumns: c, Kind: a.kind, LeftTime: column[0], RightTime: column[1], Nearest: a.way, AtEnd: final}, nil
	}
	return a.derive(n)
}

// eventTimes sees to it that the times are the event times of streams.
func (a *asof) eventTimes(column *[2]string) error {
	for i, x := range a.time {
		if column[i] == "" {
			return a.s.src.Error(a.at.Range(), "AS1403", "compute it in the table: ts AS expr, WATERMARK FOR ts", "an ASOF JOIN of streams compares their event times, not "+exprText(x))
		}
		var err error
		if a.in[i], err = a.s.timed(a.in[i], column[i], a.at.Range()); err != nil {
			return err
		}
	}
	return nil
}

// comparable makes the times columns of one type that is kept as whole numbers.
func (a *asof) comparable(column *[2]string) error {
	var args []kernels.Arg
	for i, x := range a.time {
		b, err := expr.Bind(x, a.in[i].schema)
		if err != nil {
			return err
		}
		args = append(args, kernels.Arg{Type: b.Type()})
	}
	t, err := kernels.CommonType("asof", args)
	if err != nil {
		return err
	}
	switch t.ID() {
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32:
		t = arrow.PrimitiveTypes.Int64
	case arrow.TIMESTAMP, arrow.DATE32:
	default:
		return a.s.src.Error(a.at.Range(), "AS1301", "cast it to a time or to BIGINT", fmt.Sprintf("an ASOF JOIN compares times or whole numbers, not %s", typeName(t)))
	}
	for i, x := range a.time {
		if !arrow.TypeEqual(plainType(args[i].Type), t) {
			x = expr.Cast{Of: x, To: t}
		}
		if column[i], err = a.column(i, x); err != nil {
			return err
		}
	}
	return nil
}
