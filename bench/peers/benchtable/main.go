// Command benchtable turns the output of go test -bench into the table and the
// plot of bench/results: kernels against the limit of the machine that they
// measured in the same run.
//
//	go test -run '^$' -bench . ./kernels/... | benchtable -results bench/results
//
// A benchmark that reports the metric %limit is drawn and compared with 1; of
// the others the table has the time alone.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"

	"github.com/arrowstream/arrowstream/bench/peers/report"
)

const text = "One line per benchmark: the median of its runs. Where there is a ratio it is that to the limit of the machine for the same bytes or operations, " +
	"measured in turn with it; 1 is the limit. How to run this and how noise is handled: [bench/README.md](../README.md)."

func main() {
	results := flag.String("results", "bench/results", "folder for the report")
	flag.Parse()
	if err := run(os.Stdin, *results); err != nil {
		fmt.Fprintln(os.Stderr, "benchtable:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, results string) error {
	all, err := read(in)
	if err != nil {
		return err
	}
	page := report.Page{Name: "kernels", Title: "Kernels and the limits of the machine", Text: text}
	for _, row := range all.Rows {
		if !slices.ContainsFunc(page.Suites, func(s report.Suite) bool { return s.Name == row.Suite }) {
			page.Suites = append(page.Suites, report.Suite{Name: row.Suite, Title: row.Suite})
		}
	}
	return all.Write(results, page)
}

// sample is what one benchmark measured in all its runs.
type sample struct {
	row   report.Row
	times []float64
	share []float64 // of the limit
}

// read collects benchmarks in the order of their first run.
func read(in io.Reader) (*report.Run, error) {
	var samples []*sample
	byName := map[string]*sample{}
	all := &report.Run{About: map[string]string{}}
	reader := benchfmt.NewReader(in, "stdin")
	for reader.Scan() {
		switch r := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			return nil, r
		case *benchfmt.Result:
			all.About["CPU"] = r.GetConfig("cpu")
			key := r.GetConfig("pkg") + " " + r.Name.String()
			s := byName[key]
			if s == nil {
				s = &sample{row: named(r.Name)}
				byName[key], samples = s, append(samples, s)
			}
			s.add(r)
		}
	}
	if err := reader.Err(); err != nil {
		return nil, err
	}
	if len(samples) == 0 {
		return nil, fmt.Errorf("no benchmark in the input")
	}
	for _, s := range samples {
		all.Rows = append(all.Rows, s.sum())
	}
	return all, nil
}

// named splits the name of a benchmark: the suite is what stands before the
// first slash.
func named(n benchfmt.Name) report.Row {
	base, parts := n.Parts()
	row := report.Row{Suite: string(base), Name: string(base), Threads: 1}
	var rest []string
	for _, p := range parts {
		if p[0] == '-' {
			fmt.Sscan(string(p[1:]), &row.Threads)
		} else {
			rest = append(rest, string(p[1:]))
		}
	}
	if len(rest) > 0 {
		row.Name = strings.Join(rest, ", ")
	}
	return row
}

// add takes in one run: ns/row if it is reported, else ns/op.
func (s *sample) add(r *benchfmt.Result) {
	found := map[string]float64{}
	for _, v := range r.Values {
		if v.OrigUnit != "" {
			found[v.OrigUnit] = v.OrigValue
		} else {
			found[v.Unit] = v.Value
		}
	}
	s.row.Unit = "ns/op"
	if _, ok := found["ns/row"]; ok {
		s.row.Unit = "ns/row"
	}
	s.times = append(s.times, found[s.row.Unit])
	if v, ok := found["%limit"]; ok {
		s.share = append(s.share, v/100)
	}
}

func (s *sample) sum() report.Row {
	s.row.Ours, s.row.Pairs = report.Median(s.times), len(s.times)
	if len(s.share) > 0 {
		s.row.Peer, s.row.Ratio = "limit", report.Median(s.share)
		s.row.Min, s.row.Max = slices.Min(s.share), slices.Max(s.share)
		s.row.Theirs = s.row.Ours * s.row.Ratio
	}
	return s.row
}
