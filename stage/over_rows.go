package stage

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// gather is the rows of the store that belong to the series, and behind them
// those of b; starts are where those of each series begin.
func (o *Over) gather(b arrow.Record, ts []int64, all []series) (x arrow.Record, starts []int32, err error) {
	cols := plainColumns{mem: o.mem, cols: []arrow.Array{int64Array(o.mem, ts)}}
	defer cols.release()
	if err := cols.values(o.values, b); err != nil {
		return nil, nil, err
	}
	for _, f := range o.frames {
		if f.open {
			continue
		}
		if err := cols.args(f.set, b); err != nil {
			return nil, nil, err
		}
	}
	fresh := array.NewRecord(o.store.schema, cols.cols, b.NumRows())
	defer fresh.Release()
	return o.tick.join(o.store, fresh, all)
}

// join is the rows of the store that belong to the series, and behind them the
// new ones; starts are where those of each series begin.
func (t *overTick) join(store *shelf, fresh arrow.Record, all []series) (x arrow.Record, starts []int32, err error) {
	fresh.Retain()
	if t.base = 0; store.rows == 0 {
		return fresh, make([]int32, len(all)), nil
	}
	slots := make([]uint32, len(all))
	for i, s := range all {
		slots[i] = s.slot
	}
	old, starts, err := store.take(slots)
	if err != nil {
		fresh.Release()
		return nil, nil, err
	}
	if t.base = int32(old.NumRows()); t.base == 0 {
		old.Release()
		return fresh, starts, nil
	}
	defer old.Release()
	defer fresh.Release()
	x, err = kernels.Concat(store.mem, []arrow.Record{old, fresh})
	return x, starts, err
}

// plainColumns collects columns without dictionaries.
type plainColumns struct {
	mem  memory.Allocator
	cols []arrow.Array
}

func (p *plainColumns) release() { grouped.Release(p.cols) }

// add takes col over.
func (p *plainColumns) add(col arrow.Array) error {
	defer col.Release()
	plain, err := kernels.DecodeDictionary(p.mem, col)
	if err == nil {
		p.cols = append(p.cols, plain)
	}
	return err
}

// values adds expressions over b.
func (p *plainColumns) values(of []overValue, b arrow.Record) error {
	for _, v := range of {
		col, err := v.bound.Eval(p.mem, b)
		if err != nil {
			return grouped.Failed(v.source, "", err)
		}
		if err := p.add(col); err != nil {
			return err
		}
	}
	return nil
}

// args adds the arguments of aggregates.
func (p *plainColumns) args(set *grouped.Set, b arrow.Record) error {
	args, err := set.Args(b)
	if err != nil {
		return err
	}
	for i, a := range args {
		if err := p.add(a); err != nil {
			grouped.Release(args[i+1:])
			return err
		}
	}
	return nil
}
