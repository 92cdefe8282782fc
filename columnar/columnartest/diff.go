package columnartest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
)

// Equal fails t with a row-by-row difference when got is not want. want is a
// batch text as for [Batch] or an arrow.Record; columns, types, nullability,
// the event-time mark and every value count, floats by their bits with one NaN.
func Equal(t testing.TB, got arrow.Record, want any) {
	t.Helper()
	if d := Diff(Text(got), wanted(want)); d != "" {
		t.Errorf("batch differs (-want +got):\n%s", d)
	}
}

func wanted(want any) string {
	switch w := want.(type) {
	case arrow.Record:
		return Text(w)
	case string:
		var lines []string
		for _, line := range strings.Split(strings.TrimSpace(w), "\n") {
			if f := strings.TrimSpace(line); f != "" {
				cells, err := Cells(f)
				if err != nil {
					return f
				}
				lines = append(lines, strings.Join(cells, " "))
			}
		}
		return strings.Join(lines, "\n")
	}
	panic(fmt.Sprintf("columnartest: want is a %T", want))
}

// Diff compares two texts line by line and is "" when they are equal.
func Diff(got, want string) string {
	if got == want {
		return ""
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	var sb strings.Builder
	shown := 0
	for i := range max(len(g), len(w)) {
		gl, wl := "", ""
		if i < len(g) {
			gl = g[i]
		}
		if i < len(w) {
			wl = w[i]
		}
		if gl == wl {
			continue
		}
		if shown++; shown > 20 {
			sb.WriteString("...\n")
			break
		}
		if i < len(w) {
			fmt.Fprintf(&sb, "%4d - %s\n", i, wl)
		}
		if i < len(g) {
			fmt.Fprintf(&sb, "%4d + %s\n", i, gl)
		}
	}
	fmt.Fprintf(&sb, "%d lines, want %d\n", len(g), len(w))
	return sb.String()
}
