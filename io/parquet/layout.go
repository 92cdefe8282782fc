package parquet

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels"
)

// checkKeyType refuses columns that make no directory names.
func checkKeyType(f arrow.Field) error {
	switch f.Type.ID() {
	case arrow.BOOL, arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64,
		arrow.STRING, arrow.LARGE_STRING, arrow.DATE32, arrow.TIMESTAMP, arrow.DECIMAL128:
		return nil
	case arrow.DICTIONARY:
		if f.Type.(*arrow.DictionaryType).ValueType.ID() == arrow.STRING {
			return nil
		}
	}
	return &arrowstream.Error{Code: "AS1504", Msg: fmt.Sprintf("parquet: partition column %q is of type %s", f.Name, f.Type), Hint: "partition by texts, integers, dates or timestamps"}
}

// maxDirName is the length of the longest name that file systems take.
const maxDirName = 255

// partition spreads the rows of b over the k=v directories. The order of rows
// within a directory is kept.
func (s *Sink) partition(b arrow.Record, cols []arrow.Array) error {
	n := int(b.NumRows())
	rows := map[string][]int32{}
	var order []string
	var sb strings.Builder
	for i := range n {
		sb.Reset()
		for j, k := range s.keys {
			if j > 0 {
				sb.WriteByte('/')
			}
			start := sb.Len()
			sb.WriteString(escape(s.in.Field(k).Name))
			sb.WriteByte('=')
			sb.WriteString(keyText(b.Column(k), i))
			if n := sb.Len() - start; n > maxDirName {
				return &arrowstream.Error{
					Code: "AS4142", Msg: fmt.Sprintf("parquet: write %s: a value of partition column %q makes the name of a directory of %d bytes, %d fit", s.Path, s.in.Field(k).Name, n, maxDirName),
					Hint: "partition by something shorter, such as a hash of the column",
				}
			}
		}
		key := sb.String()
		if rows[key] == nil {
			order = append(order, key)
		}
		rows[key] = append(rows[key], int32(i))
	}
	var times []int64
	if s.RollInterval > 0 {
		times = eventMicros(b.Column(s.event), nil)
	}
	rec := array.NewRecord(s.schema.arrow, cols, int64(n))
	defer rec.Release()
	for _, key := range order {
		if err := s.writeRows(key, rec, rows[key], times); err != nil {
			return err
		}
	}
	return nil
}

// writeRows writes some rows of rec to a directory.
func (s *Sink) writeRows(key string, rec arrow.Record, rows []int32, times []int64) error {
	if len(rows) == int(rec.NumRows()) {
		return s.writeTo(key, rec, rec.Columns(), times)
	}
	some, err := kernels.TakeRecord(s.env.Allocator, rec, rows)
	if err != nil {
		return err
	}
	defer some.Release()
	var at []int64
	if times != nil {
		for _, r := range rows {
			at = append(at, times[r])
		}
	}
	return s.writeTo(key, some, some.Columns(), at)
}

// keyText is a value as part of a directory name.
func keyText(a arrow.Array, i int) string {
	if a.IsNull(i) {
		return hiveNull
	}
	var v string
	switch a := a.(type) {
	case *array.Dictionary:
		v = a.Dictionary().(*array.String).Value(a.GetValueIndex(i))
	case *array.Timestamp:
		t := a.Value(i).ToTime(a.DataType().(*arrow.TimestampType).Unit).UTC()
		v = t.Format("2006-01-02 15:04:05.999999999")
	default:
		v = a.ValueStr(i)
	}
	if v == "" {
		return hiveNull // a directory needs a name; Hive and Spark do the same
	}
	return escape(v)
}

// escape makes a text fit to be part of one directory name: everything but
// letters, digits and a few signs becomes %XX, and so does a leading dot or
// underscore, which would hide the directory.
func escape(v string) string {
	const hex = "0123456789ABCDEF"
	var sb strings.Builder
	for i := range len(v) {
		c := v[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == ' ', c == '+', c == ',', c >= 0x80,
			(c == '.' || c == '_') && i > 0, c == '_' && v == hiveNull:
			sb.WriteByte(c)
		default:
			sb.WriteByte('%')
			sb.WriteByte(hex[c>>4])
			sb.WriteByte(hex[c&15])
		}
	}
	return sb.String()
}

// unescape is the inverse of escape; a % without two digits stands for itself.
func unescape(v string) string {
	if !strings.Contains(v, "%") {
		return v
	}
	digit := func(c byte) int { return strings.IndexByte("0123456789abcdef", c|0x20) }
	var sb strings.Builder
	for i := 0; i < len(v); i++ {
		if v[i] == '%' && i+2 < len(v) {
			if hi, lo := digit(v[i+1]), digit(v[i+2]); hi >= 0 && lo >= 0 {
				sb.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		sb.WriteByte(v[i])
	}
	return sb.String()
}
