package socket

import (
	"bytes"
	"errors"
	"io"
	"net"

	"github.com/arrowstream/arrowstream/internal/intake"
)

// readBytes is how much is asked of a connection at once.
const readBytes = 64 << 10

var (
	errTooLong = errors.New("line is too long, see option max.line")
	errBroken  = errors.New("the connection broke in the middle of a line")
	errCrowded = errors.New("too many unfinished lines are held in memory")
)

// lineReader cuts what comes from r into chunks of whole lines.
type lineReader struct {
	r    io.Reader
	from string
	max  int
	line int64
	rest []byte // the beginning of an unfinished line
	skip bool   // inside a line that was too long
	// grow is told how many bytes more are held for an unfinished line and
	// may refuse.
	grow func(n int) bool
	held int
}

// next returns the next chunk; io.EOF after the last. A last line needs no
// newline if the sender closed the connection in good order.
func (l *lineReader) next() (intake.Chunk, error) {
	for {
		// What follows rest in its block was never handed out: chunks are cut
		// from the front.
		buf := l.rest
		if cap(buf)-len(buf) < readBytes/16 {
			buf = append(make([]byte, 0, readBytes+2*len(l.rest)), l.rest...)
		}
		n, err := l.r.Read(buf[len(l.rest):cap(buf)])
		buf = buf[:len(l.rest)+n]
		end := bytes.LastIndexByte(buf[len(l.rest):], '\n')
		if end >= 0 {
			end += len(l.rest) + 1
		}
		switch {
		case end > 0 && l.skip:
			// The first newline ends the line that was too long.
			cut := bytes.IndexByte(buf, '\n') + 1
			l.skip = false
			l.line++
			buf, end = buf[cut:], end-cut
		case l.skip:
			buf = buf[:0]
		}
		var c intake.Chunk
		if end > 0 {
			c = intake.Chunk{Data: buf[:end:end], From: l.from, Line: l.line + 1}
			l.line += int64(bytes.Count(c.Data, []byte{'\n'}))
			buf = buf[end:]
		}
		if refused := l.hold(buf); refused != nil && c.Data == nil {
			return *refused, nil
		} else if refused != nil {
			// The whole lines go first; the rest is refused at the next call.
			l.rest, l.skip = buf, false
			return c, nil
		}
		switch {
		case c.Data != nil:
			if err != nil && !errors.Is(err, io.EOF) {
				l.r = failed{err}
			}
			return c, nil
		case err == nil:
			continue
		}
		return l.last(err)
	}
}

// hold keeps the beginning of a line, or says why it cannot.
func (l *lineReader) hold(rest []byte) *intake.Chunk {
	var why error
	switch {
	case len(rest) > l.max:
		why = errTooLong
	case len(rest) > readBytes && !l.grow(len(rest)-l.held):
		why = errCrowded
	}
	if why != nil {
		c := &intake.Chunk{From: l.from, Line: l.line + 1, Err: why}
		l.release()
		l.rest, l.skip = nil, true
		return c
	}
	if len(rest) > readBytes {
		l.held = len(rest)
	} else {
		l.release()
	}
	l.rest = rest
	return nil
}

func (l *lineReader) release() {
	if l.held > 0 {
		l.grow(-l.held)
		l.held = 0
	}
}

// last is what remains when the connection has ended.
func (l *lineReader) last(err error) (intake.Chunk, error) {
	defer l.release()
	if len(l.rest) == 0 || l.skip {
		return intake.Chunk{}, io.EOF
	}
	l.line++
	c := intake.Chunk{Data: l.rest, From: l.from, Line: l.line}
	if !errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		c.Data, c.Err = nil, errBroken
	}
	l.rest = nil
	l.r = failed{io.EOF}
	return c, nil
}

// failed is a reader that has ended.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }
