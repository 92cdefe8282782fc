package main

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/all"
	"github.com/arrowstream/arrowstream/io/blackhole"
	"github.com/arrowstream/arrowstream/io/csv"
	"github.com/arrowstream/arrowstream/sql"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

//go:embed queries/*.sql
var files embed.FS

// childVar is the environment variable that makes a process run one job.
const childVar = "NEXMARK_JOB"

// generatorOnly is the query that does nothing with the events.
const generatorOnly = "generator"

// job is one run of one query.
type job struct {
	Query      string
	Events     int64
	Rate       int64
	Workers    int
	Generators int
	Folder     string // of the files of q10; empty is one that is removed
}

// queries are the names of the queries there are, in order.
func queries() (out []string) {
	entries, err := files.ReadDir("queries")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	for _, e := range entries {
		if name := strings.TrimSuffix(e.Name(), ".sql"); name != "schema" {
			out = append(out, name)
		}
	}
	number := func(q string) int { n, _ := strconv.Atoi(strings.TrimPrefix(q, "q")); return n }
	slices.SortFunc(out, func(a, b string) int { return cmp.Compare(number(a), number(b)) })
	return out
}

// script is the text of a query with its tables and its sink.
func script(query string) (string, error) {
	schema, err := files.ReadFile("queries/schema.sql")
	if err != nil {
		return "", err
	}
	text := []byte("INSERT INTO sink SELECT * FROM datagen;\n")
	if query != generatorOnly {
		if text, err = files.ReadFile("queries/" + query + ".sql"); err != nil {
			return "", err
		}
	}
	return string(schema) + "CREATE TABLE sink WITH ('connector' = 'blackhole');\n" + string(text), nil
}

// result is what a child prints.
type result struct {
	Rows     int64
	Checksum uint64
	Late     int64
	Wall     time.Duration // of the run, without planning
}

// child runs the job and prints its result.
func child(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	r, err := j.run(context.Background(), arrowstream.Options{Workers: j.Workers})
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// params are the parameters of the script of a job; remove takes away the files
// that they name.
func (j job) params() (param func(name string) (string, bool), remove func() error, err error) {
	values := map[string]string{
		"EVENTS": strconv.FormatInt(j.Events, 10), "RATE": strconv.FormatInt(j.Rate, 10), "GENERATORS": strconv.Itoa(j.Generators),
	}
	remove = func() error { return nil }
	switch j.Query {
	case "q6":
		values["MODE"] = "batch" // winners are final at the end
	case "q13":
		values["SIDE_INPUT"], remove, err = sideInput()
	case "q10":
		values["FOLDER"], remove, err = j.folder()
	}
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }, remove, err
}

// run runs the query in this process.
func (j job) run(ctx context.Context, o arrowstream.Options) (r result, err error) {
	text, err := script(j.Query)
	if err != nil {
		return result{}, err
	}
	sink := &blackhole.Sink{Checksum: j.Query != generatorOnly}
	params, remove, err := j.params()
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	opts := sql.Options{File: j.Query + ".sql", Connectors: all.Connectors(), Formats: all.Formats(), Pipeline: o, Param: params}
	if j.Query == "q10" {
		opts.Connectors = append([]arrowstream.Connector{counted(csv.Connector, sink)}, opts.Connectors...)
	} else {
		opts.Sink = func(string) (arrowstream.Sink, error) { return sink, nil }
	}
	p, err := sql.Prepare(text, opts)
	if err != nil {
		return result{}, errors.New(syntax.Render(err, text))
	}
	start := time.Now()
	summary, err := p.Run(ctx)
	if err != nil {
		return result{}, err
	}
	return result{Rows: sink.Rows(), Checksum: sink.Sum(), Late: summary.Progress.Arrowstream.LateRows, Wall: time.Since(start)}, nil
}

// measure runs a job once to warm up and then repeat times, in processes of
// their own, and returns the run with the median of processor time.
func measure(ctx context.Context, j job, repeat int) (row, error) {
	var rows []row
	for range repeat + 1 {
		r, err := j.spawn(ctx)
		if err != nil {
			return row{}, err
		}
		rows = append(rows, r)
		if first := rows[0]; first.Checksum != r.Checksum || first.OutputRows != r.OutputRows {
			return row{}, fmt.Errorf("two runs differ: %d rows %016x and %d rows %016x", first.OutputRows, first.Checksum, r.OutputRows, r.Checksum)
		}
	}
	rows = rows[min(1, repeat):]
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.CPUSeconds, b.CPUSeconds) })
	m := rows[len(rows)/2]
	m.LeastCPU, m.MostCPU = rows[0].CPUSeconds, rows[len(rows)-1].CPUSeconds
	return m, nil
}

// spawn runs the job in a child and measures it.
func (j job) spawn(ctx context.Context) (row, error) {
	self, err := os.Executable()
	if err != nil {
		return row{}, err
	}
	text, err := json.Marshal(j)
	if err != nil {
		return row{}, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childVar+"="+string(text))
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return row{}, fmt.Errorf("%w: %s", err, strings.TrimSpace(problems.String()))
	}
	var r result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		return row{}, err
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return row{}, errors.New("the system does not tell what a process has used")
	}
	cpu := (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	return row{
		Query: j.Query, Rate: j.Rate, PerSecond: float64(j.Events) / r.Wall.Seconds(), PerCPU: float64(j.Events) / cpu, CPUSeconds: cpu,
		PeakMiB: float64(usage.Maxrss) / 1024, OutputRows: r.Rows, Checksum: r.Checksum, LateRows: r.Late,
	}, nil
}
