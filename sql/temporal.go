package sql

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
)

// sides are the two tables of a join that is planned by itself, and their scope.
type sides struct {
	l, r   *relation
	scope  *scope
	conds  []conjunct
	merged [][2]scopeColumn // of USING
}

// sides binds the condition of a join of two tables.
func (p *block) sides(j *syntax.Join, l, r *relation, more ...syntax.Expr) (*sides, error) {
	out := &sides{l: l, r: r}
	both := []*relation{l, r}
	var err error
	if out.scope, err = p.s.distinctNames(both); err != nil {
		return nil, err
	}
	using := j.Using
	if j.Natural {
		using = shared(l.scope, r.scope)
	}
	var on []syntax.Expr
	for _, e := range append([]syntax.Expr{j.On}, more...) {
		on = append(on, splitAnd(e)...)
	}
	if out.conds, err = p.s.conjuncts(out.scope, on); err != nil {
		return nil, err
	}
	out.merged, err = p.s.using(out.scope, both, using, &out.conds)
	return out, err
}

// result is what the query sees of the join n.
func (s *sides) result(p *block, n *node) (*relation, error) {
	n, err := p.s.merge(n, s.scope, s.merged)
	if err != nil {
		return nil, err
	}
	s.scope.schema, s.scope.window = n.schema, windowOf(n)
	return &relation{node: n, scope: s.scope}, nil
}

// called is what the text calls a column of the plan.
func (sc *scope) called(plan string) string {
	i := slices.IndexFunc(sc.columns, func(c scopeColumn) bool { return c.plan == plan })
	switch {
	case i < 0:
		return syntax.QuoteName(plan)
	case sc.columns[i].table == "":
		return syntax.QuoteName(sc.columns[i].name)
	}
	return syntax.QuoteName(sc.columns[i].table) + "." + syntax.QuoteName(sc.columns[i].name)
}

// temporalJoin plans l JOIN r FOR SYSTEM_TIME AS OF a time of l.
func (p *block) temporalJoin(j *syntax.Join, v *syntax.Version) (*relation, error) {
	s := p.s
	if j.Asof || j.Kind != syntax.JoinInner && j.Kind != syntax.JoinLeft {
		return nil, s.src.Error(v.Range(), "AS1408", "write JOIN or LEFT JOIN", "a join FOR SYSTEM_TIME AS OF is an inner or a left join")
	}
	l, err := p.table(j.L)
	if err != nil {
		return nil, err
	}
	r, err := p.version(v)
	if err != nil {
		return nil, err
	}
	at, err := p.versionTime(l, v.At)
	if err != nil {
		return nil, err
	}
	both, err := p.sides(j, l, r)
	if err != nil {
		return nil, err
	}
	versions, key, hasKey := versionsOf(r.node)
	t := &joinNode{s: s, kind: joinKinds[j.Kind], in: [2]*node{l.node, versions}}
	var n *node
	table, names := asked(r.node)
	switch missing := uncovered(key, both.conds, l.node, r.node); {
	case at == "" && table != nil:
		t.in[1] = r.node
		n, err = t.lookup(both, table, names)
	case at != "" && !hasKey:
		return nil, s.noVersions(r, v)
	case at != "" && missing == "":
		n, err = t.versioned(both, key, at, r)
	case at == "" && hasKey && missing == "":
		t.in[1] = r.node
		n, err = t.latest(both, key)
	case at == "" && r.node.bounded && !r.node.updating():
		n, err = p.regular(t.kind, both)
	case at == "" && !hasKey:
		return nil, s.noVersions(r, v)
	default:
		name := both.scope.called(missing)
		return nil, s.src.Error(v.Range(), "AS1410", "add to ON an equality with "+name, fmt.Sprintf("the condition does not say whose version to take: %s is part of the key of the versions", name))
	}
	if err != nil {
		return nil, s.coded(v.Range(), "AS1410", err)
	}
	return both.result(p, n)
}

// version plans the table of which a version is joined.
func (p *block) version(v *syntax.Version) (*relation, error) {
	r, err := p.s.relation(v.Table, p.env)
	if err == nil && v.Alias.Name != nil {
		r, err = p.s.aliased(r.node, r.table, v.Alias, r.window)
	}
	if err != nil {
		return nil, err
	}
	r.at = v.Range()
	return p.assigned(r)
}

// versionTime is the column of l that says of what time the version is, its event
// time; "" is the processing time.
func (p *block) versionTime(l *relation, at syntax.Expr) (string, error) {
	if c, ok := at.(*syntax.Call); ok && callsProcTime(c) {
		return "", nil
	}
	x, err := (&binder{s: p.s, scope: l.scope}).expr(at)
	if err != nil {
		return "", err
	}
	c, ok := x.(expr.Col)
	switch {
	case !ok:
		return "", p.s.src.Error(at.Range(), "AS1410", "write FOR SYSTEM_TIME AS OF o.ts, with the event time of the other side, or PROCTIME()", "the time of a version is a column of the other side of the join, not "+syntax.Text(at))
	case l.node.isProcTime(c.Name):
		return "", nil
	}
	return c.Name, p.s.requireTime(l.node, c.Name, at.Range())
}

// noVersions is the error of a table whose rows are no versions of anything.
func (s *session) noVersions(r *relation, v *syntax.Version) error {
	name := fmt.Sprintf("the table %q", r.table)
	if r.table == "" {
		name = "this query"
	}
	return s.src.Error(v.Range(), "AS1410",
		"declare PRIMARY KEY (...) NOT ENFORCED for the table, or take a view of the last row of each key: ROW_NUMBER() OVER (PARTITION BY key ORDER BY time DESC) = 1",
		fmt.Sprintf("%s has no key, so that its rows are no versions", name))
}

// versionsOf are the versions of the rows of n, with the columns that tell whose
// they are: all rows of a table with a PRIMARY KEY, or those of which n takes the
// last one of each key.
func versionsOf(n *node) (versions *node, key []string, ok bool) {
	below := n
	for below.project != nil || below.proctime != "" {
		below = below.in[0]
	}
	switch {
	case below.table != nil && len(below.table.key) > 0:
		key, ok := renamedUp(n, below, below.table.key)
		return n, key, ok
	case below.kind == "top" && below.last != "" && !below.in[0].updating():
		key, ok := n.unique()
		if !ok || !chain(n, below) {
			return n, key, ok
		}
		// The number of the row is 1 for all of them.
		all, err := projectNode(below.in[0], append(passColumns(visibleNames(below.in[0].schema)), outColumn{below.last, expr.Lit{Value: int64(1)}}))
		if err != nil {
			return n, key, true
		}
		if versions, err = rebuilt(n, below, all); err != nil {
			return n, key, true
		}
		return versions, key, true
	}
	key, ok = n.unique()
	return n, key, ok && len(key) > 0
}

// renamedUp is a key of the node below in the columns of n, which is above it.
func renamedUp(n, below *node, key []string) ([]string, bool) {
	if n == below {
		return key, true
	}
	key, ok := renamedUp(n.in[0], below, key)
	if !ok {
		return nil, false
	}
	return n.renamed(key)
}

// uncovered is the first column of the key of r that no equality of the condition
// ties to l, "" if there is none.
func uncovered(key []string, conds []conjunct, l, r *node) string {
	for _, k := range key {
		if !slices.ContainsFunc(conds, func(c conjunct) bool { return tiesKey(c, []string{k}, l, r) }) {
			return k
		}
	}
	return ""
}

// tiesKey reports whether c is an equality of l with one of the columns of r.
func tiesKey(c conjunct, columns []string, l, r *node) bool {
	_, right, nulls, ok := equality(c.x, l, r)
	col, isCol := right.(expr.Col)
	return ok && !nulls && isCol && slices.Contains(columns, col.Name)
}

// keyed makes equalities with the key of the right input the key of the join; what
// else the condition says is asked of the version that was found.
func (j *joinNode) keyed(both *sides, key []string) error {
	used := map[string]bool{}
	for _, c := range both.conds {
		j.conditions = append(j.conditions, exprText(c.x))
		left, right, _, _ := equality(c.x, j.in[0], j.in[1])
		if tiesKey(c, key, j.in[0], j.in[1]) && !used[right.(expr.Col).Name] {
			used[right.(expr.Col).Name] = true
			if err := j.addKey(left, right, false, j.s.zone()); err != nil {
				return j.s.coded(c.at.Range(), "AS1301", err)
			}
			continue
		}
		j.rest = append(j.rest, c.x)
	}
	j.where = allOf(j.rest)
	return nil
}

// versioned is the join with the version that is valid at the event time of the
// left row.
func (j *joinNode) versioned(both *sides, key []string, at string, r *relation) (*node, error) {
	et := j.in[1].eventTime()
	if et == "" {
		return nil, j.s.src.Error(r.at, "AS1410", "declare WATERMARK FOR the time from which a row is valid, or join FOR SYSTEM_TIME AS OF PROCTIME()", fmt.Sprintf("the table %q has no event time, so that it is not known from when on a row is valid", r.table))
	}
	if err := j.s.requireTime(j.in[1], et, r.at); err != nil {
		return nil, err
	}
	if err := j.keyed(both, key); err != nil {
		return nil, err
	}
	j.times = [2][]string{{at}, {et}}
	n := &node{kind: "temporal join", detail: j.text() + " as of " + syntax.QuoteName(at)}
	n.notes = append(n.notes, "state: rows until the watermark passes them, and the last version of each "+strings.Join(key, ", "))
	n.join = func(want columns) (arrowstream.Join, error) {
		c := j.columns(n, want)
		c.EventTime = at
		return &stage.TemporalJoin{JoinColumns: c, Kind: j.kind, LeftTime: at, RightTime: et}, nil
	}
	return j.derive(n)
}

// latest is the join with the version that is there when the left row comes.
func (j *joinNode) latest(both *sides, key []string) (*node, error) {
	if err := j.keyed(both, key); err != nil {
		return nil, err
	}
	n := &node{kind: "temporal join", detail: j.text() + " as of the processing time"}
	n.notes = append(n.notes, "state: the last version of each "+strings.Join(key, ", "))
	if !j.in[1].bounded {
		n.notes = append(n.notes, "which version a row meets is a matter of arrival: only a recorded job gives the same again")
	}
	mark := j.in[0].eventTime()
	n.join = func(want columns) (arrowstream.Join, error) {
		c := j.columns(n, want)
		c.EventTime = mark
		return &stage.TemporalJoin{JoinColumns: c, Kind: j.kind, Arrival: true, LoadFirst: true}, nil
	}
	return j.derive(n)
}

// regular is the join by conditions alone. What they say of one side chooses among
// the rows of a side that is not kept whole.
func (p *block) regular(kind stage.JoinKind, both *sides) (*node, error) {
	conds, err := p.s.pushSides(kind, []*relation{both.l, both.r}, both.conds)
	if err != nil {
		return nil, err
	}
	return p.s.join(kind, both.l.node, both.r, conds, [2]time.Duration{p.ttl(both.l), p.ttl(both.r)})
}
