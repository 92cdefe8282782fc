package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/parquet-go/parquet-go/format"

	"github.com/arrowstream/arrowstream/columnar"
)

const (
	maxPageHeader   = 4 << 20
	maxNestedValues = 16 << 20  // values of a page of a list column
	readAhead       = 256 << 10 // at once, so that it is in the cache when it is decoded
	// defaultMaxPage bounds the inflated size of a page.
	defaultMaxPage = 64 << 20
)

// limits say how far pages are trusted.
type limits struct {
	maxPage   int  // bytes of an inflated page
	checksums bool // to verify those that pages have
}

// chunk reads the pages of one column chunk in order, one page at a time. It is
// used by one goroutine at a time.
type chunk struct {
	r    io.ReaderAt
	leaf *node
	meta *format.ColumnMetaData
	mem  memory.Allocator
	limits
	utf8 bool // byte arrays must be valid UTF-8

	off, end int64 // next page, end of the chunk
	left     int64 // values in pages not loaded yet
	file     scratch
	fileAt   int64 // file offset of the bytes in file
	fileLen  int
	page     scratch

	dict  *dictionary
	begun bool // a data page has been seen
	vals  int  // values left in the page, nulls included
	def   hybrid
	reps  []uint8 // levels left in the page; columns in lists only
	defs  []uint8
	dense dense
	idx   []int32 // scratch
}

// newChunk starts at the first page of a column chunk.
func newChunk(r io.ReaderAt, leaf *node, meta *format.ColumnMetaData, mem memory.Allocator, l limits) *chunk {
	start := chunkStart(meta)
	c := &chunk{
		r: r, leaf: leaf, meta: meta, mem: mem, limits: l,
		off: start, end: start + meta.TotalCompressedSize, left: meta.NumValues,
		file: newScratch(mem), page: newScratch(mem),
	}
	if t, err := leafType(leaf.elem); err == nil {
		c.utf8 = t.ID() == arrow.STRING
	}
	return c
}

// release gives back the memory of c.
func (c *chunk) release() {
	c.file.release()
	c.page.release()
	if c.dict != nil {
		c.dict.release()
		c.dict = nil
	}
}

// load moves to the next data page. It returns false at the end of the chunk.
// Pages that lie within the first *skip values are passed over unread, and
// counted off, when skip is not nil; this is for columns outside of lists,
// where values are rows.
func (c *chunk) load(skip *int64) (bool, error) {
	for {
		if c.left == 0 {
			return false, nil
		}
		at := c.off
		h, err := c.header()
		if err == nil {
			err = c.loadPage(h, skip)
		}
		if err != nil {
			return false, fmt.Errorf("page at byte %d: %w", at, err)
		}
		if c.vals > 0 {
			return true, nil
		}
	}
}

// header reads the page header at off and moves behind it.
func (c *chunk) header() (pageHeader, error) {
	if c.off >= c.end {
		return pageHeader{}, fmt.Errorf("the column chunk ends %d values early", c.left)
	}
	for n := int64(256); ; n *= 4 {
		n = min(n, c.end-c.off)
		b, err := c.fetch(c.off, int(n))
		if err != nil {
			return pageHeader{}, err
		}
		h, size, err := readPageHeader(b)
		if err == nil {
			c.off += int64(size)
			if int64(h.stored) > c.end-c.off {
				return h, fmt.Errorf("page of %d bytes does not fit its column chunk", h.stored)
			}
			return h, nil
		}
		if !errors.Is(err, errShort) || n == c.end-c.off || n >= maxPageHeader {
			return h, fmt.Errorf("page header: %w", err)
		}
	}
}

// fetch returns n bytes of the file, valid until the next call.
func (c *chunk) fetch(off int64, n int) ([]byte, error) {
	if off < c.fileAt || off > c.fileAt+int64(c.fileLen) {
		c.fileAt, c.fileLen = off, 0
	}
	from := int(off - c.fileAt)
	if have := c.fileLen - from; have < n {
		want := max(n, int(min(c.end-off, readAhead)))
		b := c.file.shift(from, have, want)
		c.fileAt, c.fileLen, from = off, have, 0
		k, err := c.r.ReadAt(b[have:], off+int64(have))
		if k < want-have {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, fmt.Errorf("read %d bytes: %w (was the file cut?)", want-have, err)
		}
		c.fileLen = want
	}
	return c.file.mine[from : from+n], nil
}

// loadPage makes the page behind header h the current one. Dictionary pages
// are kept, index pages dropped; neither leaves values.
func (c *chunk) loadPage(h pageHeader, skip *int64) error {
	c.vals = 0
	if h.kind == format.DataPage || h.kind == format.DataPageV2 {
		c.begun = true
		if int64(h.values) > c.left {
			return fmt.Errorf("page of %d values where %d are left", h.values, c.left)
		}
		if skip != nil && int64(h.values) <= *skip {
			*skip -= int64(h.values)
			c.left -= int64(h.values)
			c.off += int64(h.stored)
			return nil
		}
	}
	if int(h.inflated) > c.maxPage {
		return fmt.Errorf("page of %d bytes is larger than %d (raise 'page.max-bytes')", h.inflated, c.maxPage)
	}
	b, err := c.fetch(c.off, int(h.stored))
	if err != nil {
		return err
	}
	c.off += int64(h.stored)
	if c.checksums && h.hasCRC && crc32.ChecksumIEEE(b) != h.crc {
		return errors.New("checksum does not match: the file is damaged")
	}
	switch h.kind {
	case format.DictionaryPage:
		return c.loadDictionary(h, b)
	case format.DataPage:
		if b, err = c.inflate(c.meta.Codec, b, int(h.inflated)); err == nil {
			err = c.loadV1(h, b)
		}
	case format.DataPageV2:
		err = c.loadV2(h, b)
	case format.IndexPage:
		return nil
	default:
		return fmt.Errorf("unknown page type %d", h.kind)
	}
	if err != nil {
		return err
	}
	c.vals = int(h.values)
	c.left -= int64(h.values)
	return nil
}

// inflate decompresses src to n bytes with slack behind them.
func (c *chunk) inflate(codec format.CompressionCodec, src []byte, n int) ([]byte, error) {
	if codec == format.Uncompressed {
		if len(src) != n {
			return nil, sizeError(codec, len(src), n)
		}
		return src, nil
	}
	dst := c.page.size(n)
	return dst, inflate(codec, dst, src)
}

// loadV1 reads the levels at the start of an inflated page.
func (c *chunk) loadV1(h pageHeader, b []byte) error {
	level := func(enc format.Encoding) ([]byte, error) {
		if enc != format.RLE {
			return nil, fmt.Errorf("levels in encoding %s are not supported", enc)
		}
		if len(b) < 4 {
			return nil, errFewValues
		}
		n := int64(binary.LittleEndian.Uint32(b))
		if n > int64(len(b)-4) {
			return nil, fmt.Errorf("levels of %d bytes do not fit a page of %d", n, len(b))
		}
		out := b[4 : 4+n]
		b = b[4+n:]
		return out, nil
	}
	var reps, defs []byte
	var err error
	if c.leaf.rep > 0 {
		if reps, err = level(h.repEncoding); err != nil {
			return err
		}
	}
	if c.leaf.def > 0 {
		if defs, err = level(h.defEncoding); err != nil {
			return err
		}
	}
	return c.begin(h, reps, defs, b)
}

// loadV2 takes the levels from before the compressed part of a page.
func (c *chunk) loadV2(h pageHeader, b []byte) error {
	levels := int64(h.repBytes) + int64(h.defBytes)
	if levels > int64(len(b)) || levels > int64(h.inflated) {
		return fmt.Errorf("levels of %d bytes do not fit a page of %d", levels, len(b))
	}
	reps, defs := b[:h.repBytes], b[h.repBytes:levels]
	codec := c.meta.Codec
	if h.uncompressed {
		codec = format.Uncompressed
	}
	data, err := c.inflate(codec, b[levels:], int(int64(h.inflated)-levels))
	if err != nil {
		return err
	}
	return c.begin(h, reps, defs, data)
}

// begin sets up the decoders of a page.
func (c *chunk) begin(h pageHeader, reps, defs, data []byte) error {
	if c.leaf.def > 0 {
		if err := c.def.reset(defs, levelWidth(c.leaf.def)); err != nil {
			return err
		}
	}
	if c.leaf.rep > 0 {
		if err := c.nestedLevels(int(h.values), reps); err != nil {
			return err
		}
	}
	return c.dense.begin(c, h, data)
}

// nestedLevels decodes all levels of a page of a column in a list.
func (c *chunk) nestedLevels(n int, reps []byte) error {
	if n > maxNestedValues {
		return fmt.Errorf("%d values are too many for one page of a list column", n)
	}
	var rep hybrid
	if err := rep.reset(reps, levelWidth(c.leaf.rep)); err != nil {
		return err
	}
	first := c.reps == nil
	c.reps, c.defs = resize(c.reps, n), resize(c.defs, n)
	if err := rep.bytes(c.reps); err != nil {
		return fmt.Errorf("repetition levels: %w", err)
	}
	if err := c.def.bytes(c.defs); err != nil {
		return fmt.Errorf("definition levels: %w", err)
	}
	if first && n > 0 && c.reps[0] != 0 {
		return errors.New("the first repetition level is not 0")
	}
	for i := range n {
		if int(c.reps[i]) > c.leaf.rep || int(c.defs[i]) > c.leaf.def {
			return errors.New("a level is out of range")
		}
	}
	return nil
}

func levelWidth(maxLevel int) int {
	w := 0
	for maxLevel>>w > 0 {
		w++
	}
	return w
}

func resize[T any](v []T, n int) []T {
	if cap(v) < n {
		return make([]T, n)
	}
	return v[:n]
}

// scratch is reusable memory of an allocator with slack behind its end.
type scratch struct {
	mem  memory.Allocator
	mine []byte // as allocated
}

func newScratch(mem memory.Allocator) scratch { return scratch{mem: columnar.Uncleared(mem)} }

// size returns n bytes of any content.
func (s *scratch) size(n int) []byte { return s.shift(0, 0, n) }

// shift returns n bytes that start with the keep bytes that stood at from.
func (s *scratch) shift(from, keep, n int) []byte {
	if n+slack <= len(s.mine) {
		copy(s.mine, s.mine[from:from+keep])
		return s.mine[:n]
	}
	b := s.mem.Allocate(max(n+slack, min(2*len(s.mine), n+1<<20)))
	copy(b, s.mine[from:from+keep])
	s.release()
	s.mine = b
	return b[:n]
}

func (s *scratch) release() {
	if s.mine != nil {
		s.mem.Free(s.mine)
	}
	s.mine = nil
}
