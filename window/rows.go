package window

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// emitRows is how many rows of an Advance are collected into one batch.
const emitRows = 1 << 15

// piece is some result rows: a window, a key, an operation if the output is a
// changelog, and the columns that follow.
type piece struct {
	starts, ends []int64
	kids         []uint32
	ops          []int8
	lead         []arrow.Array // columns before the key, owned
	vals         []arrow.Array // aggregates, owned
}

func (p *piece) len() int { return len(p.kids) }

func (p *piece) release() {
	grouped.Release(p.lead)
	grouped.Release(p.vals)
	p.lead, p.vals = nil, nil
}

// result collects the rows of an Advance. Pieces are added in the order of
// their windows; the rows of equal windows are put in the order of their keys.
type result struct {
	core   *core
	emit   arrowstream.Emit
	pieces []piece
	rows   int
}

// add takes p over.
func (r *result) add(p piece) {
	r.pieces = append(r.pieces, p)
	r.rows += p.len()
}

// full reports whether it is time to flush.
func (r *result) full() bool { return r.rows >= emitRows }

func (r *result) release() {
	for i := range r.pieces {
		r.pieces[i].release()
	}
	r.pieces, r.rows = r.pieces[:0], 0
}

// flush emits the rows in the order of window_end, window_start, key and
// operation.
func (r *result) flush() error {
	defer r.release()
	if r.rows == 0 {
		return nil
	}
	c := r.core
	starts, ends := make([]int64, 0, r.rows), make([]int64, 0, r.rows)
	kids := make([]uint32, 0, r.rows)
	var ops []int8
	for _, p := range r.pieces {
		starts, ends, kids, ops = append(starts, p.starts...), append(ends, p.ends...), append(kids, p.kids...), append(ops, p.ops...)
	}
	var cols []arrow.Array
	defer func() { grouped.Release(cols) }()
	order := []arrow.Array{}
	if c.time >= 0 {
		c.bounds(starts, ends)
		cols = append(cols, timeArray(c.mem, c.u.typ, starts), timeArray(c.mem, c.u.typ, ends))
		order = append(order, cols[1], cols[0])
		if c.opts.windowTime {
			for i := range ends {
				ends[i]--
			}
			cols = append(cols, timeArray(c.mem, c.u.typ, ends))
		}
	}
	lead, err := r.concat(func(p *piece) []arrow.Array { return p.lead })
	cols = append(cols, lead...)
	if err != nil {
		return err
	}
	keys, err := c.keys.Columns(kids)
	cols = append(cols, keys...)
	if err != nil {
		return err
	}
	order = append(order, keys...)
	order = append(order, lead...)
	vals, err := r.concat(func(p *piece) []arrow.Array { return p.vals })
	cols = append(cols, vals...)
	if err != nil {
		return err
	}
	if c.changelog {
		op := opArray(c.mem, ops)
		cols = append(cols, op)
		order = append(order, op)
	}
	all := array.NewRecord(c.out, cols, int64(len(kids)))
	defer all.Release()
	if len(kids) == 1 {
		return r.emit(all)
	}
	idx, err := grouped.Order(order, len(kids))
	if err != nil {
		return err
	}
	sorted, err := kernels.TakeRecord(c.mem, all, idx)
	if err != nil {
		return err
	}
	defer sorted.Release()
	return r.emit(sorted)
}

// concat puts the columns of all pieces together; the caller releases them.
func (r *result) concat(of func(p *piece) []arrow.Array) ([]arrow.Array, error) {
	n := len(of(&r.pieces[0]))
	out := make([]arrow.Array, 0, n)
	parts := make([]arrow.Array, 0, len(r.pieces))
	for i := range n {
		parts = parts[:0]
		for k := range r.pieces {
			parts = append(parts, of(&r.pieces[k])[i])
		}
		col, err := concatArrays(r.core.mem, parts)
		if err != nil {
			return out, err
		}
		out = append(out, col)
	}
	return out, nil
}

func concatArrays(mem memory.Allocator, parts []arrow.Array) (arrow.Array, error) {
	if len(parts) == 1 {
		parts[0].Retain()
		return parts[0], nil
	}
	return array.Concatenate(parts, mem)
}

// timeArray is values as a column of t, a timestamp, duration or date.
func timeArray(mem memory.Allocator, t arrow.DataType, values []int64) arrow.Array {
	if t.ID() == arrow.DATE32 {
		days := make([]int32, len(values))
		for i, v := range values {
			days[i] = int32(v)
		}
		return fixedArray(mem, t, columnar.AsBytes(days), len(days))
	}
	return fixedArray(mem, t, columnar.AsBytes(values), len(values))
}

func opArray(mem memory.Allocator, ops []int8) arrow.Array {
	return fixedArray(mem, arrow.PrimitiveTypes.Int8, columnar.AsBytes(ops), len(ops))
}

// fixedArray is a column of n fixed-width values without nulls.
func fixedArray(mem memory.Allocator, t arrow.DataType, values []byte, n int) arrow.Array {
	buf := memory.NewResizableBuffer(mem)
	defer buf.Release()
	buf.Resize(len(values))
	copy(buf.Bytes(), values)
	data := array.NewData(t, n, []*memory.Buffer{nil, buf}, nil, 0, 0)
	defer data.Release()
	return array.MakeFromData(data)
}

func repeated[T any](v T, n int) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = v
	}
	return out
}

// emptyRecord is a record of s without rows.
func emptyRecord(mem memory.Allocator, s *arrow.Schema) arrow.Record {
	rb := array.NewRecordBuilder(mem, s)
	defer rb.Release()
	return rb.NewRecord()
}
