package grouped

import (
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// Error turns the coded errors of the lower floors, which cannot name it, into
// an *arrowstream.Error; what says where. Other errors are wrapped.
func Error(what string, err error) error {
	var e *kernels.Error
	if errors.As(err, &e) {
		return &arrowstream.Error{Code: e.Code, Msg: what + ": " + e.Msg, Hint: e.Hint}
	}
	var o *arrowstream.Error
	if errors.As(err, &o) && o == err {
		return &arrowstream.Error{Code: o.Code, Msg: what + ": " + o.Msg, Hint: o.Hint, Err: o.Err, Expr: o.Expr}
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Failed is the error of an expression over rows, in the words of a dead letter;
// column is the output it makes, if there is one.
func Failed(e expr.Expr, column string, err error) error {
	text := arrowstream.CutValue([]byte(expr.String(e)))
	return &arrowstream.DataError{Column: column, Err: of(text, Error(text, err))}
}

// of notes the expression that an error is about.
func of(text string, err error) error {
	if coded, ok := err.(*arrowstream.Error); ok {
		coded.Expr = text
	}
	return err
}

// Column is the position of the named column of in, or an error that suggests
// the nearest names; what says who asks.
func Column(what string, in *arrow.Schema, name string) (int, error) {
	if i := columnar.Index(in, name); i >= 0 {
		return i, nil
	}
	return 0, &arrowstream.Error{
		Code: "AS1203", Msg: fmt.Sprintf("%s: unknown column %q", what, name),
		Hint: arrowstream.Suggest(name, columnar.Names(in), "columns"),
	}
}

// AppendOnly is an error when in carries changes, which what cannot take back.
func AppendOnly(what string, in *arrow.Schema) error {
	if !columnar.Changelog(in) {
		return nil
	}
	return &arrowstream.Error{
		Code: "AS1406", Msg: what + ": the input updates rows that it has emitted before",
		Hint: "aggregate a stream that only appends: leave out Updates and Lateness before it",
	}
}

// Distinct is an error when two fields have the same name.
func Distinct(what string, fields []arrow.Field) error {
	seen := map[string]bool{}
	for _, f := range fields {
		if seen[f.Name] {
			return &arrowstream.Error{Code: "AS1204", Msg: fmt.Sprintf("%s: two output columns are called %q", what, f.Name), Hint: "rename one of them"}
		}
		seen[f.Name] = true
	}
	return nil
}
