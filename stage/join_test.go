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

// joinKinds are all kinds of joins.
var joinKinds = []stage.JoinKind{stage.InnerJoin, stage.LeftJoin, stage.RightJoin, stage.FullJoin, stage.SemiJoin, stage.AntiJoin}

func TestHashJoinUpdates(t *testing.T) {
	left, right := "k:int64 a:utf8 __op:int8!", "k:int64 b:utf8"
	for _, c := range []struct {
		kind stage.JoinKind
		want string
	}{
		{stage.InnerJoin, `lk:int64 a:utf8 rk:int64 b:utf8 __op:int8
			1 x 1 p 0
			1 y 1 p 0
			1 y 1 q 0
			1 x 1 q 0
			1 y 1 p 3
			1 y 1 q 3`},
		{stage.LeftJoin, `lk:int64 a:utf8 rk:int64 b:utf8 __op:int8
			2 z null null 0
			null n null null 0
			1 x 1 p 0
			1 y 1 p 0
			1 x 1 q 0
			1 y 1 q 0
			1 y 1 p 3
			1 y 1 q 3`},
		{stage.SemiJoin, `lk:int64 a:utf8 __op:int8
			1 x 0
			1 y 0
			1 y 3`},
		{stage.AntiJoin, `lk:int64 a:utf8 __op:int8
			2 z 0
			null n 0`},
	} {
		t.Run(c.kind.String(), func(t *testing.T) {
			want := c.want
			if c.kind == stage.InnerJoin {
				want = strings.Replace(want, "1 y 1 q 0\n\t\t\t1 x 1 q 0", "1 x 1 q 0\n\t\t\t1 y 1 q 0", 1)
			}
			want = strings.ReplaceAll(want, "__op:int8", "__op:int8!")
			stagetest.RunJoin(t, stagetest.JoinCase{
				New: func() arrowstream.Join {
					return &stage.HashJoin{Kind: c.kind, Updates: true, JoinColumns: stage.JoinColumns{
						LeftKeys: []string{"k"}, RightKeys: []string{"k"}, Left: []string{"lk", "a"}, Right: []string{"rk", "b"},
					}}
				},
				Schemas: []string{left, right},
				In: []stagetest.Step{
					stagetest.RowsOf(0, "1 x 0\n2 z 0\nnull n 0"), stagetest.RowsOf(1, "1 p\n3 s\nnull m"), stagetest.Idle(),
					stagetest.RowsOf(0, "1 y 2"), stagetest.RowsOf(1, "1 q"), stagetest.Idle(),
					stagetest.RowsOf(0, "1 y 3"), stagetest.Idle(),
				},
				Want: want,
			})
		})
	}
}

// joinModel joins what has come so far, row by row.
func joinModel(kind stage.JoinKind, left, right []string, where, nullSafe, notIn bool) []string {
	if notIn && slices.ContainsFunc(right, func(r string) bool { return strings.HasPrefix(r, "null") }) {
		return nil
	}
	if notIn && len(right) > 0 {
		left = slices.DeleteFunc(slices.Clone(left), func(l string) bool { return strings.HasPrefix(l, "null") })
	}
	matches := func(l, r string) bool {
		lf, rf := strings.Fields(l), strings.Fields(r)
		if lf[0] != rf[0] || lf[0] == "null" && !nullSafe {
			return false
		}
		if !where {
			return true
		}
		return lf[1] != "null" && rf[1] != "null" && lf[1] < rf[1] // one digit each
	}
	var out []string
	matched := make([]bool, len(right))
	for _, l := range left {
		n := 0
		for i, r := range right {
			if matches(l, r) {
				n, matched[i] = n+1, true
				if kind < stage.SemiJoin {
					out = append(out, l+" "+r)
				}
			}
		}
		switch {
		case n == 0 && (kind == stage.LeftJoin || kind == stage.FullJoin):
			out = append(out, l+" null null")
		case n == 0 && kind == stage.AntiJoin, n > 0 && kind == stage.SemiJoin:
			out = append(out, l)
		}
	}
	for i, r := range right {
		if !matched[i] && (kind == stage.RightJoin || kind == stage.FullJoin) {
			out = append(out, "null null "+r)
		}
	}
	slices.Sort(out)
	return out
}

// fold applies changes one by one.
func fold(t *testing.T, rows []string, updates bool) []string {
	t.Helper()
	var out []string
	for _, row := range rows {
		if !updates {
			out = append(out, row)
			continue
		}
		at := strings.LastIndex(row, " ")
		if op := row[at+1:]; op == "0" || op == "2" {
			out = append(out, row[:at])
			continue
		}
		i := slices.Index(out, row[:at])
		if i < 0 {
			t.Fatalf("%q is taken back, and is not there", row)
		}
		out = slices.Delete(out, i, i+1)
	}
	slices.Sort(out)
	return out
}

// net checks that no row comes and goes in a tick.
func net(t *testing.T, tick []string) {
	t.Helper()
	back := map[string]bool{}
	for _, row := range tick {
		at := strings.LastIndex(row, " ")
		takes := row[at+1:] == "1" || row[at+1:] == "3"
		if was, ok := back[row[:at]]; ok && was != takes {
			t.Fatalf("%q comes and goes in one tick", row[:at])
		}
		back[row[:at]] = takes
	}
}

// TestHashJoinAgainstModel compares random changelogs and appended rows with a
// nested loop over what has come.
func TestHashJoinAgainstModel(t *testing.T) {
	for seed := range rounds(120) {
		rng := rand.New(rand.NewPCG(seed, 1))
		kind := joinKinds[rng.IntN(len(joinKinds))]
		where, nullSafe, updates := rng.IntN(2) == 0, rng.IntN(3) == 0, rng.IntN(3) > 0
		notIn := kind == stage.AntiJoin && rng.IntN(2) == 0
		if notIn {
			where, nullSafe = false, false
		}
		updating := [2]bool{updates && rng.IntN(2) == 0, updates && rng.IntN(2) == 0}
		result := updates && (kind != stage.InnerJoin || updating[0] || updating[1])
		t.Run(fmt.Sprintf("%d/%s/where=%v/updates=%v/notin=%v", seed, kind, where, updates, notIn), func(t *testing.T) {
			var held [2][]string
			var steps []stagetest.Step
			var marks [][2][]string // what is there after each tick
			var ended [2]bool
			cell := func(n int) string {
				if rng.IntN(5) == 0 {
					return "null"
				}
				return fmt.Sprint(rng.IntN(n))
			}
			for range 8 {
				for i := range 2 {
					var lines []string
					for range rng.IntN(8) {
						if ended[i] {
							break
						}
						if updating[i] && len(held[i]) > 0 && rng.IntN(3) == 0 {
							k := rng.IntN(len(held[i]))
							lines = append(lines, held[i][k]+" "+fmt.Sprint(1+2*rng.IntN(2)))
							held[i] = slices.Delete(held[i], k, k+1)
							continue
						}
						row := cell(4) + " " + cell(3)
						if notIn && rng.IntN(4) > 0 { // or nothing would ever pass
							row = fmt.Sprint(rng.IntN(9)) + " 0"
						}
						held[i] = append(held[i], row)
						if updating[i] {
							row += " " + fmt.Sprint(2*rng.IntN(2))
						}
						lines = append(lines, row)
					}
					if len(lines) > 0 {
						steps = append(steps, stagetest.RowsOf(i, strings.Join(lines, "\n")))
					}
					if rng.IntN(12) == 0 && !ended[0] && !ended[1] {
						ended[i] = true
						steps = append(steps, stagetest.EndOf(i))
					}
				}
				steps = append(steps, stagetest.Idle())
				marks = append(marks, [2][]string{slices.Clone(held[0]), slices.Clone(held[1])})
			}
			steps = append(steps, stagetest.End())
			var schemas []string
			for i, s := range []string{"k:int64 a:int64", "k:int64 b:int64"} {
				if updating[i] {
					s += " __op:int8!"
				}
				schemas = append(schemas, s)
			}
			create := func() arrowstream.Join {
				j := &stage.HashJoin{Kind: kind, Updates: updates, NullAware: notIn, JoinColumns: stage.JoinColumns{
					LeftKeys: []string{"k"}, RightKeys: []string{"k"}, Left: []string{"lk", "a"}, Right: []string{"rk", "b"},
					NullSafe: []bool{nullSafe},
				}}
				if where {
					j.Where = expr.Call{Name: "<", Args: []expr.Expr{expr.Col{Name: "a"}, expr.Col{Name: "b"}}}
				}
				return j
			}
			out := stagetest.PlayJoin(t, create, schemas, steps...)
			var rows []string
			for i, tick := range out.Ticks {
				rows = append(rows, tick...)
				got := fold(t, rows, result)
				if result {
					net(t, tick)
				}
				if i == len(marks) { // the end
					i--
				} else if !updates {
					continue
				}
				want := joinModel(kind, marks[i][0], marks[i][1], where, nullSafe, notIn)
				if !slices.Equal(got, want) {
					t.Fatalf("after tick %d:\ngot  %q\nwant %q\nof   %q\nwith %q", i, got, want, marks[i][0], marks[i][1])
				}
			}
			if seed%15 == 0 {
				stagetest.RunJoin(t, stagetest.JoinCase{New: create, Schemas: schemas, In: steps, Want: "any"})
			}
		})
	}
}
