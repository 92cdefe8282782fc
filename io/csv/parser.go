package csv

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/filetable"
)

// parser reads the rows of files.
type parser struct {
	dec    *decoder
	header bool
	rec    record
}

var (
	_ filetable.Parser = (*parser)(nil)
	_ filetable.Header = (*parser)(nil)
)

// Row implements [filetable.Parser]. A row that cannot be told from the next
// ends with its line.
func (p *parser) Row(text []byte, eof bool) (n, lines int, err error) {
	n, err = p.dec.scan(text, eof, &p.rec)
	switch {
	case err == filetable.ErrMore:
		p.dec.column = -1
		return 0, 0, err
	case err != nil:
		p.dec.column = -1
		if n = bytes.IndexByte(text, '\n') + 1; n == 0 {
			n = len(text)
		}
		return n, 1, err
	case p.rec.blank && (p.dec.width != 1 || len(p.rec.fields) == 0):
		return n, p.rec.lines, nil
	}
	return n, p.rec.lines, p.dec.row(text[:n], &p.rec)
}

// Describe implements [filetable.Parser].
func (p *parser) Describe(text []byte, err error) *arrowstream.DataError {
	return p.dec.dataError(text, &p.rec, err)
}

// Header implements [filetable.Header].
func (p *parser) Header(name string, text []byte, eof bool) (n, lines int, again bool, err error) {
	if !p.header || len(text) == 0 && eof {
		return 0, 0, false, nil
	}
	n, err = p.dec.scan(text, eof, &p.rec)
	switch {
	case err == filetable.ErrMore:
		return 0, 0, false, err
	case err != nil:
		return 0, 0, false, &arrowstream.DataError{Source: name, Where: "header", Err: err}
	case p.rec.blank:
		return n, p.rec.lines, true, nil
	}
	return n, p.rec.lines, false, p.arrange(name, p.dec.names(text[:n], &p.rec))
}

// arrange finds the columns in the header of a file.
func (p *parser) arrange(file string, names []string) error {
	p.dec.width = len(names)
	for i, want := range columnar.Names(p.dec.rows.Schema) {
		if p.dec.where[i] < 0 {
			continue
		}
		at := -1
		for j, name := range names {
			if name == want {
				at = j
				break
			}
			if at < 0 && strings.EqualFold(name, want) {
				at = j
			}
		}
		if at < 0 {
			return &arrowstream.Error{Code: "AS4110", Msg: fmt.Sprintf("csv: %s has no column %q", file, want), Hint: arrowstream.Suggest(want, names, "columns")}
		}
		p.dec.where[i] = at
	}
	return nil
}
