package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/io/bucket"
	"github.com/arrowstream/arrowstream/io/console"
	"github.com/arrowstream/arrowstream/state"
)

func newState(stdio arrowstream.Stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Look at the folder that keeps the state of a job, check it and keep copies",
		Example: `  arrowstream state ls jobs/clicks
  arrowstream state show jobs/clicks aggregate-1f2e3d4c
  arrowstream state diff jobs/clicks clicks.sql
  arrowstream state verify jobs/clicks
  arrowstream state savepoint jobs/clicks before-upgrade`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newStateLs(stdio), newStateShow(stdio), newStateDiff(stdio), newStateVerify(stdio), newStateSavepoint(stdio), newStateRewind(stdio), newStateUpgrade(stdio))
	return cmd
}

// arguments wants from least to most arguments, of which usage tells.
func arguments(least, most int, usage string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return usageError{errors.New("usage: arrowstream state " + usage)}
		}
		return nil
	}
}

// notAStore turns the error of a folder without state into one of the command line.
func notAStore(err error) error {
	if errors.Is(err, state.ErrNone) {
		return usageError{err}
	}
	return err
}

func newStateLs(stdio arrowstream.Stdio) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ls DIR",
		Short: "List the parts of the job and the commits that are kept",
		Args:  arguments(1, 1, "ls DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := openKept(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			info, err := s.Inspect(cmd.Context())
			if err != nil {
				return notAStore(err)
			}
			if asJSON {
				return json.NewEncoder(stdio.Out).Encode(info)
			}
			return listState(stdio.Out, info)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func listState(out io.Writer, info *state.Info) error {
	w := tabwriter.NewWriter(plain{out}, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "job %s, id %s, started %d times\n\n", info.Name, info.ID, info.Incarnation)
	fmt.Fprintln(w, "PART\tUID\tKIND\tSNAPSHOT\tDELTAS\tROWS\tBYTES\tTO PUBLISH")
	for _, p := range info.Stages {
		fmt.Fprintf(w, "stage\t%s\t%s\t%s\t%d\t%d\t%d\t\n", p.UID, p.Kind, epoch(p.Snapshot), p.Deltas, p.Rows, p.Bytes)
	}
	for _, p := range info.Sources {
		fmt.Fprintf(w, "source\t%s\t%s\t\t\t\t\t\n", p.UID, p.Kind)
	}
	for _, p := range info.Sinks {
		fmt.Fprintf(w, "sink\t%s\t%s\t\t\t\t\t%d\n", p.UID, p.Kind, p.Unpublished)
	}
	fmt.Fprintln(w, "\nEPOCH\tTIME\tPROCESS\tBYTES\tTO PUBLISH")
	for _, c := range info.Commits {
		last := ""
		if c.Finished {
			last = " (end of the input)"
		}
		fmt.Fprintf(w, "%d\t%s\t%d\t%d\t%s%s\n", c.Epoch, c.Time.Format(time.DateTime), c.Incarnation, c.Bytes, strings.Join(c.Unpublished, ", "), last)
	}
	for _, name := range info.Savepoints {
		fmt.Fprintf(w, "\nsavepoint\t%s\n", name)
	}
	return w.Flush()
}

// epoch is a number, or a dash where there is none.
func epoch(e arrowstream.Epoch) string {
	if e == 0 {
		return "-"
	}
	return fmt.Sprint(e)
}

func newStateShow(stdio arrowstream.Stdio) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "show DIR [UID]",
		Short: "Print the program and its parts, or what a stage remembers",
		Args:  arguments(1, 2, "show DIR [UID]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := openKept(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if len(args) == 2 {
				return showStage(cmd.Context(), stdio, d, args[1], format)
			}
			info, err := d.Inspect(cmd.Context())
			if err != nil {
				return notAStore(err)
			}
			out := plain{stdio.Out}
			fmt.Fprintf(out, "-- job %s, id %s, format %d, made by %s\n", info.Name, info.ID, info.FormatVersion, info.Engine)
			for _, l := range []struct {
				word  string
				parts []state.PartInfo
			}{{"stage", info.Stages}, {"source", info.Sources}, {"sink", info.Sinks}} {
				for _, p := range l.parts {
					fmt.Fprintf(out, "-- %s %s: %s\n", l.word, p.UID, p.Fields)
				}
			}
			fmt.Fprintln(out, strings.TrimRight(info.Program, "\n"))
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "auto", "auto, table, csv or json")
	return cmd
}

// showStage prints the batches of a stage, each behind a line that names it.
func showStage(ctx context.Context, stdio arrowstream.Stdio, d kept, uid, format string) error {
	for b, err := range d.States(ctx, uid, columnar.Pool) {
		if err != nil {
			return notAStore(err)
		}
		kind := "snapshot"
		if b.Delta {
			kind = "delta"
		}
		fmt.Fprintf(plain{stdio.Out}, "-- %s, %s of epoch %d\n", b.Name, kind, b.Epoch)
		err = printBatch(ctx, stdio, b.Batch, format)
		b.Batch.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

func printBatch(ctx context.Context, stdio arrowstream.Stdio, b arrowstream.Batch, format string) error {
	sink, err := console.Connector.Sink(arrowstream.Table{Options: map[string]string{"format": format}, Stdio: stdio})
	if err != nil {
		return err
	}
	if err := sink.Bind(b.Schema(), arrowstream.Env{}); err != nil {
		return err
	}
	return errors.Join(sink.Write(ctx, b), sink.Flush(ctx), sink.Close())
}

func newStateVerify(stdio arrowstream.Stdio) *cobra.Command {
	return &cobra.Command{
		Use:   "verify DIR",
		Short: "Read everything and compare it with its checksums",
		Args:  arguments(1, 1, "verify DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := openKept(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			c, err := s.Verify(cmd.Context())
			if err != nil {
				return notAStore(err)
			}
			fmt.Fprintf(stdio.Out, "%d commits, %d files, %d bytes; last epoch %d\n", c.Commits, c.Files, c.Bytes, c.Last)
			if c.Torn > 0 {
				fmt.Fprintf(stdio.Out, "%d bytes at the end of the log were torn by a crash; the next start cuts them\n", c.Torn)
			}
			if len(c.Damaged) == 0 {
				return nil
			}
			for _, bad := range c.Damaged {
				fmt.Fprintf(stdio.Out, "damaged: %s: %s\n", bad.File, bad.Reason)
			}
			return &arrowstream.Error{
				Code: "AS5003", Msg: fmt.Sprintf("%d files of %s are damaged", len(c.Damaged), args[0]),
				Hint: fmt.Sprintf("the newest whole epoch is %s", epoch(c.Whole)), Err: c.Damaged[0],
			}
		},
	}
}

func newStateSavepoint(stdio arrowstream.Stdio) *cobra.Command {
	return &cobra.Command{
		Use:   "savepoint DIR NAME",
		Short: "Keep the last commit of a stopped job under a name",
		Args:  arguments(2, 2, "savepoint DIR NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := openKept(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			path, e, err := s.Savepoint(cmd.Context(), args[1])
			if err != nil {
				return notAStore(err)
			}
			fmt.Fprintf(stdio.Out, "epoch %d is kept in %s; copy that folder to go on from it\n", e, path)
			return nil
		},
	}
}

func newStateRewind(stdio arrowstream.Stdio) *cobra.Command {
	var to uint64
	var force bool
	cmd := &cobra.Command{
		Use:   "rewind DIR --to-epoch N",
		Short: "Take a stopped job back to an earlier commit that is kept",
		Args:  arguments(1, 1, "rewind DIR --to-epoch N"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if to == 0 {
				return usageError{errors.New("say where to: --to-epoch N; arrowstream state ls lists the commits")}
			}
			from, err := state.Dir{Path: args[0]}.Rewind(cmd.Context(), arrowstream.Epoch(to), force)
			if err != nil {
				return notAStore(err)
			}
			fmt.Fprintf(stdio.Out, "the job goes on from epoch %d; it was at epoch %d\n", to, from)
			return nil
		},
	}
	cmd.Flags().Uint64Var(&to, "to-epoch", 0, "the commit to go on from")
	cmd.Flags().BoolVar(&force, "force", false, "although sinks have published later epochs, which you deal with yourself")
	return cmd
}

func newStateUpgrade(stdio arrowstream.Stdio) *cobra.Command {
	return &cobra.Command{
		Use:   "upgrade DIR",
		Short: "Raise the format of the state of a stopped job to that of this program",
		Args:  arguments(1, 1, "upgrade DIR"),
		RunE: func(_ *cobra.Command, args []string) error {
			if bucket.IsURL(args[0]) {
				return usageError{errors.New("a state in a bucket is raised by a savepoint: arrowstream state savepoint URL NAME")}
			}
			from, to, err := state.Dir{Path: args[0]}.Upgrade()
			switch {
			case err != nil:
				return notAStore(err)
			case from == to:
				fmt.Fprintf(stdio.Out, "format %d is the newest\n", to)
			default:
				fmt.Fprintf(stdio.Out, "format %d is now %d; older programs cannot open it any more\n", from, to)
			}
			return nil
		},
	}
}
