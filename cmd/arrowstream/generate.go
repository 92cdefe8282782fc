package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/all"
)

func newGenerate(stdio arrowstream.Stdio) *cobra.Command {
	var rows, out, format string
	var seed int64
	var options []string
	cmd := &cobra.Command{
		Use:   "generate clicks|nexmark",
		Short: "Write a synthetic stream, the same for the same seed",
		Example: `  arrowstream generate clicks --rows 2e6 --seed 1 --out clicks/
  arrowstream generate nexmark --rows 1e6 --option table=bid --format json --out - | head`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] != "clicks" && args[0] != "nexmark" {
				return usageError{fmt.Errorf("generate what? clicks or nexmark")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := arrowstream.ParseSize(rows)
			if err != nil || n < 0 {
				return usageError{fmt.Errorf("--rows %q: want a number such as 1000000 or 1e6", rows)}
			}
			source := map[string]string{"rows": strconv.FormatInt(n, 10), "seed": strconv.FormatInt(seed, 10)}
			for _, o := range options {
				key, value, ok := strings.Cut(o, "=")
				if !ok {
					return usageError{fmt.Errorf("--option %q: want key=value", o)}
				}
				source[key] = value
			}
			if format == "" {
				if format = "parquet"; out == "-" {
					format = "json"
				}
			}
			p := arrowstream.New(arrowstream.Options{Name: "generate"})
			src, err := connector(args[0]).Source(arrowstream.Table{Name: args[0], Options: source, Stdio: stdio})
			if err != nil {
				return err
			}
			to := connector(format)
			if to.Sink == nil {
				return usageError{fmt.Errorf("--format %q: want parquet, csv, json or ipc", format)}
			}
			sink, err := to.Sink(arrowstream.Table{Name: args[0], Options: map[string]string{"path": out}, Stdio: stdio})
			if err != nil {
				return err
			}
			p.From(args[0], src).To(sink, out)
			ctx, stop := onSignals(cmd.Context(), stdio.Err, p.Drain)
			defer stop()
			s, err := p.Run(ctx)
			if err == nil {
				fmt.Fprintf(stdio.Err, "%d rows to %s in %s: %s rows/s\n", s.RowsIn, out, s.Duration.Round(1e6), short(s.RowsPerSecond()))
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&rows, "rows", "1000000", "number of rows or events")
	f.Int64Var(&seed, "seed", 1, "seed; the same seed gives the same rows")
	f.StringVar(&out, "out", "-", "folder or file to write, - for standard output")
	f.StringVar(&format, "format", "", "parquet, csv, json or ipc; default parquet, json to standard output")
	f.StringArrayVar(&options, "option", nil, "further option of the generator, key=value")
	return cmd
}

// connector finds a connector by its name; an unknown one has no ends.
func connector(name string) arrowstream.Connector {
	for _, c := range all.Connectors() {
		if c.Name == name {
			return c
		}
		for _, a := range c.Aliases {
			if a == name {
				return c
			}
		}
	}
	return arrowstream.Connector{}
}
