package arrowstream_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
)

// loads is a join that wants input 1 first and notes what it is told. Its output
// is the rows of input 0.
type loads struct {
	first []int
	said  []string
}

func (l *loads) Bind(in []*arrow.Schema, _ arrowstream.Env) (*arrow.Schema, error) { return in[0], nil }

func (l *loads) First() []int { return l.first }

func (l *loads) Process(_ context.Context, input int, b arrowstream.Batch, emit arrowstream.Emit) error {
	l.say(fmt.Sprint("rows of ", input))
	if input == 1 {
		return nil
	}
	return emit(b)
}

func (l *loads) Ended(_ context.Context, input int, _ arrowstream.Emit) error {
	l.say(fmt.Sprint("end of ", input))
	return nil
}

func (l *loads) Advance(_ context.Context, w arrowstream.Watermark, _ arrowstream.Emit) (arrowstream.Watermark, error) {
	return w, nil
}

// say notes what is new.
func (l *loads) say(what string) {
	if !slices.Contains(l.said, what) {
		l.said = append(l.said, what)
	}
}

func TestTablesAreLoadedFirst(t *testing.T) {
	want := []string{"rows of 1", "end of 1", "rows of 0", "end of 0"}
	for _, live := range []bool{false, true} {
		for _, workers := range []int{1, 3} {
			for _, rows := range []int{0, 1, 5000} {
				t.Run(fmt.Sprintf("live=%v/workers=%d/rows=%d", live, workers, rows), func(t *testing.T) {
					inner, outer, sink := &loads{first: []int{1}}, &loads{first: []int{1}}, &collect{}
					summary, err := run(t, arrowstream.Options{Workers: workers, TickRows: 1000, BatchRows: 300}, func(p *arrowstream.Pipeline) {
						stream := p.From("stream", &numbers{rows: 3000, partitions: 2, live: live})
						table := p.From("table", &numbers{rows: rows, partitions: 2})
						other := p.From("other", &numbers{rows: 10})
						p.Join(outer, stream, p.Join(inner, table, other)).To(sink)
					})
					if err != nil {
						t.Fatal(err)
					}
					wantInner, wantOuter := want, want
					if rows == 0 {
						wantInner, wantOuter = []string{"rows of 1", "end of 1", "end of 0"}, want[1:]
					}
					if !slices.Equal(inner.said, wantInner) || !slices.Equal(outer.said, wantOuter) {
						t.Errorf("the inner join was told %q, the outer one %q", inner.said, outer.said)
					}
					if len(sink.rows) != 6000 || summary.RowsIn != int64(6010+2*rows) {
						t.Errorf("%d rows came out of %d", len(sink.rows), summary.RowsIn)
					}
				})
			}
		}
	}
}

// TestWhatCannotBeLoadedFirst has joins that want a stream, and themselves, first:
// they are read as they come.
func TestWhatCannotBeLoadedFirst(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(p *arrowstream.Pipeline) *arrowstream.Stream
	}{
		{"unbounded", func(p *arrowstream.Pipeline) *arrowstream.Stream {
			return p.Join(&loads{first: []int{1}}, p.From("a", &numbers{rows: 10}), p.From("b", &numbers{rows: 10, live: true}))
		}},
		{"itself", func(p *arrowstream.Pipeline) *arrowstream.Stream {
			a := p.From("a", &numbers{rows: 10})
			return p.Join(&loads{first: []int{1}}, a, a)
		}},
		{"each other", func(p *arrowstream.Pipeline) *arrowstream.Stream {
			a, b := p.From("a", &numbers{rows: 10}), p.From("b", &numbers{rows: 10})
			return p.Join(&loads{first: []int{1}}, a, b).Merge(p.Join(&loads{first: []int{1}}, b, a))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sink := &collect{}
			if _, err := run(t, arrowstream.Options{}, func(p *arrowstream.Pipeline) { c.build(p).To(sink) }); err != nil {
				t.Fatal(err)
			}
			if len(sink.rows) < 10 {
				t.Errorf("%d rows came out", len(sink.rows))
			}
		})
	}
}
