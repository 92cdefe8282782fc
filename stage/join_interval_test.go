package stage_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

func TestIntervalJoin(t *testing.T) {
	stagetest.RunJoin(t, stagetest.JoinCase{
		New: func() arrowstream.Join {
			return &stage.IntervalJoin{
				Kind: stage.FullJoin, Lower: -2 * time.Microsecond, Upper: 10 * time.Microsecond,
				JoinColumns: stage.JoinColumns{
					LeftKeys: []string{"k"}, RightKeys: []string{"k"}, Left: []string{"lt", "lk", "a"}, Right: []string{"rt", "rk", "b"},
					Columns: []string{"lt", "lk", "a", "rt", "b"}, EventTime: "lt",
				},
			}
		},
		Schemas: []string{"ts:timestamp[us]@ k:int64 a:utf8", "ts:timestamp[us]@ k:int64 b:utf8"},
		In: []stagetest.Step{
			stagetest.RowsOf(0, "10 1 x\n12 1 y\n11 2 z\nnull 1 n"), stagetest.RowsOf(1, "8 1 p\n7 1 q"), stagetest.Advance(9),
			stagetest.RowsOf(1, "20 1 r\n21 1 s\n22 2 t"), stagetest.Advance(21), // 7 1 q has had no match, 8 1 p is over
			stagetest.RowsOf(0, "20 1 late\n21 1 w"), stagetest.Advance(22),
			stagetest.RowsOf(1, "null 1 m\n31 1 u"), stagetest.Advance(40),
		},
		Want: `lt:timestamp[us]@ lk:int64 a:utf8 rt:timestamp[us] b:utf8
			null 1 n null null
			10 1 x 8 p
			10 1 x 20 r
			12 1 y 20 r
			12 1 y 21 s
			null null null 7 q
			21 1 w 20 r
			21 1 w 21 s
			11 2 z null null
			null null null null m
			21 1 w 31 u
			null null null 22 t`,
		Counts: &arrowstream.Counts{Late: 1},
	})
}

// TestIntervalJoinAgainstModel compares with a nested loop over the rows that were
// not late.
func TestIntervalJoinAgainstModel(t *testing.T) {
	for seed := range rounds(40) {
		rng := rand.New(rand.NewPCG(seed, 7))
		kind := joinKinds[rng.IntN(len(joinKinds))]
		lower, upper := rng.IntN(9)-6, rng.IntN(9)+2
		byColumn := rng.IntN(3) == 0
		t.Run(fmt.Sprintf("%d/%s/%d..%d/until=%v", seed, kind, lower, upper, byColumn), func(t *testing.T) {
			type row struct{ k, ts, until int }
			var held [2][]row
			var steps []stagetest.Step
			mark, late := -1000, int64(0)
			for tick := range 12 {
				for i := range 2 {
					var lines []string
					for range rng.IntN(6) {
						r := row{k: rng.IntN(3), ts: 4*tick + rng.IntN(10)}
						if r.until = r.ts + upper; byColumn && i == 0 {
							r.until = r.ts + rng.IntN(12) - 1
						}
						lines = append(lines, fmt.Sprint(r.ts, r.k, r.until))
						if r.ts < mark {
							late++
						} else {
							held[i] = append(held[i], r)
						}
					}
					if len(lines) > 0 {
						steps = append(steps, stagetest.RowsOf(i, strings.Join(lines, "\n")))
					}
				}
				mark = 4*tick + 3
				steps = append(steps, stagetest.Advance(int64(mark)))
			}
			steps = append(steps, stagetest.End())
			create := func() arrowstream.Join {
				j := &stage.IntervalJoin{Kind: kind, Lower: time.Duration(lower) * time.Microsecond, JoinColumns: stage.JoinColumns{
					LeftKeys: []string{"k"}, RightKeys: []string{"k"}, Left: []string{"lt", "lk", "lu"}, Right: []string{"rt", "rk", "ru"},
				}}
				if byColumn {
					j.LeftUntil = "u"
				} else {
					j.Upper = time.Duration(upper) * time.Microsecond
				}
				return j
			}
			schemas := []string{"ts:timestamp[us]@ k:int64 u:timestamp[us]", "ts:timestamp[us]@ k:int64 u:timestamp[us]"}
			out := stagetest.PlayJoin(t, create, schemas, steps...)
			text := func(r row) string { return fmt.Sprint(r.ts, r.k, r.until) }
			var want []string
			matched := map[int]bool{}
			for _, l := range held[0] {
				n := 0
				for i, r := range held[1] {
					if l.k == r.k && r.ts-l.ts >= lower && r.ts <= l.until {
						n, matched[i] = n+1, true
						if kind < stage.SemiJoin {
							want = append(want, text(l)+" "+text(r))
						}
					}
				}
				switch {
				case n == 0 && (kind == stage.LeftJoin || kind == stage.FullJoin):
					want = append(want, text(l)+" null null null")
				case n == 0 && kind == stage.AntiJoin, n > 0 && kind == stage.SemiJoin:
					want = append(want, text(l))
				}
			}
			for i, r := range held[1] {
				if !matched[i] && (kind == stage.RightJoin || kind == stage.FullJoin) {
					want = append(want, "null null null "+text(r))
				}
			}
			got := out.Rows()
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
			if out.Counts.Late != late {
				t.Errorf("%d late rows, want %d", out.Counts.Late, late)
			}
			if seed%10 == 0 {
				stagetest.RunJoin(t, stagetest.JoinCase{New: create, Schemas: schemas, In: steps, Want: "any", Counts: &arrowstream.Counts{Late: late}})
			}
		})
	}
}

func TestWindowJoin(t *testing.T) {
	rows := []stagetest.Step{
		stagetest.RowsOf(0, "0 10 1 x\n0 10 2 y\n10 20 1 z\nnull null 1 n"), stagetest.RowsOf(1, "0 10 1 p\n0 10 3 q"), stagetest.Advance(9),
		stagetest.RowsOf(0, "0 10 1 w"), stagetest.RowsOf(1, "10 20 1 r"), stagetest.Advance(10),
		stagetest.RowsOf(1, "0 10 2 late\n10 20 2 s"), stagetest.Advance(20),
	}
	for kind, want := range map[stage.JoinKind]string{
		stage.InnerJoin: "1 x 1 p\n1 w 1 p\n1 z 1 r",
		stage.LeftJoin:  "1 n null null\n1 x 1 p\n1 w 1 p\n1 z 1 r\n2 y null null",
		stage.RightJoin: "1 x 1 p\n1 w 1 p\n1 z 1 r\nnull null 3 q\nnull null 2 s",
		stage.FullJoin:  "1 n null null\n1 x 1 p\n1 w 1 p\n1 z 1 r\n2 y null null\nnull null 3 q\nnull null 2 s",
		stage.SemiJoin:  "1 x\n1 w\n1 z",
		stage.AntiJoin:  "1 n\n2 y",
	} {
		t.Run(kind.String(), func(t *testing.T) {
			columns := []string{"lk", "a", "rk", "b"}
			if kind >= stage.SemiJoin {
				columns = columns[:2]
			}
			stagetest.RunJoin(t, stagetest.JoinCase{
				New: func() arrowstream.Join {
					return &stage.WindowJoin{Kind: kind, RightStart: "from", RightEnd: "until", JoinColumns: stage.JoinColumns{
						LeftKeys: []string{"k"}, RightKeys: []string{"k"}, Columns: columns,
						Left: []string{"ws", "we", "lk", "a"}, Right: []string{"rs", "re", "rk", "b"},
					}}
				},
				Schemas: []string{
					"window_start:timestamp[us] window_end:timestamp[us] k:int64 a:utf8", "from:timestamp[us] until:timestamp[us] k:int64 b:utf8",
				},
				In: rows, Want: "rows\n" + want, Counts: &arrowstream.Counts{Late: 1},
			})
		})
	}
}
