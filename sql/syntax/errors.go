package syntax

import (
	"cmp"
	"errors"
	"strings"

	"github.com/arrowstream/arrowstream"
)

// MaxErrors is the number of errors reported for one script.
const MaxErrors = 20

// Errors are several independent errors of one script, in the order of their
// places.
type Errors []*arrowstream.Error

// Error implements error: one error per line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, x := range e {
		lines[i] = x.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As and errors.Is look into each of them.
func (e Errors) Unwrap() []error {
	out := make([]error, len(e))
	for i, x := range e {
		out[i] = x
	}
	return out
}

// Err is e as an error: nil when there are none, the error itself when there
// is one.
func (e Errors) Err() error {
	switch len(e) {
	case 0:
		return nil
	case 1:
		return e[0]
	}
	return e
}

// List takes an error apart into the coded errors it holds. A row that cannot be
// read has the code of what is wrong with it and the ways to go on; another
// error without a code becomes one with an empty code and the whole text as
// message.
func List(err error) Errors {
	if err == nil {
		return nil
	}
	var many Errors
	if errors.As(err, &many) {
		return many
	}
	var one *arrowstream.Error
	if errors.As(err, &one) {
		return Errors{one}
	}
	var row *arrowstream.DataError
	if errors.As(err, &row) {
		hint := cmp.Or(row.Hint, "mend the row, leave such rows out with ON ERROR SKIP behind the query, or keep them with ON ERROR DEAD LETTER TO a table")
		return Errors{{Code: row.Code(), Msg: err.Error(), Hint: hint}}
	}
	return Errors{{Msg: err.Error()}}
}
