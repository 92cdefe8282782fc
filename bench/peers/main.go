// Command peers measures arrowstream against other engines and libraries, in
// turn in one run, and writes a table and a plot. See README.md.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/cpuid/v2"

	"github.com/arrowstream/arrowstream/bench/peers/report"
)

// config is what the flags say.
type config struct {
	data    string // folder of generated files
	rows    int    // of the events
	codec   string // of the Parquet file
	pairs   int
	threads []int
	suites  []string
	only    *regexp.Regexp
	results string // folder of the report, empty for none
	profile string // folder of profiles: only profile our side
	python  string // interpreter with scikit-learn, polars and numpy

	// about notes what the figures depend on.
	about func(key, value string)
}

// suite is one part of the comparison.
type suite struct {
	report.Suite
	run func(ctx context.Context, c config, done func(report.Row)) error
}

var suites = []suite{
	{report.Suite{Name: "queries", Title: "Whole queries", Text: queriesText}, compareQueries},
	{report.Suite{Name: "kernels", Title: "Kernels", Text: kernelsText}, compareKernels},
	{report.Suite{Name: "frames", Title: "Queries in memory", Text: framesText}, compareFrames},
	{report.Suite{Name: "learn", Title: "Learning", Text: learnText}, compareLearning},
}

func main() {
	c, err := parse(os.Args[1:])
	if err == nil {
		err = run(context.Background(), c)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func parse(args []string) (config, error) {
	c := config{}
	var threads, names, only string
	f := flag.NewFlagSet("peers", flag.ContinueOnError)
	f.StringVar(&c.data, "data", cmp.Or(os.Getenv("ARROWSTREAM_BENCH_DIR"), filepath.Join(os.TempDir(), "arrowstream-peers")), "folder in which generated files are kept")
	f.IntVar(&c.rows, "rows", 10_000_000, "rows of the Parquet file")
	f.StringVar(&c.codec, "codec", "snappy", "compression of the Parquet file: snappy, zstd, none")
	f.IntVar(&c.pairs, "pairs", 11, "how often both sides are measured")
	f.StringVar(&threads, "threads", "1,2", "numbers of threads of the whole queries")
	f.StringVar(&names, "suite", "all", "suites to run, with commas")
	f.StringVar(&only, "only", "", "run only what matches this pattern")
	f.StringVar(&c.results, "results", "", "folder for the report; rows that are not measured stay as they were")
	f.StringVar(&c.profile, "profile", "", "write CPU profiles of our side of the queries into this folder, and do nothing else")
	f.StringVar(&c.python, "python", cmp.Or(os.Getenv("ARROWSTREAM_PYTHON"), "python3"), "Python that has scikit-learn, polars and numpy")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	for field := range strings.SplitSeq(threads, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 {
			return c, fmt.Errorf("-threads: %q is no number of threads", field)
		}
		c.threads = append(c.threads, n)
	}
	if names != "all" {
		c.suites = strings.Split(names, ",")
		for _, name := range c.suites {
			if !slices.ContainsFunc(suites, func(s suite) bool { return s.Name == name }) {
				return c, fmt.Errorf("-suite: there is no %q", name)
			}
		}
	}
	var err error
	if c.only, err = regexp.Compile(only); err != nil {
		return c, fmt.Errorf("-only: %w", err)
	}
	if c.rows < 1 || c.pairs < 1 {
		return c, errors.New("-rows and -pairs are at least 1")
	}
	return c, os.MkdirAll(c.data, 0o777)
}

func run(ctx context.Context, c config) error {
	if c.profile != "" {
		return profileQueries(ctx, c, c.profile)
	}
	path := filepath.Join(c.results, page().Name+".json")
	all := &report.Run{About: map[string]string{}}
	if c.results != "" {
		var err error
		if all, err = report.Load(path); err != nil {
			return err
		}
	}
	c.about = func(key, value string) { all.About[key] = value }
	c.about("CPU", fmt.Sprintf("%s, %d cores", cpuid.CPU.BrandName, runtime.NumCPU()))
	c.about("Go", runtime.Version())
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		c.about("Load average when the last part began", strings.Fields(string(load))[0])
	}
	var failed error
	for _, s := range suites {
		if c.suites == nil || slices.Contains(c.suites, s.Name) {
			err := s.run(ctx, c, func(row report.Row) { all.Merge(row) })
			failed = errors.Join(failed, err)
		}
	}
	if c.results == "" {
		return failed
	}
	return errors.Join(failed, all.Write(c.results, page()))
}

const reportText = "Both sides are measured in turn; times are medians, a ratio below 1 means that ours took less time. " +
	"How to run this and how noise is handled: [bench/README.md](../README.md)."

func page() report.Page {
	p := report.Page{Name: "peers", Title: "arrowstream and its peers", Text: reportText}
	for _, s := range suites {
		p.Suites = append(p.Suites, s.Suite)
	}
	return p
}
