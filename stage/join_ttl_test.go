package stage_test

import (
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

// TestHashJoinForgets has a left input in event time and a right one without.
func TestHashJoinForgets(t *testing.T) {
	stagetest.RunJoin(t, stagetest.JoinCase{
		New: func() arrowstream.Join {
			return &stage.HashJoin{
				Kind: stage.LeftJoin, Updates: true, LeftTTL: 10 * time.Microsecond, RightTTL: 100 * time.Microsecond,
				JoinColumns: stage.JoinColumns{LeftKeys: []string{"k"}, RightKeys: []string{"k"}, Right: []string{"rk", "b"}},
			}
		},
		Schemas: []string{"ts:timestamp[us]@ k:int64 a:utf8 __op:int8!", "k:int64 b:utf8"},
		In: []stagetest.Step{
			stagetest.RowsOf(0, "1 1 old 0\n1 2 two 0"), stagetest.Idle(), // ages from 5 on
			stagetest.Advance(5),
			stagetest.RowsOf(0, "9 1 new 0"), stagetest.RowsOf(1, "1 p"), stagetest.Advance(14),
			stagetest.Advance(15), // forgets old and two
			stagetest.RowsOf(1, "1 q\n2 r"), stagetest.AdvanceClock(50),
			stagetest.RowsOf(0, "1 1 old 3\n9 1 new 3"), stagetest.AdvanceClock(149),
			stagetest.RowsOf(0, "16 1 last 0"), stagetest.AdvanceClock(150), // forgets q and r, p before
			stagetest.RowsOf(0, "17 1 none 0\n17 2 none 0"), stagetest.AdvanceClock(151),
		},
		Want: `ts:timestamp[us] k:int64 a:utf8 rk:int64 b:utf8 __op:int8!
			1 1 old null null 0
			1 2 two null null 0
			1 1 old null null 3
			1 1 old 1 p 0
			9 1 new 1 p 0
			9 1 new 1 q 0
			9 1 new 1 p 3
			9 1 new 1 q 3
			16 1 last 1 q 0
			17 1 none null null 0
			17 2 none null null 0`,
	})
}
