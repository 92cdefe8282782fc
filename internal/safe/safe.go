// Package safe keeps the panics of decoders in: whatever a library does on
// input nobody here wrote, its caller sees an error. It imports columnar only.
//
// What it cannot keep in: running out of memory, a stack overflow, concurrent
// map access, and panics in goroutines that a library starts. Readers bound
// sizes and nesting before they decode and start their goroutines themselves,
// each with its own Do.
package safe

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/arrowstream/arrowstream/columnar"
)

// DecodeError is a panic of a decoder, turned into an error.
type DecodeError struct {
	Format string // "parquet", "arrow"
	File   string // file, topic or address
	Offset int64  // byte offset of the unit being decoded, -1 if unknown
	Cause  error  // what the decoder panicked with
}

// Error implements error.
func (e *DecodeError) Error() string {
	var sb strings.Builder
	sb.WriteString(e.Format + ": malformed input")
	if e.File != "" {
		sb.WriteString(" in " + e.File)
	}
	if e.Offset >= 0 {
		fmt.Fprintf(&sb, " at offset %d", e.Offset)
	}
	return sb.String() + ": " + e.Cause.Error()
}

// Unwrap returns the cause.
func (e *DecodeError) Unwrap() error { return e.Cause }

// Do calls f and returns its error. A panic of f becomes a *DecodeError,
// memory faults included; the *columnar.LimitError that an allocator panics
// with is returned as it is. runtime.Goexit passes.
func Do(format, file string, f func() error) error { return At(format, file, -1, f) }

// At is [Do] for a decoder that works at a known byte offset.
func At(format, file string, offset int64, f func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(old)
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		cause, ok := p.(error)
		if !ok {
			cause = fmt.Errorf("%v", p)
		}
		var limit *columnar.LimitError
		var inner *DecodeError
		switch {
		case errors.As(cause, &limit):
			err = limit
		case errors.As(cause, &inner):
			err = inner
		default:
			err = &DecodeError{Format: format, File: file, Offset: offset, Cause: cause}
		}
	}()
	return f()
}

// IsPanic reports whether err is a panic that Do caught and whether the
// runtime raised it (an index out of range, a nil dereference, a fault), as
// opposed to a library that panics on purpose.
func IsPanic(err error) (caught, byRuntime bool) {
	var d *DecodeError
	if !errors.As(err, &d) {
		return false, false
	}
	var r runtime.Error
	return true, errors.As(d.Cause, &r)
}
