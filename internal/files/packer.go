package files

import (
	"bufio"
	"compress/gzip"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Packer buffers what goes to a file and compresses it by the extension of a
// name. The compressed text may consist of several pieces behind each other,
// which readers take for one.
type Packer struct {
	buf  *bufio.Writer
	kind string
	z    compressor // nil between two pieces
	old  compressor // to be used again
}

type compressor interface {
	io.WriteCloser
	Reset(w io.Writer)
}

// NewPacker returns a Packer that writes to w, up to size bytes at a time.
func NewPacker(w io.Writer, name string, size int) *Packer {
	return &Packer{buf: bufio.NewWriterSize(w, size), kind: Compression(name)}
}

// Begin begins a piece even if nothing is written: nothing, compressed, is not
// nothing.
func (p *Packer) Begin() error {
	if p.kind == "" || p.z != nil {
		return nil
	}
	switch {
	case p.old != nil:
		p.old.Reset(p.buf)
	case p.kind == "gz":
		p.old = gzip.NewWriter(p.buf)
	default:
		z, err := zstd.NewWriter(p.buf, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return err
		}
		p.old = z
	}
	p.z = p.old
	return nil
}

// Write implements io.Writer.
func (p *Packer) Write(b []byte) (int, error) {
	if p.kind == "" {
		return p.buf.Write(b)
	}
	if err := p.Begin(); err != nil {
		return 0, err
	}
	return p.z.Write(b)
}

// Buffered is the number of bytes behind the compressor that were not passed on.
func (p *Packer) Buffered() int { return p.buf.Buffered() }

// Flush passes on what is buffered behind the compressor.
func (p *Packer) Flush() error { return p.buf.Flush() }

// Cut ends the piece, if one was begun, and passes everything on.
func (p *Packer) Cut() error {
	if p.z != nil {
		z := p.z
		p.z = nil
		if err := z.Close(); err != nil {
			return err
		}
	}
	return p.buf.Flush()
}

// Abandon gives up what was not passed on.
func (p *Packer) Abandon() {
	p.buf.Reset(io.Discard)
	if p.z != nil {
		_ = p.z.Close() // ends the goroutines of the compressor
		p.z = nil
	}
}
