package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/arrowstream/arrowstream"
)

// codeLike is what a user may mean as an error code.
var codeLike = regexp.MustCompile(`(?i)^AS\d+$`)

// newHelp is the help command: about a command, an error code, or all codes.
func newHelp(stdio arrowstream.Stdio) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND | CODE | codes]",
		Short: "Explain a command or an error code",
		Example: `  arrowstream help run
  arrowstream help AS1203
  arrowstream help codes`,
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, c := range cmd.Root().Commands() {
				names = append(names, c.Name()+"\t"+c.Short)
			}
			return append(names, "codes\tList all error codes"), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 1 && args[0] == "codes":
				return listCodes(stdio.Out)
			case len(args) == 1 && codeLike.MatchString(args[0]):
				return explainCode(stdio, args[0])
			}
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usageError{fmt.Errorf("there is no help on %q: name a command, an error code, or codes", strings.Join(args, " "))}
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

func explainCode(stdio arrowstream.Stdio, code string) error {
	text, ok := arrowstream.Explain(code)
	if !ok {
		var known []string
		for _, c := range arrowstream.ErrorCodes() {
			known = append(known, c.Code)
		}
		return usageError{fmt.Errorf("unknown error code %q (%s)", code, arrowstream.Suggest(strings.ToUpper(code), known, "codes"))}
	}
	width := 80
	if stdio.Width > 0 {
		width = min(stdio.Width, 100)
	}
	for line := range strings.Lines(text) {
		if _, err := fmt.Fprintln(stdio.Out, wrap(strings.TrimSuffix(line, "\n"), width)); err != nil {
			return err
		}
	}
	return nil
}

// wrap breaks a line between words so that none is wider than width.
func wrap(line string, width int) string {
	var sb strings.Builder
	column := 0
	for word := range strings.FieldsSeq(line) {
		n := utf8.RuneCountInString(word)
		switch {
		case column == 0:
		case column+1+n > width:
			sb.WriteByte('\n')
			column = 0
		default:
			sb.WriteByte(' ')
			column++
		}
		sb.WriteString(word)
		column += n
	}
	return sb.String()
}

// listCodes prints all codes under what they have in common.
func listCodes(w io.Writer) error {
	family := ""
	var sb strings.Builder
	for _, c := range arrowstream.ErrorCodes() {
		if c.Family() != family {
			if family != "" {
				sb.WriteByte('\n')
			}
			family = c.Family()
			sb.WriteString(family + "\n")
		}
		fmt.Fprintf(&sb, "  %s  %s\n", c.Code, c.Title)
	}
	_, err := io.WriteString(w, sb.String())
	return err
}
