package parquet

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/hive"
	"github.com/arrowstream/arrowstream/kernels"
)

// opened is a file being read, shared by its row groups.
type opened struct {
	*file
	info *fileInfo
	plan *plan
	refs atomic.Int32
}

// open opens a file again that has been planned, and makes sure that it is the
// same.
func (p *plan) open(info *fileInfo) (*opened, error) {
	f, err := openFile(p.source.Access, info.path)
	if err != nil {
		return nil, err
	}
	if f.size != info.size || !f.mtime.Equal(info.mtime) {
		err := fmt.Errorf("parquet: %s has changed while it was read: %d bytes of %s, now %d bytes of %s",
			info.path, info.size, info.mtime.UTC(), f.size, f.mtime.UTC())
		return nil, errors.Join(err, f.close())
	}
	o := &opened{file: f, info: info, plan: p}
	o.refs.Store(1)
	return o, nil
}

// release closes the file after the last user.
func (o *opened) release() error {
	if o.refs.Add(-1) > 0 {
		return nil
	}
	if err := o.close(); err != nil {
		return fmt.Errorf("parquet: close %s: %w", o.path, err)
	}
	return nil
}

// group is one row group being read.
type group struct {
	file    *opened
	index   int
	rows    int64
	readers []reader
	at      []int64 // row at which each reader stands
	next    int64   // first row that no piece has claimed
	width   int64   // see rowBytes

	// owned by the tasks that sift
	mem      memory.Allocator
	verdicts []verdict // one per test
	examined bool
	empty    bool   // no row passes the sieve
	excluded []span // rows in pages whose statistics exclude them
}

// read decodes the rows of a column among the n from row on that keep holds.
func (g *group) read(col int, row int64, n int, keep columnar.Bitmap) (arrow.Array, error) {
	r := g.readers[col]
	spans := []span{{0, n}}
	if !keep.All() {
		spans = spansOf(keep)
	}
	first, last := spans[0].from, spans[len(spans)-1].to
	if err := r.skip(row + int64(first) - g.at[col]); err != nil {
		return nil, err
	}
	g.at[col] = row + int64(last)
	var a arrow.Array
	var err error
	if f, ok := r.(*flatReader); ok && len(spans) > 1 {
		moved := make([]span, len(spans))
		for i, s := range spans {
			moved[i] = span{s.from - first, s.to - first}
		}
		a, err = f.readSpans(moved)
	} else {
		spans = []span{{first, last}}
		a, err = r.read(last - first)
	}
	if err != nil || keep.All() {
		return a, err
	}
	defer a.Release()
	return kernels.FilterArray(g.mem, a, within(keep, spans))
}

// openGroup makes the readers of all columns of a row group.
func (o *opened) openGroup(g int, mem memory.Allocator) (*group, error) {
	rg := &o.meta.RowGroups[g]
	out := &group{file: o, index: g, rows: rg.NumRows, mem: mem}
	o.refs.Add(1)
	open := func(leaf *node) *chunk {
		return newChunk(o.r, leaf, &rg.Columns[leaf.leaf].MetaData, mem, o.plan.limits)
	}
	for _, c := range o.plan.columns {
		r, err := o.columnReader(c, open, mem)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("parquet: %s: column %q: %w", o.path, c.name, err), out.release())
		}
		out.readers = append(out.readers, r)
	}
	out.at = make([]int64, len(out.readers))
	return out, nil
}

func (o *opened) columnReader(c column, open chunks, mem memory.Allocator) (reader, error) {
	if c.hive {
		if v, ok := hive.Find(o.info.hive, c.name); ok && !v.Null {
			return newConstReader(c.typ, &v.Text, mem)
		}
		return newConstReader(c.typ, nil, mem)
	}
	for _, n := range o.root.children {
		if n.elem.Name == c.name {
			s, err := shapeOf(n)
			if err != nil {
				return nil, err
			}
			return newReader(s, c.typ, open, mem)
		}
	}
	return newConstReader(c.typ, nil, mem)
}

func (g *group) release() error {
	for _, r := range g.readers {
		r.release()
	}
	return g.file.release()
}

// rowBytes estimates the bytes of one row of the selected columns in memory.
func (g *group) rowBytes() int64 {
	if g.width > 0 || g.rows == 0 {
		return max(1, g.width)
	}
	for i, r := range g.readers {
		sum := int64(0)
		for _, m := range chunkSizes(r) {
			sum += m
		}
		g.width += max(sum/g.rows, int64(columnar.FixedWidth(g.file.plan.columns[i].typ)))
	}
	g.width = max(1, g.width)
	return g.width
}

// chunkSizes are the uncompressed sizes of the chunks behind r.
func chunkSizes(r reader) []int64 {
	switch r := r.(type) {
	case *flatReader:
		return []int64{r.c.meta.TotalUncompressedSize}
	case *listReader:
		return []int64{r.c.meta.TotalUncompressedSize}
	case *structReader:
		var out []int64
		for _, c := range r.children {
			out = append(out, chunkSizes(c)...)
		}
		return out
	case *vectorReader:
		return chunkSizes(r.structReader)
	}
	return nil
}

// unread is how many values are left behind the rows that were read.
func unread(r reader) int64 {
	switch r := r.(type) {
	case *flatReader:
		return r.c.left + int64(r.c.vals)
	case *listReader:
		return r.c.left + int64(r.c.vals)
	case *structReader:
		sum := int64(0)
		for _, c := range r.children {
			sum += unread(c)
		}
		return sum
	case *vectorReader:
		return unread(r.structReader)
	}
	return 0
}

// constReader makes columns that are the same in all rows of a file: NULL for
// a column the file lacks, or a value of the path.
type constReader struct {
	typ   arrow.DataType
	value *string
	mem   memory.Allocator
}

func newConstReader(typ arrow.DataType, value *string, mem memory.Allocator) (*constReader, error) {
	r := &constReader{typ: typ, value: value, mem: mem}
	a, err := r.read(1) // shows whether the value can be converted
	if err != nil {
		return nil, err
	}
	a.Release()
	return r, nil
}

func (r *constReader) read(n int) (arrow.Array, error) {
	if r.value == nil {
		if r.typ.ID() == arrow.DICTIONARY {
			return r.dictionary(n, "", true)
		}
		return array.MakeArrayOfNull(r.mem, r.typ, n), nil
	}
	if r.typ.ID() == arrow.DICTIONARY {
		return r.dictionary(n, *r.value, false)
	}
	b := array.NewBuilder(r.mem, r.typ)
	defer b.Release()
	b.Reserve(n)
	for range n {
		if err := b.AppendValueFromString(*r.value); err != nil {
			return nil, fmt.Errorf("value %q of the path: %w", *r.value, err)
		}
	}
	return b.NewArray(), nil
}

// dictionary is n times one value, or NULL.
func (r *constReader) dictionary(n int, value string, null bool) (arrow.Array, error) {
	sb := array.NewStringBuilder(r.mem)
	defer sb.Release()
	sb.Append(value)
	values := sb.NewArray()
	defer values.Release()
	codes := memory.NewResizableBuffer(r.mem)
	defer codes.Release()
	codes.Resize(4 * n)
	clear(codes.Bytes())
	buffers, nulls := []*memory.Buffer{nil, codes}, 0
	if null {
		bits := memory.NewResizableBuffer(r.mem)
		defer bits.Release()
		bits.Resize(columnar.BitmapBytes(n))
		clear(bits.Bytes())
		buffers[0], nulls = bits, n
	}
	d := array.NewDataWithDictionary(r.typ, n, buffers, nulls, 0, values.Data().(*array.Data))
	defer d.Release()
	return array.MakeFromData(d), nil
}

func (r *constReader) skip(int64) error { return nil }
func (r *constReader) release()         {}
