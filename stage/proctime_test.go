package stage_test

import (
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

func TestProcTime(t *testing.T) {
	in := []stagetest.Step{
		stagetest.RowsOf(0, "1 5\n2 6"), stagetest.AdvanceClock(1_000_999),
		stagetest.RowsOf(0, "3 7"), stagetest.AdvanceClock(1_001_000),
		stagetest.AdvanceClock(2_000_000), stagetest.RowsOf(0, "4 null"), stagetest.End(),
	}
	stagetest.Run(t, stagetest.Case{
		New:    func() arrowstream.Stage { return &stage.ProcTime{Columns: []string{"proc"}} },
		Schema: "x:int64 ts:timestamp[us]@", In: in,
		Want: `x:int64 ts:timestamp[us]@ proc:timestamp[ms,UTC]!
			1 5 1000
			2 6 1000
			3 7 1001
			4 null 2000`,
	})
	stagetest.Run(t, stagetest.Case{
		New:    func() arrowstream.Stage { return &stage.ProcTime{Columns: []string{"x", "y"}, EventTime: "x"} },
		Schema: "x:int64 ts:timestamp[us]@", In: in,
		Want: `x:timestamp[ms,UTC]@! ts:timestamp[us] y:timestamp[ms,UTC]!
			1000 5 1000
			1000 6 1000
			1001 7 1001
			2000 null 2000`,
	})
	stagetest.Run(t, stagetest.Case{
		New:    func() arrowstream.Stage { return &stage.ProcTime{} },
		Schema: "x:int64 ts:timestamp[us]@", In: in,
		Want: "x:int64 ts:timestamp[us]@\n1 5\n2 6\n3 7\n4 null",
	})
	stagetest.Run(t, stagetest.Case{
		New:    func() arrowstream.Stage { return &stage.ProcTime{Columns: []string{"p"}} },
		Schema: "x:int64 __op:int8!", In: []stagetest.Step{stagetest.Rows("1 0"), stagetest.End()}, Err: "updates rows",
	})
}
