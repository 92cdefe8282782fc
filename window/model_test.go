package window_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage/stagetest"
	"github.com/arrowstream/arrowstream/window"
)

// The model knows no panes and no slots: every window keeps its rows, and every
// row looks at every window.

type modelRow struct {
	ts int64
	k  string
	x  int64
}

type modelTick struct {
	rows  []modelRow
	mark  int64 // seconds
	again bool  // snapshot and restore
}

type modelInput struct {
	ticks []modelTick
	cuts  []int // rows per batch, in turn
}

func drawInput(rt *rapid.T, spread int64) modelInput {
	var in modelInput
	mark := rapid.Int64Range(-2*spread, 0).Draw(rt, "mark")
	for range rapid.IntRange(1, 6).Draw(rt, "ticks") {
		var t modelTick
		for range rapid.IntRange(0, 12).Draw(rt, "rows") {
			t.rows = append(t.rows, modelRow{
				ts: mark + rapid.Int64Range(-spread, spread).Draw(rt, "ts"),
				k:  rapid.SampledFrom([]string{"a", "b", "null"}).Draw(rt, "k"),
				x:  rapid.Int64Range(-3, 3).Draw(rt, "x"),
			})
		}
		mark += rapid.Int64Range(0, spread).Draw(rt, "step")
		t.mark, t.again = mark, rapid.Bool().Draw(rt, "again")
		in.ticks = append(in.ticks, t)
	}
	in.cuts = rapid.SliceOfN(rapid.IntRange(1, 5), 1, 3).Draw(rt, "cuts")
	return in
}

const modelSchema = "ts:timestamp[s]@ k:utf8 x:int64"

func (in modelInput) steps() []stagetest.Step {
	var steps []stagetest.Step
	cut := 0
	for _, t := range in.ticks {
		for rows := t.rows; len(rows) > 0; cut++ {
			n := min(len(rows), in.cuts[cut%len(in.cuts)])
			var sb strings.Builder
			for _, r := range rows[:n] {
				fmt.Fprintf(&sb, "%d %s %d\n", r.ts, r.k, r.x)
			}
			steps, rows = append(steps, stagetest.Rows(sb.String())), rows[n:]
		}
		steps = append(steps, stagetest.Advance(t.mark*second))
		if t.again {
			steps = append(steps, stagetest.Restart())
		}
	}
	return append(steps, stagetest.End())
}

// modelWindow is a window of a key with its rows.
type modelWindow struct {
	start, end int64
	k          string
	rows       []modelRow
}

func (w *modelWindow) String() string {
	n, s, m := 0, int64(0), int64(math.MinInt64)
	for _, r := range w.rows {
		n, s, m = n+1, s+r.x, max(m, r.x)
	}
	return fmt.Sprintf("%d %d %s %d %d %d", w.start, w.end, w.k, n, s, m)
}

var modelAggs = []window.Agg{countAll, sumX, {Name: "m", Func: "max", Args: []expr.Expr{col("x")}}}

func sortWindows(ws []*modelWindow) {
	slices.SortFunc(ws, func(a, b *modelWindow) int {
		return cmp.Or(cmp.Compare(a.end, b.end), cmp.Compare(a.start, b.start),
			cmp.Compare(strings.Replace(a.k, "null", "", 1), strings.Replace(b.k, "null", "", 1)))
	})
}

// gridModel are the rows of every tick, the windows at the end and the counters
// for windows on a grid; windows lists the windows of a time.
func gridModel(in modelInput, lateness int64, windows func(t int64) [][2]int64) (emitted [][]string, all []*modelWindow, counts arrowstream.Counts) {
	type id struct {
		start, end int64
		k          string
	}
	state := map[id]*modelWindow{}
	horizon := int64(math.MinInt64 / 2)
	for i := range len(in.ticks) + 1 {
		next := int64(math.MaxInt64)
		if i < len(in.ticks) {
			next = in.ticks[i].mark
			for _, r := range in.ticks[i].rows {
				ws := windows(r.ts)
				open := slices.DeleteFunc(slices.Clone(ws), func(w [2]int64) bool { return w[1] <= horizon-lateness })
				switch {
				case len(ws) == 0:
					counts.Unwindowed++
				case len(open) == 0:
					counts.Late++
				}
				for _, w := range open {
					key := id{w[0], w[1], r.k}
					if state[key] == nil {
						state[key] = &modelWindow{start: w[0], end: w[1], k: r.k}
					}
					state[key].rows = append(state[key].rows, r)
				}
			}
		}
		var fired []*modelWindow
		for _, w := range state {
			if w.end > horizon && w.end <= next {
				fired = append(fired, w)
			}
		}
		sortWindows(fired)
		var rows []string
		for _, w := range fired {
			rows = append(rows, w.String())
		}
		emitted = append(emitted, rows)
		horizon = next
	}
	for _, w := range state {
		all = append(all, w)
	}
	sortWindows(all)
	return emitted, all, counts
}

// applied is the content of a table after a changelog whose last column is the
// change; it fails when a change takes back what is not there.
func applied(rt *rapid.T, ticks [][]string) []string {
	count := map[string]int{}
	for _, rows := range ticks {
		for _, row := range rows {
			at := strings.LastIndexByte(row, ' ')
			switch row[at+1:] {
			case "0", "2":
				count[row[:at]]++
			default:
				if count[row[:at]]--; count[row[:at]] < 0 {
					rt.Fatalf("change %s takes back a row that is not there\n%s", row, strings.Join(slices.Concat(ticks...), "\n"))
				}
			}
		}
	}
	var out []string
	for row, n := range count {
		for range n {
			out = append(out, row)
		}
	}
	slices.Sort(out)
	return out
}

func checkTicks(rt *rapid.T, got, want [][]string) {
	for i := range want {
		if !slices.Equal(got[i], want[i]) {
			rt.Fatalf("tick %d:\n%s\nwant\n%s", i, strings.Join(got[i], "\n"), strings.Join(want[i], "\n"))
		}
	}
}

func checkCounts(rt *rapid.T, out *stagetest.Output, want arrowstream.Counts) {
	if out.Counts.Late != want.Late || out.Counts.Unwindowed != want.Unwindowed || int64(len(out.Sides["late"])) != want.Late {
		rt.Fatalf("counts are %+v with %d late rows, want %+v", out.Counts, len(out.Sides["late"]), want)
	}
}

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

// checkGrid compares a stage with the model, in append mode, with lateness and
// with updates.
func checkGrid(t *testing.T, rt *rapid.T, in modelInput, windows func(t int64) [][2]int64, create func(lateness time.Duration, updates bool) arrowstream.Stage) {
	want, _, counts := gridModel(in, 0, windows)
	out := stagetest.Play(t, func() arrowstream.Stage { return create(0, false) }, modelSchema, in.steps()...)
	checkTicks(rt, out.Ticks, want)
	checkCounts(rt, out, counts)

	for _, updates := range []bool{false, true} {
		lateness := rapid.Int64Range(0, 20).Draw(rt, "lateness")
		if !updates && lateness == 0 {
			continue
		}
		_, all, counts := gridModel(in, lateness, windows)
		out = stagetest.Play(t, func() arrowstream.Stage { return create(seconds(lateness), updates) }, modelSchema, in.steps()...)
		var rows []string
		for _, w := range all {
			rows = append(rows, w.String())
		}
		slices.Sort(rows)
		if got := applied(rt, out.Ticks); !slices.Equal(got, rows) {
			rt.Fatalf("lateness %d, updates %v: table\n%s\nwant\n%s", lateness, updates, strings.Join(got, "\n"), strings.Join(rows, "\n"))
		}
		checkCounts(rt, out, counts)
	}
}

func TestHoppingModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		size, slide := rapid.Int64Range(1, 12).Draw(rt, "size"), rapid.Int64Range(1, 12).Draw(rt, "slide")
		offset := rapid.Int64Range(0, 15).Draw(rt, "offset")
		if rapid.Bool().Draw(rt, "tumbling") {
			slide = size
		}
		in := drawInput(rt, 15)
		checkGrid(t, rt, in, func(ts int64) (out [][2]int64) {
			for s := ts - size + 1; s <= ts; s++ {
				if ((s-offset)%slide+slide)%slide == 0 {
					out = append(out, [2]int64{s, s + size})
				}
			}
			return out
		}, func(lateness time.Duration, updates bool) arrowstream.Stage {
			if slide == size {
				return &window.Tumbling{Size: seconds(size), Offset: seconds(offset), By: []string{"k"}, Aggs: modelAggs, Lateness: lateness, Updates: updates}
			}
			return &window.Hopping{Size: seconds(size), Slide: seconds(slide), Offset: seconds(offset), By: []string{"k"}, Aggs: modelAggs, Lateness: lateness, Updates: updates}
		})
	})
}

func TestCumulatingModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		step := rapid.Int64Range(1, 5).Draw(rt, "step")
		most := step * rapid.Int64Range(1, 4).Draw(rt, "steps")
		offset := rapid.Int64Range(-9, 9).Draw(rt, "offset")
		checkGrid(t, rt, drawInput(rt, 12), func(ts int64) (out [][2]int64) {
			for s := ts - most + 1; s <= ts; s++ {
				if ((s-offset)%most+most)%most != 0 {
					continue
				}
				for e := s + step; e <= s+most; e += step {
					if ts < e {
						out = append(out, [2]int64{s, e})
					}
				}
			}
			return out
		}, func(lateness time.Duration, updates bool) arrowstream.Stage {
			return &window.Cumulating{Step: seconds(step), Max: seconds(most), Offset: seconds(offset), By: []string{"k"}, Aggs: modelAggs, Lateness: lateness, Updates: updates}
		})
	})
}

// sessionModel keeps the rows of open sessions only as rows: sessions are the
// runs of times at most gap apart, found anew at every tick.
func sessionModel(in modelInput, gap, lateness int64) (emitted [][]string, all []*modelWindow, late int64) {
	open := map[string][]*modelWindow{}
	horizon := int64(math.MinInt64 / 2)
	for i := range len(in.ticks) + 1 {
		next := int64(math.MaxInt64)
		var rows []modelRow
		if i < len(in.ticks) {
			next, rows = in.ticks[i].mark, in.ticks[i].rows
		}
		byKey := map[string][]modelRow{}
		for _, r := range rows {
			byKey[r.k] = append(byKey[r.k], r)
		}
		var fired []*modelWindow
		for _, k := range []string{"a", "b", "null"} {
			ws := open[k]
			for _, r := range byKey[k] {
				ws = append(ws, &modelWindow{start: r.ts, end: r.ts + gap, k: k, rows: []modelRow{r}})
			}
			slices.SortStableFunc(ws, func(a, b *modelWindow) int { return cmp.Compare(a.start, b.start) })
			var merged []*modelWindow
			for _, w := range ws {
				if n := len(merged); n > 0 && w.start <= merged[n-1].end {
					m := merged[n-1]
					merged[n-1] = &modelWindow{start: m.start, end: max(m.end, w.end), k: k, rows: slices.Concat(m.rows, w.rows)}
					continue
				}
				merged = append(merged, w)
			}
			open[k] = nil
			for _, w := range merged {
				switch {
				case w.end <= horizon-lateness:
					late += int64(len(w.rows))
					continue
				case next-lateness >= w.end && next != math.MaxInt64 || next == math.MaxInt64:
					all = append(all, w)
				default:
					open[k] = append(open[k], w)
				}
				if w.end <= next {
					fired = append(fired, w)
				}
			}
		}
		sortWindows(fired)
		var out []string
		for _, w := range fired {
			out = append(out, w.String())
		}
		emitted = append(emitted, out)
		horizon = next
	}
	return emitted, all, late
}

func TestSessionModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		gap := rapid.Int64Range(1, 8).Draw(rt, "gap")
		in := drawInput(rt, 20)
		stage := func(lateness time.Duration, updates bool) func() arrowstream.Stage {
			return func() arrowstream.Stage {
				return &window.Session{Gap: seconds(gap), By: []string{"k"}, Aggs: modelAggs, Lateness: lateness, Updates: updates}
			}
		}
		want, _, late := sessionModel(in, gap, 0)
		out := stagetest.Play(t, stage(0, false), modelSchema, in.steps()...)
		checkTicks(rt, out.Ticks, want)
		checkCounts(rt, out, arrowstream.Counts{Late: late})

		for _, updates := range []bool{false, true} {
			lateness := rapid.Int64Range(1, 20).Draw(rt, "lateness")
			_, all, late := sessionModel(in, gap, lateness)
			out = stagetest.Play(t, stage(seconds(lateness), updates), modelSchema, in.steps()...)
			var rows []string
			for _, w := range all {
				rows = append(rows, w.String())
			}
			slices.Sort(rows)
			if got := applied(rt, out.Ticks); !slices.Equal(got, rows) {
				rt.Fatalf("lateness %d, updates %v: table\n%s\nwant\n%s\nchanges\n%s", lateness, updates,
					strings.Join(got, "\n"), strings.Join(rows, "\n"), strings.Join(out.Rows(), "\n"))
			}
			checkCounts(rt, out, arrowstream.Counts{Late: late})
		}
	})
}
