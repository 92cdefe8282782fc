package filetable

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/cell"
	"github.com/arrowstream/arrowstream/internal/files"
)

// MaxLine bounds a row of text in bytes.
const MaxLine = 16 << 20

// ErrMore says that a row may go on behind the text at hand.
var ErrMore = errors.New("incomplete row")

// Parser reads rows of text: what a connector adds to a [Text].
type Parser interface {
	// Row appends the row at the start of text to the rows of the Text and
	// returns how many bytes and lines it takes, its end included. Blank lines
	// and comments are rows that append nothing. A row that has no end in text
	// is ErrMore, but with eof the text is its end. After any other error
	// nothing is appended, and reading can go on behind the bytes returned.
	Row(text []byte, eof bool) (n, lines int, err error)
	// Describe says more about a row that Row could not read: the column and
	// the value, if known, and what is wrong.
	Describe(text []byte, err error) *arrowstream.DataError
}

// Line returns the first line of text without its line feed, and how many bytes
// it takes: what a [Parser] of lines begins with.
func Line(text []byte, eof bool) (line []byte, n int, err error) {
	switch n = bytes.IndexByte(text, '\n'); {
	case n >= 0:
		return text[:n], n + 1, nil
	case eof:
		return text, len(text), nil
	}
	return nil, 0, ErrMore
}

// Header is implemented by parsers of files that begin with a header.
type Header interface {
	// Header reads the header at the start of text, as Row does; lines that
	// are none of it, such as comments, are passed with again set.
	Header(name string, text []byte, eof bool) (n, lines int, again bool, err error)
}

// Text is the [Scanner] of files of text.
type Text struct {
	kind    Kind
	rows    *cell.Rows
	parser  Parser
	limit   int   // rows of a batch
	bytes   int64 // of a batch, about
	rejects *arrowstream.Rejects
	in      *files.Input
	win     *files.Window
	inLong  bool // within a line that was too long
	folders Partitioned
}

var (
	_ Scanner               = (*Text)(nil)
	_ arrowstream.Rejecting = (*Text)(nil)
)

// NewText returns a scanner of what parser appends to rows.
func NewText(kind Kind, rows *cell.Rows, parser Parser, env arrowstream.SourceEnv, bad arrowstream.BadRow) *Text {
	t := &Text{kind: kind, rows: rows, parser: parser, limit: env.BatchRows, bytes: env.BatchBytes, rejects: env.Rejects(bad)}
	if t.limit <= 0 {
		t.limit = 8192
	}
	if t.bytes <= 0 {
		t.bytes = 64 << 20
	}
	return t
}

// Start implements [Scanner].
func (t *Text) Start(in *files.Input, at *Place) error {
	t.in, t.win, t.inLong = in, files.NewWindow(in), false
	if err := t.enter(); err != nil {
		return err
	}
	for len(t.win.Data()) < 3 && t.win.More() == nil {
	}
	t.win.Advance(byteOrderMark(t.win.Data()))
	from := *at
	*at = Place{Offset: t.win.Offset()}
	if h, ok := t.parser.(Header); ok {
		if err := t.header(h, at); err != nil {
			return err
		}
	}
	if from != (Place{}) {
		if err := t.skipTo(from.Offset); err != nil {
			return err
		}
		*at = from
	}
	return nil
}

func (t *Text) header(h Header, at *Place) error {
	for again := true; again; {
		text := t.win.Data()
		n, lines, more, err := h.Header(t.in.Name, text, t.win.EOF())
		if err == ErrMore && len(text) <= MaxLine {
			if err := t.more(); err != nil {
				return err
			}
			continue
		}
		if err == ErrMore {
			err = &arrowstream.DataError{Source: t.in.Name, Where: "header", Err: errTooLong}
		}
		if err != nil {
			return err
		}
		t.win.Advance(n)
		at.Offset, at.Line = t.win.Offset(), at.Line+int64(lines)
		again = more && (len(t.win.Data()) > 0 || !t.win.EOF())
	}
	return nil
}

// skipTo moves to a byte of the file.
func (t *Text) skipTo(offset int64) error {
	for t.win.Offset() < offset {
		if len(t.win.Data()) == 0 {
			if t.win.EOF() {
				return fmt.Errorf("%s: %s ends at byte %d, the position is byte %d", t.kind.Name, t.in.Name, t.win.Offset(), offset)
			}
			if err := t.more(); err != nil {
				return err
			}
		}
		t.win.Advance(int(min(offset-t.win.Offset(), int64(len(t.win.Data())))))
	}
	return nil
}

// more reads on; the end of the file is no error.
func (t *Text) more() error {
	if err := t.win.More(); err != nil && err != io.EOF {
		return t.kind.read(t.in, err)
	}
	return nil
}

var errTooLong = fmt.Errorf("a line is longer than %d bytes", MaxLine)

// Scan implements [Scanner].
func (t *Text) Scan(at *Place) (more bool, err error) {
	for {
		text, used := t.win.Data(), 0
		full, err := false, error(nil)
		for err == nil {
			rest := text[used:]
			full = t.rows.N >= t.limit || t.rejects.Full() || t.rows.N&255 == 255 && int64(t.rows.Bytes()) > t.bytes
			if full || len(rest) == 0 {
				break
			}
			var n, lines int
			if n, lines, err = t.row(rest, at.Line+1); err == nil || err == ErrMore {
				used += n
				at.Line += int64(lines)
			}
		}
		t.win.Advance(used)
		at.Offset = t.win.Offset()
		switch {
		case err != nil && err != ErrMore:
			return false, err
		case full:
			return true, nil
		case err == nil && t.win.EOF():
			return false, nil
		case !t.in.Ready() && (t.rows.N > 0 || t.rejects.Pending()):
			return true, nil
		}
		if err := t.more(); err != nil {
			return false, err
		}
	}
}

// row reads one row, or the rest of a line that is too long.
func (t *Text) row(text []byte, line int64) (n, lines int, err error) {
	if t.inLong {
		n = bytes.IndexByte(text, '\n') + 1
		if n == 0 {
			return len(text), 0, nil
		}
		t.inLong = false
		return n, 1, nil
	}
	eof := t.win.EOF()
	if len(text) > MaxLine+1 {
		// Whether a row is too long must not depend on how much is at hand.
		text, eof = text[:MaxLine+1], false
	}
	n, lines, err = t.parser.Row(text, eof)
	switch {
	case err == nil:
		return n, lines, nil
	case err == ErrMore && len(text) <= MaxLine:
		return 0, 0, ErrMore
	case err == ErrMore:
		n, lines, err = 0, 0, errTooLong
	}
	if err != errTooLong {
		text = bytes.TrimSuffix(bytes.TrimSuffix(text[:n], []byte{'\n'}), []byte{'\r'})
	}
	e := t.parser.Describe(text, err)
	e.Source, e.Where = t.in.Name, fmt.Sprintf("line %d", line)
	if !t.rejects.Add(t.rows.N, text, e) {
		return 0, 0, e
	}
	t.inLong = err == errTooLong
	return n, lines, nil
}

// Flush implements [Scanner].
func (t *Text) Flush() arrowstream.Batch {
	if b := t.rows.Flush(); b != nil {
		return b
	}
	return nil
}

// Rejects implements [arrowstream.Rejecting].
func (t *Text) Rejects() *arrowstream.Rejects { return t.rejects }

// Release implements [Scanner].
func (t *Text) Release() { t.rows.Release() }
