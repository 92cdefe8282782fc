package report

import (
	"fmt"
	"io"
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

// Markdown writes r: what it says about the machine and a table per suite,
// which suites without rows leave out.
func (r *Run) Markdown(w io.Writer, title, text string, suites []Suite) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\n", title, text)
	for _, key := range slices.Sorted(maps.Keys(r.About)) {
		fmt.Fprintf(&b, "- %s: %s\n", key, r.About[key])
	}
	for _, s := range suites {
		r.table(&b, s)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Run) table(b *strings.Builder, s Suite) {
	head := true
	for _, row := range r.Rows {
		if row.Suite != s.Name {
			continue
		}
		if head {
			fmt.Fprintf(b, "\n## %s\n\n%s\n\n", s.Title, s.Text)
			b.WriteString("| | threads | peer | ours | theirs | unit | ratio | min..max | cpu ratio | pairs | goal |\n")
			b.WriteString("|---|---:|---|---:|---:|---|---:|---|---:|---:|---|\n")
			head = false
		}
		cells := []string{
			row.Name, fmt.Sprint(row.Threads), row.Peer, number(row.Ours), number(row.Theirs), row.Unit,
			bold(row.Ratio), number(row.Min) + ".." + number(row.Max), number(row.CPU), fmt.Sprint(row.Pairs), row.verdict(),
		}
		if row.Pairs == 0 {
			cells = []string{row.Name, fmt.Sprint(row.Threads), row.Peer, row.Note, "", "", "", "", "", "", ""}
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
	}
}

// verdict is the goal and whether it was reached.
func (r Row) verdict() string {
	switch {
	case r.Goal == 0:
		return r.Note
	case r.Ratio <= r.Goal:
		return strings.TrimSpace(fmt.Sprintf("<= %s met %s", number(r.Goal), r.Note))
	default:
		return strings.TrimSpace(fmt.Sprintf("<= %s missed by %.0f %% %s", number(r.Goal), 100*(r.Ratio/r.Goal-1), r.Note))
	}
}

// number writes three digits that count.
func number(v float64) string {
	if v == 0 || math.IsNaN(v) {
		return "-"
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	return fmt.Sprintf("%.*f", digits, v)
}

func bold(v float64) string { return "**" + number(v) + "**" }
