package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/all"
)

func newDLQ(stdio arrowstream.Stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dlq",
		Short: "Count, show and read again the dead letters of a job",
		Example: `  arrowstream dlq ls 'bad/*.parquet'
  arrowstream dlq show 'bad/*.parquet' --code AS4003 --limit 20
  arrowstream dlq replay clicks.sql --table clicks --from 'bad/*.parquet'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDLQLs(stdio), newDLQShow(stdio), newDLQReplay(stdio))
	return cmd
}

// letters are dead letters in files, all or some of them.
type letters struct {
	path, code, column string
}

// table declares the table "letters" over the files.
func (l letters) table() (string, error) {
	for _, c := range all.Connectors() {
		for _, ext := range c.Extensions {
			if c.Source != nil && strings.HasSuffix(strings.ToLower(l.path), ext) {
				return fmt.Sprintf("CREATE TABLE letters (source STRING, `position` STRING, raw VARBINARY, error_code STRING, message STRING, column_name STRING, epoch BIGINT, seen_at TIMESTAMP_LTZ(6)) WITH ('connector' = '%s', 'path' = %s);\n",
					c.Name, quote(l.path)), nil
			}
		}
	}
	return "", usageError{fmt.Errorf("%q: the file name does not tell the format of the dead letters", l.path)}
}

// where is the condition for those that are wanted.
func (l letters) where() string {
	conds := []string{"TRUE"}
	if l.code != "" {
		conds = append(conds, "error_code = "+quote(l.code))
	}
	if l.column != "" {
		conds = append(conds, "column_name = "+quote(l.column))
	}
	return strings.Join(conds, " AND ")
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// run shows the answer to a query over the letters.
func (l letters) run(cmd *cobra.Command, stdio arrowstream.Stdio, format, query string) error {
	table, err := l.table()
	if err != nil {
		return err
	}
	j := &job{stdio: stdio, text: table + query, quiet: true, format: format}
	return j.run(cmd.Context(), nil)
}

func newDLQLs(stdio arrowstream.Stdio) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "ls FILES",
		Short: "Count dead letters by code and column, with the time they span",
		Args:  letterArgs("ls FILES"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return letters{path: args[0]}.run(cmd, stdio, format, `SELECT error_code, column_name, count(*) AS n, min(seen_at) AS "first", max(seen_at) AS "last"
				FROM letters GROUP BY error_code, column_name ORDER BY n DESC, error_code, column_name`)
		},
	}
	cmd.Flags().StringVar(&format, "format", "auto", "auto, table, csv or json")
	return cmd
}

func newDLQShow(stdio arrowstream.Stdio) *cobra.Command {
	var l letters
	var format string
	var limit int64
	cmd := &cobra.Command{
		Use:   "show FILES",
		Short: "Print dead letters, oldest first",
		Args:  letterArgs("show FILES"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if l.path = args[0]; limit <= 0 {
				return usageError{errors.New("--limit: want a number > 0")}
			}
			return l.run(cmd, stdio, format, fmt.Sprintf(`SELECT source, "position", error_code, column_name, message, COALESCE(TRY_CAST(raw AS STRING), hex(raw)) AS raw
				FROM letters WHERE %s ORDER BY seen_at, source, "position" LIMIT %d`, l.where(), limit))
		},
	}
	f := cmd.Flags()
	f.StringVar(&l.code, "code", "", "only those with this error code")
	f.StringVar(&l.column, "column", "", "only those of this column")
	f.Int64Var(&limit, "limit", 100, "how many")
	f.StringVar(&format, "format", "auto", "auto, table, csv or json")
	return cmd
}

// letterArgs wants one argument, of which usage tells.
func letterArgs(usage string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageError{errors.New("usage: arrowstream dlq " + usage + "; quote a pattern")}
		}
		return nil
	}
}
