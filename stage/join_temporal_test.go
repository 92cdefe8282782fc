package stage_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

func TestTemporalJoin(t *testing.T) {
	schemas := []string{"ts:timestamp[us]@ k:utf8 a:int64", "ts:timestamp[us]@ k:utf8 b:int64"}
	columns := stage.JoinColumns{
		LeftKeys: []string{"k"}, RightKeys: []string{"k"}, Left: []string{"lt", "lk", "a"}, Right: []string{"rt", "rk", "b"},
		Columns: []string{"lt", "lk", "a", "rt", "b"}, EventTime: "lt",
	}
	stagetest.RunJoin(t, stagetest.JoinCase{
		New:     func() arrowstream.Join { return &stage.TemporalJoin{Kind: stage.LeftJoin, JoinColumns: columns} },
		Schemas: schemas,
		In: []stagetest.Step{
			stagetest.RowsOf(0, "10 x 1\n12 x 2\n5 x 3\n11 y 4\nnull x 5\n13 null 6"),
			stagetest.RowsOf(1, "8 x 1\n10 x 2\n10 x 3\n40 y 4\n9 null 5\nnull x 6"), stagetest.Advance(13),
			stagetest.RowsOf(0, "13 x 7\n30 x 8\n41 y 9"), stagetest.RowsOf(1, "11 x 7\n9 x 8\n29 x 9"), stagetest.Advance(31),
			stagetest.RowsOf(0, "30 x 10\n50 z 11\n50 y 12"), stagetest.End(),
		},
		Want: `lt:timestamp[us]@ lk:utf8 a:int64 rt:timestamp[us] b:int64
			null x 5 null null
			5 x 3 null null
			10 x 1 10 3
			11 y 4 null null
			12 x 2 10 3
			13 null 6 null null
			13 x 7 11 7
			30 x 8 29 9
			41 y 9 40 4
			50 z 11 null null
			50 y 12 40 4`,
		Counts: &arrowstream.Counts{Late: 3},
	})
	// A changelog: -U counts for nothing, -D ends.
	columns.Columns = nil
	stagetest.RunJoin(t, stagetest.JoinCase{
		New: func() arrowstream.Join {
			return &stage.TemporalJoin{Kind: stage.LeftJoin, JoinColumns: columns}
		},
		Schemas: []string{schemas[0], "ts:timestamp[us]@ k:utf8 b:int64 __op:int8!"},
		In: []stagetest.Step{
			stagetest.RowsOf(1, "1 x 1 0\n1 x 1 1\n5 x 2 2"), stagetest.RowsOf(0, "1 x 1\n4 x 2\n5 x 3"), stagetest.Advance(7),
			stagetest.RowsOf(1, "5 x 2 1\n9 x 3 2\n9 y 4 1\n9 z 5 3"), stagetest.RowsOf(0, "8 x 4\n9 x 5\n9 y 6"), stagetest.Advance(10),
			stagetest.RowsOf(1, "10 x 3 3"), stagetest.RowsOf(0, "10 x 7\n12 x 8"), stagetest.Advance(11),
			stagetest.RowsOf(1, "12 x 5 0"), stagetest.RowsOf(0, "11 x 9"), stagetest.End(),
		},
		Want: `lt:timestamp[us]@ lk:utf8 a:int64 rt:timestamp[us] rk:utf8 b:int64
			1 x 1 1 x 1
			4 x 2 1 x 1
			5 x 3 5 x 2
			8 x 4 5 x 2
			9 x 5 9 x 3
			9 y 6 null null null
			10 x 7 null null null
			11 x 9 null null null
			12 x 8 12 x 5`,
		NoNulls: true,
	})
}

// TestTemporalJoinWithoutKey takes the nearest of all rows, and times of other units.
func TestTemporalJoinWithoutKey(t *testing.T) {
	stagetest.RunJoin(t, stagetest.JoinCase{
		New: func() arrowstream.Join {
			return &stage.TemporalJoin{Nearest: stage.Before, JoinColumns: stage.JoinColumns{Left: []string{"lt", "a"}, Right: []string{"rt", "b"}, EventTime: "lt"}}
		},
		Schemas: []string{"ts:timestamp[us]@ a:int64", "ts:timestamp[ms]@ b:utf8"},
		In: []stagetest.Step{
			stagetest.RowsOf(0, "1000 1\n1001 2"), stagetest.RowsOf(1, "0 p\n1 q\n3 r"), stagetest.Advance(1500),
			stagetest.RowsOf(0, "3000 3\n3001 4"), stagetest.Advance(3500), stagetest.End(),
		},
		Want: `lt:timestamp[us]@ a:int64 rt:timestamp[ms] b:utf8
			1000 1 0 p
			1001 2 1 q
			3000 3 1 q
			3001 4 3 r`,
		NoNulls: true,
	})
}

// TestTemporalJoinRefuses checks the configurations that make no sense.
func TestTemporalJoinRefuses(t *testing.T) {
	for want, c := range map[string]struct {
		join        stage.TemporalJoin
		left, right string
	}{
		"inner or a left join": {stage.TemporalJoin{Kind: stage.RightJoin}, "ts:timestamp[us]@", "ts:timestamp[us]@"},
		"has no end":           {stage.TemporalJoin{Nearest: stage.After}, "ts:timestamp[us]@", "ts:timestamp[us]@"},
		"order of arrival":     {stage.TemporalJoin{Arrival: true, AtEnd: true}, "ts:timestamp[us]@", "ts:timestamp[us]@"},
		"no event time":        {stage.TemporalJoin{}, "ts:timestamp[us]", "ts:timestamp[us]@"},
		"the left input":       {stage.TemporalJoin{}, "ts:timestamp[us]@ __op:int8!", "ts:timestamp[us]@"},
		"the right input":      {stage.TemporalJoin{AtEnd: true}, "ts:timestamp[us]@", "ts:timestamp[us]@ __op:int8!"},
		"cast one of them":     {stage.TemporalJoin{}, "ts:timestamp[us]@", "ts:timestamp[us,UTC]@"},
	} {
		c.join.Left, c.join.Right = []string{"a"}, []string{"b"}
		stagetest.RunJoin(t, stagetest.JoinCase{
			New: func() arrowstream.Join { j := c.join; return &j }, Schemas: []string{c.left, c.right}, In: []stagetest.Step{stagetest.End()}, Err: want,
		})
	}
}

func TestTemporalJoinArrival(t *testing.T) {
	stagetest.RunJoin(t, stagetest.JoinCase{
		New: func() arrowstream.Join {
			return &stage.TemporalJoin{Kind: stage.InnerJoin, Arrival: true, JoinColumns: stage.JoinColumns{
				LeftKeys: []string{"k"}, RightKeys: []string{"k"}, Left: []string{"k", "a"}, Right: []string{"rk", "b"}, Columns: []string{"k", "a", "b"},
			}}
		},
		Schemas: []string{"k:utf8 a:int64", "k:utf8 b:int64 __op:int8!"},
		In: []stagetest.Step{
			stagetest.RowsOf(0, "x 1\ny 2"), stagetest.RowsOf(1, "x 1 0\nx 1 1\nx 2 2"), stagetest.Idle(),
			stagetest.RowsOf(0, "x 3\ny 4\nnull 5"), stagetest.RowsOf(1, "y 3 0\nnull 4 0"), stagetest.Idle(),
			stagetest.RowsOf(0, "x 6\ny 7"), stagetest.RowsOf(1, "x 2 3"), stagetest.Idle(),
			stagetest.RowsOf(0, "x 8\ny 9"), stagetest.End(),
		},
		Want: `k:utf8 a:int64 b:int64
			x 1 2
			x 3 2
			y 4 3
			y 7 3
			y 9 3`,
	})
}

var nearest = []stage.Nearest{stage.AtOrBefore, stage.Before, stage.AtOrAfter, stage.After}

// TestTemporalJoinAgainstModel compares with a search among all right rows.
func TestTemporalJoinAgainstModel(t *testing.T) {
	for seed := range uint64(48) {
		rng := rand.New(rand.NewPCG(seed, 11))
		near := nearest[rng.IntN(4)]
		atEnd := near >= stage.AtOrAfter || rng.IntN(3) == 0
		kind := []stage.JoinKind{stage.InnerJoin, stage.LeftJoin}[rng.IntN(2)]
		condition := rng.IntN(3) == 0
		t.Run(fmt.Sprintf("%d/%s/%d/end=%v/where=%v", seed, kind, near, atEnd, condition), func(t *testing.T) {
			type row struct{ k, ts, n int }
			var held [2][]row
			var steps []stagetest.Step
			mark, late, n := -1000, int64(0), 0
			for tick := range 12 {
				for i := range 2 {
					var lines []string
					for range rng.IntN(6) {
						n++
						r := row{k: rng.IntN(3), ts: 4*tick + rng.IntN(10), n: n}
						if i == 1 && r.ts < mark {
							r.ts = mark // late ones are another test
						}
						lines = append(lines, fmt.Sprint(r.ts, r.k, r.n))
						if r.ts < mark && !atEnd {
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
				j := &stage.TemporalJoin{Kind: kind, Nearest: near, AtEnd: atEnd, LeftTime: "ts", RightTime: "ts", JoinColumns: stage.JoinColumns{
					LeftKeys: []string{"k"}, RightKeys: []string{"k"}, Left: []string{"lt", "lk", "a"}, Right: []string{"rt", "rk", "b"},
				}}
				if condition {
					j.Where = expr.Call{Name: "eq", Args: []expr.Expr{expr.Call{Name: "mod", Args: []expr.Expr{expr.Col{Name: "b"}, expr.Lit{Value: int64(2)}}}, expr.Lit{Value: int64(0)}}}
				}
				return j
			}
			ts := "timestamp[us]@"
			if atEnd {
				ts = "int64"
			}
			schemas := []string{"ts:" + ts + " k:int64 a:int64", "ts:" + ts + " k:int64 b:int64"}
			out := stagetest.PlayJoin(t, create, schemas, steps...)
			slices.SortStableFunc(held[0], func(a, b row) int { return a.ts - b.ts })
			var want []string
			for _, l := range held[0] {
				var best *row
				for i, r := range held[1] {
					d := []int{l.ts - r.ts, l.ts - r.ts - 1, r.ts - l.ts, r.ts - l.ts - 1}[near]
					if r.k != l.k || d < 0 {
						continue
					}
					away := func(r *row) int { return max(l.ts-r.ts, r.ts-l.ts) }
					if best == nil || away(&r) <= away(best) {
						best = &held[1][i]
					}
				}
				switch text := fmt.Sprint(l.ts, l.k, l.n); {
				case best != nil && (!condition || best.n%2 == 0):
					want = append(want, fmt.Sprint(text+" ", best.ts, best.k, best.n))
				case kind == stage.LeftJoin:
					want = append(want, text+" null null null")
				}
			}
			if got := out.Rows(); !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
			if out.Counts.Late != late {
				t.Errorf("%d late rows, want %d", out.Counts.Late, late)
			}
			if seed%8 == 0 {
				stagetest.RunJoin(t, stagetest.JoinCase{New: create, Schemas: schemas, In: steps, Want: "any", Counts: &arrowstream.Counts{Late: late}})
			}
		})
	}
}
