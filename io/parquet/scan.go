package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/safe"
)

const (
	defaultBatchRows = 16384
	// pieceRows and pieceBytes bound what is decoded at a time.
	pieceRows  = 32768
	pieceBytes = 16 << 20
	// lookAhead is how many pieces are decoded or being decoded at once.
	lookAhead = 2
)

// piece is a run of rows of one row group: what is decoded in one go. Its
// columns are decoded independently of each other, but each column after that
// of the piece before.
type piece struct {
	group *group
	row   int64 // first row within the row group
	n     int
	prev  *piece // piece before of the same row group
	last  bool   // of its row group

	started []bool
	done    []bool
	left    int // columns not done
	cols    []arrow.Array
	errs    []error // per column
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

// place is a row of a scan.
type place struct {
	file  int // among the files of the scan
	group int
	row   int64
}

// scan decodes files one after another, ahead of its reader. next and close
// are called from one goroutine; workers decode.
type scan struct {
	plan    *plan
	env     arrowstream.SourceEnv
	files   []*fileInfo
	workers int
	max     int // rows of a piece at most
	depth   int // pieces at once

	// owned by the reader
	at    place // where the next piece starts
	file  *opened
	group *group
	tail  *piece // last piece of group
	batch int    // rows of a batch of the last piece

	mu      sync.Mutex
	wake    *sync.Cond
	window  []*piece
	started bool
	closed  bool
	running sync.WaitGroup
}

func newScan(p *plan, files []*fileInfo, env arrowstream.SourceEnv) *scan {
	s := &scan{plan: p, env: env, files: files, workers: min(env.Workers, max(1, len(p.columns))), max: pieceRows, depth: lookAhead}
	if s.workers <= 1 {
		s.workers, s.depth = 0, 1
	}
	s.wake = sync.NewCond(&s.mu)
	return s
}

// next returns the next piece as a record and its first row, or io.EOF.
func (s *scan) next(ctx context.Context) (arrow.Record, place, error) {
	if err := ctx.Err(); err != nil {
		return nil, place{}, err
	}
	scheduleErr := s.fill(ctx)
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, place{}, errClosed
	}
	if len(s.window) == 0 {
		s.mu.Unlock()
		if scheduleErr != nil {
			return nil, place{}, scheduleErr
		}
		return nil, place{}, io.EOF
	}
	p := s.window[0]
	s.mu.Unlock()
	if s.workers == 0 {
		s.decodeAll(p)
	} else if err := s.wait(ctx, p); err != nil {
		return nil, place{}, err
	}
	s.mu.Lock()
	s.window = s.window[1:]
	s.mu.Unlock()
	return s.record(p)
}

var errClosed = errors.New("parquet: read of a closed partition")

// record turns a decoded piece into a record and lets go of its row group when
// it was the last.
func (s *scan) record(p *piece) (arrow.Record, place, error) {
	at := place{file: s.indexOf(p.group.file.info), group: p.group.index, row: p.row}
	if err := p.err(); err != nil {
		return nil, at, errors.Join(err, p.drop())
	}
	if p.last {
		if err := p.checkEnd(); err != nil {
			return nil, at, errors.Join(err, p.drop())
		}
	}
	rec := array.NewRecord(s.plan.schema, p.cols, int64(p.n))
	if err := p.drop(); err != nil {
		rec.Release()
		return nil, at, err
	}
	return rec, at, nil
}

func (s *scan) indexOf(f *fileInfo) int {
	for i := range s.files {
		if s.files[i] == f {
			return i
		}
	}
	return -1
}

// checkEnd makes sure that the columns end with the row group.
func (p *piece) checkEnd() error {
	for i, r := range p.group.readers {
		if n := unread(r); n > 0 {
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

// fill keeps the window full. An error is reported after the pieces before it.
func (s *scan) fill(ctx context.Context) error {
	for {
		s.mu.Lock()
		full := len(s.window) >= s.depth
		s.mu.Unlock()
		if full {
			return nil
		}
		p, err := s.claim(ctx)
		if err != nil || p == nil {
			return err
		}
		s.mu.Lock()
		s.window = append(s.window, p)
		if !s.started && s.workers > 0 && !s.closed {
			s.started = true
			for range s.workers {
				s.running.Add(1)
				go s.work()
			}
		}
		s.wake.Broadcast()
		s.mu.Unlock()
	}
}

// claim takes the next rows, opening the next row group or file when needed;
// nil at the end.
func (s *scan) claim(ctx context.Context) (*piece, error) {
	for s.group == nil {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if s.file == nil {
			if s.at.file >= len(s.files) {
				return nil, nil
			}
			f, err := s.plan.open(s.files[s.at.file])
			if err != nil {
				return nil, err
			}
			s.file = f
		}
		if s.at.group >= len(s.file.meta.RowGroups) {
			s.at = place{file: s.at.file + 1}
			f := s.file
			s.file = nil
			if err := f.release(); err != nil {
				return nil, err
			}
			continue
		}
		if rows := s.file.meta.RowGroups[s.at.group].NumRows; s.at.row >= rows || !s.plan.wanted(s.file.file, s.at.group) {
			s.at.group, s.at.row = s.at.group+1, 0
			continue
		}
		g, err := s.file.openGroup(s.at.group, s.env.Allocator)
		if err != nil {
			return nil, err
		}
		g.next, g.skip = s.at.row, s.at.row
		s.group, s.tail = g, nil
		s.batch = s.batchRows(g)
	}
	g := s.group
	n := max(s.batch, s.max/s.batch*s.batch)
	if limit := int(max(1, pieceBytes/g.rowBytes())); n > limit {
		n = max(s.batch, limit/s.batch*s.batch)
	}
	n = int(min(int64(n), g.rows-g.next))
	cols := len(g.readers)
	p := &piece{group: g, row: g.next, n: n, prev: s.tail, started: make([]bool, cols), done: make([]bool, cols), left: cols, cols: make([]arrow.Array, cols), errs: make([]error, cols)}
	g.next += int64(n)
	s.at.row = g.next
	s.tail = p
	if g.next == g.rows {
		p.last = true
		s.group, s.tail = nil, nil
		s.at.group, s.at.row = s.at.group+1, 0
	}
	return p, nil
}

// batchRows is how many rows of g make a batch.
func (s *scan) batchRows(g *group) int {
	n := s.env.BatchRows
	if n <= 0 {
		n = defaultBatchRows
	}
	bytes := int64(pieceBytes)
	if s.env.BatchBytes > 0 {
		bytes = min(bytes, s.env.BatchBytes)
	}
	return int(max(1, min(int64(n), bytes/g.rowBytes())))
}

// wait blocks until p is decoded.
func (s *scan) wait(ctx context.Context, p *piece) error {
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.wake.Broadcast()
	})
	defer stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for p.left > 0 && !s.closed && ctx.Err() == nil {
		s.wake.Wait()
	}
	switch {
	case s.closed:
		return errClosed
	case p.left > 0:
		return ctx.Err()
	}
	return nil
}

// work decodes columns until the scan is closed.
func (s *scan) work() {
	defer s.running.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.closed {
		p, col := s.pick()
		if p == nil {
			s.wake.Wait()
			continue
		}
		p.started[col] = true
		if p.prev != nil && p.prev.errs[col] != nil {
			p.finish(col, nil, p.prev.errs[col])
			continue
		}
		s.mu.Unlock()
		a, err := p.decode(col)
		s.mu.Lock()
		p.finish(col, a, err)
		s.wake.Broadcast()
	}
}

// pick finds the first column that can be decoded now.
func (s *scan) pick() (*piece, int) {
	for _, p := range s.window {
		for i := range p.started {
			if !p.started[i] && (p.prev == nil || p.prev.done[i]) {
				return p, i
			}
		}
	}
	return nil, 0
}

func (p *piece) finish(col int, a arrow.Array, err error) {
	p.cols[col] = a
	p.errs[col] = err
	p.done[col] = true
	p.left--
}

// decodeAll decodes p in the calling goroutine.
func (s *scan) decodeAll(p *piece) {
	for i := range p.cols {
		a, err := p.decode(i)
		p.finish(i, a, err)
	}
}

// decode decodes one column of p.
func (p *piece) decode(col int) (a arrow.Array, err error) {
	err = safe.Do("parquet", p.group.file.path, func() error {
		r := p.group.readers[col]
		if p.row == p.group.skip && p.row > 0 {
			if err := r.skip(p.row); err != nil {
				return err
			}
		}
		var err error
		a, err = r.read(p.n)
		return err
	})
	if err != nil {
		return nil, p.fail(col, err)
	}
	return a, nil
}

// close ends the workers and releases everything. It may be called from
// another goroutine than next, but not while next runs after it.
func (s *scan) close() error {
	s.mu.Lock()
	s.closed = true
	s.wake.Broadcast()
	s.mu.Unlock()
	s.running.Wait()
	var errs []error
	for _, p := range s.window {
		errs = append(errs, p.drop())
	}
	s.window = nil
	if s.group != nil {
		errs = append(errs, s.group.release())
		s.group = nil
	}
	if s.file != nil {
		errs = append(errs, s.file.release())
		s.file = nil
	}
	return errors.Join(errs...)
}
