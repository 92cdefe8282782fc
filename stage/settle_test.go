package stage_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

// TestCopiesOfChanges compares the rows that are left of a changelog, and the
// distinct ones of them, with a count of lines.
func TestCopiesOfChanges(t *testing.T) {
	const schema = "k:utf8 x:float64 __op:int8!"
	c := &changes{r: rand.New(rand.NewPCG(5, 6)), row: func(r *rand.Rand) string {
		return []string{"a", "null", "b"}[r.IntN(3)] + " " + []string{"1", "NaN", "null", "0"}[r.IntN(4)]
	}}
	var steps []stagetest.Step
	var want [][]string
	for k := range 10 {
		steps = append(steps, stagetest.Rows(c.next(c.r.IntN(14))), stagetest.Advance(int64(k)))
		want = append(want, slices.Sorted(slices.Values(c.live)))
	}
	steps[len(steps)-1] = stagetest.End()
	settle := func() arrowstream.Stage { return &stage.Settle{} }
	distinct := func() arrowstream.Stage { return &stage.Distinct{} }
	rows := slices.Sorted(slices.Values(stagetest.Play(t, settle, schema, steps...).Rows()))
	if d := columnartest.Diff(strings.Join(rows, "\n"), strings.Join(want[9], "\n")); d != "" {
		t.Errorf("settle (-want +got):\n%s", d)
	}
	f := folded{t: t}
	for k, lines := range stagetest.Play(t, distinct, schema, steps...).Ticks {
		f.tick(lines)
		if d := columnartest.Diff(strings.Join(f.all(), "\n"), strings.Join(slices.Compact(want[k]), "\n")); d != "" {
			t.Fatalf("distinct, tick %d (-want +got):\n%s", k, d)
		}
	}
	run(t, map[string]stagetest.Case{
		"settle":       {New: settle, Schema: schema, In: steps, Want: "any", NoNulls: true},
		"distinct":     {New: distinct, Schema: schema, In: steps, Want: "any", NoNulls: true},
		"distinct key": {New: func() arrowstream.Stage { return &stage.Distinct{By: []string{"k"}} }, Schema: schema, In: steps, Err: "AS1407"},
		"settle nothing": {
			New: settle, Schema: "k:utf8 x:float64", In: []stagetest.Step{stagetest.Rows("b 1\na 2\nb 1"), stagetest.End()}, Want: "k:utf8 x:float64\na 2\nb 1\nb 1",
		},
	})
}
