package arrowstream

import (
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
)

func TestConfiguration(t *testing.T) {
	type inner struct{ A, B int }
	type config struct {
		Size   time.Duration
		By     []string
		Zero   int
		Path   string `state:"-"`
		Zone   string `state:"default=UTC"`
		Inner  []inner
		Any    any
		Nil    *inner
		Type   arrow.DataType
		F      func()
		hidden int
	}
	self := &config{hidden: 1}
	self.Any = self
	if got := configuration(self); !strings.Contains(got, "...") {
		t.Errorf("a value that holds itself: %s", got)
	}
	got := configuration(&config{
		Size: time.Minute, By: []string{"a", "b, c"}, Path: "x", Zone: "UTC", Inner: []inner{{A: 1}, {}}, Any: inner{B: 2}, Type: arrow.PrimitiveTypes.Int8, F: func() {},
	})
	want := `Size: 1m0s, By: ["a", "b, c"], Inner: [{A: 1}, {}], Any: inner{B: 2}, Type: int8, F: `
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got := configuration(&config{Zone: "CET"}); got != `Zone: "CET"` {
		t.Errorf("another zone: %s", got)
	}
}
