package sql

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/window"
)

// onError is what ON ERROR says about the rows of a table that cannot be decoded,
// or the rows that a node cannot compute something of. A table is read once, so it
// holds for all queries that read it.
type onError struct {
	policy arrowstream.OnError
	to     []string // tables of the dead letters
}

// text is the policy of n for EXPLAIN.
func (o *onError) text(n *node) string {
	what := "rows that cannot be decoded"
	if n.table == nil {
		what = "rows that cannot be computed"
	}
	switch {
	case o.policy.Policy == arrowstream.SkipBadRow:
		return what + ": skipped and counted"
	case o.policy.Policy == arrowstream.FailOnBadRow:
		return what + ": end the job"
	}
	text := what + ": dead letters to " + strings.Join(o.to, ", ")
	if o.policy.Limit > 0 {
		text += fmt.Sprintf(", at most %d", o.policy.Limit)
	}
	if o.policy.Rate > 0 {
		text += fmt.Sprintf(", at most %g of the last 10,000 rows", o.policy.Rate)
	}
	return text
}

// onError applies ON ERROR of a query to the tables that n reads, and to what is
// computed of their rows up to n.
func (s *session) onError(n *node, c syntax.StreamClauses) error {
	if c.OnError == "" {
		return nil
	}
	o, err := s.errorPolicy(c)
	if err != nil {
		return err
	}
	var parts []*node
	tables := false
	n.walk(map[*node]bool{}, func(n *node) {
		tables = tables || n.table != nil && n.kind != "values"
		if err == nil {
			var bad []*node
			bad, err = s.failing(n)
			parts = append(parts, bad...)
		}
	})
	if err != nil {
		return err
	}
	if len(parts) == 0 && !tables {
		return s.src.Error(c.At, "AS1406", "a query that reads a table may have such rows", "ON ERROR: no table of this query has rows that cannot be decoded")
	}
	for _, part := range parts {
		if err := s.partOnError(part, o, c); err != nil {
			return err
		}
	}
	return nil
}

// failing is n if there may be rows that it cannot decode or compute something
// of. For a node that remembers the rows of its aggregates that is a new one in
// front of it, unless it has it already.
func (s *session) failing(n *node) ([]*node, error) {
	switch {
	case n.table != nil:
		if onErrorOption(n.table.source) != nil || len(n.table.computed) > 0 {
			return []*node{n}, nil
		}
	case len(n.aggs) > 0 && n.in[0].kind != "check":
		check, fails, err := checkNode(n.in[0], n.aggs)
		if err != nil || !fails {
			return nil, err
		}
		n.in[0] = check
		return []*node{check}, nil
	case n.build != nil:
		st, err := n.build(columns{all: true})
		if err != nil {
			return nil, err
		}
		if row, ok := st.(arrowstream.Rowwise); ok {
			_, err := st.Bind(n.in[0].schema, trial)
			if err == nil && row.Fails() {
				return []*node{n}, nil
			}
			return nil, err
		}
	}
	return nil, nil
}

// checkNode passes the rows of in that aggs can be computed of, and reports
// whether there may be others.
func checkNode(in *node, aggs []window.Agg) (*node, bool, error) {
	check := &stage.Check{Aggs: aggs}
	if _, err := check.Bind(in.schema, trial); err != nil {
		return nil, false, err
	}
	n := &node{kind: "check", detail: groupText(nil, aggs), plain: same, rowwise: true, passes: true}
	n.build = func(columns) (arrowstream.Stage, error) { return &stage.Check{Aggs: aggs}, nil }
	need := aggNeeds(nil, aggs)(columns{})
	n.needs = func(want columns) columns {
		want.merge(need)
		return want
	}
	n, err := derive(n, in)
	return n, check.Fails(), err
}

// errorPolicy reads the clause.
func (s *session) errorPolicy(c syntax.StreamClauses) (o arrowstream.OnError, err error) {
	switch c.OnError {
	case "SKIP":
		o.Policy = arrowstream.SkipBadRow
	case "DEAD LETTER":
		o.Policy = arrowstream.DeadLetterBadRow
	}
	if c.Limit != nil {
		if o.Limit, err = s.count(c.Limit, "LIMIT"); err == nil && o.Limit == 0 {
			err = s.src.Error(c.Limit.Range(), "AS1101", "write ON ERROR FAIL", "a LIMIT of no dead letters")
		}
	}
	if c.Rate != nil {
		n, ok := c.Rate.(*syntax.Number)
		if ok {
			o.Rate, err = strconv.ParseFloat(strings.ReplaceAll(n.Text, "_", ""), 64)
		}
		if !ok || err != nil || o.Rate <= 0 || o.Rate > 1 {
			err = s.src.Error(c.Rate.Range(), "AS1101", "write RATE 0.01 for one row of a hundred", "RATE wants a fraction from 0 to 1, not "+syntax.Text(c.Rate))
		}
	}
	return o, err
}

// partOnError applies a policy to one table, or to a node that computes.
func (s *session) partOnError(n *node, o arrowstream.OnError, c syntax.StreamClauses) error {
	what := "what " + n.kind + " cannot compute"
	if t := n.table; t != nil {
		what = fmt.Sprintf("the rows of table %q that cannot be decoded", t.name)
		if option := onErrorOption(t.source); c.OnError == "FAIL" && option != nil && *option != arrowstream.FailOnBadRow {
			return s.src.Error(c.At, "AS1406", "keep one of them", fmt.Sprintf("ON ERROR FAIL, but an option of table %q says otherwise", t.name))
		}
	}
	if n.onError == nil {
		n.onError = &onError{policy: o}
		s.decided = append(s.decided, n)
	} else if n.onError.policy != o {
		return s.src.Error(c.At, "AS1406", "a table is read once: say the same in every query", "another query says something else about "+what)
	}
	first := slices.Contains(s.decided, n)
	if c.DeadTo == nil || slices.Contains(n.onError.to, c.DeadTo.Last()) || s.explaining && !first {
		return nil
	}
	n.onError.to = append(n.onError.to, c.DeadTo.Last())
	if s.explaining {
		return nil
	}
	dead, err := derive(&node{kind: "side output", detail: "bad rows", side: arrowstream.Errors}, n)
	if err != nil {
		return err
	}
	return s.insertNode(dead, *c.DeadTo, "", c.DeadTo.Span, nil, syntax.StreamClauses{})
}

// onErrorOption is the option of a source for rows that it cannot decode; nil
// if there are none.
func onErrorOption(src arrowstream.Source) *arrowstream.BadRow {
	v := reflect.ValueOf(src)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return nil
	}
	for i := range v.Elem().NumField() {
		if f := v.Elem().Field(i); f.CanAddr() && f.CanInterface() {
			if option, ok := f.Addr().Interface().(*arrowstream.BadRow); ok {
				return option
			}
		}
	}
	return nil
}
