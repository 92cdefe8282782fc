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
	node   *node
	index  int // of the partition within its source
	number int // of the partition in a record
	part   Partition
	time   partitionTime

	batches chan readAhead // closed at the end of the partition
	err     error          // why it ended; read after batches is closed
	head    span           // rest of what was cut by a tick
	ended   bool           // batches was seen closed
	after   []*reader      // partitions that are read to their end before
	held    atomic.Bool    // one of them has not ended

	rejects *Rejects // nil if the partition decodes all or nothing

	replay Replayer // asked for positions; nil without a store
	at     place    // behind the last row that was taken
	end    []byte   // position behind the batch of that row

	rows atomic.Int64
	lag  atomic.Int64 // rows, -1 unknown
}

// place is a place between two rows: some rows behind a position, and the bad
// ones that were handed out among them.
type place struct {
	pos       []byte
	rows, bad int64
}

// readAhead is a run of rows, the place where it begins and the position behind it.
type readAhead struct {
	span
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
		read, err := r.read(ctx, keep)
		var end []byte
		if err == nil && r.replay != nil {
			if end, err = r.replay.Position(); err != nil {
				read.release()
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				r.err = err
			}
			return
		}
		skip := read.skip(at)
		if skip == read.len() {
			bad := read.badIn(skip)
			at = place{end, at.rows - int64(skip-bad), max(0, at.bad-int64(bad))}
			read.release()
			continue
		}
		ahead := readAhead{read, at, end}
		if skip > 0 {
			ahead.span = read.slice(skip, read.len())
			read.release()
		}
		at = place{pos: end}
		select {
		case r.batches <- ahead:
			signal(arrived)
		case <-ctx.Done():
			ahead.release()
			r.err = ctx.Err()
			return
		}
	}
}

// read reads a batch and the bad rows around its rows.
func (r *reader) read(ctx context.Context, keep func(Batch) (Batch, error)) (s span, err error) {
	s.batch, err = r.part.Read(ctx)
	r.count()
	if err != nil {
		return span{}, err
	}
	rows := 0
	if s.batch != nil {
		rows = int(s.batch.NumRows())
	}
	if r.rejects != nil {
		s.bad = r.rejects.Take(rows)
	}
	if s.batch != nil {
		if s.batch, err = keep(s.batch); err != nil {
			return span{}, err
		}
		fit(s.bad, rows, int(s.batch.NumRows()))
	}
	return s, nil
}

// count takes over what the partition counts itself.
func (r *reader) count() {
	if l, ok := r.part.(Lagging); ok {
		r.lag.Store(l.Lag())
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// next returns the next rows, none at the end or, unless wait, if there are
// none now.
func (r *reader) next(ctx context.Context, wait bool) (span, error) {
	if r.head.len() > 0 {
		s := r.head
		r.head = span{}
		return s, nil
	}
	if r.ended {
		return span{}, nil
	}
	var b readAhead
	var open bool
	if wait {
		select {
		case b, open = <-r.batches:
		case <-ctx.Done():
			return span{}, ctx.Err()
		}
	} else {
		select {
		case b, open = <-r.batches:
		default:
			return span{}, nil
		}
	}
	if !open {
		r.ended, r.time.done = true, !r.node.source.goesOn
		if r.err != nil {
			return span{}, r.node.wrap(r.err)
		}
		return span{}, nil
	}
	r.at, r.end = b.begin, b.end
	return b.span, nil
}

// taken are the rows of one partition for a tick. Before of a bad row is its
// number among all of them.
type taken struct {
	batches []Batch
	bad     []Rejected
	rows    int // good and bad
	size    int64
}

// take returns up to maxRows rows and about maxBytes bytes in batches of at
// most batchRows rows. With wait it takes all of that unless the partition ends,
// otherwise what is there. Where it cuts is a function of the rows alone, not of
// the batches they came in: rows are counted in blocks of 64.
func (r *reader) take(ctx context.Context, maxRows, batchRows int, maxBytes int64, wait bool) (out taken, err error) {
	bits, maxBits := int64(0), 8*min(maxBytes, math.MaxInt64/8)
	for out.rows < maxRows && bits < maxBits {
		s, err := r.next(ctx, wait)
		if err != nil || s.len() == 0 {
			return out, err
		}
		cut, part := cutRows(s, min(s.len(), maxRows-out.rows), out.rows, maxBits-bits)
		bad := s.badIn(cut)
		for from := 0; from < cut-bad; from += batchRows {
			out.batches = append(out.batches, s.batch.NewSlice(int64(from), int64(min(from+batchRows, cut-bad))))
		}
		for k, b := range s.bad[:bad] {
			b.Before += out.rows + k
			out.bad = append(out.bad, b)
		}
		if cut < s.len() {
			r.head = s.slice(cut, s.len())
			r.at.rows += int64(cut - bad)
			r.at.bad += int64(bad)
		} else {
			r.at = place{pos: r.end}
		}
		s.release()
		bits += part
		out.rows, out.size = out.rows+cut, bits/8
	}
	return out, nil
}

// cutRows says how many of the first n rows of s fit into budget bits, cutting
// only where done+row is a multiple of 64, with at least one block, and how many
// bits those are. Mostly all fit, which costs nothing per row.
func cutRows(s span, n, done int, budget int64) (rows int, size int64) {
	if size = s.bits(0, n); size < budget {
		return n, size
	}
	const block = 64
	for size = 0; rows < n; {
		to := min(n, (done+rows)/block*block+block-done)
		rows, size = to, size+s.bits(rows, to)
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
	r.head.release()
	for b := range r.batches {
		b.release()
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
		r.at = place{saved.Position, saved.Skip, saved.SkipBad}
		r.time.max, r.time.done = saved.MaxEvent, saved.Done
		r.rows.Store(saved.Rows)
		return replay.Seek(ctx, saved.Position)
	}
	r.at.pos, err = replay.Position()
	return err
}
