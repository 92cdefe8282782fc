package spill

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
)

// File holds batches of any schemas, each as an Arrow stream of its own. It is
// used by one goroutine at a time; others may read it meanwhile by [Pieces].
type File struct {
	mem  memory.Allocator
	f    *os.File
	buf  *bufio.Writer
	at   int64
	refs atomic.Int64 // of those that have still to close it, besides the first
}

// Piece is a batch in a file.
type Piece struct{ at, size int64 }

// Size is the number of bytes of p.
func (p Piece) Size() int64 { return p.size }

// Create makes a file in the folder of s; batches are read into mem.
func Create(mem memory.Allocator, s *arrowstream.Spill) (*File, error) {
	f, err := s.Create()
	if err != nil {
		return nil, err
	}
	return &File{mem: mem, f: f, buf: bufio.NewWriterSize(f, 64<<10)}, nil
}

// Append adds b, borrowed, at the end.
func (f *File) Append(b arrow.Record) (Piece, error) {
	p := Piece{at: f.at}
	b = compact(f.mem, b)
	defer b.Release()
	w := ipc.NewWriter(counted{f}, ipc.WithSchema(b.Schema()), ipc.WithAllocator(f.mem))
	err := errors.Join(w.Write(b), w.Close())
	if err == nil {
		err = f.buf.Flush()
	}
	if err != nil {
		return p, fmt.Errorf("spill: %w", err)
	}
	p.size = f.at - p.at
	return p, nil
}

// copy adds a piece as another file had it.
func (f *File) copy(data []byte) (Piece, error) {
	p := Piece{at: f.at, size: int64(len(data))}
	if _, err := (counted{f}).Write(data); err != nil {
		return p, fmt.Errorf("spill: %w", err)
	}
	if err := f.buf.Flush(); err != nil {
		return p, fmt.Errorf("spill: %w", err)
	}
	return p, nil
}

// take copies a piece of another file.
func (f *File) take(from *File, p Piece) (Piece, error) {
	data, err := from.bytes(p)
	if err != nil {
		return p, err
	}
	return f.copy(data)
}

// bytes are those of a piece.
func (f *File) bytes(p Piece) ([]byte, error) {
	data := make([]byte, p.size)
	if _, err := f.f.ReadAt(data, p.at); err != nil {
		return nil, fmt.Errorf("spill: read %s: %w", f.f.Name(), err)
	}
	return data, nil
}

// counted is the file as the Arrow writer sees it.
type counted struct{ *File }

// Write implements io.Writer.
func (c counted) Write(p []byte) (int, error) {
	n, err := c.buf.Write(p)
	c.at += int64(n)
	return n, err
}

// Read returns the batch p, which the caller releases.
func (f *File) Read(p Piece) (arrow.Record, error) {
	b, err := f.read(p)
	if err != nil {
		return nil, fmt.Errorf("spill: read %s: %w", f.f.Name(), err)
	}
	return b, nil
}

func (f *File) read(p Piece) (arrow.Record, error) {
	r, err := ipc.NewReader(io.NewSectionReader(f.f, p.at, p.size), ipc.WithAllocator(f.mem), ipc.WithDelayReadSchema(false))
	if err != nil {
		return nil, err
	}
	defer r.Release()
	b, err := r.Read()
	if err != nil {
		return nil, err
	}
	b.Retain()
	return b, nil
}

// Close frees the file, when nobody reads pieces of it any more.
func (f *File) Close() error {
	if f.refs.Add(-1) >= 0 {
		return nil
	}
	return f.f.Close()
}
