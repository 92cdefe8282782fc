package wire

import (
	"encoding/binary"
	"fmt"
)

// table is a view of one flatbuffer table. Reads outside the buffer give
// errors, collected in the walker, and zero values.
type table struct {
	w   *walker
	pos int // of the table
	vt  int // of its vtable
	vtn int // bytes of its vtable
}

// walker reads a flatbuffer with bounds checks; the first error sticks.
type walker struct {
	b   []byte
	err error
}

func (w *walker) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
	}
}

func (w *walker) bytes(pos, n int) []byte {
	if w.err != nil || pos < 0 || n < 0 || pos > len(w.b)-n {
		w.fail("metadata points outside its %d bytes", len(w.b))
		return make([]byte, max(0, min(n, 16)))
	}
	return w.b[pos : pos+n]
}

func (w *walker) u16(pos int) int    { return int(binary.LittleEndian.Uint16(w.bytes(pos, 2))) }
func (w *walker) u32(pos int) int    { return int(binary.LittleEndian.Uint32(w.bytes(pos, 4))) }
func (w *walker) i64(pos int) int64  { return int64(binary.LittleEndian.Uint64(w.bytes(pos, 8))) }
func (w *walker) u8(pos int) int     { return int(w.bytes(pos, 1)[0]) }
func (w *walker) follow(pos int) int { return pos + w.u32(pos) }

// root is the table at the start of the buffer.
func (w *walker) root() table { return w.table(w.follow(0)) }

// table is the table at pos.
func (w *walker) table(pos int) table {
	vt := pos - int(int32(w.u32(pos)))
	n := w.u16(vt)
	w.bytes(vt, n)
	// In a layout of odd length the library would see half of a last field, and
	// this walker none.
	if w.err != nil || n < 4 || n%2 != 0 {
		w.fail("table at %d has no layout", pos)
		return table{w: w}
	}
	return table{w: w, pos: pos, vt: vt, vtn: n}
}

// field is the position of field i, 0 if it is absent.
func (t table) field(i int) int {
	at := 4 + 2*i
	if t.w.err != nil || at+2 > t.vtn {
		return 0
	}
	off := t.w.u16(t.vt + at)
	if off == 0 {
		return 0
	}
	return t.pos + off
}

func (t table) byteAt(i, missing int) int {
	if p := t.field(i); p != 0 {
		return t.w.u8(p)
	}
	return missing
}

func (t table) int64At(i int) int64 {
	if p := t.field(i); p != 0 {
		return t.w.i64(p)
	}
	return 0
}

// sub is the table field i; ok is false if it is absent.
func (t table) sub(i int) (table, bool) {
	p := t.field(i)
	if p == 0 {
		return table{w: t.w}, false
	}
	s := t.w.table(t.w.follow(p))
	return s, t.w.err == nil
}

// vector is the start and the length of vector field i with elements of the
// given size, all of them inside the buffer.
func (t table) vector(i, size int) (start, n int) {
	p := t.field(i)
	if p == 0 {
		return 0, 0
	}
	at := t.w.follow(p)
	n = t.w.u32(at)
	if t.w.err != nil {
		return 0, 0
	}
	if n > (len(t.w.b)-at-4)/size {
		t.w.fail("a list of %d elements does not fit its metadata", n)
		return 0, 0
	}
	return at + 4, n
}
