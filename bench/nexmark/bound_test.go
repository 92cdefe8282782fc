package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/all"
	"github.com/arrowstream/arrowstream/io/blackhole"
	"github.com/arrowstream/arrowstream/sql"
)

// TestBoundedState plans queries without leave to let their state grow: those
// over windows and intervals need none, the others are refused.
func TestBoundedState(t *testing.T) {
	for query, want := range map[string]string{"q5": "", "q7": "", "q8": "", "q11": "", "q12": "", "q13": "", "q6": "", "q3": "AS1401", "q9": "AS1401", "q18": "AS1401", "q19": "AS1401"} {
		text, err := script(query)
		if err != nil {
			t.Fatal(err)
		}
		const leave = "SET state.unbounded = allow;"
		if !strings.Contains(text, leave) {
			t.Fatalf("%s: no %s", query, leave)
		}
		param, remove, err := job{Query: query, Events: 1000, Rate: 1000, Generators: 1}.params()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { remove() })
		p, err := sql.Prepare(strings.Replace(text, leave, "", 1), sql.Options{
			Connectors: all.Connectors(), Formats: all.Formats(), Param: param,
			Sink: func(string) (arrowstream.Sink, error) { return &blackhole.Sink{}, nil },
		})
		if err == nil {
			err = p.Close()
		}
		got := ""
		if e := (*arrowstream.Error)(nil); errors.As(err, &e) {
			got = e.Code
		}
		if got != want || err != nil && got == "" {
			t.Errorf("%s: %v, want code %q", query, err, want)
		}
	}
}
