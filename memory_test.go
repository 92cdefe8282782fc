package arrowstream_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/window"
)

// hoarder remembers more in every tick, none of it from its allocator.
type hoarder struct{ ticks int64 }

func (h *hoarder) Bind(in *arrow.Schema, _ arrowstream.Env) (*arrow.Schema, error) { return in, nil }

func (h *hoarder) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	return emit(b)
}

func (h *hoarder) Advance(_ context.Context, w arrowstream.Watermark, _ arrowstream.Emit) (arrowstream.Watermark, error) {
	h.ticks++
	return w, nil
}

func (h *hoarder) Counts() arrowstream.Counts {
	return arrowstream.Counts{StateRows: h.ticks, StateBytes: h.ticks << 20, HeapBytes: h.ticks << 20}
}

func TestStateBeyondTheLimitIsAnError(t *testing.T) {
	const limit = 24 << 20
	by := []string{"k"}
	aggs := []window.Agg{{Func: "count", Name: "n"}, {Func: "sum", Args: []expr.Expr{expr.Col{Name: "x"}}, Name: "sum"}}
	for name, create := range map[string]func() arrowstream.Stage{
		"hoarder":  func() arrowstream.Stage { return &hoarder{} },
		"groups":   func() arrowstream.Stage { return &stage.Aggregate{By: by, Aggs: aggs} },
		"distinct": func() arrowstream.Stage { return &stage.Distinct{By: by, TTL: 100 * time.Hour} },
		"tumbling": func() arrowstream.Stage { return &window.Tumbling{Size: time.Hour, By: by, Aggs: aggs} },
		"session":  func() arrowstream.Stage { return &window.Session{Gap: time.Hour, By: by, Aggs: aggs} },
		"count":    func() arrowstream.Stage { return &window.Count{Rows: 10, By: by, Aggs: aggs} },
	} {
		for _, workers := range []int{1, 4} {
			p := arrowstream.New(arrowstream.Options{Workers: workers, TickRows: 4096, BatchRows: 4096, MemoryLimit: limit})
			p.From("n", &numbers{rows: 2_000_000, keys: 2_000_000}, arrowstream.EventTime{Column: "ts"}).Via(create(), name).To(&collect{})
			_, err := p.Run(t.Context())
			var e *arrowstream.Error
			want := regexp.MustCompile("^" + name + `: memory budget of 24 MiB is used up; it remembers \d+ keys in (1\d|2\d) MiB`)
			if !errors.As(err, &e) || e.Code != "AS6001" || !want.MatchString(err.Error()) {
				t.Errorf("%s, %d workers: %v", name, workers, err)
			}
		}
	}
}

// disorderly is a keyed stage whose output cannot be merged.
type disorderly struct{}

func (disorderly) Bind(in *arrow.Schema, _ arrowstream.Env) (*arrow.Schema, error) { return in, nil }

func (disorderly) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	return emit(b)
}

func (disorderly) Advance(_ context.Context, w arrowstream.Watermark, _ arrowstream.Emit) (arrowstream.Watermark, error) {
	return w, nil
}

func (disorderly) Keys() []string { return []string{"k"} }

func (disorderly) Order() []string { return []string{"missing"} }

func (disorderly) Clone() arrowstream.Stage { return disorderly{} }

// TestMergePanicEndsTheRun panics where the output of several instances is put
// together, which happens when the memory for it is used up.
func TestMergePanicEndsTheRun(t *testing.T) {
	p := arrowstream.New(arrowstream.Options{Workers: 4})
	p.From("n", &numbers{rows: 10_000, keys: 100}, arrowstream.EventTime{Column: "ts"}).Via(disorderly{}, "keyed").To(&collect{})
	_, err := p.Run(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), "keyed: panic: ") {
		t.Errorf("the run ends with %v", err)
	}
}
