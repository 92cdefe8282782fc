package window_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"go.uber.org/goleak"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/window"
)

var clickSchema = columnar.WithEventTime(arrow.NewSchema([]arrow.Field{
	{Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Millisecond}},
	{Name: "user", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "x", Type: arrow.PrimitiveTypes.Float64},
}, nil), "ts")

// clicks is a source of two partitions whose rows are out of order by up to
// two seconds.
type clicks struct{ rows int }

func (s clicks) Schema() (*arrow.Schema, error) { return clickSchema, nil }
func (s clicks) Bounded() bool                  { return true }
func (s clicks) Open(_ context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	return []arrowstream.Partition{&clickPart{s: s, env: env, seed: 1}, &clickPart{s: s, env: env, seed: 2}}, nil
}

type clickPart struct {
	s    clicks
	env  arrowstream.SourceEnv
	next int
	seed uint64
}

func (p *clickPart) Read(context.Context) (arrowstream.Batch, error) {
	if p.next == p.s.rows {
		return nil, io.EOF
	}
	rb := array.NewRecordBuilder(p.env.Allocator, clickSchema)
	defer rb.Release()
	for range min(p.env.BatchRows, p.s.rows-p.next) {
		p.seed = p.seed*6364136223846793005 + 1442695040888963407
		r := p.seed >> 20
		rb.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(int64(p.next)*5 - int64(r%2000)))
		if user := r / 2000 % 40; user == 0 {
			rb.Field(1).AppendNull()
		} else {
			rb.Field(1).(*array.StringBuilder).Append(fmt.Sprintf("user-%d", user))
		}
		rb.Field(2).(*array.Float64Builder).Append(float64(r%1000) / 7)
		p.next++
	}
	return rb.NewRecord(), nil
}

func (p *clickPart) Close() error { return nil }

type textSink struct{ sb *strings.Builder }

func (s textSink) Bind(*arrow.Schema, arrowstream.Env) error { return nil }
func (s textSink) Write(_ context.Context, b arrowstream.Batch) error {
	for _, row := range columnartest.Rows(b) {
		s.sb.WriteString(row + "\n")
	}
	return nil
}
func (s textSink) Flush(context.Context) error { return nil }
func (s textSink) Close() error                { return nil }

// TestPipeline runs windows over windows in a pipeline: the rows do not depend
// on the number of workers or the size of batches.
func TestPipeline(t *testing.T) {
	defer goleak.VerifyNone(t)
	sum := window.Agg{Name: "s", Func: "sum", Args: []expr.Expr{col("x")}}
	run := func(workers, batch int) string {
		var sb strings.Builder
		p := arrowstream.New(arrowstream.Options{Workers: workers, BatchRows: batch, TickRows: 1024, Allocator: columnartest.Allocator(t)})
		in := p.From("clicks", clicks{rows: 20_000}).Via(&stage.Filter{Where: call("gt", col("x"), expr.Lit{Value: 1.0})})
		hops := in.Via(&window.Hopping{Size: 10 * time.Second, Slide: 3 * time.Second, By: []string{"user"}, Aggs: []window.Agg{countAll, sum}})
		hops.Via(&window.Regroup{Aggs: []window.Agg{{Name: "users", Func: "count"}, {Name: "most", Func: "max", Args: []expr.Expr{col("n")}}, {Name: "total", Func: "sum", Args: []expr.Expr{col("s")}}}}).
			To(textSink{&sb})
		var users, sessions, count strings.Builder
		hops.To(textSink{&users})
		in.Via(&window.Session{Gap: 200 * time.Millisecond, By: []string{"user"}, Aggs: []window.Agg{countAll, sum}}).To(textSink{&sessions})
		in.Via(&window.Count{Rows: 50, Step: 20, By: []string{"user"}, Aggs: []window.Agg{sum}}).To(textSink{&count})
		if _, err := p.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		return strings.Join([]string{sb.String(), users.String(), sessions.String(), count.String()}, "\n")
	}
	want := run(1, 0)
	if n := strings.Count(want, "\n"); n < 3000 {
		t.Fatalf("only %d rows:\n%s", n, want)
	}
	for _, c := range [][2]int{{1, 7}, {2, 0}, {3, 0}, {4, 100}, {8, 7}} {
		if d := columnartest.Diff(run(c[0], c[1]), want); d != "" {
			t.Errorf("%d workers, batches of %d rows:\n%s", c[0], c[1], d)
		}
	}
}

func call(name string, args ...expr.Expr) expr.Expr { return expr.Call{Name: name, Args: args} }
