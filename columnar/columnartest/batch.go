// Package columnartest turns text into record batches and back, for tests.
package columnartest

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// Allocator returns an allocator that fails t at its end if anything that was
// allocated has not been released. Memory that need not be clear is full of
// garbage.
func Allocator(t testing.TB) memory.Allocator {
	mem := checked{memory.NewCheckedAllocator(columnar.Pool)}
	t.Cleanup(func() {
		if !t.Failed() {
			mem.AssertSize(t, 0)
		}
	})
	return mem
}

// checked adds to the allocator of Arrow the one without clearing.
type checked struct{ *memory.CheckedAllocator }

// AllocateUncleared is Allocate, filled with garbage: what a caller forgets to
// write shows.
func (c checked) AllocateUncleared(size int) []byte {
	b := c.Allocate(size)
	for i := range b {
		b[i] = 0xa5
	}
	return b
}

// Batch reads a batch from text and releases it when t ends. The first line
// names the columns, "ts:timestamp[us]@ k:utf8 x:float64!", where @ marks the
// event time and ! a column that is NOT NULL; types are those of
// [columnar.ParseType]. Every further line is a row of cells separated by
// blanks: null, numbers, true and false, times as RFC 3339 or as integers in
// the unit of the column, strings in double quotes if they hold blanks or are
// the word null, lists and vectors as [1,2,3], structs as {1,2}.
func Batch(t testing.TB, mem memory.Allocator, text string) arrow.Record {
	t.Helper()
	b, err := Parse(mem, text)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Release)
	return b
}

// Schema reads the first line of a batch text.
func Schema(text string) (*arrow.Schema, error) {
	var fields []arrow.Field
	eventTime := ""
	for _, col := range strings.Fields(text) {
		name, typ, ok := strings.Cut(col, ":")
		if !ok {
			return nil, fmt.Errorf("columnartest: column %q: want name:type", col)
		}
		nullable := true
		for strings.HasSuffix(typ, "@") || strings.HasSuffix(typ, "!") {
			if strings.HasSuffix(typ, "@") {
				eventTime = name
			} else {
				nullable = false
			}
			typ = typ[:len(typ)-1]
		}
		dt, err := columnar.ParseType(typ)
		if err != nil {
			return nil, err
		}
		fields = append(fields, arrow.Field{Name: name, Type: dt, Nullable: nullable})
	}
	schema := arrow.NewSchema(fields, nil)
	if eventTime != "" {
		schema = columnar.WithEventTime(schema, eventTime)
	}
	return schema, nil
}

// Parse is [Batch] without a test; the caller releases the batch.
func Parse(mem memory.Allocator, text string) (arrow.Record, error) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	schema, err := Schema(lines[0])
	if err != nil {
		return nil, err
	}
	rb := array.NewRecordBuilder(mem, schema)
	defer rb.Release()
	for _, line := range lines[1:] {
		cells, err := Cells(line)
		if err != nil {
			return nil, err
		}
		if len(cells) == 0 {
			continue
		}
		if len(cells) != schema.NumFields() {
			return nil, fmt.Errorf("columnartest: row %q has %d cells, want %d", line, len(cells), schema.NumFields())
		}
		for i, cell := range cells {
			if err := appendCell(rb.Field(i), cell); err != nil {
				return nil, fmt.Errorf("columnartest: row %q, column %s: %w", line, schema.Field(i).Name, err)
			}
		}
	}
	return rb.NewRecord(), nil
}

// Cells cuts a row into cells at blanks outside quotes and brackets.
func Cells(line string) ([]string, error) {
	var cells []string
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimLeft(line, " \t") {
		end, depth := 0, 0
		for end < len(line) && (depth > 0 || line[end] != ' ' && line[end] != '\t') {
			switch line[end] {
			case '"':
				quoted, err := strconv.QuotedPrefix(line[end:])
				if err != nil {
					return nil, fmt.Errorf("columnartest: bad quotes in %q", line)
				}
				end += len(quoted) - 1
			case '[', '{':
				depth++
			case ']', '}':
				depth--
			}
			end++
		}
		cells, line = append(cells, line[:end]), line[end:]
	}
	return cells, nil
}

// elements cuts "[a,b]" into its elements.
func elements(cell string) ([]string, error) {
	if len(cell) < 2 || !strings.Contains("[{", cell[:1]) {
		return nil, fmt.Errorf("%q is no list", cell)
	}
	var parts []string
	depth, start := 0, 1
	for i := 1; i < len(cell); i++ {
		switch c := cell[i]; {
		case c == '"':
			quoted, err := strconv.QuotedPrefix(cell[i:])
			if err != nil {
				return nil, err
			}
			i += len(quoted) - 1
		case c == '[' || c == '{':
			depth++
		case (c == ']' || c == '}') && depth > 0:
			depth--
		case c == ',' && depth == 0, i == len(cell)-1:
			parts = append(parts, strings.TrimSpace(cell[start:i]))
			start = i + 1
		}
	}
	if len(parts) == 1 && parts[0] == "" {
		return nil, nil
	}
	return parts, nil
}

func appendCell(b array.Builder, cell string) error {
	if cell == "null" {
		b.AppendNull()
		return nil
	}
	text := cell
	if strings.HasPrefix(cell, `"`) {
		var err error
		if text, err = strconv.Unquote(cell); err != nil {
			return err
		}
	}
	switch b := b.(type) {
	case *array.TimestampBuilder:
		return appendTime(b, text)
	case *array.DurationBuilder:
		n, err := strconv.ParseInt(text, 10, 64)
		b.Append(arrow.Duration(n))
		return err
	case *array.Time32Builder:
		n, err := strconv.ParseInt(text, 10, 32)
		b.Append(arrow.Time32(n))
		return err
	case *array.Time64Builder:
		n, err := strconv.ParseInt(text, 10, 64)
		b.Append(arrow.Time64(n))
		return err
	case *array.MonthIntervalBuilder:
		n, err := strconv.ParseInt(text, 10, 32)
		b.Append(arrow.MonthInterval(n))
		return err
	case *array.Date32Builder:
		if n, err := strconv.ParseInt(text, 10, 32); err == nil {
			b.Append(arrow.Date32(n))
			return nil
		}
		d, err := time.Parse(time.DateOnly, text)
		b.Append(arrow.Date32FromTime(d))
		return err
	case *array.Decimal128Builder:
		t := b.Type().(*arrow.Decimal128Type)
		n, err := decimal128.FromString(text, t.Precision, t.Scale)
		b.Append(n)
		return err
	case *array.BinaryBuilder:
		b.Append([]byte(text))
		return nil
	case *array.ListBuilder:
		parts, err := elements(cell)
		b.Append(true)
		return appendAll(b.ValueBuilder(), parts, err)
	case *array.FixedSizeListBuilder:
		parts, err := elements(cell)
		b.Append(true)
		return appendAll(b.ValueBuilder(), parts, err)
	case *array.StructBuilder:
		parts, err := elements(cell)
		if err == nil && len(parts) != b.NumField() {
			err = fmt.Errorf("%q has %d fields, want %d", cell, len(parts), b.NumField())
		}
		if err != nil {
			return err
		}
		b.Append(true)
		for i, p := range parts {
			if err := appendCell(b.FieldBuilder(i), p); err != nil {
				return err
			}
		}
		return nil
	}
	return b.AppendValueFromString(text)
}

func appendAll(b array.Builder, parts []string, err error) error {
	for _, p := range parts {
		if err == nil {
			err = appendCell(b, p)
		}
	}
	return err
}

func appendTime(b *array.TimestampBuilder, text string) error {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		b.Append(arrow.Timestamp(n))
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return err
	}
	ts, err := arrow.TimestampFromTime(at, b.Type().(*arrow.TimestampType).Unit)
	b.Append(ts)
	return err
}

// Text is b in the form that [Batch] reads. Dictionary columns show as their
// values; NaN is one NaN; floats have all their bits.
func Text(b arrow.Record) string {
	var sb strings.Builder
	event := columnar.EventTime(b.Schema())
	for i, f := range b.Schema().Fields() {
		if i > 0 {
			sb.WriteByte(' ')
		}
		sb.WriteString(f.Name + ":" + columnar.TypeName(f.Type))
		if i == event {
			sb.WriteByte('@')
		}
		if !f.Nullable {
			sb.WriteByte('!')
		}
	}
	for _, row := range Rows(b) {
		sb.WriteByte('\n')
		sb.WriteString(row)
	}
	return sb.String()
}

// Rows is the text of the rows of b without the line of columns.
func Rows(b arrow.Record) []string {
	rows := make([]string, b.NumRows())
	for i := range rows {
		cells := make([]string, b.NumCols())
		for j := range cells {
			cells[j] = Cell(b.Column(j), i)
		}
		rows[i] = strings.Join(cells, " ")
	}
	return rows
}

// Cell is the text of one value.
func Cell(a arrow.Array, i int) string {
	if a.IsNull(i) {
		return "null"
	}
	switch a := a.(type) {
	case *array.Dictionary:
		return Cell(a.Dictionary(), a.GetValueIndex(i))
	case *array.Float64:
		return float(a.Value(i), 64)
	case *array.Float32:
		return float(float64(a.Value(i)), 32)
	case *array.String:
		return quote(a.Value(i))
	case *array.LargeString:
		return quote(a.Value(i))
	case *array.Binary:
		return quote(string(a.Value(i)))
	case *array.LargeBinary:
		return quote(string(a.Value(i)))
	case *array.Timestamp:
		return strconv.FormatInt(int64(a.Value(i)), 10)
	case *array.Duration:
		return strconv.FormatInt(int64(a.Value(i)), 10)
	case *array.Time32:
		return strconv.FormatInt(int64(a.Value(i)), 10)
	case *array.Time64:
		return strconv.FormatInt(int64(a.Value(i)), 10)
	case *array.MonthInterval:
		return strconv.FormatInt(int64(a.Value(i)), 10)
	case *array.Date32:
		return a.Value(i).FormattedString()
	case *array.Decimal128:
		return a.Value(i).ToString(a.DataType().(*arrow.Decimal128Type).Scale)
	case array.ListLike:
		from, to := a.ValueOffsets(i)
		var parts []string
		for k := from; k < to; k++ {
			parts = append(parts, Cell(a.ListValues(), int(k)))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case *array.Struct:
		var parts []string
		for k := range a.NumField() {
			parts = append(parts, Cell(a.Field(k), i))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	return a.ValueStr(i)
}

func float(x float64, bits int) string {
	if math.IsNaN(x) {
		return "NaN"
	}
	return strconv.FormatFloat(x, 'g', -1, bits)
}

func quote(s string) string {
	plain := s != "" && s != "null" && !strings.ContainsAny(s, " \t\r\n\"\\[]{},")
	for _, r := range s {
		plain = plain && strconv.IsPrint(r)
	}
	if plain {
		return strings.Clone(s) // s may be a view of the column
	}
	return strconv.Quote(s)
}
