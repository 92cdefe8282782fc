package csv

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/cell"
)

// writer renders rows.
type writer struct {
	*dialect
	null     string
	formulas bool // make cells that a spreadsheet would run harmless
	views    []*cell.View
	cell     []byte
}

// bind looks at the columns of a batch.
func (w *writer) bind(b arrowstream.Batch) error {
	w.views = w.views[:0]
	for i, c := range b.Columns() {
		v, err := cell.NewView(c)
		if err != nil {
			return fmt.Errorf("csv: column %q: %w", b.ColumnName(i), err)
		}
		w.views = append(w.views, v)
	}
	return nil
}

// row appends row i of the bound batch, without a line end.
func (w *writer) row(to []byte, i int) []byte {
	for j, v := range w.views {
		if j > 0 {
			to = append(to, w.delim)
		}
		if !v.Valid.Get(i) {
			to = append(to, w.null...)
			continue
		}
		w.cell = v.AppendPlain(w.cell[:0], i, 'T')
		to = w.field(to, w.cell, v.Numeric())
	}
	return to
}

// field appends a value, quoted if it would read back as something else.
func (w *writer) field(to, v []byte, number bool) []byte {
	if number {
		return append(to, v...)
	}
	formula := w.formulas && len(v) > 0 && strings.IndexByte("=+-@\t\r", v[0]) >= 0
	need := len(v) == 0 || formula || string(v) == w.null || v[0] == w.comment && w.comment != 0 || v[0] == ' ' || v[len(v)-1] == ' '
	for _, c := range v {
		if w.special[c] || c == w.quote || c == w.escape {
			need = true
			break
		}
	}
	if !need || w.quote == 0 {
		if formula {
			to = append(to, '\'')
		}
		return append(to, v...)
	}
	to = append(to, w.quote)
	if formula {
		to = append(to, '\'')
	}
	for _, c := range v {
		if c == w.quote || c == w.escape {
			to = append(to, w.escape)
		}
		to = append(to, c)
	}
	return append(to, w.quote)
}

// header appends the names of the columns.
func (w *writer) header(to []byte, schema *arrow.Schema) []byte {
	for i, f := range schema.Fields() {
		if i > 0 {
			to = append(to, w.delim)
		}
		to = w.field(to, []byte(f.Name), false)
	}
	return to
}

// writable reports the first column that has no text form.
func writable(schema *arrow.Schema) error {
	for _, f := range schema.Fields() {
		if !cell.HasText(f.Type) {
			return kind.BadOption("column %q of type %s cannot be written as text", f.Name, f.Type)
		}
	}
	return nil
}
