package stage_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

// TestDistinctSpills compares distinct rows of all kinds of keys that fit into
// memory with those that do not, by clocks that have parts wait for the end, for
// their size, or for some seconds.
func TestDistinctSpills(t *testing.T) {
	for name, c := range map[string]struct {
		distinct stage.Distinct
		step     time.Duration // of the clock per tick
	}{
		"rows":       {stage.Distinct{}, 0},
		"number":     {stage.Distinct{By: []string{"i"}}, time.Second},
		"text":       {stage.Distinct{By: []string{"s"}}, 4 * time.Second},
		"dictionary": {stage.Distinct{By: []string{"d"}}, time.Second},
		"float":      {stage.Distinct{By: []string{"f"}}, time.Second},
		"several":    {stage.Distinct{By: []string{"s", "ok", "d"}}, time.Minute},
		"ttl":        {stage.Distinct{By: []string{"i"}, TTL: 7 * time.Second}, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			stagetest.RunSpilled(t, stagetest.Spilled{
				New: func() any {
					d := c.distinct
					return &d
				},
				In: []*arrow.Schema{spillSchema}, Ticks: ticksOf(spillRows(t, 8, 300, 2000), c.step), Limits: []int64{1 << 17},
			})
		})
	}
}

func TestDistinctSpillErrors(t *testing.T) {
	batches := spillRows(t, 4, 1000, 3000)
	missing := arrowstream.NewSpill("/nowhere/spill", 1<<16, nil)
	d := &stage.Distinct{By: []string{"i"}}
	defer d.Close()
	if _, err := d.Bind(spillSchema, arrowstream.Env{Allocator: columnartest.Allocator(t), Spill: missing}); err != nil {
		t.Fatal(err)
	}
	nowhere := func(arrowstream.Batch, ...int) error { return nil }
	if err := d.Process(t.Context(), batches[0], nowhere); err != nil {
		t.Fatal(err)
	}
	_, err := d.Advance(t.Context(), arrowstream.Watermark{}, nowhere)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "spill: open /nowhere/spill/") {
		t.Errorf("missing folder: %v", err)
	}
	// What is in parts needs a folder.
	st := arrowstream.State{"divided": batches[0]}
	plain := &stage.Distinct{By: []string{"i"}}
	defer plain.Close()
	if _, err := plain.Bind(spillSchema, arrowstream.Env{Allocator: columnartest.Allocator(t)}); err != nil {
		t.Fatal(err)
	}
	if err := plain.Restore(t.Context(), st); err == nil || !strings.Contains(err.Error(), "AS5001") {
		t.Errorf("no folder: %v", err)
	}
	// Nor may they be of something else.
	folder := &stage.Distinct{By: []string{"i"}}
	defer folder.Close()
	if _, err := folder.Bind(spillSchema, arrowstream.Env{Allocator: columnartest.Allocator(t), Spill: arrowstream.NewSpill(t.TempDir(), 1<<16, nil)}); err != nil {
		t.Fatal(err)
	}
	for _, st := range []arrowstream.State{st, {"pieces": batches[0]}} {
		if err := folder.Restore(t.Context(), st); err == nil || !strings.Contains(err.Error(), "AS5001") {
			t.Errorf("not of parts: %v", err)
		}
	}
}

// ticksOf gives each batch a tick.
func ticksOf(batches []arrow.Record, step time.Duration) (ticks []stagetest.SpilledTick) {
	for i, b := range batches {
		ticks = append(ticks, stagetest.SpilledTick{
			Rows: [][]arrow.Record{{b}},
			Mark: arrowstream.Watermark{Event: arrowstream.NoEventTime, Clock: int64(i) * step.Microseconds()},
		})
	}
	return append(ticks, stagetest.SpilledTick{Rows: [][]arrow.Record{nil}, Ended: []int{0}, Mark: arrowstream.Watermark{Event: arrowstream.EndOfTime}})
}
