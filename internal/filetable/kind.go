// Package filetable is what the connectors of file formats have in common: the
// files of a table and the sample that columns are inferred from ([Set]), the
// partition that reads them one after the other ([Partition]), the loop over
// rows of text ([Text]) and the file that appears when a run has succeeded
// ([Result]). Floor 35: below the connectors, above the root package.
//
// A connector adds how bytes become rows: a [Parser] for text, a [Scanner] for
// anything else. The invariant: a position names the next row exactly, and
// Close may come at any time from anywhere.
package filetable

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/files"
)

// Kind is a connector as its errors name it.
type Kind struct {
	Name   string // "csv"
	Option string // code of a bad option
	Input  string // code of input that is missing
}

// BadOption is the error of an option, or of a column it names.
func (k Kind) BadOption(format string, args ...any) error {
	return &arrowstream.Error{Code: k.Option, Msg: k.Name + ": " + fmt.Sprintf(format, args...)}
}

// NoColumns is the error of an input that tells no columns, and why.
func (k Kind) NoColumns(path, why string) error {
	if path == files.Stdin {
		path = "stdin"
	}
	return &arrowstream.Error{Code: k.Input, Msg: fmt.Sprintf("%s: %s: no columns: %s", k.Name, path, why), Hint: "declare the columns"}
}

// NoInput is err as the error of an input that cannot be read.
func (k Kind) NoInput(err error) error {
	if no := arrowstream.Refused(err); no != nil {
		return no
	}
	return &arrowstream.Error{Code: k.Input, Msg: k.Name + ": no input", Err: err}
}

// read is the error of a read.
func (k Kind) read(in *files.Input, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the compressed file is cut short")
	}
	return &arrowstream.Error{Code: k.Input, Msg: fmt.Sprintf("%s: read %s", k.Name, in.Name), Err: err}
}

// EventTime marks the named column of schema as the event time; without a name
// schema stays as it is.
func (k Kind) EventTime(schema *arrow.Schema, name string) (*arrow.Schema, error) {
	if name == "" {
		return schema, nil
	}
	i := columnar.Index(schema, name)
	if i < 0 {
		return nil, &arrowstream.Error{Code: k.Option, Msg: fmt.Sprintf("%s: there is no column %q for the event time", k.Name, name), Hint: arrowstream.Suggest(name, columnar.Names(schema), "columns")}
	}
	if t := schema.Field(i).Type; !isTime(t) {
		return nil, k.BadOption("event time column %q is %s, not a time", name, columnar.TypeName(t))
	}
	return columnar.WithEventTime(schema, name), nil
}

func isTime(t arrow.DataType) bool {
	_, _, ok := columnar.Micros(t)
	return ok
}
