package window_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/stage/stagetest"
	"github.com/arrowstream/arrowstream/window"
)

func TestCount(t *testing.T) {
	const schema = "ts:timestamp[s]@ k:utf8 x:int64"
	aggs := []window.Agg{sumX}
	for name, c := range map[string]stagetest.Case{
		"by event time": {
			New:    func() arrowstream.Stage { return &window.Count{Rows: 2, By: []string{"k"}, Aggs: aggs} },
			Schema: schema,
			In: []stagetest.Step{
				stagetest.Rows("5 a 1\n3 a 2\n9 a 4\n4 b 1\n3 a 8\nnull a 1"), stagetest.Advance(5 * second),
				stagetest.Rows("4 a 99\n6 a 16"), stagetest.Advance(9 * second), stagetest.Rows("9 a 32"), stagetest.End(),
			},
			Want: `window_start:timestamp[s]! window_end:timestamp[s]! window_ordinal:int64! window_rows:int64! k:utf8 s:int64
				3 3 0 2 a 10
				5 6 1 2 a 17
				4 4 0 1 b 1
				9 9 2 2 a 36`,
			Side:   map[string]string{"late": "rows\n4 a 99 1000000 5000000"},
			Counts: &arrowstream.Counts{Late: 1, Skipped: 1},
		},
		"by arrival, overlapping": {
			New: func() arrowstream.Stage {
				return &window.Count{Rows: 4, Step: 2, Arrival: true, Aggs: aggs}
			},
			Schema: schema,
			In:     []stagetest.Step{stagetest.Rows("9 a 1\n1 a 2\n3 b 4"), stagetest.Advance(9 * second), stagetest.Rows("1 a 8\n1 a 16\n2 a 32\n3 a 64"), stagetest.End()},
			Want:   "rows\n9 1 0 4 15\n3 2 1 4 60\n1 3 2 3 112",
		},
		"without time, with gaps": {
			New:    func() arrowstream.Stage { return &window.Count{Rows: 2, Step: 3, By: []string{"k"}, Aggs: aggs} },
			Schema: "k:utf8 x:int64",
			In:     []stagetest.Step{stagetest.Rows("b 1\na 1\na 2\na 3\na 4"), stagetest.Idle(), stagetest.Rows("a 5\na 6\nb 7\na 8"), stagetest.End()},
			Want: `window_ordinal:int64! window_rows:int64! k:utf8 s:int64
				0 2 a 3
				1 2 a 9
				2 1 a 8
				0 2 b 8`,
			Counts: &arrowstream.Counts{Unwindowed: 2},
		},
		"timeout": {
			New:    func() arrowstream.Stage { return &window.Count{Rows: 3, Timeout: time.Minute, Aggs: aggs} },
			Schema: schema,
			In: []stagetest.Step{
				stagetest.Rows("1 a 1\n2 a 2"), stagetest.AdvanceClock(10 * second), stagetest.AdvanceClock(70 * second),
				stagetest.Rows("2 a 100\n3 a 4\n4 a 8\n5 a 16"), stagetest.AdvanceClock(71 * second), stagetest.End(),
			},
			Want:   "rows\n1 2 0 2 3\n3 5 1 3 28",
			Side:   map[string]string{"late": "rows\n2 a 100 1000000 3000000"},
			Counts: &arrowstream.Counts{Late: 1},
		},
		"no rows": {
			New: func() arrowstream.Stage { return &window.Count{} }, Schema: schema, In: []stagetest.Step{stagetest.End()}, Err: "must be positive",
		},
	} {
		t.Run(name, func(t *testing.T) { stagetest.Run(t, c) })
	}
}

func TestCountModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		size, step := rapid.IntRange(1, 5).Draw(rt, "size"), rapid.IntRange(1, 6).Draw(rt, "step")
		in := drawInput(rt, 10)
		out := stagetest.Play(t, func() arrowstream.Stage {
			return &window.Count{Rows: int64(size), Step: int64(step), By: []string{"k"}, Aggs: modelAggs}
		}, modelSchema, in.steps()...)

		byKey := map[string][]modelRow{}
		var counts arrowstream.Counts
		horizon := int64(-1 << 62)
		for _, tick := range in.ticks {
			for _, r := range tick.rows {
				if r.ts < horizon {
					counts.Late++
				} else {
					byKey[r.k] = append(byKey[r.k], r)
				}
			}
			horizon = tick.mark
		}
		var want []string
		for k, rows := range byKey {
			slices.SortStableFunc(rows, func(a, b modelRow) int { return int(a.ts - b.ts) })
			covered := 0
			for w := 0; ; w++ {
				from, to := w*step, min(w*step+size, len(rows))
				if from >= to || to-from < size && to <= covered {
					break
				}
				covered = to
				m := modelWindow{start: rows[from].ts, end: rows[to-1].ts, k: k, rows: rows[from:to]}
				f := strings.Fields(m.String())
				want = append(want, fmt.Sprintf("%s %s %d %d %s", f[0], f[1], w, to-from, strings.Join(f[2:], " ")))
				if to-from < size {
					break
				}
			}
			for i := range rows {
				if i%step >= size {
					counts.Unwindowed++
				}
			}
		}
		got := out.Rows()
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			rt.Fatalf("windows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		checkCounts(rt, out, counts)
	})
}
