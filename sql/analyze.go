package sql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// analyze runs EXPLAIN ANALYZE for the plan p of the statement: the answer runs
// the statement after what was declared before it, as a program of its own that
// writes nothing and keeps no state.
func (s *session) analyze(st *syntax.Explain, p *plan) error {
	var limit time.Duration
	if st.For != nil {
		var err error
		if limit, err = s.duration(st.For, "FOR"); err != nil {
			return err
		}
	}
	for _, n := range p.order {
		if n.table != nil && !n.bounded && limit == 0 {
			return s.src.Error(st.Span, "AS1405", "write EXPLAIN ANALYZE FOR 10 SECONDS ...", fmt.Sprintf("EXPLAIN ANALYZE of %s, which does not end", n.table.name))
		}
	}
	analyzed := ""
	if m, ok := st.Stmt.(*syntax.CreateModel); ok {
		analyzed = s.key(m.Name)
	}
	statements := append(slices.Clone(s.before), measured(st.Stmt))
	s.results = append(s.results, Result{Title: syntax.Text(st), Text: p.String(), Analyze: func(ctx context.Context) (string, error) {
		opts := s.opts
		opts.Sink = func(string) (arrowstream.Sink, error) { return discard{}, nil }
		opts.Save = func(string) string { return "" }
		opts.Pipeline.State, opts.Pipeline.Record, opts.Pipeline.Progress = nil, false, nil
		run := &Program{session: newSession(s.src, opts)}
		run.session.analyzing = true
		run.session.analyzed = analyzed
		defer run.Close()
		if err := run.prepare(statements); err != nil {
			return "", err
		}
		if limit > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, limit)
			defer cancel()
		}
		sum, err := run.Run(ctx)
		if err != nil && (limit == 0 || !errors.Is(err, context.DeadlineExceeded)) {
			return "", err
		}
		return run.plan.measured(st.Format, sum), nil
	}})
	return nil
}

// measured is the statement that is run for one that is explained: the query of
// a view.
func measured(st syntax.Statement) syntax.Statement {
	if v, ok := st.(*syntax.CreateView); ok {
		return &syntax.QueryStatement{Span: v.Span, Query: v.Query}
	}
	return st
}

// declares reports whether a statement is of those that others are planned
// after: declarations, settings, and rows for tables inside the script.
func (s *session) declares(st syntax.Statement) bool {
	switch st := st.(type) {
	case *syntax.CreateTable, *syntax.CreateView, *syntax.CreateModel, *syntax.CreateFunction, *syntax.Set, *syntax.Reset, *syntax.Drop,
		*syntax.CreateScan, *syntax.CreateDatabase, *syntax.Use, *syntax.Alter:
		return true
	case *syntax.Insert:
		if len(st.Table.Parts) == 0 {
			return false
		}
		t, ok, _ := s.catalog.tables.find(s.key(st.Table))
		return ok && t.connector == nil
	}
	return false
}

// discard takes rows and forgets them.
type discard struct{}

var _ interface {
	arrowstream.Sink
	arrowstream.Updating
} = discard{}

// Takes implements [arrowstream.Updating].
func (discard) Takes() arrowstream.Delivery { return arrowstream.Changelog }

// Bind implements [arrowstream.Sink].
func (discard) Bind(*arrow.Schema, arrowstream.Env) error { return nil }

// Write implements [arrowstream.Sink].
func (discard) Write(context.Context, arrowstream.Batch) error { return nil }

// Flush implements [arrowstream.Sink].
func (discard) Flush(context.Context) error { return nil }

// Close implements [arrowstream.Sink].
func (discard) Close() error { return nil }
