package stage_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

func TestPeriodic(t *testing.T) {
	const schema = "k:utf8 x:int64 __op:int8"
	at := func(s int64) stagetest.Step { return stagetest.AdvanceClock(s * 1_000_000) }
	in := []stagetest.Step{
		at(1), stagetest.Rows("b 1 0\na 1 0"), at(3),
		stagetest.Rows("a 1 1\na 2 2\nc 1 0\nc 1 3"), at(9), at(10),
		stagetest.Rows("a 2 1\na 3 2\nb 1 1\nb 2 2\nb 2 1\nb 1 2\na 3 1\na 4 2"), at(19),
		stagetest.Rows("a 4 3\nb 1 3\nb 7 0"), at(25), at(40),
		stagetest.Rows("a 1 0"), stagetest.End(),
	}
	run(t, map[string]stagetest.Case{
		"by key": {
			New: func() arrowstream.Stage { return &stage.Periodic{Every: 10 * time.Second, By: []string{"k"}} }, Schema: schema, In: in,
			Want: schema + "\na 2 0\nb 1 0\na 2 3\nb 1 1\nb 7 2\na 1 0",
		},
		"whole rows": {
			New: func() arrowstream.Stage { return &stage.Periodic{Every: 10 * time.Second} }, Schema: schema, In: in,
			Want: "rows\na 2 0\nb 1 0\na 2 3\nb 1 3\nb 7 0\na 1 0",
		},
		"nothing": {New: func() arrowstream.Stage { return &stage.Periodic{Every: time.Second} }, Schema: schema, In: []stagetest.Step{at(1), at(5), stagetest.End()}, Want: schema},
		"no changelog": {
			New: func() arrowstream.Stage { return &stage.Periodic{Every: time.Second} }, Schema: "x:int64", In: []stagetest.Step{stagetest.End()}, Err: "no changelog",
		},
		"no period": {New: func() arrowstream.Stage { return &stage.Periodic{} }, Schema: schema, In: []stagetest.Step{stagetest.End()}, Err: "the period is 0s"},
	})
}

// TestPeriodicHoldsLittle changes the same few rows again and again within a
// period, which must not fill the memory.
func TestPeriodicHoldsLittle(t *testing.T) {
	mem := columnartest.Allocator(t)
	var text strings.Builder
	text.WriteString("k:utf8 x:int64 __op:int8\n")
	for i := range 1000 {
		fmt.Fprintf(&text, "k%d 1 0\nk%d 1 3\n", i%10, i%10)
	}
	b := columnartest.Batch(t, mem, text.String())
	p := &stage.Periodic{Every: time.Hour, By: []string{"k"}}
	if _, err := p.Bind(b.Schema(), arrowstream.Env{Allocator: mem}); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for range 100 {
		if err := p.Process(t.Context(), b, nil); err != nil {
			t.Fatal(err)
		}
		if n := p.Counts().StateRows; n > 20_000 {
			t.Fatalf("%d changes are held", n)
		}
	}
}
