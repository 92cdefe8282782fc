package stage_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// changes makes a random changelog: inserted rows, some of which are taken back
// or replaced later, in the order of a stream that never takes back what is not
// there.
type changes struct {
	r    *rand.Rand
	row  func(r *rand.Rand) string
	live []string // rows that count, the oldest first
}

// next is n changes as lines of rows.
func (c *changes) next(n int) string {
	var lines []string
	add := func(row string, op int) {
		lines = append(lines, fmt.Sprintf("%s %d", row, op))
		if op == 0 || op == 2 {
			c.live = append(c.live, row)
			return
		}
		at := slices.Index(c.live, row) // the oldest goes
		c.live = slices.Delete(c.live, at, at+1)
	}
	for len(lines) < n {
		switch k := c.r.IntN(8); {
		case k < 4 || len(c.live) == 0:
			add(c.row(c.r), 0)
		case k < 6:
			add(c.live[c.r.IntN(len(c.live))], 3)
		default:
			add(c.live[c.r.IntN(len(c.live))], 1)
			add(c.row(c.r), 2)
		}
	}
	return strings.Join(lines, "\n")
}

// folded is the rows that a changelog amounts to, sorted. A change that takes
// back what is not there fails the test, and so does a -U without a +U in its
// tick.
type folded struct {
	t    *testing.T
	rows map[string]int
}

func (f *folded) tick(lines []string) {
	f.t.Helper()
	if f.rows == nil {
		f.rows = map[string]int{}
	}
	open := 0
	for _, line := range lines {
		at := strings.LastIndexByte(line, ' ')
		row, op := line[:at], line[at+1:]
		switch op {
		case "1":
			open++
		case "2":
			open--
		}
		if op == "0" || op == "2" {
			f.rows[row]++
			continue
		}
		if f.rows[row]--; f.rows[row] < 0 {
			f.t.Fatalf("change %q takes back what is not there, in\n%s", line, strings.Join(lines, "\n"))
		}
	}
	if open != 0 {
		f.t.Fatalf("%d more -U than +U in\n%s", open, strings.Join(lines, "\n"))
	}
}

func (f *folded) all() (rows []string) {
	for row, n := range f.rows {
		for range n {
			rows = append(rows, row)
		}
	}
	slices.Sort(rows)
	return rows
}
