package stage_test

import (
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
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
				In: []*arrow.Schema{spillSchema}, Ticks: ticksOf(spillRows(t, 12, 300, 2000), c.step), Limits: []int64{1 << 17},
			})
		})
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
