package report

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Suite is a part of a report: the rows of that name under a heading.
type Suite struct {
	Name  string
	Title string
	// Text says what was compared and what the ratio means, in Markdown.
	Text string
}

// markdown writes what r says about the machine and a table per suite; suites
// without rows are left out.
func (r *Run) markdown(b *bytes.Buffer, page Page) {
	fmt.Fprintf(b, "# %s\n\n%s\n\n![ratios](%s.svg)\n\n", page.Title, page.Text, page.Name)
	for _, key := range slices.Sorted(maps.Keys(r.About)) {
		fmt.Fprintf(b, "- %s: %s\n", key, r.About[key])
	}
	for _, s := range page.Suites {
		r.table(b, s)
	}
}

func (r *Run) table(b *bytes.Buffer, s Suite) {
	head := true
	for _, row := range r.Rows {
		if row.Suite != s.Name {
			continue
		}
		if head {
			fmt.Fprintf(b, "\n## %s\n\n", s.Title)
			if s.Text != "" {
				fmt.Fprintf(b, "%s\n\n", s.Text)
			}
			b.WriteString("| | threads | peer | ours | theirs | unit | ratio | min..max | cpu ratio | pairs | |\n")
			b.WriteString("|---|---:|---|---:|---:|---|---:|---|---:|---:|---|\n")
			head = false
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(row.cells(), " | "))
	}
}

// cells are what the table says in one line.
func (r Row) cells() []string {
	cells := []string{
		r.Name, fmt.Sprint(r.Threads), r.Peer, number(r.Ours), number(r.Theirs), r.Unit,
		"", "", number(r.CPU), fmt.Sprint(r.Pairs), r.verdict(),
	}
	if r.Ratio > 0 {
		cells[6], cells[7] = "**"+number(r.Ratio)+"**", number(r.Min)+".."+number(r.Max)
	}
	return cells
}

// verdict is the goal and whether it was reached, and the note.
func (r Row) verdict() string {
	var parts []string
	switch {
	case r.Goal == 0 || r.Ratio == 0:
	case r.Ratio <= r.Goal:
		parts = append(parts, fmt.Sprintf("goal %s met", number(r.Goal)))
	default:
		parts = append(parts, fmt.Sprintf("goal %s missed by %.0f %%", number(r.Goal), 100*(r.Ratio/r.Goal-1)))
	}
	if r.Note != "" {
		parts = append(parts, r.Note)
	}
	return strings.Join(parts, "; ")
}

// number writes at least three digits that count, nothing for 0.
func number(v float64) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	return fmt.Sprintf("%.*f", digits, v)
}
