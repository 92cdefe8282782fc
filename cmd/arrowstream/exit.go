package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// Exit codes, documented in docs/operations.md and stable.
const (
	exitOK        = 0
	exitRuntime   = 1
	exitUsage     = 2
	exitSQL       = 3
	exitConnect   = 4
	exitResources = 5
	exitBadData   = 6
	exitInternal  = 70
	exitSIGINT    = 130
	exitSIGTERM   = 143
)

// usageError is a wrong command line.
type usageError struct{ error }

// sqlError is an error in a SQL text, with the text to show.
type sqlError struct {
	error
	text string
}

func (e sqlError) Unwrap() error { return e.error }

// report prints err and returns the exit code that stands for it.
func report(w io.Writer, err error) int {
	var usage usageError
	var inSQL sqlError
	switch {
	case err == nil, errors.Is(err, syscall.EPIPE):
		return exitOK
	case errors.As(err, &usage):
		fmt.Fprintf(w, "error: %v\nRun 'arrowstream --help' for the commands.\n", usage.error)
		return exitUsage
	case errors.As(err, &inSQL):
		fmt.Fprint(w, syntax.Render(inSQL.error, inSQL.text))
		// What planning finds is wrong in the script or in a file it names.
		if code := exitCode(err); code != exitRuntime && code != exitUsage {
			return code
		}
		return exitSQL
	case errors.Is(err, errInterrupted):
		fmt.Fprintln(w, "stopped: the run was cut off, unfinished output files were removed")
		return exitSIGINT
	case errors.Is(err, errTerminated):
		fmt.Fprintln(w, "stopped: the run was cut off, unfinished output files were removed")
		return exitSIGTERM
	case strings.HasPrefix(err.Error(), "unknown command"):
		fmt.Fprintf(w, "error: %v\n", err)
		return exitUsage
	default:
		fmt.Fprint(w, syntax.Render(err, ""))
	}
	return exitCode(err)
}

// exitCode follows the family of the first coded error in err.
func exitCode(err error) int {
	var coded *arrowstream.Error
	var data *arrowstream.DataError
	switch {
	case errors.As(err, &coded) && len(coded.Code) > 2:
		switch coded.Code[2] {
		case '1':
			return exitSQL
		case '2':
			return exitUsage
		case '3':
			return exitConnect
		case '4':
			if coded.Code == "AS4005" {
				return exitBadData
			}
		case '5':
			return exitResources
		case '9':
			return exitInternal
		}
	case errors.As(err, &data):
		return exitRuntime
	case errors.Is(err, context.Canceled):
		return exitSIGINT
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return exitResources
	}
	return exitRuntime
}
