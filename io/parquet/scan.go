package parquet

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/arrowstream/arrowstream"
)

const (
	defaultBatchRows = 16384
	// pieceRows and pieceBytes bound what is decoded at a time.
	pieceRows  = 32768
	pieceBytes = 16 << 20
	// lookAhead is how many pieces are decoded or being decoded at once at
	// least. With few columns there are more, so that workers that find no
	// column to decode begin with the next row groups; lookAheadBytes bounds
	// them.
	lookAhead      = 2
	lookAheadBytes = 32 << 20
)

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
	sieve   *sieve // nil to keep all rows
	env     arrowstream.SourceEnv
	files   []*fileInfo
	workers int
	max     int   // rows of a piece at most
	depth   int   // pieces at once, that many always
	ahead   int64 // bytes of pieces at once beyond depth

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
	s := &scan{plan: p, env: env, files: files, workers: env.Workers, max: pieceRows, depth: lookAhead, ahead: lookAheadBytes}
	if s.workers <= 1 {
		s.workers, s.depth, s.ahead = 0, 1, 0
	}
	s.wake = sync.NewCond(&s.mu)
	return s
}

// next returns the next rows, those of a piece that pass the sieve, or io.EOF.
func (s *scan) next(ctx context.Context) (found, error) {
	for {
		p, err := s.piece(ctx)
		if err != nil {
			return found{}, err
		}
		out, err := p.take(s.plan.schema)
		if err != nil {
			return found{}, err
		}
		if out.rec != nil {
			out.at.file = slices.Index(s.files, p.group.file.info)
			return out, nil
		}
	}
}

// piece returns the next piece, decoded.
func (s *scan) piece(ctx context.Context) (*piece, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	scheduleErr := s.fill(ctx)
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, errClosed
	}
	if len(s.window) == 0 {
		s.mu.Unlock()
		if scheduleErr != nil {
			return nil, scheduleErr
		}
		return nil, io.EOF
	}
	p := s.window[0]
	s.mu.Unlock()
	if s.workers == 0 {
		p.decodeAll()
	} else if err := s.wait(ctx, p); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.window = s.window[1:]
	s.mu.Unlock()
	return p, nil
}

var errClosed = errors.New("parquet: read of a closed partition")

// fill keeps the window full. An error is reported after the pieces before it.
func (s *scan) fill(ctx context.Context) error {
	for {
		if s.full() {
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

// full reports whether enough rows have been claimed: a piece for every worker
// beside the one that is waited for, each of another row group.
func (s *scan) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.window) < s.depth {
		return false
	}
	groups, bytes := 0, int64(0)
	for i, p := range s.window {
		if i == 0 || p.group != s.window[i-1].group {
			groups++
		}
		bytes += p.group.rowBytes() * int64(p.n)
	}
	return groups*len(s.plan.columns) > s.workers || bytes >= s.ahead
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
			if s.plan.excluded(s.files[s.at.file]) {
				s.at = place{file: s.at.file + 1}
				continue
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
		g.next = s.at.row
		s.group, s.tail = g, nil
		s.batch = s.batchRows(g)
	}
	g := s.group
	n := max(s.batch, s.max/s.batch*s.batch)
	if limit := int(max(1, pieceBytes/g.rowBytes())); n > limit {
		n = max(s.batch, limit/s.batch*s.batch)
	}
	n = int(min(int64(n), g.rows-g.next))
	p := newPiece(g, s.sieve, n, s.tail)
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
		p, task := s.pick()
		if p == nil {
			s.wake.Wait()
			continue
		}
		s.mu.Unlock()
		p.run(task)
		s.mu.Lock()
		p.finish(task)
		s.wake.Broadcast()
	}
}

// pick finds the first task that can be done now and marks it as begun. A
// column of a piece comes after the sieve of the piece, and each task after the
// same one of the piece before.
func (s *scan) pick() (*piece, int) {
	for _, p := range s.window {
		if !p.sifting && (p.prev == nil || p.prev.sifted) {
			p.sifting = true
			return p, sifting
		}
		for i := range p.started {
			if p.sifted && !p.started[i] && (p.prev == nil || p.prev.done[i]) {
				p.started[i] = true
				return p, i
			}
		}
	}
	return nil, 0
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
