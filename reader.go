package arrowstream

import (
	"context"
	"errors"
	"io"
	"math"
	"sync/atomic"

	"github.com/apache/arrow/go/v17/arrow"
)

// reader reads one partition ahead of the driver, in a goroutine of its own.
type reader struct {
	node  *node
	index int // of the partition within its source
	part  Partition
	time  partitionTime

	batches chan readAhead // closed at the end of the partition
	err     error          // why it ended; read after batches is closed
	head    Batch          // rest of a batch that was cut by a tick
	ended   bool           // batches was seen closed

	replay Replayer // asked for positions; nil without a store
	at     place    // behind the last row that was taken
	end    []byte   // position behind the batch of that row

	rows    atomic.Int64
	lag     atomic.Int64 // rows, -1 unknown
	skipped atomic.Int64
}

// place is a place between two rows: some rows behind a position.
type place struct {
	pos  []byte
	rows int64
}

// readAhead is a batch, the place where it begins and the position behind it.
type readAhead struct {
	batch Batch
	begin place
	end   []byte
}

// run reads from r.at on until the partition ends. gate blocks while the memory budget is
// used up; arrived is signalled after each batch.
func (r *reader) run(ctx context.Context, gate func(context.Context) error, keep func(Batch) (Batch, error), arrived chan<- struct{}) {
	defer func() {
		if v := recover(); v != nil {
			r.err = r.node.recovered(v)
		}
		close(r.batches)
		signal(arrived)
	}()
	at := r.at
	for {
		if r.err = gate(ctx); r.err != nil {
			return
		}
		b, err := r.part.Read(ctx)
		r.count()
		if err == nil {
			b, err = keep(b)
		}
		var end []byte
		if err == nil && r.replay != nil {
			if end, err = r.replay.Position(); err != nil {
				b.Release()
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				r.err = err
			}
			return
		}
		skip := min(at.rows, b.NumRows())
		if skip == b.NumRows() {
			b.Release()
			at = place{end, at.rows - skip}
			continue
		}
		ahead := readAhead{b, at, end}
		if skip > 0 {
			ahead.batch = b.NewSlice(skip, b.NumRows())
			b.Release()
		}
		at = place{pos: end}
		select {
		case r.batches <- ahead:
			signal(arrived)
		case <-ctx.Done():
			ahead.batch.Release()
			r.err = ctx.Err()
			return
		}
	}
}

// count takes over what the partition counts itself.
func (r *reader) count() {
	if l, ok := r.part.(Lagging); ok {
		r.lag.Store(l.Lag())
	}
	if s, ok := r.part.(Skipping); ok {
		r.skipped.Store(s.Skipped())
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// next returns the next batch, nil at the end or, unless wait, if there is
// none now.
func (r *reader) next(ctx context.Context, wait bool) (Batch, error) {
	if r.head != nil {
		b := r.head
		r.head = nil
		return b, nil
	}
	if r.ended {
		return nil, nil
	}
	var b readAhead
	var open bool
	if wait {
		select {
		case b, open = <-r.batches:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	} else {
		select {
		case b, open = <-r.batches:
		default:
			return nil, nil
		}
	}
	if !open {
		r.ended, r.time.done = true, true
		if r.err != nil {
			return nil, r.node.wrap(r.err)
		}
		return nil, nil
	}
	r.at, r.end = b.begin, b.end
	return b.batch, nil
}

// take returns up to maxRows rows and about maxBytes bytes in batches of at
// most batchRows rows, and their number and size. With wait it takes all of
// that unless the partition ends, otherwise what is there. Where it cuts is a
// function of the rows alone, not of the batches they came in: rows are
// counted in blocks of 64.
func (r *reader) take(ctx context.Context, maxRows, batchRows int, maxBytes int64, wait bool) (out []Batch, rows int, size int64, err error) {
	bits, maxBits := int64(0), 8*min(maxBytes, math.MaxInt64/8)
	for rows < maxRows && bits < maxBits {
		b, err := r.next(ctx, wait)
		if err != nil || b == nil {
			return out, rows, bits / 8, err
		}
		n := min(int(b.NumRows()), maxRows-rows)
		cut, part := cutRows(b, n, rows, maxBits-bits)
		for from := 0; from < cut; from += batchRows {
			out = append(out, b.NewSlice(int64(from), int64(min(from+batchRows, cut))))
		}
		if cut < int(b.NumRows()) {
			r.head = b.NewSlice(int64(cut), b.NumRows())
			r.at.rows += int64(cut)
		} else {
			r.at = place{pos: r.end}
		}
		b.Release()
		rows, bits = rows+cut, bits+part
	}
	return out, rows, bits / 8, nil
}

// cutRows says how many of the first n rows of b fit into budget bits, cutting
// only where done+row is a multiple of 64, with at least one block, and how many
// bits those are. Mostly all fit, which costs nothing per row.
func cutRows(b Batch, n, done int, budget int64) (rows int, size int64) {
	if size = rowBits(b, 0, n); size < budget {
		return n, size
	}
	const block = 64
	for size = 0; rows < n; {
		to := min(n, (done+rows)/block*block+block-done)
		rows, size = to, size+rowBits(b, rows, to)
		if size >= budget && (done+rows)%block == 0 {
			break
		}
	}
	return rows, size
}

// rowBits is the size of rows [i, j) of b, validity aside.
func rowBits(b Batch, i, j int) int64 {
	var sum int64
	for _, col := range b.Columns() {
		sum += dataBits(col.Data(), i, j)
	}
	return sum
}

// dataBits is the size of rows [i, j) of a column, validity aside: in bits, so
// that the sizes of parts add up.
func dataBits(d arrow.ArrayData, i, j int) int64 {
	switch t := d.DataType().(type) {
	case *arrow.StringType, *arrow.BinaryType, *arrow.ListType, *arrow.MapType:
		if d.Buffers()[1] == nil {
			return 0
		}
		off := arrow.Int32Traits.CastFromBytes(d.Buffers()[1].Bytes())
		lo, hi := int(off[d.Offset()+i]), int(off[d.Offset()+j])
		if len(d.Children()) == 0 {
			return 8*int64(hi-lo) + 32*int64(j-i)
		}
		return 32*int64(j-i) + dataBits(d.Children()[0], lo, hi)
	case *arrow.LargeStringType, *arrow.LargeBinaryType, *arrow.LargeListType:
		if d.Buffers()[1] == nil {
			return 0
		}
		off := arrow.Int64Traits.CastFromBytes(d.Buffers()[1].Bytes())
		lo, hi := int(off[d.Offset()+i]), int(off[d.Offset()+j])
		if len(d.Children()) == 0 {
			return 8*int64(hi-lo) + 64*int64(j-i)
		}
		return 64*int64(j-i) + dataBits(d.Children()[0], lo, hi)
	case *arrow.FixedSizeListType:
		n := int(t.Len())
		return dataBits(d.Children()[0], (d.Offset()+i)*n, (d.Offset()+j)*n)
	case *arrow.StructType:
		var sum int64
		for _, c := range d.Children() {
			sum += dataBits(c, d.Offset()+i, d.Offset()+j)
		}
		return sum
	case arrow.FixedWidthDataType:
		return int64(t.BitWidth()) * int64(j-i)
	}
	return 64 * int64(j-i)
}

// close ends the partition and frees what was read ahead. The goroutine of
// run has ended or will, because its context is done.
func (r *reader) close() error {
	if r.head != nil {
		r.head.Release()
	}
	for b := range r.batches {
		b.batch.Release()
	}
	return r.part.Close()
}

// follow makes r keep its place, from saved on if it is not nil.
func (r *reader) follow(ctx context.Context, saved *partitionState) (err error) {
	replay, ok := r.part.(Replayer)
	if !ok {
		return nil
	}
	r.replay = replay
	if saved != nil {
		r.at = place{saved.Position, saved.Skip}
		r.time.max, r.time.done = saved.MaxEvent, saved.Done
		r.rows.Store(saved.Rows)
		return replay.Seek(ctx, saved.Position)
	}
	r.at.pos, err = replay.Position()
	return err
}
