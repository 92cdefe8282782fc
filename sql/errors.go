package sql

import (
	"errors"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// toError makes an *arrowstream.Error of any error: a copy of the one inside,
// the fields of an error of expr or kernels, or a plain text.
func toError(err error) *arrowstream.Error {
	var e *arrowstream.Error
	if errors.As(err, &e) {
		c := *e
		return &c
	}
	var x *expr.Error
	if errors.As(err, &x) {
		return &arrowstream.Error{Code: x.Code, Msg: x.Msg, Hint: x.Hint}
	}
	var k *kernels.Error
	if errors.As(err, &k) {
		return &arrowstream.Error{Code: k.Code, Msg: k.Msg, Hint: k.Hint}
	}
	return &arrowstream.Error{Msg: err.Error()}
}

// errBroken stands for a reference to an object whose declaration failed: the
// error was reported there, so that nothing more is said.
var errBroken = errors.New("sql: refers to a declaration with an error")
