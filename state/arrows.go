package state

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/wire"
)

// A file of batches is an Arrow IPC stream, which any Arrow reader opens, and
// after its end-of-stream marker a trailer, little-endian:
//
//	rows u64 | crc32c u32
//
// The sum covers everything before it.
const trailerSize = 12

// arrowsWriter writes such a file.
type arrowsWriter struct {
	f     File
	buf   *bufio.Writer
	w     *ipc.Writer
	bytes int64
	rows  int64
	crc   uint32
}

// createArrows begins a file of batches with the given schema. LZ4 is for what
// is read back by this program or looked at by others; rows on their way are
// written as they are.
func createArrows(fsys files, name string, schema *arrow.Schema, lz4 bool) (*arrowsWriter, error) {
	f, err := fsys.Create(name)
	if err != nil {
		return nil, err
	}
	a := &arrowsWriter{f: f, buf: bufio.NewWriterSize(f, 32<<10)}
	opts := []ipc.Option{ipc.WithSchema(schema), ipc.WithAllocator(columnar.Pool)}
	if lz4 {
		opts = append(opts, ipc.WithLZ4())
	}
	a.w = ipc.NewWriter(counted{a}, opts...)
	return a, nil
}

// counted is the file as the Arrow writer sees it.
type counted struct{ *arrowsWriter }

// Write implements io.Writer.
func (c counted) Write(p []byte) (int, error) {
	c.crc = crc32.Update(c.crc, castagnoli, p)
	c.bytes += int64(len(p))
	return c.buf.Write(p)
}

// add appends b, borrowed.
func (a *arrowsWriter) add(b arrowstream.Batch) error {
	a.rows += b.NumRows()
	return a.w.Write(b)
}

// finish ends the stream, writes the trailer and hands everything to the file
// system, which still has to make it durable.
func (a *arrowsWriter) finish() (fileRecord, error) {
	w := a.w
	a.w = nil
	if err := w.Close(); err != nil {
		return fileRecord{}, err
	}
	if _, err := (counted{a}).Write(binary.LittleEndian.AppendUint64(nil, uint64(a.rows))); err != nil {
		return fileRecord{}, err
	}
	r := fileRecord{Rows: a.rows, CRC: a.crc, Bytes: a.bytes + 4}
	if _, err := a.buf.Write(binary.LittleEndian.AppendUint32(nil, a.crc)); err != nil {
		return fileRecord{}, err
	}
	return r, a.buf.Flush()
}

// sync makes the contents durable and closes the file.
func (a *arrowsWriter) sync() error { return errors.Join(a.f.Sync(), a.f.Close()) }

// abandon closes the file as it is.
func (a *arrowsWriter) abandon() {
	if a.w != nil {
		a.w.Close() // frees its dictionaries; the file is worth nothing
		a.w = nil
	}
	a.f.Close()
}

// verify reads a file and reports a flaw if it is not what want says. Errors
// of the file system that leave this open are returned as they are.
func verify(fsys files, name string, want fileRecord) (*flaw, error) {
	size, err := fsys.Size(name)
	if err != nil {
		return nil, err
	}
	if size != want.Bytes || size < trailerSize {
		return &flaw{min(size, want.Bytes), fmt.Sprintf("it has %d bytes instead of %d", size, want.Bytes)}, nil
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	h := crc32.New(castagnoli)
	var tail [trailerSize]byte
	_, err = io.CopyBuffer(h, io.LimitReader(f, size-trailerSize), make([]byte, min(size, 256<<10)))
	if err == nil {
		_, err = io.ReadFull(f, tail[:])
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	h.Write(tail[:8])
	rows, sum := binary.LittleEndian.Uint64(tail[:]), binary.LittleEndian.Uint32(tail[8:])
	if sum != want.CRC || h.Sum32() != sum || rows != uint64(want.Rows) {
		return &flaw{0, "the checksum does not match"}, nil
	}
	return nil, nil
}

// readArrows calls yield with every batch, owned by it, of a file that was
// verified. yield returns false to end early. What cannot be decoded all the
// same is a flaw.
func readArrows(fsys files, name string, want fileRecord, mem memory.Allocator, yield func(arrowstream.Batch) bool) (bad *flaw, err error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	src := &source{f: f}
	defer func() { err = errors.Join(err, f.Close()) }()
	rd, err := wire.NewReader("", bufio.NewReaderSize(src, int(min(want.Bytes, 64<<10))), mem, wire.Limits{
		// LZ4 makes 255 bytes of one at most, and a batch has no more bytes
		// than its file, nor a message.
		Metadata: want.Bytes, Body: want.Bytes, Buffer: 4096 + 255*want.Bytes, Rows: 1 << 40, Allocator: mem,
	})
	if err != nil {
		return src.verdict(err)
	}
	defer rd.Release()
	rows := int64(0)
	for {
		b, err := rd.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return src.verdict(err)
		}
		rows += b.NumRows()
		if !yield(b) {
			return nil, nil
		}
	}
	if rows != want.Rows {
		return &flaw{-1, fmt.Sprintf("it has %d rows instead of %d", rows, want.Rows)}, nil
	}
	return nil, nil
}

// source remembers whether the file system failed.
type source struct {
	f   File
	err error
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.f.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// verdict tells whose fault an error of the decoder is.
func (s *source) verdict(err error) (*flaw, error) {
	var limit *columnar.LimitError
	if s.err != nil || errors.As(err, &limit) {
		return nil, err
	}
	return &flaw{-1, err.Error()}, nil
}

// readBatches verifies a file of a commit of x and yields its batches. What is
// not what was written never reaches the decoder.
func (s store) readBatches(x *index, f file, mem memory.Allocator, yield func(arrowstream.Batch) bool) error {
	name := s.at(f.name)
	bad, err := verify(s, name, f.fileRecord)
	if err == nil && bad == nil {
		bad, err = readArrows(s, name, f.fileRecord, mem, yield)
	}
	var limit *columnar.LimitError
	switch {
	case errors.As(err, &limit):
		return err
	case err != nil:
		return unusable("read "+name, err)
	case bad != nil:
		return s.damaged(x, f, *bad)
	}
	return nil
}

// damaged is the error of a file of a commit of x.
func (s store) damaged(x *index, f file, bad flaw) error {
	return damaged(s.at(f.name), bad, s.newestWhole(x))
}

// loadBatch reads a file of one batch.
func (s store) loadBatch(x *index, f file, mem memory.Allocator) (b arrowstream.Batch, err error) {
	n := 0
	err = s.readBatches(x, f, mem, func(next arrowstream.Batch) bool {
		if n++; n > 1 {
			next.Release()
			return false
		}
		b = next
		return true
	})
	if err == nil && n != 1 {
		err = s.damaged(x, f, flaw{-1, "it is not one batch"})
	}
	if err != nil && b != nil {
		b.Release()
		b = nil
	}
	return b, err
}
