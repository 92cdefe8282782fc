package sql

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// onError is what ON ERROR says about the rows of a table that cannot be
// decoded. A table is read once, so it holds for all queries that read it.
type onError struct {
	policy arrowstream.OnError
	to     []string // tables of the dead letters
}

// text is the policy for EXPLAIN.
func (o *onError) text() string {
	switch {
	case o.policy.Policy == arrowstream.SkipBadRow:
		return "rows that cannot be decoded: skipped and counted"
	case o.policy.Policy == arrowstream.FailOnBadRow:
		return "rows that cannot be decoded: end the job"
	}
	text := "rows that cannot be decoded: dead letters to " + strings.Join(o.to, ", ")
	if o.policy.Limit > 0 {
		text += fmt.Sprintf(", at most %d", o.policy.Limit)
	}
	if o.policy.Rate > 0 {
		text += fmt.Sprintf(", at most %g of the last 10,000 rows", o.policy.Rate)
	}
	return text
}

// onError applies ON ERROR of a query to the tables that n reads.
func (s *session) onError(n *node, c syntax.StreamClauses) error {
	if c.OnError == "" {
		return nil
	}
	o, err := s.errorPolicy(c)
	if err != nil {
		return err
	}
	var scans []*node
	n.walk(map[*node]bool{}, func(n *node) {
		if n.table != nil && onErrorOption(n.table.source) != nil {
			scans = append(scans, n)
		}
	})
	if len(scans) == 0 {
		return s.src.Error(c.At, "AS1406", "only tables of text or messages have such rows: csv, json, libsvm, kafka, socket", "ON ERROR: no table of this query has rows that cannot be decoded")
	}
	for _, scan := range scans {
		if err := s.scanOnError(scan, o, c); err != nil {
			return err
		}
	}
	return nil
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

// scanOnError applies a policy to one table.
func (s *session) scanOnError(scan *node, o arrowstream.OnError, c syntax.StreamClauses) error {
	t := scan.table
	if option := onErrorOption(t.source); c.OnError == "FAIL" && *option != arrowstream.FailOnBadRow {
		return s.src.Error(c.At, "AS1406", "keep one of them", fmt.Sprintf("ON ERROR FAIL, but an option of table %q says otherwise", t.name))
	}
	if scan.onError == nil {
		scan.onError = &onError{policy: o}
		s.decided = append(s.decided, scan)
	} else if scan.onError.policy != o {
		return s.src.Error(c.At, "AS1406", "a table is read once: say the same in every query", fmt.Sprintf("another query says something else about the rows of table %q that cannot be decoded", t.name))
	}
	first := slices.Contains(s.decided, scan)
	if c.DeadTo == nil || slices.Contains(scan.onError.to, c.DeadTo.Last()) || s.explaining && !first {
		return nil
	}
	scan.onError.to = append(scan.onError.to, c.DeadTo.Last())
	if s.explaining {
		return nil
	}
	dead, err := derive(&node{kind: "side output", detail: "rows that cannot be decoded", side: arrowstream.Errors}, scan)
	if err != nil {
		return err
	}
	return s.insertNode(dead, *c.DeadTo, "", c.DeadTo.Span, nil)
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
