package filetable

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/files"
)

// Place is where a row begins in a file: the number of bytes in front of it,
// or of rows where bytes mean nothing, and the number of lines.
type Place struct{ Offset, Line int64 }

// Scanner turns bytes into rows: what a connector adds to a [Partition]. It is
// used by one goroutine.
type Scanner interface {
	// Start begins a file at a place that an earlier Scan has named; the zero
	// place is its start. It moves at behind what stands in front of the rows.
	Start(in *files.Input, at *Place) error
	// Scan collects rows until a batch is full, no more are at hand or the
	// file has ended, and only then more is false. It moves at behind the rows
	// that the next Flush returns.
	Scan(at *Place) (more bool, err error)
	// Flush returns a batch of the rows collected, owned; nil if there are none.
	Flush() arrowstream.Batch
	// Release frees what is held.
	Release()
}

// Partition reads the files of a set one after the other. Batches may span files.
type Partition struct {
	set     *Set
	names   []string // in the order of reading
	scanner Scanner

	reading sync.Mutex // held by Read, so that Close frees nothing under it
	mu      sync.Mutex // guards in, ahead and closed
	ahead   *files.Input
	in      *files.Input // nil between two files
	file    int          // index of in, or of the next
	at      Place
	behind  files.Identities // of the files before, as far as Position has asked
	begun   files.Identity   // of one that was begun, as far as Position has asked
	failure error            // of a file that could not be started
	closed  bool
}

var (
	_ arrowstream.Replayer  = (*Partition)(nil)
	_ arrowstream.Rejecting = (*Partition)(nil)
)

// NewPartition returns the partition of a set, and takes scanner over. What a
// set was shown of stdin goes to the first partition.
func NewPartition(set *Set, scanner Scanner) *Partition {
	p := &Partition{set: set, names: set.names, scanner: scanner, ahead: set.ahead}
	set.ahead = nil
	return p
}

// Read implements [arrowstream.Partition].
func (p *Partition) Read(ctx context.Context) (arrowstream.Batch, error) {
	p.reading.Lock()
	defer p.reading.Unlock()
	for !p.isClosed() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if p.in == nil {
			if p.file >= len(p.names) {
				break
			}
			if err := p.start(ctx); err != nil {
				return nil, err
			}
		}
		stop := p.in.Watch(ctx)
		more, err := p.scanner.Scan(&p.at)
		stop()
		if err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return nil, err
		}
		if more {
			break
		}
		if err := p.finish(); err != nil {
			return nil, err
		}
	}
	if b := p.scanner.Flush(); b != nil {
		return b, nil
	}
	if r := p.Rejects(); r != nil && r.Pending() {
		return nil, nil
	}
	return nil, io.EOF
}

// start opens the next file and moves to p.at.
func (p *Partition) start(ctx context.Context) error {
	if p.failure != nil {
		return p.failure
	}
	in := p.ahead
	if in == nil {
		var err error
		if in, err = p.set.open(p.names[p.file]); err != nil {
			return err
		}
	}
	p.mu.Lock()
	p.in, p.ahead = in, nil
	p.mu.Unlock()
	stop := in.Watch(ctx)
	err := p.scanner.Start(in, &p.at)
	stop()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	p.failure = err
	return errors.Join(err, p.leave())
}

// finish closes the file and moves on to the next.
func (p *Partition) finish() error {
	p.file++
	p.at = Place{}
	return p.leave()
}

func (p *Partition) leave() error {
	p.mu.Lock()
	in := p.in
	p.in = nil
	p.mu.Unlock()
	return in.Close()
}

// Rejects implements [arrowstream.Rejecting]: the rows left out by on.error.
func (p *Partition) Rejects() *arrowstream.Rejects {
	if r, ok := p.scanner.(arrowstream.Rejecting); ok {
		return r.Rejects()
	}
	return nil
}

// Close implements [arrowstream.Partition]. A Read that waits for stdin ends.
func (p *Partition) Close() error {
	p.mu.Lock()
	again := p.closed
	p.closed = true
	for _, in := range []*files.Input{p.in, p.ahead} {
		if in != nil {
			in.Interrupt()
		}
	}
	p.mu.Unlock()
	if again {
		return nil
	}
	p.reading.Lock()
	defer p.reading.Unlock()
	var err error
	for _, in := range []*files.Input{p.in, p.ahead} {
		if in != nil {
			err = errors.Join(err, in.Close())
		}
	}
	p.scanner.Release()
	return err
}

func (p *Partition) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}
