package arrowstream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"go.uber.org/goleak"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var schema = columnar.WithEventTime(arrow.NewSchema([]arrow.Field{
	{Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Microsecond}},
	{Name: "k", Type: arrow.PrimitiveTypes.Int64},
	{Name: "x", Type: arrow.PrimitiveTypes.Float64},
}, nil), "ts")

// numbers is a source of rows (ts = i*step, k = i mod keys, x = i/3), dealt to
// partitions in runs, read in batches of the size that the runtime asks for.
type numbers struct {
	rows, partitions, keys int
	live                   bool
	fail                   error // after the rows
	block                  bool  // after the rows, until closed
}

func (s *numbers) Schema() (*arrow.Schema, error) { return schema, nil }
func (s *numbers) Bounded() bool                  { return !s.live }

func (s *numbers) Open(_ context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	var parts []arrowstream.Partition
	for p := range max(s.partitions, 1) {
		parts = append(parts, &numbersPart{s: s, env: env, next: p * s.rows, end: (p + 1) * s.rows, closed: make(chan struct{})})
	}
	return parts, nil
}

type numbersPart struct {
	s         *numbers
	env       arrowstream.SourceEnv
	next, end int
	closed    chan struct{}
	once      sync.Once
}

func (p *numbersPart) Read(ctx context.Context) (arrowstream.Batch, error) {
	if p.next == p.end {
		if p.s.fail != nil {
			return nil, p.s.fail
		}
		if p.s.block {
			select {
			case <-p.closed:
			case <-ctx.Done():
			}
		}
		return nil, io.EOF
	}
	n := min(p.env.BatchRows, p.end-p.next)
	b := array.NewRecordBuilder(p.env.Allocator, schema)
	defer b.Release()
	for i := p.next; i < p.next+n; i++ {
		b.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(i * 1000))
		b.Field(1).(*array.Int64Builder).Append(int64(i % max(p.s.keys, 1)))
		b.Field(2).(*array.Float64Builder).Append(float64(i) / 3)
	}
	p.next += n
	return b.NewRecord(), nil
}

func (p *numbersPart) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// collect is a sink that keeps the text of its rows.
type collect struct {
	mu      sync.Mutex
	rows    []string
	aborted error
	closed  bool
	slow    time.Duration
	onRows  func(n int)
}

func (c *collect) Bind(*arrow.Schema, arrowstream.Env) error { return nil }
func (c *collect) Write(_ context.Context, b arrowstream.Batch) error {
	time.Sleep(c.slow)
	c.mu.Lock()
	c.rows = append(c.rows, columnartest.Rows(b)...)
	n := len(c.rows)
	c.mu.Unlock()
	if c.onRows != nil {
		c.onRows(n)
	}
	return nil
}
func (c *collect) Flush(context.Context) error { return nil }
func (c *collect) Abort(cause error)           { c.aborted = cause }
func (c *collect) Close() error                { c.closed = true; return nil }

// perTick emits, at every Advance, one row per key with the running sum of x:
// state, order by key, floats that show every change of order.
type perTick struct {
	env  arrowstream.Env
	sums map[int64]float64
	held []byte

	finished bool
}

var perTickSchema = arrow.NewSchema([]arrow.Field{
	{Name: "k", Type: arrow.PrimitiveTypes.Int64}, {Name: "sum", Type: arrow.PrimitiveTypes.Float64}, {Name: "mark", Type: arrow.PrimitiveTypes.Int64},
}, nil)

func (s *perTick) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	s.env, s.sums = env, map[int64]float64{}
	return perTickSchema, nil
}

func (s *perTick) Process(_ context.Context, b arrowstream.Batch, _ arrowstream.Emit) error {
	if s.held == nil {
		s.held = s.env.Allocator.Allocate(64)
	}
	k, x := columnar.Values[int64](b.Column(1)), columnar.Values[float64](b.Column(2))
	for i := range k {
		s.sums[k[i]] += x[i]
	}
	return nil
}

func (s *perTick) Advance(_ context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	b := array.NewRecordBuilder(s.env.Allocator, perTickSchema)
	defer b.Release()
	var keys []int64
	for k := range s.sums {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		b.Field(0).(*array.Int64Builder).Append(k)
		b.Field(1).(*array.Float64Builder).Append(s.sums[k])
		b.Field(2).(*array.Int64Builder).Append(w.Event)
	}
	rec := b.NewRecord()
	defer rec.Release()
	return w, emit(rec)
}

// Close gives back the memory that Process took, to show that it is called.
func (s *perTick) Close() error {
	if s.held != nil {
		s.env.Allocator.Free(s.held)
		s.held = nil
	}
	return nil
}

func (s *perTick) Finish(context.Context) error {
	s.finished = true
	return nil
}

func (s *perTick) Counts() arrowstream.Counts {
	return arrowstream.Counts{StateRows: int64(len(s.sums)), Warning: "only a test"}
}

func (s *perTick) Clone() arrowstream.Stage { return &perTick{} }
func (s *perTick) Keys() []string           { return []string{"k"} }
func (s *perTick) Order() []string          { return []string{"k"} }

// oddX keeps rows with odd k; it has no state, so it may run as many instances.
type oddX struct{ env arrowstream.Env }

func (s *oddX) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	s.env = env
	return in, nil
}

func (s *oddX) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	for i, k := range columnar.Values[int64](b.Column(1)) {
		if k%2 == 1 {
			row := b.NewSlice(int64(i), int64(i+1))
			if err := emit(row); err != nil {
				return err
			}
			row.Release()
		}
	}
	return nil
}

func (s *oddX) Advance(_ context.Context, w arrowstream.Watermark, _ arrowstream.Emit) (arrowstream.Watermark, error) {
	return w, nil
}
func (s *oddX) Clone() arrowstream.Stage { return &oddX{} }
func (s *oddX) Keys() []string           { return nil }
func (s *oddX) Order() []string          { return nil }

// zip is a Join that emits what it gets, in the order it gets it.
type zip struct{}

func (zip) Bind(in []*arrow.Schema, _ arrowstream.Env) (*arrow.Schema, error) { return in[0], nil }
func (zip) Process(_ context.Context, _ int, b arrowstream.Batch, emit arrowstream.Emit) error {
	return emit(b)
}

func (zip) Advance(_ context.Context, w arrowstream.Watermark, _ arrowstream.Emit) (arrowstream.Watermark, error) {
	return w, nil
}

// run builds a pipeline over checked memory and runs it.
func run(t *testing.T, o arrowstream.Options, build func(p *arrowstream.Pipeline)) (*arrowstream.Summary, error) {
	t.Helper()
	mem := memory.NewCheckedAllocator(columnar.Pool)
	o.Allocator = mem
	p := arrowstream.New(o)
	build(p)
	s, err := p.Run(t.Context())
	mem.AssertSize(t, 0)
	return s, err
}

func TestResultsDoNotDependOnBatchesOrWorkers(t *testing.T) {
	var want []string
	for _, workers := range []int{1, 2, 3, 4, 8} {
		for _, batch := range []int{1, 7, 100, 4096} {
			sums, odd, chain, branch, both := &collect{}, &collect{}, &collect{}, &collect{}, &collect{}
			s, err := run(t, arrowstream.Options{Workers: workers, BatchRows: batch, TickRows: 128}, func(p *arrowstream.Pipeline) {
				in := p.From("numbers", &numbers{rows: 1000, partitions: 3, keys: 5})
				other := p.From("other", &numbers{rows: 300, keys: 3})
				in.Via(&perTick{}).To(sums)
				filtered := in.Via(&oddX{})
				filtered.To(odd)
				// Lanes run the first two; the third is read twice.
				third := in.Via(&oddX{}).Via(&oddX{}).Via(&oddX{})
				third.Via(&perTick{}).To(chain)
				third.Via(&oddX{}).Via(&oddX{}).To(branch)
				p.Join(zip{}, filtered.Merge(other, in), other.Via(&oddX{})).To(both)
			})
			if err != nil {
				t.Fatal(err)
			}
			if s.RowsIn != 3300 {
				t.Errorf("read %d rows", s.RowsIn)
			}
			got := slices.Concat(sums.rows, []string{"--"}, odd.rows, []string{"--"}, both.rows, []string{"--"}, chain.rows, []string{"--"}, branch.rows)
			if want == nil {
				want = got
				if len(odd.rows) != 3*1000*2/5 || len(both.rows) != len(odd.rows)+300+3000+100 {
					t.Fatalf("%d odd rows, %d joined", len(odd.rows), len(both.rows))
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("workers %d, batch %d:\n%s", workers, batch, columnartest.Diff(strings.Join(got, "\n"), strings.Join(want, "\n")))
			}
		}
	}
}

func TestWatermarkIsTheLeastOfThePartitions(t *testing.T) {
	// Partition 0 holds event times from 0 to 99 ms, partition 1 from 100 ms:
	// in turns of 50 rows the least maximum less the delay is known.
	sums := &collect{}
	_, err := run(t, arrowstream.Options{Workers: 1, TickRows: 50}, func(p *arrowstream.Pipeline) {
		p.From("n", &numbers{rows: 100, partitions: 2}, arrowstream.EventTime{Column: "ts", Delay: 10 * time.Millisecond}).Via(&perTick{}).To(sums)
	})
	if err != nil {
		t.Fatal(err)
	}
	var marks []string
	for _, r := range sums.rows {
		marks = append(marks, strings.Fields(r)[2])
	}
	none, end := fmt.Sprint(arrowstream.NoEventTime), fmt.Sprint(arrowstream.EndOfTime)
	// The third tick ends partition 0, which then no longer counts.
	if want := []string{none, "39000", "139000", end}; !slices.Equal(marks, want) {
		t.Errorf("watermarks %v, want %v", marks, want)
	}
}

func TestLiveSourceEndsAndDrains(t *testing.T) {
	for _, workers := range []int{1, 2} {
		out := &collect{}
		_, err := run(t, arrowstream.Options{Workers: workers}, func(p *arrowstream.Pipeline) {
			p.From("n", &numbers{rows: 100, partitions: 2, live: true}).To(out)
		})
		if err != nil || len(out.rows) != 200 || !out.closed {
			t.Fatalf("live end: %v, %d rows", err, len(out.rows))
		}
		out = &collect{}
		marks, drained := &collect{}, &perTick{}
		_, err = run(t, arrowstream.Options{Workers: workers, Heartbeat: time.Millisecond}, func(p *arrowstream.Pipeline) {
			out.onRows = func(n int) {
				if n == 100 {
					p.Drain()
				}
			}
			s := p.From("n", &numbers{rows: 100, live: true, block: true})
			s.To(out)
			s.Via(drained).To(marks)
		})
		if !drained.finished {
			t.Error("a drained run ends well: its stages are finished")
		}
		if err != nil || len(out.rows) != 100 || out.aborted != nil {
			t.Fatalf("drain: %v, %d rows, aborted %v", err, len(out.rows), out.aborted)
		}
		for _, r := range marks.rows {
			if strings.HasSuffix(r, fmt.Sprint(arrowstream.EndOfTime)) {
				t.Fatal("a drained input has not ended: its windows stay open")
			}
		}
	}
}

// broken fails in the way it is told.
type broken struct {
	env arrowstream.Env
	how func(s *broken) error
}

func (s *broken) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	s.env = env
	return in, nil
}

func (s *broken) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	if err := emit(b); err != nil {
		return err
	}
	return s.how(s)
}

func (s *broken) Advance(_ context.Context, w arrowstream.Watermark, _ arrowstream.Emit) (arrowstream.Watermark, error) {
	return w, nil
}

func TestErrorsNameThePart(t *testing.T) {
	boom := errors.New("boom")
	for name, c := range map[string]struct {
		how  func(s *broken) error
		src  numbers
		want []string
	}{
		"error":  {how: func(*broken) error { return boom }, want: []string{"bad: boom"}},
		"panic":  {how: func(*broken) error { panic("ouch") }, want: []string{"bad: ", "panic: ouch", "AS9001"}},
		"memory": {how: func(s *broken) error { s.env.Allocator.Allocate(1 << 30); return nil }, want: []string{"bad: ", "AS6001", "memory budget"}},
		"source": {how: func(*broken) error { return nil }, src: numbers{fail: boom}, want: []string{"n: boom"}},
	} {
		for _, workers := range []int{1, 3} {
			out, last := &collect{}, &perTick{}
			src := c.src
			src.rows, src.keys = 1000, 2
			_, err := run(t, arrowstream.Options{Workers: workers, TickRows: 100, MemoryLimit: 1 << 28}, func(p *arrowstream.Pipeline) {
				p.From("n", &src).Via(&oddX{}).Via(&broken{how: c.how}, "bad").Via(last).To(out)
			})
			if last.finished {
				t.Errorf("%s: a stage of a failed run was finished", name)
			}
			if err == nil || !out.closed || out.aborted == nil {
				t.Fatalf("%s: error %v, closed %t, aborted %v", name, err, out.closed, out.aborted)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%s, %d workers: %q is not in %v", name, workers, w, err)
				}
			}
		}
	}
}

func TestCancelledRunAbortsItsSinks(t *testing.T) {
	for _, workers := range []int{1, 2} {
		mem := memory.NewCheckedAllocator(columnar.Pool)
		p := arrowstream.New(arrowstream.Options{Workers: workers, TickRows: 10, Allocator: mem})
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("why")
		out := &collect{onRows: func(n int) {
			if n > 100 {
				cancel(why)
			}
		}}
		p.From("n", &numbers{rows: 100_000, keys: 2}).Via(&oddX{}).To(out)
		if _, err := p.Run(ctx); !errors.Is(err, why) && !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v", err)
		}
		if out.aborted == nil || !out.closed {
			t.Fatal("the sink was not aborted and closed")
		}
		mem.AssertSize(t, 0)
	}
}

func TestSlowSinkHoldsTheSourceBack(t *testing.T) {
	const limit = 4 << 20
	out := &collect{slow: 200 * time.Microsecond}
	s, err := run(t, arrowstream.Options{Workers: 4, TickRows: 4096, MemoryLimit: limit}, func(p *arrowstream.Pipeline) {
		p.From("n", &numbers{rows: 200_000, partitions: 4}).To(out)
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.PeakBytes > limit || len(out.rows) != 800_000 {
		t.Fatalf("peak %d of %d, %d rows", s.PeakBytes, limit, len(out.rows))
	}
}

func TestBuildErrors(t *testing.T) {
	p := arrowstream.New(arrowstream.Options{})
	p.From("n", &numbers{}, arrowstream.EventTime{Column: "tz"}).Via(&oddX{}).To(&collect{})
	_, err := p.Run(t.Context())
	var coded *arrowstream.Error
	if !errors.As(err, &coded) || coded.Code != "AS1203" || !strings.Contains(coded.Hint, `"ts"`) {
		t.Errorf("unknown event time: %v", err)
	}
	p = arrowstream.New(arrowstream.Options{})
	p.From("n", &numbers{}, arrowstream.EventTime{Column: "x"})
	if !errors.As(p.Err(), &coded) || coded.Code != "AS1403" {
		t.Errorf("float event time: %v", p.Err())
	}
	p = arrowstream.New(arrowstream.Options{})
	s := p.From("n", &numbers{})
	s.Merge(s.Via(&perTick{}))
	if !errors.As(p.Err(), &coded) || coded.Code != "AS1302" {
		t.Errorf("merge of different columns: %v", p.Err())
	}
	p = arrowstream.New(arrowstream.Options{})
	p.From("n", &numbers{}).Side("late")
	if p.Err() == nil {
		t.Error("a source has no side outputs")
	}
	p = arrowstream.New(arrowstream.Options{})
	if _, err := p.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "no source") {
		t.Errorf("empty pipeline: %v", err)
	}
}

func TestReplayTakesASpan(t *testing.T) {
	out := &collect{}
	at := func(ms int64) time.Time { return time.UnixMilli(ms) }
	_, err := run(t, arrowstream.Options{Replay: arrowstream.Replay{From: at(10), To: at(20)}}, func(p *arrowstream.Pipeline) {
		p.From("n", &numbers{rows: 100}).To(out)
	})
	if err != nil || len(out.rows) != 10 || !strings.HasPrefix(out.rows[0], "10000 ") {
		t.Fatalf("%v, rows %v", err, out.rows)
	}
	start := time.Now()
	out = &collect{}
	_, err = run(t, arrowstream.Options{TickRows: 10, Replay: arrowstream.Replay{Speed: 2}}, func(p *arrowstream.Pipeline) {
		p.From("n", &numbers{rows: 100}).To(out)
	})
	// 90 ms of event time at twice the speed last at least 45 ms.
	if err != nil || len(out.rows) != 100 || time.Since(start) < 45*time.Millisecond {
		t.Fatalf("%v after %s", err, time.Since(start))
	}
}

func TestProgress(t *testing.T) {
	var last arrowstream.Progress
	calls := 0
	s, err := run(t, arrowstream.Options{Name: "job1", ProgressEvery: time.Millisecond, Progress: func(p arrowstream.Progress) { last = p; calls++ }}, func(p *arrowstream.Pipeline) {
		p.From("n", &numbers{rows: 100}).Via(&perTick{}, "sums").To(&collect{slow: 5 * time.Millisecond}, "out")
	})
	if err != nil || calls == 0 || !last.Arrowstream.Final {
		t.Fatalf("%v, %d calls, %+v", err, calls, last)
	}
	if op, ok := s.Operator("sums"); !ok || op.RowsIn != 100 || op.RowsOut == 0 || op.Warning != "only a test" || op.StateRows != 1 {
		t.Errorf("operator %+v", op)
	}
	if last.Name != "job1" || last.Arrowstream.TotalInputRows != 100 || last.Sink.Description != "out" {
		t.Errorf("%+v", last)
	}
}

// takesAtBind takes memory when it is bound.
type takesAtBind struct{ perTick }

func (s *takesAtBind) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	s.held = env.Allocator.Allocate(64)
	return s.perTick.Bind(in, env)
}

// TestCloseWithoutRun checks that a pipeline that was only built gives back
// what its stages took when they were bound, once.
func TestCloseWithoutRun(t *testing.T) {
	mem := columnartest.Allocator(t)
	p := arrowstream.New(arrowstream.Options{Allocator: mem})
	out := &collect{}
	held := &takesAtBind{}
	p.From("n", &numbers{rows: 10}).Via(held).To(out)
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !out.closed || out.aborted == nil || len(out.rows) > 0 || held.finished {
		t.Errorf("closed %t, aborted %v, %d rows, finished %t", out.closed, out.aborted, len(out.rows), held.finished)
	}
	if _, err := p.Run(t.Context()); err == nil {
		t.Error("a closed pipeline ran")
	}
}
