package hive

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// maxName is the length of the longest name that file systems take.
const maxName = 255

// Keys are the columns of a sink that become folders.
type Keys struct {
	// Rest are the other columns by position, and Files their schema: what the
	// files hold.
	Rest  []int
	Files *arrow.Schema

	connector, path string
	columns         []int
	names           []string // escaped, with the = behind
	starts          []bool
}

// NewKeys takes the named columns of in for folders below path. The connector
// begins the errors.
func NewKeys(connector, path string, in *arrow.Schema, names []string) (*Keys, error) {
	k := &Keys{connector: connector, path: path}
	var fields []arrow.Field
	for i, f := range in.Fields() {
		if !slices.Contains(names, f.Name) {
			k.Rest = append(k.Rest, i)
			fields = append(fields, f)
		}
	}
	for _, name := range names {
		i := columnar.Index(in, name)
		if i < 0 {
			return nil, &arrowstream.Error{Code: "AS1203", Msg: fmt.Sprintf("%s: partition column %q not found", connector, name), Hint: arrowstream.Suggest(name, columnar.Names(in), "columns")}
		}
		if err := k.check(in.Field(i)); err != nil {
			return nil, err
		}
		k.columns = append(k.columns, i)
		k.names = append(k.names, escape(name)+"=")
	}
	if len(fields) == 0 || columnar.Changelog(in) && len(fields) == 1 {
		return nil, &arrowstream.Error{Code: "AS1504", Msg: connector + ": all columns are partition columns", Hint: "leave at least one column for the files"}
	}
	md := in.Metadata()
	k.Files = arrow.NewSchema(fields, &md)
	return k, nil
}

// check refuses columns that make no folder names.
func (k *Keys) check(f arrow.Field) error {
	switch f.Type.ID() {
	case arrow.BOOL, arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64,
		arrow.STRING, arrow.LARGE_STRING, arrow.DATE32, arrow.TIMESTAMP, arrow.DECIMAL128:
		return nil
	case arrow.DICTIONARY:
		if f.Type.(*arrow.DictionaryType).ValueType.ID() == arrow.STRING {
			return nil
		}
	}
	return &arrowstream.Error{Code: "AS1504", Msg: fmt.Sprintf("%s: partition column %q is of type %s", k.connector, f.Name, f.Type), Hint: "partition by texts, integers, dates or timestamps"}
}

// Project is b without the columns that become folders, owned by the caller.
func (k *Keys) Project(b arrow.Record) arrow.Record {
	cols := make([]arrow.Array, len(k.Rest))
	for i, c := range k.Rest {
		cols[i] = b.Column(c)
	}
	return array.NewRecord(k.Files, cols, b.NumRows())
}

// Run is a run of rows of a batch that go to one folder, "k=v/l=w".
type Run struct {
	Dir      string
	From, To int
}

// Runs are the rows of b in their order, as runs; two that follow each other may
// go to the same folder. About 2 ns per row and column where values repeat.
func (k *Keys) Runs(b arrow.Record) ([]Run, error) {
	n := int(b.NumRows())
	k.starts = append(k.starts[:0], make([]bool, n)...)
	for _, c := range k.columns {
		changes(k.starts, b.Column(c))
	}
	var runs []Run
	for i := range n {
		if i > 0 && !k.starts[i] {
			runs[len(runs)-1].To++
			continue
		}
		dir, err := k.dir(b, i)
		if err != nil {
			return nil, err
		}
		runs = append(runs, Run{Dir: dir, From: i, To: i + 1})
	}
	return runs, nil
}

// dir is the folder of row i.
func (k *Keys) dir(b arrow.Record, i int) (string, error) {
	var sb strings.Builder
	for j, c := range k.columns {
		if j > 0 {
			sb.WriteByte('/')
		}
		start := sb.Len()
		sb.WriteString(k.names[j])
		sb.WriteString(text(b.Column(c), i))
		if n := sb.Len() - start; n > maxName {
			return "", &arrowstream.Error{
				Code: "AS4142", Msg: fmt.Sprintf("%s: write %s: a value of partition column %q makes the name of a directory of %d bytes, %d fit", k.connector, k.path, b.ColumnName(c), n, maxName),
				Hint: "partition by something shorter, such as a hash of the column",
			}
		}
	}
	return sb.String(), nil
}

// changes marks the rows of a that may differ from the row before.
func changes(starts []bool, a arrow.Array) {
	switch a.DataType().ID() {
	case arrow.INT8:
		mark(starts, columnar.Values[int8](a))
	case arrow.INT16:
		mark(starts, columnar.Values[int16](a))
	case arrow.INT32, arrow.DATE32:
		mark(starts, columnar.Values[int32](a))
	case arrow.INT64, arrow.TIMESTAMP:
		mark(starts, columnar.Values[int64](a))
	case arrow.UINT8:
		mark(starts, columnar.Values[uint8](a))
	case arrow.UINT16:
		mark(starts, columnar.Values[uint16](a))
	case arrow.UINT32:
		mark(starts, columnar.Values[uint32](a))
	case arrow.UINT64:
		mark(starts, columnar.Values[uint64](a))
	case arrow.STRING, arrow.LARGE_STRING:
		if a.NullN() < a.Len() {
			s := columnar.StringsOf(a)
			for i := 1; i < len(starts); i++ {
				starts[i] = starts[i] || !bytes.Equal(s.Bytes(i), s.Bytes(i-1))
			}
		}
	case arrow.DICTIONARY:
		if codes, _, ok := columnar.Dictionary(a); ok {
			mark(starts, codes)
			break
		}
		fallthrough
	default:
		for i := range starts {
			starts[i] = true
		}
	}
	if a.NullN() == 0 {
		return
	}
	valid := columnar.Validity(a)
	for i := 1; i < len(starts); i++ {
		starts[i] = starts[i] || valid.Get(i) != valid.Get(i-1)
	}
}

func mark[T comparable](starts []bool, v []T) {
	if len(v) == 0 {
		return // all are NULL
	}
	for i := 1; i < len(starts); i++ {
		starts[i] = starts[i] || v[i] != v[i-1]
	}
}

// text is a value as part of a folder name.
func text(a arrow.Array, i int) string {
	if a.IsNull(i) {
		return Null
	}
	var v string
	switch a := a.(type) {
	case *array.Dictionary:
		at := a.GetValueIndex(i)
		if a.Dictionary().IsNull(at) {
			return Null
		}
		v = a.Dictionary().(*array.String).Value(at)
	case *array.Timestamp:
		t := a.Value(i).ToTime(a.DataType().(*arrow.TimestampType).Unit).UTC()
		v = t.Format("2006-01-02 15:04:05.999999999")
	default:
		v = a.ValueStr(i)
	}
	if v == "" {
		return Null // a folder needs a name; Hive and Spark do the same
	}
	return escape(v)
}
