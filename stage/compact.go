package stage

import (
	"context"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// Compact reduces the changes of a tick to their net effect, one change per
// key: +I, -D, or -U and +U of rows that differ. Without a key equal rows
// cancel each other: what is left of a row is inserted or deleted as often as
// it came or went. The output is ordered by key within a tick.
type Compact struct {
	// By are the columns of the key, which is unique; all columns if empty.
	By []string

	mem  memory.Allocator
	in   *arrow.Schema
	by   []int
	held []arrow.Record
}

var _ arrowstream.Parallel = (*Compact)(nil)

// Bind implements [arrowstream.Stage].
func (c *Compact) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	if !columnar.Changelog(in) {
		return nil, planError("AS1406", "compact: the input is no changelog", "")
	}
	c.mem, c.in, c.by = env.Allocator, in, nil
	for _, name := range c.By {
		i, err := grouped.Column("compact", in, name)
		if err != nil {
			return nil, err
		}
		c.by = append(c.by, i)
	}
	if len(c.by) == 0 {
		for i := range in.NumFields() - 1 {
			c.by = append(c.by, i)
		}
	}
	return in, nil
}

// Process implements [arrowstream.Stage].
func (c *Compact) Process(_ context.Context, b arrowstream.Batch, _ arrowstream.Emit) error {
	if b.NumRows() > 0 {
		b.Retain()
		c.held = append(c.held, b)
	}
	return nil
}

// Advance implements [arrowstream.Stage].
func (c *Compact) Advance(_ context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	if len(c.held) == 0 {
		return w, nil
	}
	defer c.release()
	all, err := kernels.Concat(c.mem, c.held)
	if err != nil {
		return w, err
	}
	defer all.Release()
	return w, c.emitNet(all, emit)
}

func (c *Compact) emitNet(all arrow.Record, emit arrowstream.Emit) error {
	var by []arrow.Array
	for _, i := range c.by {
		by = append(by, all.Column(i))
	}
	last := int(all.NumCols()) - 1
	values := all.Columns()[:last]
	ops := columnar.Values[int8](all.Column(last))
	order, err := grouped.Order(by, int(all.NumRows()))
	if err != nil {
		return err
	}
	var idx []int32
	var out []int8
	add := func(i int32, op columnar.Change) { idx, out = append(idx, i), append(out, int8(op)) }
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && grouped.Equal(by, int(order[from]), by, int(order[to])) {
			to++
		}
		if len(c.By) == 0 {
			c.multiset(order[from:to], ops, add)
		} else {
			c.unique(order[from:to], ops, values, add)
		}
		from = to
	}
	if len(idx) == 0 {
		return nil
	}
	rows, err := kernels.TakeRecord(c.mem, all, idx)
	if err != nil {
		return err
	}
	defer rows.Release()
	op := opArray(c.mem, out)
	defer op.Release()
	net := array.NewRecord(c.in, append(slices.Clone(rows.Columns()[:last]), op), int64(len(idx)))
	defer net.Release()
	return emit(net)
}

// unique is the net effect of the changes of one key, in their order: from what
// the first one takes back to what the last one leaves.
func (c *Compact) unique(rows []int32, ops []int8, values []arrow.Array, add func(int32, columnar.Change)) {
	first, last := rows[0], rows[len(rows)-1]
	was := gone(ops[first])
	is := !gone(ops[last])
	switch {
	case was && is && grouped.Equal(values, int(first), values, int(last)):
	case was && is:
		add(first, columnar.UpdateBefore)
		add(last, columnar.UpdateAfter)
	case was:
		add(first, columnar.Delete)
	case is:
		add(last, columnar.Insert)
	}
}

// multiset is the net effect of the changes of equal rows.
func (c *Compact) multiset(rows []int32, ops []int8, add func(int32, columnar.Change)) {
	n := 0
	for _, i := range rows {
		if gone(ops[i]) {
			n--
		} else {
			n++
		}
	}
	for ; n > 0; n-- {
		add(rows[0], columnar.Insert)
	}
	for ; n < 0; n++ {
		add(rows[0], columnar.Delete)
	}
}

// gone reports whether a change takes its row away.
func gone(op int8) bool {
	return columnar.Change(op) == columnar.UpdateBefore || columnar.Change(op) == columnar.Delete
}

// Clone implements [arrowstream.Parallel].
func (c *Compact) Clone() arrowstream.Stage { return &Compact{By: c.By} }

// Keys implements [arrowstream.Parallel].
func (c *Compact) Keys() []string { return c.By }

// Order implements [arrowstream.Parallel].
func (c *Compact) Order() []string { return append(slices.Clone(c.By), columnar.OpColumn) }

func (c *Compact) release() {
	for _, b := range c.held {
		b.Release()
	}
	c.held = nil
}

// Close frees the memory of a stage that is given up in the middle of a tick.
func (c *Compact) Close() error {
	c.release()
	return nil
}
