package arrowstream_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
)

func TestLateness(t *testing.T) {
	var l, none arrowstream.Lateness
	for _, behind := range []time.Duration{0, time.Microsecond, time.Second, time.Second + time.Microsecond, time.Minute, time.Hour, 25 * time.Hour} {
		l.Add(behind.Microseconds())
	}
	l.Add(math.MaxInt64)
	text := func(l arrowstream.Lateness) string {
		b, err := json.Marshal(struct {
			L arrowstream.Lateness `json:"l,omitzero"`
		}{l})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	const want = `{"l":{"10s":1,"1h":1,"1m":1,"1s":3,"more":2}}`
	if got := text(l); got != want || text(none) != "{}" {
		t.Errorf("%s and %s, want %s", got, text(none), want)
	}
	if l.Plus(l).Minus(l) != l || l.Minus(l) != none {
		t.Error("sums and differences are wrong")
	}
}
