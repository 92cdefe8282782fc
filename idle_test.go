package arrowstream_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// timed is a live source whose partitions send a row with the event time of
// the clock after each of their waits, and then fall silent until end.
type timed struct {
	waits [][]time.Duration
	end   time.Duration
}

func (s *timed) Schema() (*arrow.Schema, error) { return schema, nil }
func (s *timed) Bounded() bool                  { return false }

func (s *timed) Open(_ context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	var parts []arrowstream.Partition
	for _, w := range s.waits {
		parts = append(parts, &timedPart{env: env, waits: w, until: env.Clock.Now().Add(s.end)})
	}
	return parts, nil
}

type timedPart struct {
	env   arrowstream.SourceEnv
	waits []time.Duration
	until time.Time
}

func (p *timedPart) Read(ctx context.Context) (arrowstream.Batch, error) {
	wait, last := time.Until(p.until), true
	if len(p.waits) > 0 {
		wait, last, p.waits = p.waits[0], false, p.waits[1:]
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if last {
		return nil, io.EOF
	}
	b := array.NewRecordBuilder(p.env.Allocator, schema)
	defer b.Release()
	b.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(p.env.Clock.Now().UnixMicro()))
	b.Field(1).AppendEmptyValue()
	b.Field(2).AppendEmptyValue()
	return b.NewRecord(), nil
}

func (p *timedPart) Close() error { return nil }

// marks records when each watermark was first seen.
type marks struct {
	start time.Time
	seen  []mark
}

type mark struct{ after, event time.Duration }

func (m *marks) Bind(in *arrow.Schema, _ arrowstream.Env) (*arrow.Schema, error) { return in, nil }
func (m *marks) Process(context.Context, arrowstream.Batch, arrowstream.Emit) error {
	return nil
}

func (m *marks) Advance(_ context.Context, w arrowstream.Watermark, _ arrowstream.Emit) (arrowstream.Watermark, error) {
	if w.Event == arrowstream.NoEventTime || w.Done() {
		return w, nil
	}
	event := w.Time().Sub(m.start)
	if len(m.seen) == 0 || m.seen[len(m.seen)-1].event != event {
		m.seen = append(m.seen, mark{time.Since(m.start).Round(time.Second), event.Round(time.Millisecond)})
	}
	return w, nil
}

func TestIdlePartitionLetsTheWatermarkGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memory.NewCheckedAllocator(columnar.Pool)
		defer mem.AssertSize(t, 0)
		src := &timed{waits: [][]time.Duration{
			{time.Second}, // then silent
			{2 * time.Second, 10 * time.Second, 60 * time.Second, 10 * time.Second},
		}, end: 300 * time.Second}
		m := &marks{start: time.Now()}
		p := arrowstream.New(arrowstream.Options{Workers: 2, Allocator: mem})
		p.From("n", src, arrowstream.EventTime{Column: "ts", Delay: time.Second, Idle: 30 * time.Second}).Via(m)
		if _, err := p.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		// Partition 0 holds the watermark at 0 s (its row at 1 s less the delay)
		// until it has been silent for 30 s; then partition 1 alone counts,
		// whose rows came at 2, 12, 72 and 82 s.
		want := []mark{{2 * time.Second, 0}, {31 * time.Second, 11 * time.Second}, {72 * time.Second, 71 * time.Second}, {82 * time.Second, 81 * time.Second}}
		if len(m.seen) != len(want) {
			t.Fatalf("watermarks %v, want %v", m.seen, want)
		}
		for i, s := range m.seen {
			if s != want[i] {
				t.Errorf("watermark %d: %v, want %v", i, s, want[i])
			}
		}
	})
}
