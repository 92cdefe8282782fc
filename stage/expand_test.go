package stage_test

import (
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

func TestExpand(t *testing.T) {
	expand := func(e stage.Expand) func() arrowstream.Stage { return func() arrowstream.Stage { return e.Clone() } }
	rollup := [][]string{{"a", "b"}, {"a"}, {}}
	one := []stagetest.Step{stagetest.Rows("x p 1"), stagetest.Advance(1), stagetest.Rows("null q 2"), stagetest.End()}
	run(t, map[string]stagetest.Case{
		"rollup": {
			New: expand(stage.Expand{By: []string{"a", "b"}, Sets: rollup, ID: "g"}), Schema: "a:utf8 b:utf8 n:int64", In: one,
			Want: `a:utf8 b:utf8 n:int64 g:int64!
				x p 1 0
				x null 1 1
				null null 1 3
				null q 2 0
				null null 2 1
				null null 2 3`,
		},
		"changes": {
			New: expand(stage.Expand{By: []string{"a"}, Sets: [][]string{{}, {"a"}}, ID: "g"}), Schema: "n:int64 a:utf8! __op:int8!", NoNulls: true,
			In:   []stagetest.Step{stagetest.Rows("1 x 0\n2 y 0"), stagetest.Advance(1), stagetest.Rows("1 x 3"), stagetest.End()},
			Want: "n:int64 a:utf8 g:int64! __op:int8!\n1 null 1 0\n2 null 1 0\n1 x 0 0\n2 y 0 0\n1 null 1 3\n1 x 0 3",
		},
		"no set":  {New: expand(stage.Expand{By: []string{"a"}, ID: "g"}), Schema: "a:utf8 b:utf8 n:int64", In: one, Err: "want a set"},
		"not by":  {New: expand(stage.Expand{By: []string{"a"}, Sets: rollup, ID: "g"}), Schema: "a:utf8 b:utf8 n:int64", In: one, Err: "not in By"},
		"twice":   {New: expand(stage.Expand{By: []string{"a"}, Sets: [][]string{{"a"}}, ID: "n"}), Schema: "a:utf8 b:utf8 n:int64", In: one, Err: "AS1204"},
		"unknown": {New: expand(stage.Expand{By: []string{"z"}, Sets: [][]string{{}}, ID: "g"}), Schema: "a:utf8 b:utf8 n:int64", In: one, Err: "AS1203"},
	})
}
