// Command arrowstream runs streaming SQL: it reads, windows, learns, scores
// and writes Arrow record batches.
package main

import (
	"context"
	"os"
	_ "time/tzdata" // time zones on machines that have none

	"github.com/spf13/cobra"

	"github.com/arrowstream/arrowstream"
)

func main() {
	stdio := arrowstream.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Width: terminalWidth(os.Stdout)}
	os.Exit(execute(context.Background(), stdio, os.Args[1:]))
}

// execute runs one command line and returns its exit code.
func execute(ctx context.Context, stdio arrowstream.Stdio, args []string) int {
	root := newRoot(stdio)
	root.SetArgs(args)
	root.SetIn(stdio.In)
	root.SetOut(stdio.Out)
	root.SetErr(stdio.Err)
	return report(stdio.Err, root.ExecuteContext(ctx))
}

func newRoot(stdio arrowstream.Stdio) *cobra.Command {
	root := &cobra.Command{
		Use:   "arrowstream",
		Short: "Streaming SQL and online learning on Arrow record batches",
		Example: `  arrowstream run -e "SELECT category, count(*) FROM 'clicks/*.parquet' GROUP BY category"
  arrowstream run clicks.sql
  arrowstream replay clicks.sql --from 2026-01-01T00:05:00Z --to 2026-01-01T00:06:00Z --speed 10x
  arrowstream generate clicks --rows 1e6 --seed 1 --out clicks/`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.SetHelpCommand(newHelp(stdio))
	root.AddCommand(newRun(stdio), newReplay(stdio), newGenerate(stdio), newState(stdio), newDLQ(stdio), newVersion(stdio))
	return root
}
