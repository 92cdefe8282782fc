package window_test

import (
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/window"
)

// TestLateness counts how late rows are in operators that keep late rows in
// different ways.
func TestLateness(t *testing.T) {
	for _, st := range []arrowstream.Stage{
		&window.Tumbling{Time: "ts", Size: 1e9, Aggs: []window.Agg{{Func: "count", Name: "n"}}},
		&window.Session{Time: "ts", Gap: 1e9, Aggs: []window.Agg{{Func: "count", Name: "n"}}},
		&stage.TimeOrder{},
	} {
		mem := columnartest.Allocator(t)
		in := columnartest.Batch(t, mem, "ts:timestamp[us]@\n100000000")
		if _, err := st.Bind(in.Schema(), arrowstream.Env{Allocator: mem}); err != nil {
			t.Fatal(err)
		}
		emit := func(arrowstream.Batch, ...int) error { return nil }
		step := func(rows string, event int64) {
			t.Helper()
			if err := st.Process(t.Context(), columnartest.Batch(t, mem, "ts:timestamp[us]@\n"+rows), emit); err != nil {
				t.Fatal(err)
			}
			if _, err := st.Advance(t.Context(), arrowstream.Watermark{Event: event}, emit); err != nil {
				t.Fatal(err)
			}
		}
		step("100000000", 100_000_000)
		step("97000000\n97000000\n20000000", 100_000_000) // 3 s, 3 s and 80 s behind
		c := st.(arrowstream.Counted).Counts()
		if want := (arrowstream.Lateness{1: 2, 3: 1}); c.Lateness != want || c.Late != 3 {
			t.Errorf("%T: %d late, %v, want %v", st, c.Late, c.Lateness, want)
		}
		step("", arrowstream.EndOfTime)
	}
}
