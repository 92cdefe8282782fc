package json

import (
	"bytes"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/cell"
	"github.com/arrowstream/arrowstream/internal/filetable"
	"github.com/arrowstream/arrowstream/internal/jsontext"
)

// parser reads the lines of files.
type parser struct {
	dec  *jsontext.Decoder
	rows *cell.Rows
}

var _ filetable.Parser = (*parser)(nil)

// Row implements [filetable.Parser]; blank lines are passed over.
func (p *parser) Row(text []byte, eof bool) (n, lines int, err error) {
	line, n, err := filetable.Line(text, eof)
	if err != nil {
		return 0, 0, err
	}
	if err = p.dec.Row(line, p.rows); err != nil && len(bytes.TrimSpace(line)) == 0 {
		err = nil
	}
	return n, 1, err
}

// Describe implements [filetable.Parser].
func (p *parser) Describe(text []byte, err error) *arrowstream.DataError {
	line, _, _ := filetable.Line(text, true)
	return describe(line, err)
}
