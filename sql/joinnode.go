package sql

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
)

// equality takes a = b apart into the sides that two nodes have all columns of;
// nulls tells that NULL equals NULL.
func equality(x expr.Expr, l, r *node) (left, right expr.Expr, nulls, ok bool) {
	c, isCall := x.(expr.Call)
	if !isCall || len(c.Args) != 2 || c.Name != "eq" && c.Name != "is_not_distinct" {
		return nil, nil, false, false
	}
	var a, b columns
	exprColumns(c.Args[0], &a)
	exprColumns(c.Args[1], &b)
	if len(a.names) == 0 || len(b.names) == 0 {
		return nil, nil, false, false
	}
	nulls = c.Name == "is_not_distinct"
	switch {
	case covers(a, l) && covers(b, r):
		return c.Args[0], c.Args[1], nulls, true
	case covers(a, r) && covers(b, l):
		return c.Args[1], c.Args[0], nulls, true
	}
	return nil, nil, false, false
}

// joinNode is a join while it is planned.
type joinNode struct {
	s          *session
	kind       stage.JoinKind
	in         [2]*node
	keys       [2][]string
	nullSafe   []bool
	rest       []expr.Expr // of the conditions
	where      expr.Expr   // all of rest, nil if there is nothing
	times      [2][]string // time columns that are looked at
	ttl        [2]time.Duration
	nullAware  bool     // of an anti join: NOT IN
	conditions []string // for EXPLAIN
}

// join plans the join of l with the table r.
func (s *session) join(kind stage.JoinKind, l *node, r *relation, on []conjunct, ttl [2]time.Duration) (*node, error) {
	return s.joinWith(&joinNode{s: s, kind: kind, in: [2]*node{l, r.node}, ttl: ttl}, r, on)
}

// joinWith plans the join j with the table r.
func (s *session) joinWith(j *joinNode, r *relation, on []conjunct) (*node, error) {
	for _, c := range on {
		j.conditions = append(j.conditions, exprText(c.x))
		left, right, nulls, ok := equality(c.x, j.in[0], j.in[1])
		if ok {
			if err := j.addKey(left, right, nulls, s.zone()); err != nil {
				return nil, s.coded(c.at.Range(), "AS1301", err)
			}
			continue
		}
		j.rest = append(j.rest, c.x)
	}
	n, err := j.plan(r)
	if err != nil {
		return nil, s.coded(r.at, "AS1408", err)
	}
	return n, nil
}

// allOf is the condition that all of list hold, nil for none.
func allOf(list []expr.Expr) expr.Expr {
	var out expr.Expr
	for _, x := range list {
		if out == nil {
			out = x
		} else {
			out = call("and", out, x)
		}
	}
	return out
}

// anyOf is the condition that one of list holds, nil for none.
func anyOf(list []expr.Expr) expr.Expr {
	var out expr.Expr
	for _, x := range list {
		if out == nil {
			out = x
		} else {
			out = call("or", out, x)
		}
	}
	return out
}

// addKey makes columns of the two sides of an equality, of one type.
func (j *joinNode) addKey(left, right expr.Expr, nulls bool, zone string) error {
	sides := [2]expr.Expr{left, right}
	var args []kernels.Arg
	for i, x := range sides {
		b, err := expr.Bind(x, j.in[i].schema)
		if err != nil {
			return err
		}
		args = append(args, kernels.Arg{Type: b.Type()})
	}
	t, err := kernels.CommonType("=", args)
	if err != nil {
		return err
	}
	for i, x := range sides {
		if !arrow.TypeEqual(plainType(args[i].Type), plainType(t)) {
			x = expr.Cast{Of: x, To: t, Zone: zone}
		}
		name, err := j.column(i, x)
		if err != nil {
			return err
		}
		j.keys[i] = append(j.keys[i], name)
	}
	j.nullSafe = append(j.nullSafe, nulls)
	return nil
}

// column is the name of x as a column of input i, which it is made if need be.
func (j *joinNode) column(i int, x expr.Expr) (string, error) {
	if c, ok := x.(expr.Col); ok {
		return c.Name, nil
	}
	name := exprText(x)
	taken := func(name string) bool {
		_, left := j.in[0].field(name)
		_, right := j.in[1].field(name)
		return left || right
	}
	for k := 0; taken(name); k++ {
		name = fmt.Sprintf("%s %d", exprText(x), k)
	}
	n, err := projectNode(j.in[i], append(passColumns(visibleNames(j.in[i].schema)), outColumn{name, x}))
	j.in[i] = n
	return name, err
}

// plan chooses the operator.
func (j *joinNode) plan(r *relation) (*node, error) {
	bounded := [2]bool{j.in[0].bounded, j.in[1].bounded}
	n, err := j.timed()
	j.where = allOf(j.rest)
	if n != nil || err != nil {
		return n, err
	}
	n = &node{kind: "join", detail: j.text()}
	static := !bounded[0] && bounded[1] && !j.in[0].updating() && j.kind != stage.RightJoin && j.kind != stage.FullJoin
	final := bounded[0] && bounded[1] && !j.in[0].updating() && !j.in[1].updating()
	switch {
	case final:
		n.notes = append(n.notes, "state: the rows of both tables until one of them has ended")
	case static:
		n.notes = append(n.notes, "state: the rows of the table on the right, which is read first")
	default:
		if err := j.allowed(r); err != nil {
			return nil, err
		}
		n.notes = append(n.notes, j.stateText())
	}
	n.join = func(want columns) (arrowstream.Join, error) {
		return &stage.HashJoin{
			JoinColumns: j.columns(n, want), Kind: j.kind, Updates: !final && !static, LoadFirst: static, NullAware: j.nullAware, LeftTTL: j.ttl[0], RightTTL: j.ttl[1],
		}, nil
	}
	return j.derive(n)
}

// derive makes n the join of both inputs.
func (j *joinNode) derive(n *node) (*node, error) {
	j.attach(n)
	n.rows = j.rows
	return derive(n, j.in[0], j.in[1])
}

// attach gives n what all joins have.
func (j *joinNode) attach(n *node) {
	n.uniqueOf = j.unique
	n.needsOf = func(input int, want columns) columns {
		out := columns{all: want.all}
		add := func(c columns) {
			for name := range c.names {
				if _, ok := j.in[input].field(name); ok {
					out.add(name)
				}
			}
		}
		add(want)
		var where columns
		if j.where != nil {
			exprColumns(j.where, &where)
		}
		add(where)
		out.add(j.keys[input]...)
		out.add(j.times[input]...)
		return out
	}
	n.plainOf = func(output string) (input int, column string, ok bool) {
		for i, in := range j.in {
			if _, ok := in.field(output); ok {
				return i, output, true
			}
		}
		return 0, "", false
	}
}

// columns are the columns of the join n of which want are read.
func (j *joinNode) columns(n *node, want columns) stage.JoinColumns {
	c := stage.JoinColumns{LeftKeys: j.keys[0], RightKeys: j.keys[1], Where: j.where}
	if slices.Contains(j.nullSafe, true) {
		c.NullSafe = j.nullSafe
	}
	if !want.all {
		c.Columns = slices.DeleteFunc(want.list(n.schema), func(name string) bool { return name == opColumn })
	}
	return c
}

func (j *joinNode) text() string {
	on := strings.Join(j.conditions, " AND ")
	if on == "" {
		return strings.ToLower(strings.TrimSuffix(j.kind.String(), " JOIN")) + " cross"
	}
	if j.nullAware {
		on = "(NOT IN) " + on
	}
	return strings.ToLower(strings.TrimSuffix(j.kind.String(), " JOIN")) + " on " + on
}

// allowed refuses a join that remembers rows for ever, unless that is asked for.
// A single row is none that is forgotten.
func (j *joinNode) allowed(r *relation) error {
	ends := true
	for i, in := range j.in {
		if in.single() {
			j.ttl[i] = 0
		} else {
			ends = ends && j.ttl[i] > 0
		}
	}
	if ends {
		return nil
	}
	what := "a join remembers all rows of its inputs"
	if len(j.keys[0]) > 0 {
		what += " by " + strings.Join(j.keys[0], ", ")
	}
	_, err := j.s.bound(keeps{what: what, way: "join windows, add a condition on the times of both sides", at: r.at})
	return err
}

func (j *joinNode) stateText() string {
	var parts []string
	for i, side := range []string{"left", "right"} {
		switch {
		case j.in[i].single():
			parts = append(parts, "the row of the "+side+" input")
		case j.in[i].bounded:
			parts = append(parts, "all rows of the table on the "+side)
		case j.ttl[i] > 0:
			parts = append(parts, fmt.Sprintf("rows of the %s input for %s", side, j.ttl[i]))
		default:
			parts = append(parts, "all rows of the "+side+" input, unbounded")
		}
	}
	return "state: " + strings.Join(parts, "; ")
}
