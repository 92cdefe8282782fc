package stage

import (
	"context"

	"github.com/arrowstream/arrowstream"
)

// stateless is what stages have in common that look at one row at a time.
type stateless struct{}

// Advance implements [arrowstream.Stage]: the watermark passes.
func (stateless) Advance(_ context.Context, w arrowstream.Watermark, _ arrowstream.Emit) (arrowstream.Watermark, error) {
	return w, nil
}

// Keys implements [arrowstream.Parallel]: rows are independent of each other.
func (stateless) Keys() []string { return nil }

// Order implements [arrowstream.Parallel].
func (stateless) Order() []string { return nil }

// planError is an error in the configuration of a stage.
func planError(code, msg, hint string) error {
	return &arrowstream.Error{Code: code, Msg: msg, Hint: hint}
}
