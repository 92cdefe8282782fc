package mlkernels

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

var errState = errors.New("mlkernels: saved state is damaged")

// stateWriter writes the form all saved state has: fields in a fixed order,
// integers as varints, floats as their bits, everything with a length.
type stateWriter struct{ buf []byte }

func (w *stateWriter) int(n int64) { w.buf = binary.AppendVarint(w.buf, n) }
func (w *stateWriter) float(x float64) {
	w.buf = binary.LittleEndian.AppendUint64(w.buf, math.Float64bits(x))
}
func (w *stateWriter) bytes(b []byte) { w.int(int64(len(b))); w.buf = append(w.buf, b...) }
func (w *stateWriter) text(s string)  { w.int(int64(len(s))); w.buf = append(w.buf, s...) }

func (w *stateWriter) bool(b bool) {
	if b {
		w.int(1)
	} else {
		w.int(0)
	}
}

func (w *stateWriter) floats(x []float64) {
	w.int(int64(len(x)))
	for _, v := range x {
		w.float(v)
	}
}

func (w *stateWriter) ints(x []int64) {
	w.int(int64(len(x)))
	for _, v := range x {
		w.int(v)
	}
}

func (w *stateWriter) texts(x []string) {
	w.int(int64(len(x)))
	for _, v := range x {
		w.text(v)
	}
}

// stateReader reads what stateWriter wrote. After the first error it returns
// zeros; err tells.
type stateReader struct {
	buf []byte
	err error
}

func (r *stateReader) fail() {
	if r.err == nil {
		r.err = errState
	}
	r.buf = nil
}

func (r *stateReader) int() int64 {
	n, size := binary.Varint(r.buf)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.buf = r.buf[size:]
	return n
}

func (r *stateReader) bool() bool { return r.int() != 0 }

// length reads the length of a list whose elements take at least size bytes.
func (r *stateReader) length(size int) int {
	n := r.int()
	if n < 0 || n > int64(len(r.buf)/size) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *stateReader) float() float64 {
	if len(r.buf) < 8 {
		r.fail()
		return 0
	}
	x := math.Float64frombits(binary.LittleEndian.Uint64(r.buf))
	r.buf = r.buf[8:]
	return x
}

func (r *stateReader) bytes() []byte {
	n := r.length(1)
	b := r.buf[:n:n]
	r.buf = r.buf[n:]
	return b
}

func (r *stateReader) text() string { return string(r.bytes()) }

func (r *stateReader) floats() []float64 {
	n := r.length(8)
	if n == 0 {
		return nil
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = r.float()
	}
	return out
}

func (r *stateReader) ints() []int64 {
	n := r.length(1)
	if n == 0 {
		return nil
	}
	out := make([]int64, n)
	for i := range out {
		out[i] = r.int()
	}
	return out
}

func (r *stateReader) texts() []string {
	n := r.length(1)
	if n == 0 {
		return nil
	}
	out := make([]string, n)
	for i := range out {
		out[i] = r.text()
	}
	return out
}

// sized reads floats that must be want many.
func (r *stateReader) sized(what string, want int) []float64 {
	x := r.floats()
	if r.err == nil && len(x) != want {
		r.err = fmt.Errorf("%w: %d values of %s, want %d", errState, len(x), what, want)
	}
	if r.err != nil {
		return make([]float64, want)
	}
	return x
}

// close reports the first error, or that bytes are left over.
func (r *stateReader) close() error {
	if r.err == nil && len(r.buf) > 0 {
		r.err = fmt.Errorf("%w: %d bytes too many", errState, len(r.buf))
	}
	return r.err
}
