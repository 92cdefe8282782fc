// Package files opens what a file source reads and creates what a file sink
// writes: plain, .gz or .zst, "-" for the standard streams, results under
// their final name only when they are complete. Floor 1.
package files

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/arrowstream/arrowstream/internal/access"
)

// Stdin is the name of the standard input and output.
const Stdin = "-"

// What a compressed input may become: a window of zstd as RFC 8878 asks for,
// which all levels but the ultra ones keep, and a thousand times its length,
// which gzip cannot reach, once it is longer than any honest line.
const (
	zstdWindow   = 8 << 20
	inflatedFree = 256 << 20
	inflatedMost = 1000
)

// Input is an open input, decompressed.
type Input struct {
	Name string
	// File and Size are set for plain files only.
	File *os.File
	Size int64

	r       io.Reader
	pump    *pump
	closers []func() error
	marked  bool
	seen    []byte // read since Mark
	ahead   []byte // to be read again
}

// Open opens a file, or stdin for "-". Compression goes by the extension, that
// of stdin by the first bytes.
func Open(a *access.Policy, name string, stdin io.Reader) (*Input, error) {
	in := &Input{Name: name, Size: -1}
	if name == Stdin {
		if stdin == nil {
			stdin = os.Stdin
		}
		in.Name = "stdin"
		in.pump = newPump(stdin)
		in.closers = append(in.closers, in.pump.close)
		in.r = &sniffer{in: in}
		return in, nil
	}
	f, err := a.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a directory", name)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	in.closers = append(in.closers, f.Close)
	in.r = f
	switch kind := Compression(name); kind {
	case "":
		if info.Mode().IsRegular() {
			in.File, in.Size = f, info.Size()
		}
	default:
		if err := in.inflate(kind, f); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", name, err), in.Close())
		}
	}
	return in, nil
}

// Compression is "gz", "zst" or "" by the extension of a file name.
func Compression(name string) string {
	name = strings.ToLower(name)
	for _, kind := range []string{"gz", "zst"} {
		if strings.HasSuffix(name, "."+kind) {
			return kind
		}
	}
	return ""
}

// Extension is the extension in lower case, without that of a compression.
func Extension(name string) string {
	name = strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(name), ".gz"), ".zst")
	if i := strings.LastIndexByte(name, '.'); i >= 0 && !strings.Contains(name[i:], "/") {
		return name[i:]
	}
	return ""
}

func (in *Input) inflate(kind string, r io.Reader) error {
	stored := &counter{r: r}
	r = stored
	defer func() { in.r = &bounded{r: in.r, stored: stored} }()
	if kind == "gz" {
		z, err := gzip.NewReader(r)
		if err != nil {
			return err
		}
		in.r = z // its Close frees nothing and only repeats the error of a Read
		return nil
	}
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow))
	if err != nil {
		return err
	}
	in.closers = append(in.closers, func() error { z.Close(); return nil })
	in.r = z
	return nil
}

// counter counts the bytes that are read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// bounded ends with an error where a compressed input becomes too much.
type bounded struct {
	r      io.Reader
	stored *counter
	n      int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.n += int64(n); b.n > inflatedFree && b.n > inflatedMost*b.stored.n {
		return 0, fmt.Errorf("%d compressed bytes became %d, more than %d times as much", b.stored.n, b.n, inflatedMost)
	}
	if errors.Is(err, zstd.ErrWindowSizeExceeded) {
		err = fmt.Errorf("%w: at most %d MiB; compress it without --long or --ultra", err, zstdWindow>>20)
	}
	return n, err
}

// Read implements io.Reader.
func (in *Input) Read(p []byte) (n int, err error) {
	if len(in.ahead) > 0 {
		n = copy(p, in.ahead)
		in.ahead = in.ahead[n:]
	} else {
		n, err = in.r.Read(p)
	}
	if in.marked {
		in.seen = append(in.seen, p[:n]...)
	}
	return n, err
}

// Mark remembers what is read from here on, for [Input.Reset].
func (in *Input) Mark() { in.marked = true }

// Reset goes back to the Mark, which is gone then.
func (in *Input) Reset() {
	in.ahead = append(in.seen, in.ahead...)
	in.marked, in.seen = false, nil
}

// Ready reports whether a Read would not have to wait for somebody to type.
func (in *Input) Ready() bool { return in.pump == nil || len(in.ahead) > 0 || in.pump.ready() }

// Watch makes the end of ctx end a blocked Read, until stop is called.
func (in *Input) Watch(ctx context.Context) (stop func() bool) {
	if in.pump == nil {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, func() { in.pump.close() })
}

// Interrupt ends a blocked Read of stdin; it may be called at any time.
func (in *Input) Interrupt() {
	if in.pump != nil {
		in.pump.close()
	}
}

// Close closes the input; a Read that waits for stdin returns.
func (in *Input) Close() error {
	var err error
	for i := len(in.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, in.closers[i]())
	}
	in.closers = nil
	return err
}

// sniffer decides about decompression at the first Read of stdin, which must
// not happen when it is opened.
type sniffer struct{ in *Input }

func (s *sniffer) Read(p []byte) (int, error) {
	head := make([]byte, 4)
	n, err := io.ReadFull(s.in.pump, head)
	if err != nil && err != io.ErrUnexpectedEOF {
		return 0, err
	}
	r := io.MultiReader(bytes.NewReader(head[:n]), s.in.pump)
	s.in.r = r
	switch {
	case bytes.HasPrefix(head[:n], []byte{0x1F, 0x8B}):
		err = s.in.inflate("gz", r)
	case bytes.HasPrefix(head[:n], []byte{0x28, 0xB5, 0x2F, 0xFD}):
		err = s.in.inflate("zst", r)
	default:
		err = nil
	}
	if err != nil {
		return 0, err
	}
	return s.in.r.Read(p)
}

// pump reads in the background, so that a reader can ask whether there is
// something and stop waiting. Its goroutine ends with the input, at the latest
// with the first read after close.
type pump struct {
	chunks chan []byte
	err    error // set before chunks is closed
	rest   []byte
	done   chan struct{}
	once   sync.Once
	start  sync.Once
	r      io.Reader
}

func newPump(r io.Reader) *pump {
	return &pump{chunks: make(chan []byte, 1), done: make(chan struct{}), r: r}
}

func (p *pump) run() {
	defer close(p.chunks)
	for {
		buf := make([]byte, 64<<10)
		n, err := p.r.Read(buf)
		if n > 0 {
			select {
			case p.chunks <- buf[:n]:
			case <-p.done:
				p.err = io.ErrClosedPipe
				return
			}
		}
		if err != nil {
			p.err = err
			return
		}
	}
}

func (p *pump) Read(b []byte) (int, error) {
	p.start.Do(func() { go p.run() })
	if len(p.rest) == 0 {
		select {
		case <-p.done:
			return 0, io.ErrClosedPipe
		case chunk, ok := <-p.chunks:
			if !ok {
				return 0, p.err
			}
			p.rest = chunk
		}
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *pump) ready() bool { return len(p.rest) > 0 || len(p.chunks) > 0 }

func (p *pump) close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}
