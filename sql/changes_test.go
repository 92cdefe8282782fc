package sql_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
)

// amounts is what printed rows amount to: how often each is there, with its
// changes added up.
func amounts(printed string) map[string]int {
	out := map[string]int{}
	changes := false
	for _, line := range strings.Split(printed, "\n") {
		if name, header, ok := strings.Cut(line, ": "); ok && !strings.Contains(name, " ") {
			changes = strings.HasSuffix(header, "__op:int8!")
			continue
		}
		by, row := 1, line
		if changes {
			i := strings.LastIndexByte(line, ' ')
			row = line[:i]
			if op := line[i+1:]; op == "1" || op == "3" {
				by = -1
			}
		}
		if out[row] += by; out[row] == 0 {
			delete(out, row)
		}
	}
	return out
}

// TestChangesAmount checks that what the queries of the golden files amount to
// does not depend on how their input is cut and on how many workers there are.
func TestChangesAmount(t *testing.T) {
	updated := 0
	for _, text := range goldenScripts(t) {
		if strings.Contains(text, "EXPLAIN") || !strings.Contains(text, "unbounded'='true'") || strings.Contains(text, "LIMIT") && !strings.Contains(text, "ORDER BY") {
			continue
		}
		h := newHarness(t)
		whole := h.run(text)
		if strings.Contains(whole, "error[") || strings.Contains(whole, "run: ") || strings.Contains(whole, "MATCH") {
			continue
		}
		for _, o := range []arrowstream.Options{{Workers: 1, BatchRows: 1, TickRows: 1}, {Workers: 1, BatchRows: 2, TickRows: 2}, {Workers: 4, BatchRows: 1, TickRows: 1}} {
			h := newHarness(t)
			opts := h.options()
			o.Allocator = h.mem
			opts.Pipeline = o
			got := h.runWith(text, opts)
			if !maps.Equal(amounts(got), amounts(whole)) {
				t.Errorf("%s\n%d workers, %d rows at a time:\n%s\nin one batch:\n%s", text, o.Workers, o.BatchRows, got, whole)
			}
			if slices.ContainsFunc(strings.Split(got, "\n"), func(l string) bool { return strings.HasSuffix(l, " 1") || strings.HasSuffix(l, " 3") }) {
				updated++
			}
		}
	}
	if updated < 20 {
		t.Errorf("%d runs take rows back: too few", updated)
	}
}
