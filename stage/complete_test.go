package stage_test

import (
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

func TestComplete(t *testing.T) {
	const schema = "k:utf8 x:int64 __op:int8"
	at := func(s int64) stagetest.Step { return stagetest.AdvanceClock(s * 1_000_000) }
	in := []stagetest.Step{
		at(1), stagetest.Rows("b 1 0\na 1 0"), at(3),
		stagetest.Rows("a 1 1\na 2 2\nc 1 0\nc 1 3"), at(9), at(11),
		stagetest.Rows("b 1 3\nnull 7 0\na 2 0"), at(19),
		stagetest.Rows("a 2 3\na 2 3\nnull 7 3"), at(25), at(40),
		stagetest.Rows("z 9 0"), stagetest.End(),
	}
	run(t, map[string]stagetest.Case{
		"every tick": {
			New: func() arrowstream.Stage { return &stage.Complete{} }, Schema: schema, In: in,
			Want: "k:utf8 x:int64\na 1\nb 1\na 2\nb 1\nnull 7\na 2\na 2\nz 9",
		},
		"every 10 seconds": {
			New: func() arrowstream.Stage { return &stage.Complete{Every: 10 * time.Second} }, Schema: schema, In: in,
			Want: "k:utf8 x:int64\na 2\nb 1\nz 9",
		},
		"nothing": {New: func() arrowstream.Stage { return &stage.Complete{} }, Schema: schema, In: []stagetest.Step{at(1), stagetest.End()}, Want: "k:utf8 x:int64"},
		"too many": {
			New: func() arrowstream.Stage { return &stage.Complete{MaxRows: 1} }, Schema: schema, In: in, Err: "the result has 2 rows, at most 1",
		},
		"no changelog": {
			New: func() arrowstream.Stage { return &stage.Complete{} }, Schema: "x:int64", In: []stagetest.Step{stagetest.End()}, Err: "no changelog",
		},
	})
}
