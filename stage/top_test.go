package stage_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

func TestTop(t *testing.T) {
	const schema = "k:utf8 x:int64 s:utf8"
	top := func(s stage.Top) func() arrowstream.Stage { return func() arrowstream.Stage { return s.Clone() } }
	x := []stage.SortKey{{Expr: col("x")}}
	down := []stage.SortKey{{Expr: col("x"), Desc: true, NullsLast: true}}
	in := []stagetest.Step{
		stagetest.Rows("a 3 p\nb 1 q\na 3 r\na 5 s"), stagetest.Advance(1),
		stagetest.Rows("a 2 t\nb 1 u\nnull 1 v\na 9 w"), stagetest.Advance(2), stagetest.Advance(3),
		stagetest.Rows("b null x\na 3 y"), stagetest.End(),
	}
	const s = 1_000_000
	run(t, map[string]stagetest.Case{
		"first by order": {
			New: top(stage.Top{By: []string{"k"}, OrderBy: x, N: 1}), Schema: schema, In: in,
			Want: "k:utf8 x:int64 s:utf8 __op:int8!\na 3 p 0\nb 1 q 0\nnull 1 v 0\na 3 p 1\na 2 t 2\nb 1 q 1\nb null x 2",
		},
		"two without number": {
			New: top(stage.Top{By: []string{"k"}, OrderBy: down, N: 2}), Schema: schema, In: in,
			Want: "rows\na 5 s 0\na 3 p 0\nb 1 q 0\nnull 1 v 0\na 3 p 3\na 9 w 0\nb 1 u 0",
		},
		"two with number": {
			New: top(stage.Top{By: []string{"k"}, OrderBy: down, N: 2, Number: "rn"}), Schema: schema, In: in,
			Want: "k:utf8 x:int64 s:utf8 rn:int64! __op:int8!\na 5 s 1 0\na 3 p 2 0\nb 1 q 1 0\nnull 1 v 1 0\na 5 s 1 1\na 9 w 1 2\na 3 p 2 1\na 5 s 2 2\nb 1 u 2 0",
		},
		"rank": {
			New: top(stage.Top{By: []string{"k"}, OrderBy: x, N: 2, Ranking: stage.Rank, Number: "r"}), Schema: schema, In: in, NoNulls: true,
			Want: "rows\na 3 p 1 0\na 3 r 1 0\nb 1 q 1 0\nnull 1 v 1 0\na 3 p 1 3\na 3 r 1 3\na 2 t 1 0\na 3 p 2 0\na 3 r 2 0\nb 1 u 1 0\na 3 y 2 0\nb 1 q 1 3\nb 1 u 1 3\nb null x 1 0\nb 1 q 2 0\nb 1 u 2 0",
		},
		"dense rank": {
			New: top(stage.Top{By: []string{"k"}, OrderBy: x, N: 2, Ranking: stage.DenseRank}), Schema: schema, In: in,
			Want: "rows\na 3 p 0\na 3 r 0\na 5 s 0\nb 1 q 0\nnull 1 v 0\na 5 s 3\na 2 t 0\nb 1 u 0\na 3 y 0\nb null x 0",
		},
		"without key, by an expression": {
			New:    top(stage.Top{OrderBy: []stage.SortKey{{Expr: call("mul", col("x"), lit(int64(-1))), NullsLast: true}}, N: 1}),
			Schema: schema, In: in, Want: "rows\na 5 s 0\na 5 s 1\na 9 w 2",
		},
		"of a window": {
			New:    top(stage.Top{By: []string{"e", "k"}, OrderBy: []stage.SortKey{{Expr: col("x"), Desc: true}}, N: 1, WindowEnd: "e", Number: "rn"}),
			Schema: "e:timestamp[s] k:utf8 x:int64", Counts: &arrowstream.Counts{Late: 1}, NoNulls: true,
			In: []stagetest.Step{
				stagetest.Rows("10 b 1\n10 a 2\n20 a 7\n10 b 3"), stagetest.Advance(9 * s), stagetest.Rows("10 a 5"), stagetest.Advance(10 * s),
				stagetest.Rows("10 a 6\n20 b 1"), stagetest.Advance(15 * s), stagetest.Rows("null c 1\n30 a 2\n20 a 8"), stagetest.End(),
			},
			Want: "e:timestamp[s] k:utf8 x:int64 rn:int64!\n10 a 5 1\n10 b 3 1\nnull c 1 1\n20 a 8 1\n20 b 1 1\n30 a 2 1",
		},
		"ttl": {
			New:    top(stage.Top{By: []string{"k"}, OrderBy: down, N: 1, TTL: 10 * time.Second}),
			Schema: "ts:timestamp[s]@ k:utf8 x:int64", NoNulls: true,
			In: []stagetest.Step{
				stagetest.Rows("1 a 5\n1 b 5"), stagetest.Advance(1 * s), stagetest.Rows("9 a 3"), stagetest.Advance(9 * s), stagetest.Advance(15 * s),
				stagetest.Rows("16 a 4\n16 b 4"), stagetest.Advance(16 * s), stagetest.Advance(60 * s), stagetest.Rows("61 a 1"), stagetest.End(),
			},
			Want: "rows\n1 a 5 0\n1 b 5 0\n16 b 4 0\n61 a 1 0",
		},
		"the latest of equal rows": {
			New: top(stage.Top{By: []string{"k"}, OrderBy: down, Latest: true, N: 2}), Schema: schema, In: in,
			Want: "rows\na 5 s 0\na 3 r 0\nb 1 q 0\nnull 1 v 0\na 3 r 3\na 9 w 0\nb 1 u 0",
		},
		"final": {
			New: top(stage.Top{By: []string{"k"}, OrderBy: down, Latest: true, N: 2, Number: "rn", Final: true}), Schema: schema, In: in,
			Want: "k:utf8 x:int64 s:utf8 rn:int64!\nnull 1 v 1\na 9 w 1\na 5 s 2\nb 1 u 1\nb 1 q 2",
		},
		"no rows": {New: top(stage.Top{N: 0}), Schema: schema, In: in, Err: "at least one"},
		"end":     {New: top(stage.Top{N: 1, WindowEnd: "x"}), Schema: schema, In: in, Err: "no part"},
	})
}

// topOf is the naive answer: the rows of all keys with their number.
func topOf(live []string, n int, ranking stage.Ranking, number, desc bool) (out []string) {
	keys := map[string][]string{}
	for _, row := range live {
		k := strings.Fields(row)[0]
		keys[k] = append(keys[k], row)
	}
	value := func(row string) float64 {
		v := strings.Fields(row)[1]
		x := -1e300
		switch v {
		case "null":
		case "NaN":
			x = 1e300
		default:
			var err error
			if x, err = strconv.ParseFloat(v, 64); err != nil {
				panic(err)
			}
		}
		if desc {
			x = -x
		}
		return x
	}
	for _, rows := range keys {
		slices.SortStableFunc(rows, func(a, b string) int {
			switch x, y := value(a), value(b); {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		})
		row, rank, dense := 0, 0, 0
		for i, r := range rows {
			row++
			if i == 0 || value(rows[i-1]) != value(r) {
				rank, dense = row, dense+1
			}
			k := map[stage.Ranking]int{stage.RowNumber: row, stage.Rank: rank, stage.DenseRank: dense}[ranking]
			if k > n {
				break
			}
			if number {
				r += fmt.Sprintf(" %d", k)
			}
			out = append(out, r)
		}
	}
	slices.Sort(out)
	return out
}

// TestTopOfChanges compares, after every tick, what the changes amount to with
// the rows that are left, sorted and numbered.
func TestTopOfChanges(t *testing.T) {
	for i := range 24 {
		ranking, number, desc, n, back := stage.Ranking(i%3), i%2 == 0, i%4 < 2, []int{1, 2, 5}[i/8], i%5 != 0
		c := &changes{r: rand.New(rand.NewPCG(2, uint64(i))), row: func(r *rand.Rand) string {
			return []string{"a", "b", "null"}[r.IntN(3)] + " " + []string{"1", "2", "2.5", "null", "NaN", "-1"}[r.IntN(6)] + " " + []string{"p", "null"}[r.IntN(2)]
		}}
		schema := "k:utf8 x:float64 s:utf8"
		top := stage.Top{By: []string{"k"}, OrderBy: []stage.SortKey{{Expr: expr.Col{Name: "x"}, Desc: desc, NullsLast: desc}}, N: int64(n), Ranking: ranking}
		if number {
			top.Number = "n"
		}
		if back {
			schema += " __op:int8!"
		}
		var steps []stagetest.Step
		var want [][]string
		for k := range 10 {
			rows := ""
			if back {
				rows = c.next(c.r.IntN(20))
			} else {
				for range c.r.IntN(10) {
					row := c.row(c.r)
					rows, c.live = rows+row+"\n", append(c.live, row)
				}
			}
			steps = append(steps, stagetest.Rows(rows), stagetest.Advance(int64(k)))
			want = append(want, topOf(c.live, n, ranking, number, desc))
		}
		create := func() arrowstream.Stage { return top.Clone() }
		name := fmt.Sprintf("%+v back=%v", top, back)
		f := folded{t: t}
		for k, lines := range stagetest.Play(t, create, schema, steps...).Ticks {
			f.tick(lines)
			if d := columnartest.Diff(strings.Join(f.all(), "\n"), strings.Join(want[k], "\n")); d != "" {
				t.Fatalf("%s, tick %d (-want +got):\n%s", name, k, d)
			}
		}
		if i%3 == i/8 {
			t.Run(fmt.Sprintf("case=%d", i), func(t *testing.T) {
				stagetest.Run(t, stagetest.Case{New: create, Schema: schema, In: steps, Want: "any", NoNulls: true})
			})
		}
	}
}
