package spill

import (
	"context"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels"
)

// part is a part of a [Divided]: an operator in memory, or in the file.
type part struct {
	live Operator           // nil if it is in the file
	base arrowstream.Counts // those of live when it was read back

	state  []statePiece
	rows   [][]Piece // by input, in their order
	stored int64     // bytes of state
	queued int64     // bytes of rows
	at     int64     // last tick of which the state has the rows
	first  int64     // tick of the first row that waits for a visit, none without
	seen   int64     // clock of the last visit, or of when that row came
	mark   int64     // event time of the output up to there

	fresh     bool  // the state is in no checkpoint
	old       []int // pieces of rows that are in one, by input
	stateRows int64 // rows of the state, about
}

// statePiece is a part of a batch of a state.
type statePiece struct {
	name string
	Piece
}

// none is no tick.
const none = -1

// begin notes that rows begin to wait.
func (x *part) begin(d *Divided) {
	x.first = d.now.tick
	if !d.plan.Timers {
		x.seen, x.mark = d.last.Clock, d.last.Event
	}
}

// queue appends rows of an input, of which the first is of tick.
func (d *Divided) queue(x *part, input int, b arrow.Record, tick int64) error {
	p, err := d.file.Append(b)
	if err != nil {
		return err
	}
	d.counts.Spilled += p.size
	x.enqueue(input, p, tick)
	return nil
}

func (x *part) enqueue(input int, p Piece, tick int64) {
	x.rows[input] = append(x.rows[input], p)
	if x.queued += p.size; x.first == none {
		x.first = tick
	}
}

// reset leaves nothing of x in the file.
func (x *part) reset(inputs int) {
	x.state, x.rows, x.old = nil, make([][]Piece, inputs), make([]int, inputs)
	x.stored, x.queued, x.at, x.first, x.fresh = 0, 0, none, none, false
}

// pieceBytes is the size of a piece of a state.
const pieceBytes = 1 << 20

// write puts what a part remembers after tick into the file, in place of all that
// it has there.
func (d *Divided) write(x *part, st arrowstream.State, tick int64) error {
	x.reset(len(d.plan.Inputs))
	x.at, x.fresh = tick, true
	for _, name := range slices.Sorted(maps.Keys(st)) {
		b := st[name]
		rows := max(pieceBytes*b.NumRows()/(bytesOf(b)+1), 1)
		for from := int64(0); from < max(b.NumRows(), 1); from += rows {
			idx := make([]int32, min(rows, b.NumRows()-from))
			for i := range idx {
				idx[i] = int32(from) + int32(i)
			}
			some, err := kernels.TakeRecord(d.env.Allocator, b, idx)
			if err != nil {
				return err
			}
			p, err := d.file.Append(some)
			some.Release()
			if err != nil {
				return err
			}
			x.keep(name, p)
		}
	}
	d.counts.Spilled += x.stored
	return nil
}

func (x *part) keep(name string, p Piece) {
	x.state = append(x.state, statePiece{name, p})
	x.stored += p.size
}

// open reads the operator of a part back.
func (d *Divided) open(ctx context.Context, x *part) (op Operator, err error) {
	st := arrowstream.State{}
	defer func() { st.Release() }()
	for state := x.state; len(state) > 0; {
		n := 1
		for n < len(state) && state[n].name == state[0].name {
			n++
		}
		recs := make([]arrow.Record, 0, n)
		for _, p := range state[:n] {
			b, err := d.file.Read(p.Piece)
			if err != nil {
				releaseAll(recs)
				return nil, err
			}
			recs = append(recs, b)
		}
		b, err := kernels.Concat(d.env.Allocator, recs)
		releaseAll(recs)
		if err != nil {
			return nil, err
		}
		st[state[0].name], state = b, state[n:]
	}
	if op, err = d.plan.New(d.env); err != nil {
		return nil, err
	}
	if err = op.Restore(ctx, st); err != nil {
		op.Close()
		return nil, err
	}
	x.base = op.Counts()
	return op, nil
}

func releaseAll(recs []arrow.Record) {
	for _, b := range recs {
		b.Release()
	}
}

// tidy begins the file anew when most of it is out of date.
func (d *Divided) tidy() error {
	live := d.size()
	if d.file.at <= 2*live+4*d.share() {
		return nil
	}
	f, err := Create(d.env.Allocator, d.spill)
	if err != nil {
		return err
	}
	old := d.file
	defer old.Close()
	d.file = f
	for _, x := range d.parts {
		for i := range x.state {
			if x.state[i].Piece, err = f.take(old, x.state[i].Piece); err != nil {
				return err
			}
		}
		for _, rows := range x.rows {
			for i := range rows {
				if rows[i], err = f.take(old, rows[i]); err != nil {
					return err
				}
			}
		}
	}
	d.counts.Spilled += live
	return nil
}

// size is the number of bytes of what parts have in the file.
func (d *Divided) size() (n int64) {
	for _, x := range d.parts {
		n += x.stored + x.queued
	}
	return n
}
