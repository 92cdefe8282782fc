package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/state"
)

func newStateDiff(stdio arrowstream.Stdio) *cobra.Command {
	j := &job{stdio: stdio}
	cmd := &cobra.Command{
		Use:   "diff DIR FILE.sql | -e SQL",
		Short: "Compare the program of a state with another, as a start would",
		Args:  arguments(1, 2, "diff DIR FILE.sql"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := openKept(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return j.diff(cmd.Context(), s, args[1:])
		},
	}
	j.scriptFlags(cmd.Flags())
	return cmd
}

// comparing is a store that a pipeline cannot open: it takes the job that the
// pipeline describes and compares it with that of a folder.
type comparing struct {
	kept kept
	diff state.Diff
	err  error
}

// errCompared ends the run of the pipeline before it begins.
var errCompared = errors.New("compared")

// Open implements [arrowstream.StateStore].
func (c *comparing) Open(ctx context.Context, job arrowstream.Job) (arrowstream.EpochLog, error) {
	c.diff, c.err = c.kept.Diff(ctx, job)
	return nil, errCompared
}

func (j *job) diff(ctx context.Context, s kept, args []string) error {
	c := &comparing{kept: s}
	prog, err := j.prepare(ctx, args, arrowstream.Options{Workers: 1, State: c})
	if err != nil {
		return err
	}
	defer prog.Close()
	if prog.Pipeline() == nil {
		return usageError{errors.New("the script runs nothing")}
	}
	if _, err := prog.Run(ctx); !errors.Is(err, errCompared) {
		return err
	}
	if c.err != nil {
		return notAStore(c.err)
	}
	fmt.Fprint(j.stdio.Out, c.diff)
	if d := c.diff; !d.Same() {
		return &arrowstream.Error{Code: "AS5008", Msg: fmt.Sprintf("%d parts are new, %d dropped, %d incompatible", len(d.New), len(d.Dropped), len(d.Incompatible))}
	}
	return nil
}
