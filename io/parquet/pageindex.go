package parquet

import (
	"errors"
	"slices"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/arrowstream/arrowstream/columnar"
)

const (
	// maxIndexBytes bounds the column index and the offset index of a chunk.
	maxIndexBytes = 4 << 20
	// maxIndexPages bounds the page headers that are read for statistics.
	maxIndexPages = 4096
	// indexHeader is how many bytes of a page header are read for them.
	indexHeader = 512
)

// pageBounds is what is known of the values in a page before it is read. It
// ends where the next one begins.
type pageBounds struct {
	row int64 // first row within the row group
	pageStats
}

// excludePages notes the rows of g in pages in which, by their statistics, no
// row satisfies the predicates of the source. An index that cannot be read
// excludes nothing.
func (g *group) excludePages() {
	f := g.file
	for _, a := range f.plan.asked(f.file, f.plan.source.Predicates) {
		col := &f.meta.RowGroups[g.index].Columns[a.leaf.leaf]
		pages := f.pageIndex(col, g.rows)
		if pages == nil {
			pages = f.pageHeaders(&col.MetaData, g.rows)
		}
		for i, p := range pages {
			end := g.rows
			if i+1 < len(pages) {
				end = pages[i+1].row
			}
			m := format.ColumnMetaData{NumValues: end - p.row, Statistics: format.Statistics{MinValue: p.low, MaxValue: p.high, NullCount: p.nulls}}
			if excludes(a.Predicate, a.typ, a.leaf, &m) {
				g.excluded = append(g.excluded, span{int(p.row), int(end)})
			}
		}
	}
}

// pageIndex reads the column index and the offset index of a chunk, nil if it
// has none that makes sense.
func (f *file) pageIndex(c *format.ColumnChunk, rows int64) []pageBounds {
	var index format.ColumnIndex
	var offsets format.OffsetIndex
	if f.readIndex(c.ColumnIndexOffset, c.ColumnIndexLength, &index) != nil || f.readIndex(c.OffsetIndexOffset, c.OffsetIndexLength, &offsets) != nil {
		return nil
	}
	n := len(offsets.PageLocations)
	if len(index.NullPages) != n || len(index.MinValues) != n || len(index.MaxValues) != n || len(index.NullCounts) != n && len(index.NullCounts) != 0 {
		return nil
	}
	out := make([]pageBounds, n)
	for i, l := range offsets.PageLocations {
		out[i].row = l.FirstRowIndex
		if len(index.NullCounts) > 0 {
			out[i].nulls = index.NullCounts[i]
		}
		if !index.NullPages[i] {
			out[i].low, out[i].high = index.MinValues[i], index.MaxValues[i]
		}
	}
	return checkedPages(out, rows)
}

// checkedPages is pages if they begin with the first row and each has one.
func checkedPages(pages []pageBounds, rows int64) []pageBounds {
	next := int64(0)
	for i, p := range pages {
		if p.row < next || p.row >= rows || i == 0 && p.row > 0 {
			return nil
		}
		next = p.row + 1
	}
	return pages
}

var errNoIndex = errors.New("no page index")

// readIndex decodes a thrift struct of a file, whose counts are checked before.
func (f *file) readIndex(off int64, n int32, v any) error {
	if n <= 0 || n > maxIndexBytes || off < 4 || off > f.size-8-int64(n) {
		return errNoIndex
	}
	b := make([]byte, n)
	if _, err := f.r.ReadAt(b, off); err != nil {
		return err
	}
	used, err := scanFooter(b)
	if err != nil {
		return err
	}
	return thrift.Unmarshal(new(thrift.CompactProtocol), b[:used], v)
}

// pageHeaders collects the statistics in the page headers of a chunk outside of
// lists, where values are rows; nil unless there are several pages and the
// first has some. It reads one block of the file per page.
func (f *file) pageHeaders(m *format.ColumnMetaData, rows int64) []pageBounds {
	var out []pageBounds
	var buf [indexHeader]byte
	off, row := chunkStart(m), int64(0)
	end := off + m.TotalCompressedSize
	for row < rows && off < end && len(out) < maxIndexPages {
		b := buf[:min(indexHeader, end-off)]
		if _, err := f.r.ReadAt(b, off); err != nil {
			return nil
		}
		h, size, err := readPageHeader(b)
		if err != nil {
			return nil
		}
		off += int64(size) + int64(h.stored)
		if h.kind != format.DataPage && h.kind != format.DataPageV2 || h.values == 0 {
			continue
		}
		s := h.stats
		if len(out) == 0 && (s.low == nil && s.nulls == 0 || int64(h.values) >= rows) {
			return nil
		}
		// The values stand in the buffer of the next header.
		s.low, s.high = slices.Clone(s.low), slices.Clone(s.high)
		out = append(out, pageBounds{row, s})
		row += int64(h.values)
	}
	if row != rows {
		return nil
	}
	return out
}

// included is the bitmap of the n rows of g from row on that are not excluded.
func (g *group) included(row int64, n int) columnar.Bitmap {
	keep := columnar.Bitmap{N: n}
	for _, s := range g.excluded {
		from, to := max(0, s.from-int(row)), min(n, s.to-int(row))
		if from >= to {
			continue
		}
		if keep.All() {
			keep = columnar.Bitmap{Bits: make([]byte, columnar.BitmapBytes(n)+bitSlack), N: n}
			setBits(keep.Bits, 0, n)
		}
		for i := from; i < to; i++ {
			keep.Clear(i)
		}
	}
	return keep
}
