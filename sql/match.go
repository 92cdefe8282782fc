package sql

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
)

// match plans MATCH_RECOGNIZE.
func (s *session) match(f *syntax.Match, env *with) (*relation, error) {
	rel, err := s.relation(f.Table, env)
	if err != nil {
		return nil, err
	}
	if rel.window != nil {
		return nil, s.src.Error(f.Table.Range(), "AS1407", "match the rows of the table, or those of an aggregation", "MATCH_RECOGNIZE over the rows of a window")
	}
	n := rel.node
	if n.bounded {
		if n, err = settled(n); err != nil {
			return nil, err
		}
	}
	if err := s.appendOnly(n, "AS1407", "MATCH_RECOGNIZE", f.Span); err != nil {
		return nil, err
	}
	p := &stage.Pattern{AllRows: f.AllRows, TTL: s.durationSetting("state.ttl", 0), Pattern: rowPattern(f.Pattern)}
	b := &binder{s: s, scope: rel.scope, input: &n}
	if err := s.matchRows(p, b, f); err != nil {
		return nil, err
	}
	if err := s.matchExprs(p, b, f); err != nil {
		return nil, err
	}
	if f.Within != nil {
		if p.Within, err = s.duration(f.Within, "WITHIN"); err != nil {
			return nil, err
		}
	}
	node, err := s.matchNode(n, p, f)
	if err != nil {
		return nil, err
	}
	return s.aliased(node, "", f.Alias, nil)
}

// rowPattern is a pattern of the text as the stage takes it.
func rowPattern(p syntax.Pattern) stage.RowPattern {
	list := func(items []syntax.Pattern) (out []stage.RowPattern) {
		for _, it := range items {
			out = append(out, rowPattern(it))
		}
		return out
	}
	switch p := p.(type) {
	case *syntax.PatternVar:
		return stage.Var(strings.ToUpper(p.Name))
	case *syntax.PatternSeq:
		return stage.Concat(list(p.Items))
	case *syntax.PatternAlt:
		return stage.Alt(list(p.Items))
	case *syntax.PatternRepeat:
		return stage.Quantified{Of: rowPattern(p.X), Min: p.Min, Max: p.Max, Reluctant: p.Reluctant}
	}
	return stage.Concat(nil)
}

// patternVars are the variables of a pattern, in upper case.
func patternVars(p stage.RowPattern) (out []string) {
	switch p := p.(type) {
	case stage.Var:
		return []string{string(p)}
	case stage.Concat:
		for _, it := range p {
			out = append(out, patternVars(it)...)
		}
	case stage.Alt:
		for _, it := range p {
			out = append(out, patternVars(it)...)
		}
	case stage.Quantified:
		return patternVars(p.Of)
	}
	return out
}

// matchRows binds PARTITION BY, ORDER BY and AFTER MATCH SKIP.
func (s *session) matchRows(p *stage.Pattern, b *binder, f *syntax.Match) error {
	for _, e := range f.Partition {
		x, _, err := b.typed(e)
		if err != nil {
			return err
		}
		col, ok := x.(expr.Col)
		if !ok {
			return s.src.Error(e.Range(), "AS1103", "compute it in a view", "PARTITION BY an expression is not supported yet in MATCH_RECOGNIZE")
		}
		if !slices.Contains(p.By, col.Name) {
			p.By = append(p.By, col.Name)
		}
	}
	for i, o := range f.OrderBy {
		x, t, err := b.typed(o.X)
		if err != nil {
			return err
		}
		if i > 0 {
			key := newSortKey("", o)
			p.Then = append(p.Then, stage.SortKey{Expr: x, Desc: key.desc, NullsLast: key.nullsLast})
			continue
		}
		col, ok := x.(expr.Col)
		if _, _, time := columnar.Micros(t); !ok || o.Desc || !time {
			return s.src.Error(o.X.Range(), "AS1409", "ORDER BY the event time first", "the first key of ORDER BY in MATCH_RECOGNIZE is a time column that ascends")
		}
		p.Time = col.Name
		if n := *b.input; !n.bounded || n.eventTime() != "" {
			if n, err = s.timed(n, col.Name, o.X.Range()); err != nil {
				return err
			}
			*b.input = n
		}
	}
	p.Skip = stage.Skip{To: map[syntax.MatchSkip]stage.SkipTo{
		syntax.SkipPastLast: stage.SkipPastLastRow, syntax.SkipToNext: stage.SkipToNextRow, syntax.SkipToFirst: stage.SkipToFirst, syntax.SkipToLast: stage.SkipToLast,
	}[f.Skip]}
	if p.Skip.To >= stage.SkipToFirst {
		p.Skip.Var = strings.ToUpper(f.SkipTo.Name)
		return s.matchVar(p, f.SkipTo)
	}
	return nil
}

// matchVar refuses a variable that the pattern does not have.
func (s *session) matchVar(p *stage.Pattern, v syntax.Ident) error {
	vars := patternVars(p.Pattern)
	if slices.Contains(vars, strings.ToUpper(v.Name)) {
		return nil
	}
	return s.src.Error(v.Span, "AS1409", arrowstream.Suggest(strings.ToUpper(v.Name), vars, "variables"), fmt.Sprintf("the pattern has no variable %q", v.Name))
}

// matchExprs binds DEFINE and MEASURES.
func (s *session) matchExprs(p *stage.Pattern, b *binder, f *syntax.Match) error {
	vars := patternVars(p.Pattern)
	for _, d := range f.Define {
		if err := s.matchVar(p, d.Var); err != nil {
			return err
		}
		own := strings.ToUpper(d.Var.Name)
		in := *b
		in.match = &matchBinder{vars: vars, own: own}
		x, err := in.expr(d.Cond)
		if err != nil {
			return err
		}
		p.Define = append(p.Define, stage.Define{Var: own, Cond: x})
	}
	for _, m := range f.Measures {
		in := *b
		in.match = &matchBinder{vars: vars}
		x, err := in.expr(m.X)
		if err != nil {
			return err
		}
		p.Measures = append(p.Measures, stage.Measure{Name: m.Alias.Name, Expr: x})
	}
	return nil
}

// matchNode is the operator of a pattern.
func (s *session) matchNode(in *node, p *stage.Pattern, f *syntax.Match) (*node, error) {
	p.Endless = in.bounded || s.setting("state.unbounded", "refuse") != "refuse"
	n := &node{kind: "match", detail: matchText(p, f)}
	isMeasure := func(name string) bool {
		return slices.ContainsFunc(p.Measures, func(m stage.Measure) bool { return m.Name == name })
	}
	measures := func(want columns) []stage.Measure {
		out := slices.DeleteFunc(slices.Clone(p.Measures), func(m stage.Measure) bool { return !want.has(m.Name) })
		if len(out) == 0 && len(p.By) == 0 {
			return p.Measures[:1]
		}
		return out
	}
	n.build = func(want columns) (arrowstream.Stage, error) {
		st := p.Clone().(*stage.Pattern)
		st.Measures = measures(want)
		return st, nil
	}
	n.plain = func(out string) (string, bool) { return out, !isMeasure(out) }
	n.needs = func(want columns) columns {
		var need columns
		if p.AllRows {
			need.all = want.all
			for name := range want.names {
				if !isMeasure(name) {
					need.add(name)
				}
			}
		}
		need.add(p.By...)
		need.add(p.Time)
		for _, k := range p.Then {
			exprColumns(k.Expr, &need)
		}
		for _, d := range p.Define {
			exprColumns(d.Cond, &need)
		}
		for _, m := range measures(want) {
			exprColumns(m.Expr, &need)
		}
		return need
	}
	out, err := derive(n, in)
	if err != nil {
		at := f.Pattern.Range()
		for _, d := range f.Define {
			if strings.HasPrefix(toError(err).Msg, "pattern: DEFINE "+strings.ToUpper(d.Var.Name)+":") {
				at = d.Cond.Range()
			}
		}
		return nil, s.coded(at, "AS1409", err)
	}
	switch ttl := p.TTL; {
	case p.Within > 0:
		n.notes = append(n.notes, "state: rows of open matches, "+p.Within.String()+" at most")
	case in.bounded:
		n.notes = append(n.notes, "state: rows of open matches of a bounded input")
	default:
		what := "the open matches"
		if len(p.By) > 0 {
			what += " of every " + strings.Join(p.By, ", ")
		}
		note, err := s.bound(keeps{what: what, way: "bound them with WITHIN", ttl: ttl, at: f.Pattern.Range()})
		if err != nil {
			return nil, err
		}
		n.notes = append(n.notes, note)
	}
	return out, nil
}

// matchText describes a pattern in EXPLAIN.
func matchText(p *stage.Pattern, f *syntax.Match) string {
	o := overSpec{by: p.By, order: append([]stage.SortKey{{Expr: expr.Col{Name: p.Time}}}, p.Then...)}
	text := "(" + syntax.Text(f.Pattern) + ") " + o.text()
	if p.Within > 0 {
		text += " within " + p.Within.Round(time.Microsecond).String()
	}
	rows := ", one row per match"
	if p.AllRows {
		rows = ", all rows per match"
	}
	return text + rows + []string{"", ", skip to next row", ", skip to first " + p.Skip.Var, ", skip to last " + p.Skip.Var}[p.Skip.To]
}
