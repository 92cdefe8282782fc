package filetable

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
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
	scanner Scanner

	reading sync.Mutex // held by Read, so that Close frees nothing under it
	mu      sync.Mutex // guards in, ahead and closed
	ahead   *files.Input
	in      *files.Input // nil between two files
	file    int          // index of in, or of the next
	at      Place
	failure error // of a file that could not be started
	closed  bool
}

var (
	_ arrowstream.Replayer = (*Partition)(nil)
	_ arrowstream.Skipping = (*Partition)(nil)
)

// NewPartition returns the partition of a set, and takes scanner over. What a
// set was shown of stdin goes to the first partition.
func NewPartition(set *Set, scanner Scanner) *Partition {
	p := &Partition{set: set, scanner: scanner, ahead: set.ahead}
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
			if p.file >= len(p.set.names) {
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
		if in, err = p.set.open(p.set.names[p.file]); err != nil {
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

// Position implements [arrowstream.Replayer]: version 1, file, offset, line.
func (p *Partition) Position() ([]byte, error) {
	pos := binary.AppendUvarint([]byte{1}, uint64(p.file))
	pos = binary.AppendUvarint(pos, uint64(p.at.Offset))
	return binary.AppendUvarint(pos, uint64(p.at.Line)), nil
}

// Seek implements [arrowstream.Replayer].
func (p *Partition) Seek(ctx context.Context, pos []byte) error {
	var v [3]uint64
	ok := len(pos) > 0 && pos[0] == 1
	for i, rest := 0, pos[min(1, len(pos)):]; ok && i < len(v); i++ {
		n := 0
		v[i], n = binary.Uvarint(rest)
		ok = n > 0 && v[i] < 1<<62
		rest = rest[max(n, 0):]
	}
	if !ok {
		return fmt.Errorf("%s: position %x was not written by this source", p.set.kind.Name, pos)
	}
	if v[0] > uint64(len(p.set.names)) || p.set.Live() {
		return fmt.Errorf("%s: position in file %d of %d: stdin and removed files cannot be read again", p.set.kind.Name, v[0]+1, len(p.set.names))
	}
	p.file, p.at = int(v[0]), Place{int64(v[1]), int64(v[2])}
	if p.at == (Place{}) {
		return nil
	}
	if p.file == len(p.set.names) {
		return fmt.Errorf("%s: position in file %d of %d", p.set.kind.Name, p.file+1, len(p.set.names))
	}
	return p.start(ctx)
}

// Skipped implements [arrowstream.Skipping]: the rows left out by on.error.
func (p *Partition) Skipped() int64 {
	if s, ok := p.scanner.(arrowstream.Skipping); ok {
		return s.Skipped()
	}
	return 0
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
