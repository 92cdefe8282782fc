package sql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
)

// inserted is n with a column of changes: every row is inserted.
func inserted(n *node) (*node, error) {
	if n.updating() {
		return n, nil
	}
	in := n
	out := &node{kind: "insert", detail: "every row", rowwise: true, plain: same}
	out.build = func(want columns) (arrowstream.Stage, error) {
		cols := passColumns(want.list(in.schema))
		return projectStage(append(cols, outColumn{opColumn, expr.Lit{Value: int64(columnar.Insert), Type: arrow.PrimitiveTypes.Int8}})), nil
	}
	out.needs = func(want columns) columns { delete(want.names, opColumn); return want }
	return derive(out, in)
}

// settled is what is left of a changelog at its end.
func settled(n *node) (*node, error) {
	if !n.updating() {
		return n, nil
	}
	out := &node{kind: "settle", detail: "the changes"}
	out.build = func(columns) (arrowstream.Stage, error) { return &stage.Settle{}, nil }
	out.notes = append(out.notes, "state: the rows of a bounded input")
	return derive(out, n)
}

// updater is the operator nearest to the sources that makes n update rows.
func (n *node) updater() *node {
	for {
		i := slices.IndexFunc(n.in, (*node).updating)
		if i < 0 {
			return n
		}
		n = n.in[i]
	}
}

// appendOnly refuses an input that updates rows; what says who asks.
func (s *session) appendOnly(n *node, code, what string, at syntax.Span) error {
	if !n.updating() {
		return nil
	}
	return s.src.Error(at, code, "do it before the rows are updated, or let them be final: group by a window", fmt.Sprintf("%s takes appended rows only, but the %s below it updates rows", what, n.updater().operator()))
}

// operator names a node in an error.
func (n *node) operator() string {
	return strings.TrimSpace(n.kind + " " + n.detail)
}

// topNode keeps the first rows of an order of a stream that does not end.
func topNode(in *node, keys []sortKey, limit int64) (*node, error) {
	var text []string
	for _, k := range keys {
		text = append(text, k.String())
	}
	n := &node{kind: "top", detail: strings.Join(text, ", ") + limitText(limit, 0), plain: same, rows: atMost(limit, 0)}
	n.build = func(columns) (arrowstream.Stage, error) { return &stage.Top{OrderBy: stageKeys(keys), N: limit}, nil }
	n.needs = func(want columns) columns {
		for _, k := range keys {
			want.add(k.column)
		}
		return want
	}
	n.uniqueOf = in.unique
	if in.updating() {
		n.notes = append(n.notes, "state: all rows of the input")
	} else {
		n.notes = append(n.notes, fmt.Sprintf("state: %d rows", limit))
	}
	return derive(n, in)
}

// compacted is n as a sink with a key takes it: one change per key and tick. A
// warning tells when the key does not tell rows apart that the query updates on
// their own.
func (s *session) compacted(n *node, t *table, at syntax.Span) (*node, error) {
	if len(t.key) == 0 || !n.updating() {
		return n, nil
	}
	key, ok := n.unique()
	if !ok || !covered(key, t.key) {
		rows := "no columns of which are known to tell its rows apart"
		if ok {
			rows = "whose rows are told apart by " + strings.Join(key, ", ")
		}
		s.warn(at, "AS1406", "group by the key, or make the columns that tell the rows apart the PRIMARY KEY", fmt.Sprintf("PRIMARY KEY (%s) of table %q is not the key of the query, %s: rows of one key overwrite each other", strings.Join(t.key, ", "), t.name, rows))
		return n, nil
	}
	out := &node{kind: "compact", detail: "by " + strings.Join(t.key, ", "), plain: same}
	out.build = func(columns) (arrowstream.Stage, error) { return &stage.Compact{By: t.key}, nil }
	out.uniqueOf = keyed(t.key)
	out.notes = append(out.notes, "state: the changes of a tick")
	return derive(out, n)
}
