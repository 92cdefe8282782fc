package stage_test

import (
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

func TestCurrentWatermark(t *testing.T) {
	in := []stagetest.Step{
		stagetest.Rows("1 5000000\n2 null"), stagetest.Advance(4_000_000), stagetest.Rows("3 1"), stagetest.Rows("4 9000000"), stagetest.Advance(8_999_999),
		stagetest.Rows("5 9000001"), stagetest.End(),
	}
	make := func() arrowstream.Stage { return &stage.CurrentWatermark{Column: "w"} }
	stagetest.Run(t, stagetest.Case{New: make, Schema: "x:int64 ts:timestamp[us]@", In: in, Want: `x:int64 ts:timestamp[us]@ w:timestamp[us]
		1 5000000 null
		2 null null
		3 1 4000000
		4 9000000 4000000
		5 9000001 8999999`})
	stagetest.Run(t, stagetest.Case{
		New: make, Schema: "x:int64 ts:timestamp[s,UTC]@", In: []stagetest.Step{stagetest.Rows("1 5"), stagetest.Advance(-1), stagetest.Rows("2 5"), stagetest.End()},
		Want: "x:int64 ts:timestamp[s,UTC]@ w:timestamp[s,UTC]\n1 5 null\n2 5 -1",
	})
	stagetest.Run(t, stagetest.Case{New: make, Schema: "x:int64", In: []stagetest.Step{stagetest.End()}, Err: "no event time"})
	stagetest.Run(t, stagetest.Case{New: make, Schema: "w:timestamp[us]@", In: []stagetest.Step{stagetest.End()}, Err: "two output columns"})
	stagetest.Run(t, stagetest.Case{New: make, Schema: "x:timestamp[us]@ __op:int8!", In: []stagetest.Step{stagetest.End()}, Err: "updates rows"})
}
