package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/all"
	"github.com/arrowstream/arrowstream/io/console"
	"github.com/arrowstream/arrowstream/sql"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/state"
)

// job are the flags and the text of a command that runs a script.
type job struct {
	stdio       arrowstream.Stdio
	text        string // of -e
	workers     int
	batchRows   int
	memoryLimit string
	spill       string
	progress    string
	quiet       bool
	params      []string
	settings    []string
	format      string
	replay      arrowstream.Replay
	state       state.Dir
	epoch       time.Duration
	record      bool
	past        *past // of a replay: what of the record of the state
	// source and display are those of [sql.Options], nil for the usual ones.
	source  func(connector string, t arrowstream.Table, src arrowstream.Source) (arrowstream.Source, error)
	display func(name string) (arrowstream.Sink, error)
	// planned is called before anything runs and may refuse; nil does not.
	planned func() error
	walls   walls
}

func newRun(stdio arrowstream.Stdio) *cobra.Command {
	j := &job{stdio: stdio}
	cmd := &cobra.Command{
		Use:   "run FILE.sql | -e SQL | -",
		Short: "Run a script until its input ends or it is stopped",
		Example: `  arrowstream run clicks.sql
  arrowstream run -e "SELECT category, count(*) AS n FROM 'clicks/*.parquet' GROUP BY category"
  echo "SELECT 1 + 1" | arrowstream run -`,
		RunE: func(cmd *cobra.Command, args []string) error { return j.run(cmd.Context(), args) },
	}
	j.flags(cmd.Flags())
	return cmd
}

func newReplay(stdio arrowstream.Stdio) *cobra.Command {
	j := &job{stdio: stdio, past: &past{}}
	var from, to, speed string
	cmd := &cobra.Command{
		Use:   "replay FILE.sql | -e SQL | -",
		Short: "Run a script on a span of its history, as fast as you like",
		Example: `  arrowstream replay clicks.sql --from 2024-01-01T00:01:00Z --to 2024-01-01T00:02:00Z
  arrowstream replay clicks.sql --speed 10x
  arrowstream replay clicks.sql --state jobs/clicks --to-epoch 120 --out replayed`,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if j.replay.From, err = parseTime("from", from); err != nil {
				return err
			}
			if j.replay.To, err = parseTime("to", to); err != nil {
				return err
			}
			if j.replay.Speed, err = parseSpeed(speed); err != nil {
				return err
			}
			if !j.replay.To.IsZero() && !j.replay.From.Before(j.replay.To) {
				return usageError{errors.New("--from must be before --to")}
			}
			if j.state.Path == "" && (j.past.to > 0 || j.past.out != "") {
				return usageError{errors.New("--to-epoch and --out go with --state, which has the record to replay")}
			}
			return j.run(cmd.Context(), args)
		},
	}
	j.flags(cmd.Flags())
	cmd.Flags().StringVar(&from, "from", "", "first event time, inclusive")
	cmd.Flags().StringVar(&to, "to", "", "last event time, exclusive")
	cmd.Flags().Uint64Var(&j.past.to, "to-epoch", 0, "with --state: the last epoch of its record; default all")
	cmd.Flags().StringVar(&j.past.out, "out", "", "with --state: folder for the rows of each sink and for models; default the console")
	cmd.Flags().Lookup("state").Usage = "folder, or s3://BUCKET/PREFIX, with the record to replay; it is only read"
	cmd.Flags().StringVar(&speed, "speed", "max", "max, realtime, or a factor such as 10x")
	return cmd
}

func (j *job) flags(f *pflag.FlagSet) {
	j.scriptFlags(f)
	f.IntVar(&j.workers, "workers", 0, "goroutines that may work on one stage; default all cores")
	f.IntVar(&j.batchRows, "batch-rows", 0, "rows per call of a stage; default 16384")
	f.StringVar(&j.memoryLimit, "memory-limit", "", "memory budget such as 512MiB; default 70 % of the machine")
	f.StringVar(&j.spill, "spill", "", "folder for state that does not fit into the memory budget")
	f.StringVar(&j.progress, "progress", "auto", "auto, line, json or off")
	f.BoolVarP(&j.quiet, "quiet", "q", false, "no progress, no summary")
	f.StringVar(&j.state.Path, "state", "", "folder, or s3://BUCKET/PREFIX, that keeps the state: the job goes on where it stopped or was killed")
	f.BoolVar(&j.state.AllowNewState, "allow-new-state", false, "go on although the script has new stateful parts or sinks")
	f.BoolVar(&j.state.AllowDropState, "allow-drop-state", false, "go on although parts of the script that had state are gone")
	f.IntVar(&j.state.RetainCommits, "retain", 0, "commits that the state can be taken back to; default 100")
	f.BoolVar(&j.record, "record", false, "keep with the state how live input was cut into ticks, for replay --state")
	f.DurationVar(&j.epoch, "epoch", 0, "time between two commits of the state; default 1s")
	f.StringVar(&j.format, "format", "auto", "of shown results: auto, table, csv or json")
}

// scriptFlags are those that say what the script is.
func (j *job) scriptFlags(f *pflag.FlagSet) {
	f.StringVarP(&j.text, "execute", "e", "", "run this SQL text instead of a file")
	f.StringArrayVar(&j.params, "param", nil, "value of ${NAME} in option values, NAME=VALUE")
	f.StringArrayVar(&j.settings, "set", nil, "setting before the first statement, key=value")
	j.walls.flags(f)
}

// read returns the script and its name in errors.
func (j *job) read(args []string) (text, name string, err error) {
	switch {
	case j.text != "" && len(args) > 0:
		return "", "", usageError{errors.New("give a file or -e, not both")}
	case j.text != "":
		return j.text, "", nil
	case len(args) != 1:
		return "", "", usageError{errors.New("run what? a file, -e SQL, or - for standard input")}
	case args[0] == "-":
		b, err := io.ReadAll(io.LimitReader(j.stdio.In, 16<<20))
		return string(b), "", err
	}
	b, err := os.ReadFile(args[0])
	if errors.Is(err, os.ErrNotExist) && strings.ContainsAny(args[0], " \n") {
		return "", "", usageError{fmt.Errorf("there is no file %q; SQL text goes after -e", args[0])}
	}
	if err != nil {
		return "", "", usageError{err}
	}
	return string(b), args[0], nil
}

// prepare plans the script and prints its warnings; the caller closes it.
func (j *job) prepare(ctx context.Context, args []string, o arrowstream.Options) (*sql.Program, error) {
	text, name, err := j.read(args)
	if err != nil {
		return nil, err
	}
	if o.Access, err = j.walls.access(); err != nil {
		return nil, err
	}
	params, err := pairs("param", j.params)
	if err != nil {
		return nil, err
	}
	settings, err := pairs("set", j.settings)
	if err != nil {
		return nil, err
	}
	opts := sql.Options{
		File: name, Connectors: all.Connectors(), Formats: all.Formats(), Settings: settings, Stdio: j.stdio, Pipeline: o,
		State: func(place string) (arrowstream.StateStore, error) {
			return keptAt(ctx, place, j.state, o.Access)
		},
		Param:  parameter(params, o.Access),
		Source: j.source,
		Display: func(name string) (arrowstream.Sink, error) {
			if j.display != nil {
				return j.display(name)
			}
			return console.Connector.Sink(arrowstream.Table{Name: name, Options: map[string]string{"format": j.format}, Stdio: j.stdio})
		},
	}
	if j.past != nil && o.State != nil {
		opts.Sink = func(name string) (arrowstream.Sink, error) { return j.past.sink(j, name) }
		opts.Save = j.past.save
	}
	prog, err := sql.Prepare(text, opts)
	if err != nil {
		return nil, sqlError{err, text}
	}
	for _, w := range slices.Concat(secretFlags("param", params), secretFlags("set", settings), prog.Warnings) {
		fmt.Fprint(j.stdio.Err, syntax.RenderWarning(w, text))
	}
	return prog, nil
}

func (j *job) run(ctx context.Context, args []string) (err error) {
	o := arrowstream.Options{Workers: j.workers, BatchRows: j.batchRows, Replay: j.replay, CheckpointInterval: j.epoch, Record: j.record, Spill: j.spill}
	switch {
	case j.state.Path != "" && j.past != nil:
		if o.State, err = j.past.store(ctx, j); err != nil {
			return err
		}
	case j.state.Path != "":
		if o.State, err = keptAt(ctx, j.state.Path, j.state, nil); err != nil {
			return err
		}
	}
	if j.memoryLimit != "" {
		if o.MemoryLimit, err = arrowstream.ParseSize(j.memoryLimit); err != nil || o.MemoryLimit <= 0 {
			return usageError{fmt.Errorf("--memory-limit %q: want a size such as 512MiB", j.memoryLimit)}
		}
	}
	defer limitHeap(o.MemoryLimit)()
	var printer *progressPrinter
	if !j.quiet {
		if printer, err = newProgress(j.stdio.Err, j.progress); err != nil {
			return err
		}
	}
	if printer != nil {
		o.Progress = printer.print
		if printer.line {
			j.stdio.Out = clearing{j.stdio.Out, printer}
		}
	}
	prog, err := j.prepare(ctx, args, o)
	if err != nil {
		return err
	}
	defer prog.Close()
	if j.planned != nil {
		if err := j.planned(); err != nil {
			return err
		}
	}
	if err := j.show(ctx, prog.Results); err != nil {
		return err
	}
	if prog.Pipeline() == nil {
		return nil
	}
	ctx, stop := onSignals(ctx, j.stdio.Err, prog.Pipeline().Drain)
	defer stop()
	summary, err := prog.Run(ctx)
	if cause := context.Cause(ctx); err != nil && (errors.Is(cause, errInterrupted) || errors.Is(cause, errTerminated)) {
		return cause
	}
	if err != nil {
		return err
	}
	if summary.Finished {
		fmt.Fprintf(j.stdio.Err, "nothing to do: the job has come to the end of its input before; remove its state to run it again\n")
		return nil
	}
	if !j.quiet {
		var results []string
		for _, s := range prog.Sinks {
			if j.past != nil && o.State != nil {
				s.Connector, s.Target = "", j.past.out
			}
			results = append(results, s.String())
		}
		printSummary(j.stdio.Err, summary, results)
	}
	return nil
}

// show prints the answers of DESCRIBE, SHOW and EXPLAIN.
func (j *job) show(ctx context.Context, results []sql.Result) error {
	for _, r := range results {
		if r.Analyze != nil {
			var err error
			if r.Text, err = r.Analyze(ctx); err != nil {
				return err
			}
		}
		if r.Rows == nil {
			fmt.Fprintln(plain{j.stdio.Out}, strings.TrimRight(r.Text, "\n"))
			continue
		}
		err := j.showRows(ctx, r)
		r.Rows.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

func (j *job) showRows(ctx context.Context, r sql.Result) error {
	sink, err := console.Connector.Sink(arrowstream.Table{Options: map[string]string{"format": j.format}, Stdio: j.stdio})
	if err != nil {
		return err
	}
	if err := sink.Bind(r.Rows.Schema(), arrowstream.Env{}); err != nil {
		return err
	}
	return errors.Join(sink.Write(ctx, r.Rows), sink.Flush(ctx), sink.Close())
}

// pairs reads NAME=VALUE flags.
func pairs(flag string, list []string) (map[string]string, error) {
	m := map[string]string{}
	for _, s := range list {
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			return nil, usageError{fmt.Errorf("--%s %q: want NAME=VALUE", flag, s)}
		}
		m[key] = value
	}
	return m, nil
}

// secretFlags warns about secrets on the command line.
func secretFlags(flag string, values map[string]string) (warnings []*arrowstream.Error) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if syntax.Secret(name) && !syntax.Reference(values[name]) {
			warnings = append(warnings, &arrowstream.Error{
				Code: "AS2103", Msg: fmt.Sprintf("--%s %s holds a secret, which other users of the machine can see", flag, name),
				Hint: "pass env:NAME or file:PATH, or set the variable of that name in the environment",
			})
		}
	}
	return warnings
}

// clearing writes data to a terminal whose last line may hold the progress.
type clearing struct {
	io.Writer
	printer *progressPrinter
}

func (c clearing) Write(b []byte) (int, error) {
	c.printer.clear()
	return c.Writer.Write(b)
}
