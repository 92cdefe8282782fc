package sql

import (
	"fmt"
	"strings"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// String prints the plan as trees, one for each output. A node that several
// others read is printed once and referred to by its number.
func (p *plan) String() string { return p.text(nil) }

// text is String with what the operators did in a run.
func (p *plan) text(ran *arrowstream.Summary) string {
	e := &explainer{ran: ran, number: map[*node]int{}, users: map[*node]int{}, estimates: estimates{}}
	for _, r := range p.roots {
		e.users[r.node]++
	}
	for _, n := range p.order {
		for _, in := range n.in {
			e.users[in]++
		}
	}
	for _, r := range p.roots {
		depth := 0
		if r.out != nil {
			fmt.Fprintf(&e.sb, "sink %s\n", r.out.info())
			if sink, err := p.sink(r); err == nil && ran == nil {
				g, why := arrowstream.SinkGuarantee(sink)
				e.delivers("", g, why)
			}
			depth = 1
		}
		e.print(r.node, depth)
	}
	return e.sb.String()
}

type explainer struct {
	sb     strings.Builder
	ran    *arrowstream.Summary // nil if the plan was not run
	number map[*node]int        // of nodes with several users, once printed
	users  map[*node]int
	estimates
}

func (e *explainer) print(n *node, depth int) {
	indent := strings.Repeat("  ", depth)
	if i, ok := e.number[n]; ok {
		fmt.Fprintf(&e.sb, "%s#%d (above)\n", indent, i)
		return
	}
	mark := ""
	if e.users[n] > 1 {
		e.number[n] = len(e.number) + 1
		mark = fmt.Sprintf("#%d ", e.number[n])
	}
	fmt.Fprintf(&e.sb, "%s%s%s", indent, mark, n.kind)
	if n.detail != "" {
		fmt.Fprintf(&e.sb, " %s", n.detail)
	}
	if columnar.Changelog(n.schema) {
		e.sb.WriteString(" [changelog]")
	}
	e.sb.WriteString(e.estimates.text(n))
	e.sb.WriteString("\n")
	if t := n.table; t != nil && t.connector != nil {
		fmt.Fprintf(&e.sb, "%s  - %s\n", indent, t.describe(n))
		if t.source != nil {
			g, why := arrowstream.SourceGuarantee(t.source)
			e.delivers(indent, g, why)
		}
	}
	if n.onError != nil {
		fmt.Fprintf(&e.sb, "%s  - %s\n", indent, n.onError.text(n))
	}
	if len(n.pushed) > 0 {
		var text []string
		for _, q := range n.pushed {
			text = append(text, q.text)
		}
		fmt.Fprintf(&e.sb, "%s  - pushed down: %s\n", indent, strings.Join(text, ", "))
	}
	for _, note := range n.notes {
		fmt.Fprintf(&e.sb, "%s  - %s\n", indent, note)
	}
	if m, ok := n.ran(e.ran); ok {
		fmt.Fprintf(&e.sb, "%s  - ran: %s\n", indent, ranText(n, m))
	}
	for _, in := range n.in {
		e.print(in, depth+1)
	}
}

// delivers prints what a source or a sink guarantees.
func (e *explainer) delivers(indent string, g arrowstream.Guarantee, why string) {
	fmt.Fprintf(&e.sb, "%s  - with --state %s: %s\n", indent, g, why)
}

// describe is the connector, the bound and the watermark of a scan.
func (t *table) describe(n *node) string {
	parts := []string{t.connector.Name}
	if i := (&output{name: t.name, table: t}).info(); i.Target != "" {
		parts[0] += " " + i.Target
	}
	if n.bounded {
		parts = append(parts, "bounded")
	} else {
		parts = append(parts, "unbounded")
	}
	if t.eventTime != "" {
		parts = append(parts, fmt.Sprintf("watermark %s - %s", t.eventTime, t.delay))
	}
	return strings.Join(parts, "; ")
}

// explain runs EXPLAIN: it plans the statement without running it.
func (s *session) explain(st *syntax.Explain) error {
	p := &plan{s: s}
	s.explaining, s.decided = true, nil
	defer func() {
		s.explaining = false
		for _, n := range s.decided {
			n.onError = nil // it is the statement that runs which decides
		}
	}()
	add := func(q *syntax.Query, out *output) error {
		n, err := s.query(q, nil)
		if err == nil {
			p.roots = append(p.roots, &root{n, out})
		}
		return err
	}
	insert := func(ins *syntax.Insert) error {
		out := &output{name: ins.Path}
		if len(ins.Table.Parts) > 0 {
			out.name = s.key(ins.Table)
			out.table, _, _ = s.catalog.tables.find(out.name)
		} else if t, err := s.file(ins.Path, ins.TableAt); err == nil {
			out.table = t
		}
		if err := add(ins.Query, out); err != nil || out.table == nil {
			return err
		}
		var err error
		if out.table, err = s.hinted(out.table, ins.Hints, ins.TableAt); err != nil {
			return err
		}
		r := p.roots[len(p.roots)-1]
		n, err := s.fitted(r.node, out.table, ins.Columns, ins.TableAt)
		if err == nil {
			n, err = s.outputMode(n, out.table, ins.Query.Stream, ins.TableAt)
		}
		if err == nil {
			r.node, err = s.compacted(n, out.table, ins.TableAt)
		}
		return err
	}
	var err error
	switch x := st.Stmt.(type) {
	case *syntax.QueryStatement:
		if err = add(x.Query, &output{name: "result"}); err == nil {
			r := p.roots[len(p.roots)-1]
			r.node, err = s.outputMode(r.node, &table{}, x.Query.Stream, x.Span)
		}
	case *syntax.Insert:
		err = insert(x)
	case *syntax.StatementSet:
		for _, ins := range x.Inserts {
			if err == nil {
				err = insert(ins)
			}
		}
	case *syntax.CreateStream:
		err = insert(x.Insert)
	case *syntax.CreateView:
		err = add(x.Query, nil)
	case *syntax.CreateModel:
		if x.Query != nil {
			err = add(x.Query, nil)
		}
	default:
		err = s.refusedStatement(st.Stmt)
	}
	if err != nil {
		return err
	}
	seen := map[*node]bool{}
	for _, r := range p.roots {
		r.node.walk(seen, func(n *node) { p.order = append(p.order, n) })
	}
	if err := p.unranked(); err != nil {
		return err
	}
	p.share()
	defer p.unshare()
	p.push()
	text := p.String()
	if st.Format == "JSON" {
		text = p.json(nil)
	}
	if st.Analyze {
		return s.analyze(st, p)
	}
	s.results = append(s.results, Result{Title: syntax.Text(st), Text: text})
	return nil
}
