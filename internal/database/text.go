package database

import (
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/cell"
)

// Style is how rows are rendered for a bulk load. Backslash escapes itself,
// tab, line end, carriage return, NUL and the quote.
type Style struct {
	Begin, Between, End string // of a row: before, between its values, after
	Null                string
	Quote               string // around values that are not bytes
	Bytes, BytesEnd     string // around the hexadecimal digits of bytes
	True, False         string
	Zone                bool // a time with a zone ends with Z
	NaN                 bool // NaN and the infinities have a form
	Wide                bool // a FLOAT is compared as a DOUBLE, and needs its digits
}

// encoder renders rows.
type encoder struct {
	style   Style
	columns []Column
	table   string // for messages
	fields  []field
	cell    []byte
}

// field is a column of the batch that is rendered.
type field struct {
	view  *cell.View
	typ   arrow.DataType
	bytes columnar.Strings
	times []int64
	flts  []float64
	f32   []float32
	step  int64 // times must be multiples of it
	plain bool  // the text needs no escapes
	date  bool  // with or without a time
	// of a dictionary that holds NULL
	codes []int32
	valid columnar.Bitmap
}

// null reports whether row i is NULL.
func (f *field) null(i int) bool {
	return !f.view.Valid.Get(i) || f.codes != nil && !f.valid.Get(int(f.codes[i]))
}

// bind looks at the columns of a batch.
func (e *encoder) bind(b arrowstream.Batch) error {
	e.fields = e.fields[:0]
	for i, c := range e.columns {
		a := b.Column(i)
		v, err := cell.NewView(a)
		if err != nil {
			return fmt.Errorf("column %q: %w", c.Name, err)
		}
		f := field{view: v, typ: a.DataType(), step: 1}
		switch t := a.DataType().(type) {
		case *arrow.DictionaryType:
			if codes, values, _ := columnar.Dictionary(a); values.NullN() > 0 {
				f.codes, f.valid = codes, columnar.Validity(values)
			}
		case *arrow.BinaryType, *arrow.LargeBinaryType:
			f.bytes = columnar.StringsOf(a)
		case *arrow.TimestampType:
			f.times = columnar.Values[int64](a)
			if to, ok := c.Type.(*arrow.TimestampType); ok {
				f.step = max(1, int64(to.Unit.Multiplier()/t.Unit.Multiplier()))
			}
			f.plain, f.date = true, true
		case *arrow.Date32Type, *arrow.Date64Type:
			f.plain, f.date = true, true
		case *arrow.Float64Type:
			f.flts = columnar.Values[float64](a)
			f.plain = true
		case *arrow.Float32Type:
			f.f32 = columnar.Values[float32](a)
			f.plain = true
		default:
			f.plain = v.Numeric() || t.ID() == arrow.TIME32 || t.ID() == arrow.TIME64
		}
		e.fields = append(e.fields, f)
	}
	return nil
}

// row appends row i of the bound batch; op is what becomes of it in the stage,
// negative if there is none.
func (e *encoder) row(to []byte, i, op int) ([]byte, error) {
	to = append(to, e.style.Begin...)
	for j := range e.fields {
		if j > 0 {
			to = append(to, e.style.Between...)
		}
		f := &e.fields[j]
		if f.null(i) {
			to = append(to, e.style.Null...)
			continue
		}
		var err error
		if to, err = e.value(to, f, i); err != nil {
			return to, &arrowstream.Error{
				Code: "AS4151", Msg: fmt.Sprintf("%s: column %q", e.table, e.columns[j].Name), Err: err,
			}
		}
	}
	if op >= 0 {
		to = strconv.AppendInt(append(to, e.style.Between...), int64(op), 10)
	}
	return append(to, e.style.End...), nil
}

// value appends a value that is not NULL.
func (e *encoder) value(to []byte, f *field, i int) ([]byte, error) {
	switch f.typ.ID() {
	case arrow.BINARY, arrow.LARGE_BINARY:
		to = hex.AppendEncode(append(to, e.style.Bytes...), f.bytes.Bytes(i))
		return append(to, e.style.BytesEnd...), nil
	case arrow.TIMESTAMP:
		if f.times[i]%f.step != 0 {
			text := cell.AppendTimestamp(nil, f.times[i], f.typ.(*arrow.TimestampType).Unit, ' ', false)
			return to, fmt.Errorf("%s has a finer fraction than the column holds: CAST it to a TIMESTAMP of fewer digits", text)
		}
	case arrow.FLOAT64:
		if x := f.flts[i]; !e.style.NaN && x-x != 0 {
			return to, fmt.Errorf("the database has no %v: replace it with NULL, as NULLIF does", x)
		}
	case arrow.FLOAT32:
		if x := f.f32[i]; !e.style.NaN && x-x != 0 {
			return to, fmt.Errorf("the database has no %v: replace it with NULL, as NULLIF does", x)
		}
		if e.style.Wide {
			to = strconv.AppendFloat(append(to, e.style.Quote...), float64(f.f32[i]), 'g', -1, 64)
			return append(to, e.style.Quote...), nil
		}
	case arrow.BOOL:
		e.cell = f.view.AppendPlain(e.cell[:0], i, ' ')
		if e.cell[0] == 't' {
			return append(to, e.style.True...), nil
		}
		return append(to, e.style.False...), nil
	}
	to = append(to, e.style.Quote...)
	if f.plain {
		start := len(to)
		to = f.view.AppendPlain(to, i, ' ')
		if to[start] == '-' && f.date {
			return to, fmt.Errorf("%s is before the year 1, which the database cannot hold", to[start:])
		}
		if !e.style.Zone && f.times != nil && to[len(to)-1] == 'Z' {
			to = to[:len(to)-1]
		}
	} else {
		e.cell = f.view.AppendPlain(e.cell[:0], i, ' ')
		to = escape(to, e.cell, e.style.Quote)
	}
	return append(to, e.style.Quote...), nil
}

// escape appends text with its escapes.
func escape(to, text []byte, quote string) []byte {
	start := 0
	for i, c := range text {
		var as byte
		switch {
		case c == '\\':
			as = '\\'
		case c > '\\':
			continue
		case c == '\t':
			as = 't'
		case c == '\n':
			as = 'n'
		case c == '\r':
			as = 'r'
		case c == 0:
			as = '0'
		case c == '\'' && quote != "":
			as = '\''
		default:
			continue
		}
		to = append(append(to, text[start:i]...), '\\', as)
		start = i + 1
	}
	return append(to, text[start:]...)
}
