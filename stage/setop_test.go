package stage_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

// setOf is the naive answer.
func setOf(op stage.SetOp, a, b []string) (out []string) {
	n, m := map[string]int{}, map[string]int{}
	for _, r := range a {
		n[r]++
	}
	for _, r := range b {
		m[r]++
	}
	for r, left := range n {
		right := m[r]
		if !op.All {
			left, right = min(left, 1), min(right, 1)
		}
		k := min(left, right)
		if op.Kind == stage.Except {
			k = left - right
		}
		for range k {
			out = append(out, r)
		}
	}
	slices.Sort(out)
	return out
}

func TestSetOpOfChanges(t *testing.T) {
	for i := range 8 {
		op := stage.SetOp{Kind: stage.SetKind(i % 2), All: i/2%2 == 0, Updates: i < 4}
		row := func(r *rand.Rand) string {
			return []string{"a", "null", "b"}[r.IntN(3)] + " " + []string{"1", "NaN", "null", "0"}[r.IntN(4)]
		}
		r := rand.New(rand.NewPCG(4, uint64(i)))
		sides := []*changes{{r: r, row: row}, {r: r, row: row}}
		schemas := []string{"k:utf8 x:float64 __op:int8!", "k2:utf8 x:float64 __op:int8!"}
		var steps []stagetest.Step
		var want [][]string
		for k := range 10 {
			for side, c := range sides {
				steps = append(steps, stagetest.RowsOf(side, c.next(r.IntN(12))))
			}
			steps = append(steps, stagetest.Advance(int64(k)))
			want = append(want, setOf(op, sides[0].live, sides[1].live))
		}
		steps[len(steps)-1] = stagetest.End()
		final := strings.Join(want[9], "\n")
		create := func() arrowstream.Join { return &stage.SetOp{Kind: op.Kind, All: op.All, Updates: op.Updates} }
		f := folded{t: t}
		for k, lines := range stagetest.PlayJoin(t, create, schemas, steps...).Ticks {
			if !op.Updates {
				if k == 9 && strings.Join(slices.Sorted(slices.Values(lines)), "\n") != final {
					t.Errorf("%v all=%v: got\n%s\nwant\n%s", op.Kind, op.All, strings.Join(lines, "\n"), final)
				}
				continue
			}
			f.tick(lines)
			if d := columnartest.Diff(strings.Join(f.all(), "\n"), strings.Join(want[k], "\n")); d != "" {
				t.Fatalf("%v all=%v, tick %d (-want +got):\n%s", op.Kind, op.All, k, d)
			}
		}
		t.Run(fmt.Sprintf("case=%d", i), func(t *testing.T) {
			stagetest.RunJoin(t, stagetest.JoinCase{New: create, Schemas: schemas, In: steps, Want: "any", NoNulls: true})
		})
	}
}

func TestSetOp(t *testing.T) {
	const s = 1_000_000
	in := []stagetest.Step{
		stagetest.RowsOf(0, "1 a\n1 a\n2 b"), stagetest.RowsOf(1, "1 a\n3 c"), stagetest.Advance(2 * s), stagetest.RowsOf(1, "2 b"), stagetest.Advance(30 * s),
		stagetest.Advance(31 * s), stagetest.RowsOf(0, "1 a"), stagetest.End(),
	}
	schemas := []string{"t:timestamp[s]@ k:utf8", "t:timestamp[s]@ k:utf8"}
	for name, c := range map[string]stagetest.JoinCase{
		"except":     {New: func() arrowstream.Join { return &stage.SetOp{Kind: stage.Except} }, Schemas: schemas, In: in, Want: "t:timestamp[s] k:utf8"},
		"except all": {New: func() arrowstream.Join { return &stage.SetOp{Kind: stage.Except, All: true} }, Schemas: schemas, In: in, Want: "rows\n1 a\n1 a"},
		"ttl": {
			New:     func() arrowstream.Join { return &stage.SetOp{Kind: stage.Except, Updates: true, TTL: 10 * time.Second} },
			Schemas: schemas, In: in, Want: "t:timestamp[s] k:utf8 __op:int8!\n2 b 0\n2 b 3\n1 a 0",
		},
		"types":   {New: func() arrowstream.Join { return &stage.SetOp{} }, Schemas: []string{"a:int64", "a:utf8"}, In: nil, Err: "AS1301"},
		"columns": {New: func() arrowstream.Join { return &stage.SetOp{} }, Schemas: []string{"a:int64", "a:int64 b:int64"}, In: nil, Err: "AS1301"},
	} {
		t.Run(name, func(t *testing.T) { stagetest.RunJoin(t, c) })
	}
}
