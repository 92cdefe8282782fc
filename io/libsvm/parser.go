package libsvm

import (
	"bytes"
	"fmt"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/cell"
	"github.com/arrowstream/arrowstream/internal/filetable"
)

// parser reads the lines of files.
type parser struct {
	rows     *cell.Rows
	features int
}

var _ filetable.Parser = (*parser)(nil)

// Row implements [filetable.Parser].
func (p *parser) Row(text []byte, eof bool) (n, lines int, err error) {
	line, n, err := filetable.Line(text, eof)
	if err != nil {
		return 0, 0, err
	}
	if line = content(line); len(line) == 0 {
		return n, 1, nil
	}
	if err := p.parse(line); err != nil {
		p.rows.Rollback()
		return n, 1, err
	}
	p.rows.Commit()
	return n, 1, nil
}

// Describe implements [filetable.Parser].
func (p *parser) Describe(text []byte, err error) *arrowstream.DataError {
	line, _, _ := filetable.Line(text, true)
	return &arrowstream.DataError{Value: arrowstream.CutValue(content(line)), Err: err}
}

// parse appends one row.
func (p *parser) parse(text []byte) error {
	word, rest := cut(text)
	label, err := cell.ParseFloat(word, false)
	if err != nil {
		return fmt.Errorf("label %q is not a number", word)
	}
	p.rows.Columns[0].AppendFloat64(label)
	vector := p.rows.Columns[1]
	values := vector.Kids[0]
	last := 0
	for len(rest) > 0 {
		word, rest = cut(rest)
		name, value, ok := bytes.Cut(word, []byte{':'})
		index, isInt := cell.ParseInt(name)
		switch {
		case !ok || !isInt:
			return fmt.Errorf("%q is not index:value", word)
		case index <= int64(last):
			return fmt.Errorf("index %d after %d: indices count from 1 and ascend", index, last)
		case index > int64(p.features):
			return fmt.Errorf("index %d is above the %d features", index, p.features)
		}
		x, err := cell.ParseFloat(value, false)
		if err != nil {
			return fmt.Errorf("value %q is not a number", value)
		}
		for last++; last < int(index); last++ {
			values.AppendFloat64(0)
		}
		values.AppendFloat64(x)
	}
	for ; last < p.features; last++ {
		values.AppendFloat64(0)
	}
	vector.EndList()
	return nil
}

// cut splits off the first word.
func cut(text []byte) (word, rest []byte) {
	i := bytes.IndexAny(text, " \t")
	if i < 0 {
		return text, nil
	}
	return text[:i], bytes.TrimLeft(text[i:], " \t")
}
