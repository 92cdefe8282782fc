package sql

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// with is the chain of WITH names that a query sees.
type with struct {
	tables names[*table]
	outer  *with
}

func (w *with) find(name string) *table {
	for ; w != nil; w = w.outer {
		if t, ok, _ := w.tables.find(name); ok {
			return t
		}
	}
	return nil
}

// relation is a table in FROM: its rows, the names it gives them and, for a
// window function, the window that was not made yet.
type relation struct {
	node   *node
	scope  *scope
	table  string // alias of a single table
	at     syntax.Span
	window *windowSpec
}

// query plans a query; its outputs have unique names.
func (s *session) query(q *syntax.Query, outer *with) (*node, error) { return s.queryIn(q, outer, nil) }

// queryIn plans a query in an expression of another one, whose columns it sees;
// corr is nil for a query that stands on its own.
func (s *session) queryIn(q *syntax.Query, outer *with, corr *correlation) (*node, error) {
	env := outer
	if len(q.With) > 0 {
		env = &with{tables: names[*table]{}, outer: outer}
		for _, c := range q.With {
			if _, twice := env.tables[c.Name.Name]; twice {
				return nil, s.src.Error(c.Name.Span, "AS1502", "use another name", fmt.Sprintf("query %q is written twice in WITH", c.Name.Name))
			}
			seen := &with{tables: maps.Clone(env.tables), outer: outer}
			env.tables[c.Name.Name] = &table{name: c.Name.Name, at: c.Name.Span, view: c.Query, viewColumns: c.Columns, scope: seen}
		}
	}
	p := &block{s: s, env: env, order: q.OrderBy, clauses: q.Stream, corr: corr}
	n, err := p.body(q.Body)
	if err != nil {
		return nil, err
	}
	if corr != nil && len(corr.on) > 0 {
		if q.Limit != nil || q.Offset != nil {
			return nil, p.undecorrelated(q, "LIMIT")
		}
		return n, nil
	}
	if err := s.onError(n, q.Stream); err != nil {
		return nil, err
	}
	emits := q.Stream
	emits.OnError = ""
	if (n.updating() || n.bounded) && (emits.Emit == syntax.EmitOnUpdate || emits.Emit == syntax.EmitPeriodic) {
		emits.Emit, emits.Every = syntax.EmitDefault, nil // as it does, or at times
	}
	if !emits.Empty() && !p.emitted {
		return nil, s.src.Error(q.Stream.At, "AS1406", "these clauses belong to a query with a window and an aggregate", "there is no window here whose results could be emitted")
	}
	if n, err = p.finish(n, q); err != nil {
		return nil, err
	}
	return p.periodic(n)
}

// block plans one SELECT with its ORDER BY and streaming clauses.
type block struct {
	s       *session
	env     *with
	order   []syntax.Order
	clauses syntax.StreamClauses
	emitted bool // the clauses were used by a window
	// broadcast and ttlHints are the hints BROADCAST and STATE_TTL of the block,
	// uid is the name that its hint UID gives the operators of it in the state.
	broadcast []syntax.Hint
	ttlHints  []syntax.Hint
	uid       string
	corr      *correlation

	stateTTL map[string]time.Duration // by table in lower case, of the hints
	computed map[string]string        // columns of PARTITION BY, by their text
	scored   map[string]string        // columns of PREDICT, by model and features

	sortKeys []sortKey // columns of the result to sort by
	hidden   int       // number of columns at the end that only sort
}

// body plans a SELECT or set operation.
func (p *block) body(b syntax.Body) (*node, error) {
	switch b := b.(type) {
	case *syntax.Select:
		return p.selectBlock(b)
	case *syntax.Query:
		n, err := p.s.queryIn(b, p.env, p.corr)
		if err != nil {
			return nil, err
		}
		return n, p.orderByOutput(n)
	case *syntax.Values:
		n, err := p.s.values(b)
		if err != nil {
			return nil, err
		}
		return n, p.orderByOutput(n)
	case *syntax.Union:
		n, err := p.setOperation(b)
		if err != nil {
			return nil, err
		}
		return n, p.orderByOutput(n)
	}
	return nil, p.s.src.Error(b.Range(), "AS1103", "", "this query is not supported yet")
}

// finish sorts and limits a planned block.
func (p *block) finish(n *node, q *syntax.Query) (*node, error) {
	limit, offset := int64(-1), int64(0)
	var err error
	if q.Limit != nil {
		if limit, err = p.s.count(q.Limit, "LIMIT"); err != nil {
			return nil, err
		}
	}
	if q.Offset != nil {
		if offset, err = p.s.count(q.Offset, "OFFSET"); err != nil {
			return nil, err
		}
	}
	switch {
	case len(p.sortKeys) > 0 && !n.bounded:
		at := q.OrderBy[0].X.Range()
		if limit < 1 || offset > 0 {
			return nil, p.s.src.Error(at, "AS1405", "add LIMIT, sort inside a window, or read a bounded table", "ORDER BY on a stream that does not end")
		}
		if n, err = topNode(n, p.sortKeys, limit); err != nil {
			return nil, p.s.coded(at, "AS1405", err)
		}
	case len(p.sortKeys) > 0:
		if n, err = settled(n); err != nil {
			return nil, p.s.coded(q.OrderBy[0].X.Range(), "AS1406", err)
		}
		if n, err = sortNode(n, p.sortKeys, limit, offset); err != nil {
			return nil, p.s.coded(q.OrderBy[0].X.Range(), "AS1405", err)
		}
	case limit >= 0 || offset > 0:
		at := q.Limit
		if at == nil {
			at = q.Offset
		}
		if n.updating() && !n.bounded {
			return nil, p.s.src.Error(at.Range(), "AS1405", "add ORDER BY", "LIMIT of rows that are updated, without an order")
		}
		if n, err = settled(n); err != nil {
			return nil, p.s.coded(at.Range(), "AS1406", err)
		}
		if n, err = limitNode(n, limit, offset); err != nil {
			return nil, p.s.coded(at.Range(), "AS1405", err)
		}
	}
	if p.hidden > 0 {
		names := visibleNames(n.schema)
		return projectNode(n, passColumns(names[:len(names)-p.hidden]))
	}
	return n, nil
}

// count is a constant number of rows.
func (s *session) count(e syntax.Expr, clause string) (int64, error) {
	if n, ok := e.(*syntax.Number); ok {
		if v, err := strconv.ParseInt(strings.ReplaceAll(n.Text, "_", ""), 10, 64); err == nil {
			return v, nil
		}
	}
	return 0, s.src.Error(e.Range(), "AS1101", "write a whole number", clause+" wants a number of rows, not "+syntax.Text(e))
}

// orderByOutput resolves ORDER BY over the outputs of a set operation.
func (p *block) orderByOutput(n *node) error {
	for _, o := range p.order {
		name, ok := p.outputName(o.X, columnar.Names(n.schema))
		if !ok {
			return p.s.src.Error(o.X.Range(), "AS1203", "name a column of the result or its number", "ORDER BY "+syntax.Text(o.X)+" is no column of the result")
		}
		p.sortKeys = append(p.sortKeys, newSortKey(name, o))
	}
	return nil
}

// outputName is the output that an ORDER BY or GROUP BY item names by its name
// or number.
func (p *block) outputName(e syntax.Expr, names []string) (string, bool) {
	switch e := e.(type) {
	case *syntax.Number:
		if i, err := strconv.Atoi(e.Text); err == nil && i >= 1 && i <= len(names) {
			return names[i-1], true
		}
	case *syntax.Column:
		if len(e.Parts) == 1 {
			for _, n := range names {
				if n == e.Parts[0].Name {
					return n, true
				}
			}
			for _, n := range names {
				if strings.EqualFold(n, e.Parts[0].Name) {
					return n, true
				}
			}
		}
	}
	return "", false
}
