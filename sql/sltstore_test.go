package sql_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

// sltStore is a store in memory that outlives crashes, and what was published.
type sltStore struct {
	*iotest.Ledger
	mu    sync.Mutex
	sinks map[string]*sltOutput
}

func newSLTStore() *sltStore {
	return &sltStore{Ledger: iotest.NewLedger(), sinks: map[string]*sltOutput{}}
}

// sltOutput is what one sink was given, in order.
type sltOutput struct {
	mu     sync.Mutex
	schema *arrow.Schema
	rows   []string          // without the op column
	ops    []columnar.Change // nil if the rows are appended only
	last   arrowstream.Epoch
	looked int // rows that changes has shown
}

// output is the output of a sink, which outlives the runs.
func (s *sltStore) output(name string) *sltOutput {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sinks[name] == nil {
		s.sinks[name] = &sltOutput{}
	}
	return s.sinks[name]
}

var (
	_ arrowstream.Publisher = (*sltOutput)(nil)
	_ arrowstream.Updating  = (*sltOutput)(nil)
)

// Bind implements [arrowstream.Sink].
func (o *sltOutput) Bind(in *arrow.Schema, _ arrowstream.Env) error {
	o.schema = in
	return nil
}

// Write implements [arrowstream.Sink].
func (o *sltOutput) Write(_ context.Context, b arrowstream.Batch) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	rows, ops := sltRows(b)
	o.rows, o.ops = append(o.rows, rows...), append(o.ops, ops...)
	return nil
}

// Flush implements [arrowstream.Sink].
func (o *sltOutput) Flush(context.Context) error { return nil }

// Close implements [arrowstream.Sink].
func (o *sltOutput) Close() error { return nil }

// Takes implements [arrowstream.Updating].
func (o *sltOutput) Takes() arrowstream.Delivery { return arrowstream.Changelog }

// Claim implements [arrowstream.Publisher].
func (o *sltOutput) Claim(context.Context, arrowstream.Publication) error { return nil }

// Publish implements [arrowstream.Publisher].
func (o *sltOutput) Publish(ctx context.Context, p arrowstream.Publication) error {
	if p.Epoch <= o.last {
		return nil
	}
	n := int64(0)
	for b, err := range p.Rows {
		if err != nil {
			return err
		}
		n += b.NumRows()
		err = o.Write(ctx, b)
		b.Release()
		if err != nil {
			return err
		}
	}
	if n != p.Count {
		return fmt.Errorf("epoch %d has %d rows, not %d", p.Epoch, n, p.Count)
	}
	o.last = p.Epoch
	return nil
}

// folded is the table that the changes amount to, in no order; for appended
// rows it is the rows, in order.
func (o *sltOutput) folded() ([]string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return foldRows(o.rows, o.ops)
}

func foldRows(rows []string, ops []columnar.Change) ([]string, error) {
	if len(ops) == 0 {
		return rows, nil
	}
	places := map[string][]int{}
	kept := make([]bool, len(rows))
	for i, row := range rows {
		key := zeroKey(row)
		if ops[i] == columnar.Insert || ops[i] == columnar.UpdateAfter {
			places[key], kept[i] = append(places[key], i), true
			continue
		}
		at := places[key]
		if len(at) == 0 {
			return nil, fmt.Errorf("change %d takes back %q, which is not there", i+1, row)
		}
		kept[at[len(at)-1]] = false
		places[key] = at[:len(at)-1]
	}
	var out []string
	for i, row := range rows {
		if kept[i] {
			out = append(out, row)
		}
	}
	return slices.Clip(out), nil
}

// zeroKey is row with its negative zeros made positive: they are equal.
func zeroKey(row string) string {
	cells := strings.Split(row, " ")
	for i, c := range cells {
		if c == "-0" {
			cells[i] = "0"
		}
	}
	return strings.Join(cells, " ")
}
