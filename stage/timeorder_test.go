package stage_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

func TestTimeOrder(t *testing.T) {
	const schema = "ts:timestamp[s]@! k:utf8 x:int64"
	const s = 1_000_000
	in := []stagetest.Step{
		stagetest.Rows("3 b 1\n1 a 2\n3 a 3"), stagetest.Idle(), stagetest.Rows("2 c 4\n3 b 0\n5 d 5"), stagetest.Advance(2*s + 1),
		stagetest.Rows("4 e 6\n2 z 7\n3 f 8\n1 z 9"), stagetest.Advance(4 * s), stagetest.Advance(4 * s), stagetest.Rows("4 g 10"), stagetest.End(),
	}
	order := func(o stage.TimeOrder) func() arrowstream.Stage {
		return func() arrowstream.Stage { c := o; return &c }
	}
	run(t, map[string]stagetest.Case{
		"ties by arrival": {
			New: order(stage.TimeOrder{}), Schema: schema, In: in,
			Want:   "ts:timestamp[s]@! k:utf8 x:int64\n1 a 2\n2 c 4\n3 b 1\n3 a 3\n3 b 0\n3 f 8\n4 e 6\n4 g 10\n5 d 5",
			Side:   map[string]string{"late": "rows\n2 z 7 1 2000001\n1 z 9 1000001 2000001"},
			Counts: &arrowstream.Counts{Late: 2},
		},
		"ties by keys": {
			New: order(stage.TimeOrder{By: []stage.SortKey{{Expr: col("k")}, {Expr: col("x"), Desc: true}}}), Schema: schema, In: in,
			Want: "rows\n1 a 2\n2 c 4\n3 a 3\n3 b 1\n3 b 0\n3 f 8\n4 e 6\n4 g 10\n5 d 5",
			Side: map[string]string{"late": "rows\n2 z 7 1 2000001\n1 z 9 1000001 2000001"},
		},
		"dates": {
			New: order(stage.TimeOrder{}), Schema: "d:date32@! x:int64",
			In:   []stagetest.Step{stagetest.Rows("2 1\n1 2"), stagetest.Advance(86_400 * s * 2), stagetest.Rows("2 3"), stagetest.End()},
			Want: "rows\n1970-01-02 2\n1970-01-03 1\n1970-01-03 3",
		},
		"nanoseconds": {
			New: order(stage.TimeOrder{}), Schema: "d:timestamp[ns]@! x:int64",
			In:   []stagetest.Step{stagetest.Rows("1001 1\n1000 2\n999 3"), stagetest.Advance(1), stagetest.Rows("1000 4"), stagetest.End()},
			Want: "any",
		},
		"NULL time":     {New: order(stage.TimeOrder{}), Schema: "ts:timestamp[s]@", In: []stagetest.Step{stagetest.Rows("1\nnull"), stagetest.End()}, Err: "AS4006"},
		"no time":       {New: order(stage.TimeOrder{}), Schema: "x:int64", In: []stagetest.Step{stagetest.End()}, Err: "AS1403"},
		"not a time":    {New: order(stage.TimeOrder{Time: "x"}), Schema: "x:int64", In: []stagetest.Step{stagetest.End()}, Err: "AS1403"},
		"changelog":     {New: order(stage.TimeOrder{}), Schema: "ts:timestamp[s]@ __op:int8", In: []stagetest.Step{stagetest.End()}, Err: "AS1406"},
		"key not there": {New: order(stage.TimeOrder{By: []stage.SortKey{{Expr: col("z")}}}), Schema: schema, In: []stagetest.Step{stagetest.End()}, Err: "AS1203"},
	})
}

// TestTimeOrderRandom compares with a stable sort of the rows that are not late.
func TestTimeOrderRandom(t *testing.T) {
	for seed := range rounds(8) {
		r := rand.New(rand.NewPCG(seed, 1))
		type row struct{ ts, x int }
		var rows []row
		var steps []stagetest.Step
		mark, late := -1, []string{"rows"}
		for tick := range 12 {
			var lines []string
			for range r.IntN(20) {
				v := row{tick*5 + r.IntN(15), r.IntN(100)}
				if v.ts >= mark {
					rows = append(rows, v)
				} else {
					late = append(late, fmt.Sprintf("%d %d %d %d", v.ts, v.x, mark-v.ts, mark))
				}
				lines = append(lines, fmt.Sprintf("%d %d", v.ts, v.x))
			}
			if len(lines) > 0 {
				steps = append(steps, stagetest.Rows(strings.Join(lines, "\n")))
			}
			if r.IntN(4) > 0 {
				mark = tick*5 + r.IntN(5)
			}
			steps = append(steps, stagetest.Advance(int64(max(mark, 0))))
		}
		slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.ts, b.ts) })
		want := []string{"rows"}
		for _, v := range rows {
			want = append(want, fmt.Sprintf("%d %d", v.ts, v.x))
		}
		stagetest.Run(t, stagetest.Case{
			New: func() arrowstream.Stage { return &stage.TimeOrder{Time: "t"} }, Schema: "t:timestamp[us]! x:int64",
			In: append(steps, stagetest.End()), Want: strings.Join(want, "\n"), Side: map[string]string{"late": strings.Join(late, "\n")},
		})
	}
}
