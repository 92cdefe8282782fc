package parquet

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/safe"
)

// sifting is the task of a piece that comes before those of its columns.
const sifting = -1

// piece is a run of rows of one row group: what is decoded in one go. First its
// sieve finds the rows to keep, then the other columns are decoded, each on its
// own: its task is its number.
type piece struct {
	group *group
	row   int64 // first row within the row group
	n     int
	prev  *piece // piece before of the same row group
	last  bool   // of its row group

	sieve   *sieve
	sifting bool // has begun
	sifted  bool
	keep    columnar.Bitmap // rows that pass the sieve
	kept    int             // how many these are

	started []bool
	done    []bool
	left    int // tasks not done
	cols    []arrow.Array
	errs    []error // per column
}

func newPiece(g *group, sv *sieve, n int, prev *piece) *piece {
	cols := len(g.readers)
	p := &piece{
		group: g, row: g.next, n: n, prev: prev, sieve: sv, keep: columnar.Bitmap{N: n}, kept: n,
		started: make([]bool, cols), done: make([]bool, cols), left: cols, cols: make([]arrow.Array, cols), errs: make([]error, cols),
	}
	p.sifting, p.sifted = sv == nil, sv == nil
	return p
}

// found are the rows of a piece that are kept.
type found struct {
	rec  arrow.Record // nil if there are none
	at   place        // of the first row of the piece
	n    int          // rows of the piece
	keep columnar.Bitmap
}

// passed is how many rows of the piece come before the one that follows the
// first n that are kept; all if no kept one follows.
func (f *found) passed(n int64) int64 {
	if f.keep.All() {
		return n
	}
	for w := range f.keep.Words() {
		x := f.keep.Word(w)
		if c := int64(bits.OnesCount64(x)); n >= c {
			n -= c
			continue
		}
		for ; n > 0; n-- {
			x &= x - 1
		}
		return int64(64*w + bits.TrailingZeros64(x))
	}
	return int64(f.n)
}

// take hands out what was decoded and lets go of the row group after its last
// piece.
func (p *piece) take(schema *arrow.Schema) (found, error) {
	out := found{at: place{group: p.group.index, row: p.row}, n: p.n, keep: p.keep}
	err := p.err()
	if err == nil && p.last {
		err = p.checkEnd()
	}
	if err == nil && p.kept > 0 {
		out.rec = array.NewRecord(schema, p.cols, int64(p.kept))
	}
	if err = errors.Join(err, p.drop()); err != nil && out.rec != nil {
		out.rec.Release()
	}
	return out, err
}

// err is the error of the first column that has one.
func (p *piece) err() error {
	for _, err := range p.errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkEnd makes sure that the columns that were read to the last row end with
// the row group.
func (p *piece) checkEnd() error {
	for i, r := range p.group.readers {
		if n := unread(r); n > 0 && p.group.at[i] == p.group.rows {
			return p.fail(i, fmt.Errorf("the column has %d values more than its row group has rows", n))
		}
	}
	return nil
}

// drop releases the columns of a piece, and the row group after its last one.
func (p *piece) drop() error {
	releaseAll(p.cols)
	p.cols = nil
	p.prev = nil
	if p.last {
		return p.group.release()
	}
	return nil
}

// fail names the place of an error.
func (p *piece) fail(col int, err error) error {
	var limit *columnar.LimitError
	if errors.As(err, &limit) {
		return err
	}
	f := p.group.file
	return &arrowstream.DataError{Source: f.path, Where: fmt.Sprintf("row group %d, rows from %d", p.group.index, p.row), Column: f.plan.columns[col].name, Err: err}
}

// run does a task, which no other goroutine does.
func (p *piece) run(task int) {
	if task == sifting {
		p.sift()
		return
	}
	if p.prev != nil && p.prev.errs[task] != nil {
		p.errs[task] = p.prev.errs[task]
	}
	if p.errs[task] != nil || p.kept == 0 || p.cols[task] != nil {
		return
	}
	p.cols[task], p.errs[task] = p.decode(task)
}

// finish notes that a task is done.
func (p *piece) finish(task int) {
	if task == sifting {
		p.sifted = true
		return
	}
	p.done[task] = true
	p.left--
}

// decodeAll does all tasks in the calling goroutine.
func (p *piece) decodeAll() {
	if !p.sifted {
		p.run(sifting)
		p.finish(sifting)
	}
	for i := range p.cols {
		p.run(i)
		p.finish(i)
	}
}

// decode decodes the kept rows of one column.
func (p *piece) decode(col int) (a arrow.Array, err error) {
	err = safe.Do("parquet", p.group.file.path, func() error {
		a, err = p.group.read(col, p.row, p.n, p.keep)
		return err
	})
	if err != nil {
		return nil, p.fail(col, err)
	}
	return a, nil
}
