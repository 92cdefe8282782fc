package parquet

import (
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// reader decodes one top-level column of a row group, row by row in order.
type reader interface {
	// read returns the next n rows, which are there.
	read(n int) (arrow.Array, error)
	// skip passes over n rows, which are there.
	skip(n int64) error
	release()
}

// chunks opens the column chunks of one row group.
type chunks func(leaf *node) *chunk

// newReader returns a reader of shape s that produces arrays of type typ.
func newReader(s *shape, typ arrow.DataType, open chunks, mem memory.Allocator) (reader, error) {
	switch s.kind {
	case leafShape:
		if err := checkBuilder(mem, s.leaf, typ); err != nil {
			return nil, err
		}
		return &flatReader{c: open(s.leaf), typ: typ, mem: mem}, nil
	case listShape:
		elem, err := elementType(typ)
		if err != nil {
			return nil, err
		}
		if err := checkBuilder(mem, s.leaf, elem); err != nil {
			return nil, err
		}
		return &listReader{c: open(s.leaf), shape: s, typ: typ, elem: elem, mem: mem}, nil
	}
	out := &structReader{shape: s, typ: typ, mem: mem}
	for _, c := range s.children {
		r, err := newReader(c, c.typ, open, mem)
		if err != nil {
			out.release()
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		out.children = append(out.children, r)
	}
	if s.kind == vectorShape {
		return &vectorReader{structReader: out}, nil
	}
	return out, nil
}

// checkBuilder reports whether there is a builder.
func checkBuilder(mem memory.Allocator, leaf *node, typ arrow.DataType) error {
	b, err := newBuilder(mem, leaf, typ)
	if err == nil {
		b.release()
	}
	return err
}

func elementType(t arrow.DataType) (arrow.DataType, error) {
	switch t := t.(type) {
	case *arrow.ListType:
		return t.Elem(), nil
	case *arrow.FixedSizeListType:
		return t.Elem(), nil
	}
	return nil, fmt.Errorf("a list cannot be read as %s", t)
}

// flatReader reads a column outside of lists. With thresholds it also tells in
// which rows the definition level reaches them: where the structs around the
// column are present.
type flatReader struct {
	c          *chunk
	typ        arrow.DataType
	coded      arrow.DataType // not nil: all values are indices and are returned as such
	mem        memory.Allocator
	thresholds []int
	present    []*bitBuffer // one per threshold, of the last read
}

func (r *flatReader) skip(n int64) error {
	for n > 0 {
		if r.c.vals == 0 {
			ok, err := r.c.load(&n)
			switch {
			case err != nil:
				return err
			case n == 0:
				return nil
			case !ok:
				return errColumnEnds
			}
		}
		m := int(min(n, int64(r.c.vals)))
		if err := r.discard(m); err != nil {
			return err
		}
		n -= int64(m)
	}
	return nil
}

var errColumnEnds = errors.New("the column has fewer rows than its row group")

// discard passes over n rows of the current page.
func (r *flatReader) discard(n int) error {
	k := n
	var err error
	switch leaf := r.c.leaf; {
	case leaf.def == 1:
		k, err = r.c.def.skipBits(n)
	case leaf.def > 1:
		k, err = r.c.def.skipLevels(n, leaf.def)
	}
	if err != nil {
		return fmt.Errorf("definition levels: %w", err)
	}
	r.c.vals -= n
	return r.c.dense.skip(k)
}

func (r *flatReader) read(n int) (arrow.Array, error) { return r.readSpans([]span{{0, n}}) }

// readSpans returns the rows of the spans, which are in order and count from
// the next row on, and moves behind the last.
func (r *flatReader) readSpans(spans []span) (arrow.Array, error) {
	typ := r.typ
	if r.coded != nil {
		typ = r.coded
	}
	b, err := newBuilder(r.mem, r.c.leaf, typ)
	if err != nil {
		return nil, err
	}
	defer b.release()
	n := spanRows(spans)
	b.grow(n)
	valid := newBitBuffer(r.mem)
	defer valid.release()
	if r.c.leaf.def > 0 {
		valid.grow(n)
	}
	r.releasePresent()
	for range r.thresholds {
		p := newBitBuffer(r.mem)
		r.present = append(r.present, p)
		p.grow(n)
	}
	at, row, nulls := 0, 0, 0
	for _, s := range spans {
		if err := r.skip(int64(s.from - at)); err != nil {
			return nil, err
		}
		for end := row + s.to - s.from; row < end; {
			m, k, err := r.fill(b, valid, row, end-row)
			if err != nil {
				return nil, err
			}
			row += m
			nulls += m - k
		}
		at = s.to
	}
	return b.array(n, valid.finish(n, nulls), nulls), nil
}

// fill decodes up to n rows, as many as the current page has, into slots from
// row on. It returns their number and how many of them have a value.
func (r *flatReader) fill(b builder, valid *bitBuffer, row, n int) (m, k int, err error) {
	if r.c.vals == 0 {
		if ok, err := r.c.load(nil); err != nil {
			return 0, 0, err
		} else if !ok {
			return 0, 0, errColumnEnds
		}
	}
	m = min(n, r.c.vals)
	k = m
	if r.c.leaf.def > 0 {
		if k, err = r.levels(valid, row, m); err != nil {
			return 0, 0, fmt.Errorf("definition levels: %w", err)
		}
	}
	if err := b.fill(&r.c.dense, row, m, k, valid.bytes()); err != nil {
		return 0, 0, err
	}
	r.c.vals -= m
	return m, k, nil
}

// levels decodes m definition levels into the bitmaps and returns how many
// rows have a value.
func (r *flatReader) levels(valid *bitBuffer, row, m int) (int, error) {
	if r.c.leaf.def == 1 && len(r.thresholds) == 0 {
		return r.c.def.bits(valid.bytes(), row, m)
	}
	var block [1024]uint8
	ones := 0
	for from := 0; from < m; from += len(block) {
		levels := block[:min(len(block), m-from)]
		if err := r.c.def.bytes(levels); err != nil {
			return 0, err
		}
		ones += valid.reach(row+from, levels, r.c.leaf.def)
		for i, t := range r.thresholds {
			r.present[i].reach(row+from, levels, t)
		}
	}
	return ones, nil
}

func (r *flatReader) releasePresent() {
	for _, p := range r.present {
		p.release()
	}
	r.present = r.present[:0]
}

func (r *flatReader) release() {
	r.releasePresent()
	r.c.release()
}

// bitBuffer is a bitmap under construction.
type bitBuffer struct{ buf *memory.Buffer }

func newBitBuffer(mem memory.Allocator) *bitBuffer {
	return &bitBuffer{buf: memory.NewResizableBuffer(mem)}
}

// grow makes room for n bits in all.
func (b *bitBuffer) grow(n int) { b.buf.Resize(columnar.BitmapBytes(n) + bitSlack) }

func (b *bitBuffer) bytes() []byte { return b.buf.Bytes() }

// reach sets the bits from row on where a level is at least least, and counts
// them.
func (b *bitBuffer) reach(row int, levels []uint8, least int) int {
	bits, ones := b.buf.Bytes(), 0
	for i, l := range levels {
		if int(l) >= least {
			bits[(row+i)>>3] |= 1 << ((row + i) & 7)
			ones++
		}
	}
	return ones
}

// finish returns the buffer cut to n bits, nil if there are no nulls. It stays
// owned by b.
func (b *bitBuffer) finish(n, nulls int) *memory.Buffer {
	if nulls == 0 {
		return nil
	}
	b.buf.ResizeNoShrink(columnar.BitmapBytes(n))
	return b.buf
}

func (b *bitBuffer) release() { b.buf.Release() }

// structReader reads a group as a struct.
type structReader struct {
	shape    *shape
	typ      arrow.DataType
	mem      memory.Allocator
	children []reader
	above    []int // thresholds of the structs around this one
}

// watch makes the first leaf below s report where the levels are reached.
func (s *structReader) watch(levels []int) {
	s.above = levels
	levels = append(append([]int{}, levels...), s.shape.present)
	switch c := s.children[0].(type) {
	case *structReader:
		c.watch(levels)
	case *vectorReader:
		c.watch(levels)
	case *flatReader:
		c.thresholds = levels
	case *listReader:
		c.thresholds = levels
	}
}

// presence is what the first leaf below r reported in the last read.
func presence(r reader) []*bitBuffer {
	switch r := r.(type) {
	case *flatReader:
		return r.present
	case *listReader:
		return r.present
	case *structReader:
		return presence(r.children[0])
	case *vectorReader:
		return presence(r.children[0])
	}
	return nil
}

func (s *structReader) skip(n int64) error {
	for _, c := range s.children {
		if err := c.skip(n); err != nil {
			return err
		}
	}
	return nil
}

// columns reads n rows of every child.
func (s *structReader) columns(n int) ([]arrow.Array, error) {
	if s.above == nil {
		s.watch([]int{})
	}
	var out []arrow.Array
	ok := false
	defer func() {
		if !ok {
			releaseAll(out)
		}
	}()
	for i, c := range s.children {
		a, err := c.read(n)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.shape.children[i].name, err)
		}
		out = append(out, a)
	}
	ok = true
	return out, nil
}

// validity is the bitmap of the rows in which the struct is present.
func (s *structReader) validity(n int) (columnar.Bitmap, int) {
	bits := presence(s.children[0])[len(s.above)]
	b := columnar.Bitmap{Bits: bits.bytes(), N: n}
	return b, n - b.Count()
}

func (s *structReader) read(n int) (arrow.Array, error) {
	cols, err := s.columns(n)
	if err != nil {
		return nil, err
	}
	defer releaseAll(cols)
	valid, nulls := s.validity(n)
	var buf *memory.Buffer
	if nulls > 0 {
		buf = memory.NewResizableBuffer(s.mem)
		defer buf.Release()
		buf.Resize(columnar.BitmapBytes(n))
		copy(buf.Bytes(), valid.Bits)
	}
	data := make([]arrow.ArrayData, len(cols))
	for i, c := range cols {
		data[i] = c.Data()
	}
	d := array.NewData(s.typ, n, []*memory.Buffer{buf}, data, nulls, 0)
	defer d.Release()
	return array.MakeFromData(d), nil
}

func (s *structReader) release() {
	for _, c := range s.children {
		c.release()
	}
}

func releaseAll(arrays []arrow.Array) {
	for _, a := range arrays {
		if a != nil {
			a.Release()
		}
	}
}
