package stage_test

import (
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

func TestPosition(t *testing.T) {
	numbered := func(column string) func() arrowstream.Stage {
		return func() arrowstream.Stage { return &stage.Position{Column: column} }
	}
	for name, c := range map[string]stagetest.Case{
		"numbers go on": {
			New: numbered("n"), Schema: "a:int64",
			In:   []stagetest.Step{stagetest.Rows("7\nnull"), stagetest.Advance(1), stagetest.Advance(2), stagetest.Rows("5\n6\n7"), stagetest.End()},
			Want: "a:int64 n:int64!\n7 0\nnull 1\n5 2\n6 3\n7 4",
		},
		"nobody reads them": {New: numbered(""), Schema: "a:int64", In: []stagetest.Step{stagetest.Rows("7\n8"), stagetest.End()}, Want: "a:int64\n7\n8"},
		"no row":            {New: numbered("n"), Schema: "a:int64", In: []stagetest.Step{stagetest.End()}, Want: "a:int64 n:int64!"},
		"changelog":         {New: numbered("n"), Schema: "a:int64 __op:int8", In: []stagetest.Step{stagetest.End()}, Err: "AS1406"},
		"a name twice":      {New: numbered("a"), Schema: "a:int64", In: []stagetest.Step{stagetest.End()}, Err: "AS1204"},
	} {
		t.Run(name, func(t *testing.T) { stagetest.Run(t, c) })
	}
}
