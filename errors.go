package arrowstream

import (
	"errors"
	"fmt"
	"strings"
)

// Error is an error with a stable code and, if there is one, a place in a
// text and a way out. Codes: AS1 SQL, AS2 configuration, AS3 connecting, AS4
// data, AS5 state, AS6 resources, AS7 learning, AS9 internal.
type Error struct {
	Code string // "AS1203"
	Msg  string // lower case, names the thing and the place
	Hint string // what to do, or the nearest names; may be empty
	Pos  Pos    // place in a SQL text; zero if there is none
	Err  error  // cause; may be nil
	// Expr is the expression that failed for a row, as it is printed: package sql
	// finds its place by it. It is not part of the message.
	Expr string
}

// Pos is a place in a text: line and column count from 1, in code points.
type Pos struct {
	File      string
	Line, Col int
	EndCol    int // column after the last code point; 0 if unknown
}

// Error implements error.
func (e *Error) Error() string {
	var sb strings.Builder
	if e.Pos.Line > 0 {
		if e.Pos.File != "" {
			sb.WriteString(e.Pos.File + ":")
		}
		fmt.Fprintf(&sb, "%d:%d: ", e.Pos.Line, e.Pos.Col)
	}
	sb.WriteString(e.Msg)
	if e.Err != nil {
		sb.WriteString(": " + e.Err.Error())
	}
	if e.Code != "" {
		sb.WriteString(" [" + e.Code + "]")
	}
	if e.Hint != "" {
		sb.WriteString(" (" + e.Hint + ")")
	}
	return sb.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// DataError is bad input: a value that cannot be decoded or converted.
type DataError struct {
	Source string // file, topic/partition or address
	Where  string // "line 12", "offset 99", "row group 3"
	Column string // column, if known
	Value  string // the value, cut to 200 bytes
	Row    string // the row, if it was decoded; values cut to 200 bytes
	Err    error  // what is wrong with it
	Hint   string // how to go on, where ON ERROR does not help
}

// Error implements error.
func (e *DataError) Error() string {
	var sb strings.Builder
	for _, s := range []string{e.Source, e.Where} {
		if s != "" {
			sb.WriteString(s + ": ")
		}
	}
	if e.Column != "" {
		fmt.Fprintf(&sb, "column %q: ", e.Column)
	}
	sb.WriteString(e.Err.Error())
	if e.Value != "" {
		fmt.Fprintf(&sb, " (value %q)", e.Value)
	}
	if e.Row != "" {
		fmt.Fprintf(&sb, " (row %s)", e.Row)
	}
	return sb.String()
}

// Unwrap returns what is wrong.
func (e *DataError) Unwrap() error { return e.Err }

// Code is the code of what is wrong, AS4003 for a value of a known column and
// AS4004 for a row that is not one.
func (e *DataError) Code() string {
	var coded *Error
	switch {
	case errors.As(e.Err, &coded) && coded.Code != "":
		return coded.Code
	case e.Column != "":
		return "AS4003"
	}
	return "AS4004"
}

// reason is what is wrong, without the code.
func (e *DataError) reason() string {
	if coded, ok := e.Err.(*Error); ok && coded.Err == nil {
		return coded.Msg
	}
	return e.Err.Error()
}

// CutValue shortens a value for an error text to 200 bytes.
func CutValue(v []byte) string {
	if len(v) > 200 {
		return string(v[:197]) + "..."
	}
	return string(v)
}

// ErrStopped is the error of a run that was stopped before its input ended.
var ErrStopped = errors.New("arrowstream: stopped")

// Ahead is the error of a sink that has made a later epoch of the job visible
// than the last one its state has. It would take what comes for what it has
// already, and the rows would be lost.
func Ahead(sink string, there, last Epoch) error {
	return &Error{
		Code: "AS5009", Msg: fmt.Sprintf("%s has epoch %d of this job, and its state ends with epoch %d", sink, there, last),
		Hint: "go on from the later state, or write to another place under another name",
	}
}

// ErrFenced is the error of a process whose job another process has taken over:
// it must not publish anything any more.
var ErrFenced = &Error{
	Code: "AS5006", Msg: "another process has taken this job over",
	Hint: "nothing was published by this one since; stop it, or give it a state directory of its own",
}
