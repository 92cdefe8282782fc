package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// Scratch makes the columns and bitmaps of which nothing is left when an
// expression has been evaluated. To kernels it is an allocator: memory comes
// from the allocator below and goes back there buffer by buffer, but the headers
// around it (arrow makes six objects for a column) are registers that are used
// again, so that the next batch allocates none of them.
//
// A Scratch and its registers belong to one goroutine. Data and buffers are
// counted as ever: what a column made of them still holds is left to it.
type Scratch struct {
	memory.Allocator // below

	buffers   []*memory.Buffer // empty ones
	registers []*register      // free ones
	bitmaps   [][]byte
	taken     int // bitmaps in use
}

// NewScratch returns a Scratch on top of mem.
func NewScratch(mem memory.Allocator) *Scratch { return &Scratch{Allocator: mem} }

// AllocateUncleared is Allocate of bytes that hold anything.
func (s *Scratch) AllocateUncleared(size int) []byte {
	return columnar.AllocateUncleared(s.Allocator, size)
}

// Bitmap is a bitmap of n bits that hold anything, good until Reset.
func (s *Scratch) Bitmap(n int) columnar.Bitmap {
	if s.taken == len(s.bitmaps) {
		s.bitmaps = append(s.bitmaps, nil)
	}
	b := s.bitmaps[s.taken]
	if size := columnar.BitmapBytes(n); size > len(b) {
		b = make([]byte, size)
		s.bitmaps[s.taken] = b
	}
	s.taken++
	return columnar.Bitmap{Bits: b[:columnar.BitmapBytes(n)], N: n}
}

// Reset takes all bitmaps back.
func (s *Scratch) Reset() { s.taken = 0 }

// Own returns the column of a register as one that is free of the Scratch, any
// other as it is. It takes over a.
func (s *Scratch) Own(a arrow.Array) arrow.Array {
	r, ok := a.(*register)
	if !ok {
		return a
	}
	defer r.Release()
	return array.MakeFromData(r.data)
}

// newHeader returns an empty buffer of mem.
func newHeader(mem memory.Allocator) *memory.Buffer {
	s, ok := mem.(*Scratch)
	if !ok {
		return memory.NewResizableBuffer(mem)
	}
	last := len(s.buffers) - 1
	if last < 0 {
		return memory.NewResizableBuffer(s.Allocator)
	}
	b := s.buffers[last]
	s.buffers = s.buffers[:last]
	b.Retain()
	return b
}

// freeHeader releases a buffer of mem of which no column was made.
func freeHeader(mem memory.Allocator, b *memory.Buffer) {
	held := b.Cap() > 0
	b.Release()
	if s, ok := mem.(*Scratch); ok && held && b.Cap() == 0 {
		s.buffers = append(s.buffers, b)
	}
}

// register is a column of a Scratch, of a type that kernels read through its
// data: fixed width, boolean or text.
type register struct {
	scratch *Scratch
	data    *array.Data
	buffers [3]*memory.Buffer
	refs    int
}

var _ arrow.Array = (*register)(nil)

// registers reports whether a column of type t may be a register.
func registers(t arrow.DataType) bool {
	kind, _ := layoutOf(t)
	return kind == layoutBool || kind == layoutBytes || kind == layoutFixed && t.ID() != arrow.FIXED_SIZE_BINARY
}

// column makes a column like finish.
func (s *Scratch) column(t arrow.DataType, n, nulls int, valid *memory.Buffer, data ...*memory.Buffer) *register {
	var r *register
	if last := len(s.registers) - 1; last >= 0 {
		r, s.registers = s.registers[last], s.registers[:last]
	} else {
		r = &register{scratch: s, data: new(array.Data)}
	}
	r.refs = 1
	r.data.Retain()
	r.buffers[0] = valid
	copy(r.buffers[1:], data)
	r.data.Reset(t, n, r.buffers[:1+len(data)], nil, nulls, 0)
	for _, b := range r.buffers {
		if b != nil {
			b.Release() // the data has it
		}
	}
	return r
}

// Retain implements arrow.Array.
func (r *register) Retain() { r.refs++ }

// Release implements arrow.Array. The last one frees the register for another
// column, but only when all of its memory has gone with it: else a column that
// was made of its data or buffers lives on, and is left everything.
func (r *register) Release() {
	if r.refs--; r.refs > 0 {
		return
	}
	alone := true // an empty buffer does not show it
	for _, b := range r.buffers {
		alone = alone && (b == nil || b.Cap() > 0)
	}
	r.data.Release()
	alone = alone && r.data.Buffers() == nil
	for _, b := range r.buffers {
		alone = alone && (b == nil || b.Cap() == 0)
	}
	if !alone {
		return
	}
	for _, b := range r.buffers {
		if b != nil {
			r.scratch.buffers = append(r.scratch.buffers, b)
		}
	}
	clear(r.buffers[:])
	r.scratch.registers = append(r.scratch.registers, r)
}

// Data implements arrow.Array.
func (r *register) Data() arrow.ArrayData { return r.data }

// DataType implements arrow.Array.
func (r *register) DataType() arrow.DataType { return r.data.DataType() }

// Len implements arrow.Array.
func (r *register) Len() int { return r.data.Len() }

// NullN implements arrow.Array.
func (r *register) NullN() int { return r.data.NullN() }

// NullBitmapBytes implements arrow.Array.
func (r *register) NullBitmapBytes() []byte {
	if r.buffers[0] == nil {
		return nil
	}
	return r.buffers[0].Bytes()
}

// IsValid implements arrow.Array.
func (r *register) IsValid(i int) bool { return columnar.Validity(r).Get(i) }

// IsNull implements arrow.Array.
func (r *register) IsNull(i int) bool { return !r.IsValid(i) }

// plain is a column of arrow with the values of r.
func (r *register) plain() arrow.Array { return array.MakeFromData(r.data) }

// ValueStr implements arrow.Array.
func (r *register) ValueStr(i int) string {
	a := r.plain()
	defer a.Release()
	return a.ValueStr(i)
}

// String implements arrow.Array.
func (r *register) String() string {
	a := r.plain()
	defer a.Release()
	return a.String()
}

// MarshalJSON implements arrow.Array.
func (r *register) MarshalJSON() ([]byte, error) {
	a := r.plain()
	defer a.Release()
	return a.MarshalJSON()
}

// GetOneForMarshal implements arrow.Array.
func (r *register) GetOneForMarshal(i int) any {
	a := r.plain()
	defer a.Release()
	return a.GetOneForMarshal(i)
}
