package parquet

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// TestDictionaryThatOverflows writes so many texts that the sink gives up its
// dictionary within a row group: some pages hold codes, some texts.
func TestDictionaryThatOverflows(t *testing.T) {
	mem := columnartest.Allocator(t)
	for _, typ := range []arrow.DataType{arrow.BinaryTypes.String, columnar.Dict, arrow.BinaryTypes.LargeString} {
		schema := arrow.NewSchema([]arrow.Field{{Name: "s", Type: typ, Nullable: true}}, nil)
		b := array.NewRecordBuilder(mem, schema)
		var want []string
		for i := range 40_000 {
			v := fmt.Sprintf("a-text-that-is-longer-than-a-code-%08d", i)
			if i >= 33_000 && i%2 == 0 {
				v = "again"
			}
			if i%10 == 7 {
				b.Field(0).AppendNull()
				want = append(want, "null")
				continue
			}
			if err := b.Field(0).AppendValueFromString(v); err != nil {
				t.Fatal(err)
			}
			want = append(want, v)
		}
		rec := b.NewRecord()
		b.Release()
		path := filepath.Join(t.TempDir(), "a.parquet")
		write(t, mem, &Sink{Path: path}, rec)
		rec.Release()
		for _, strings := range []string{"auto", "dictionary", "plain"} {
			s := &Source{Path: path, Strings: strings}
			got, err := s.Schema()
			if err != nil {
				t.Fatal(err)
			}
			if isDict := got.Field(0).Type.ID() == arrow.DICTIONARY; isDict != (strings == "dictionary") {
				t.Errorf("strings = %s: column of type %s", strings, got.Field(0).Type)
			}
			for _, batch := range []int{5000, 0} {
				equalRows(t, mustRead(t, s, testEnv(mem, batch, 2)), want)
			}
		}
	}
}

func TestInvalidUTF8IsAnError(t *testing.T) {
	mem := columnartest.Allocator(t)
	for _, bad := range []string{"ab\xff", "\xc3"} {
		// The second half of a character in the next value: valid together.
		for _, values := range [][]string{{"ok", bad}, {bad, "\xa9x"}} {
			b := array.NewStringBuilder(mem)
			b.AppendValues(values, nil)
			col := b.NewArray()
			b.Release()
			rec := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "s", Type: col.DataType()}}, nil), []arrow.Array{col}, 2)
			col.Release()
			path := filepath.Join(t.TempDir(), "a.parquet")
			write(t, mem, &Sink{Path: path}, rec)
			rec.Release()
			for _, strings := range []string{"dictionary", "plain"} {
				_, err := read(t.Context(), &Source{Path: path, Strings: strings}, testEnv(mem, 0, 1))
				wantError(t, err, path, `"s"`, "UTF-8")
			}
		}
	}
}

func TestConnector(t *testing.T) {
	mem := columnartest.Allocator(t)
	dir := t.TempDir()
	in := columnartest.Batch(t, mem, "ts:timestamp[us]@ k:dict x:int64\n1 a 1\n2 b 2\n3 a 3\n")
	sink, err := Connector.Sink(arrowstream.Table{Name: "t", Options: map[string]string{"path": dir, "compression": "snappy", "row-group.rows": "1_000"}, Partition: []string{"k"}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, mem, sink.(*Sink), in)
	source, err := Connector.Source(arrowstream.Table{
		Name: "t", Options: map[string]string{"path": dir, "order": "event-time", "to": "1970-01-01T00:00:00.000003Z"},
		Schema: in.Schema(), Partition: []string{"k"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := source.Schema()
	if err != nil || columnar.EventTime(got) != 0 || !source.Bounded() {
		t.Fatal(got, err)
	}
	equalRows(t, mustRead(t, source, testEnv(mem, 0, 2)), []string{"1 a 1", "2 b 2"})
	for _, options := range []map[string]string{{}, {"path": dir, "ordr": "name"}, {"path": dir, "order": "nam"}, {"path": dir, "to": "yesterday"}} {
		if _, err := Connector.Source(arrowstream.Table{Options: options}); err == nil {
			t.Errorf("options %v are accepted", options)
		}
	}
	parts, err := (&Source{Path: dir, Order: "file"}).Open(t.Context(), testEnv(mem, 0, 4))
	if err != nil || len(parts) != 2 {
		t.Fatal(len(parts), err)
	}
	for _, p := range parts {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, err = (&Source{Path: filepath.Join(dir, "nothing")}).Schema()
	if err == nil || !strings.Contains(err.Error(), dir) {
		t.Fatal(err)
	}
}

// TestNearlyAllDictionaries checks what makes a text column dictionary-encoded:
// a short chunk without dictionary does not change it.
func TestNearlyAllDictionaries(t *testing.T) {
	coded := format.ColumnMetaData{NumValues: 70, Encoding: thrift.Slice[format.Encoding]{plainDictionary}}
	plain := format.ColumnMetaData{NumValues: 10, Encoding: thrift.Slice[format.Encoding]{format.Plain}}
	half := format.ColumnMetaData{NumValues: 10, Encoding: thrift.Slice[format.Encoding]{format.Plain, format.RLEDictionary}}
	half.EncodingStats = thrift.Slice[format.PageEncodingStats]{{PageType: format.DataPage, Encoding: format.RLEDictionary, Count: 3}, {PageType: format.DataPage, Encoding: format.Plain, Count: 1}}
	for _, tt := range []struct {
		chunks []format.ColumnMetaData
		want   bool
	}{
		{nil, false},
		{[]format.ColumnMetaData{coded}, true},
		{[]format.ColumnMetaData{coded, plain}, true},
		{[]format.ColumnMetaData{coded, half}, true},
		{[]format.ColumnMetaData{coded, plain, half}, false},
		{[]format.ColumnMetaData{plain}, false},
	} {
		f := &file{}
		for _, m := range tt.chunks {
			f.meta.RowGroups = append(f.meta.RowGroups, format.RowGroup{Columns: []format.ColumnChunk{{MetaData: m}}})
		}
		if got := f.hasDictionaries(&node{}); got != tt.want {
			t.Errorf("%d chunks: %t, want %t", len(tt.chunks), got, tt.want)
		}
	}
}
