package parquet

import (
	"encoding/binary"
	"path/filepath"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// TestPageBounds compares what the page index and the page headers say with
// the values, and checks that predicates make use of it.
func TestPageBounds(t *testing.T) {
	type row struct {
		A int64  `parquet:"a"`
		N *int64 `parquet:"n,optional"`
	}
	rows := make([]row, 5000)
	for i := range rows {
		rows[i].A = int64(i / 3)
		if i >= 2500 {
			rows[i].N = &rows[i].A
		}
	}
	for _, version := range []int{1, 2} {
		path := filepath.Join(t.TempDir(), "a.parquet")
		if err := pq.WriteFile(path, rows, pq.DataPageVersion(version), pq.PageBufferSize(1600), pq.DataPageStatistics(true)); err != nil {
			t.Fatal(err)
		}
		f, err := openFile(nil, path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.close()
		col := &f.meta.RowGroups[0].Columns[0]
		index, headers := f.pageIndex(col, 5000), f.pageHeaders(&col.MetaData, 5000)
		if len(index) < 10 || len(index) != len(headers) {
			t.Fatalf("%d pages in the index, %d headers", len(index), len(headers))
		}
		for i, p := range index {
			end := int64(5000)
			if i+1 < len(index) {
				end = index[i+1].row
			}
			low, high := int64(binary.LittleEndian.Uint64(p.low)), int64(binary.LittleEndian.Uint64(p.high))
			if h := headers[i]; low != p.row/3 || high != (end-1)/3 || h.row != p.row || string(h.low) != string(p.low) || string(h.high) != string(p.high) {
				t.Fatalf("page %d: rows from %d, values %d to %d; header %v", i, p.row, low, high, headers[i])
			}
		}
		type bound struct {
			pred Predicate
			rows int // in pages that are not excluded, at most
		}
		var bounds []bound
		for _, p := range index {
			v := rows[p.row].A
			bounds = append(bounds, bound{Predicate{Column: "a", Op: ">=", Value: v}, 5000}, bound{Predicate{Column: "a", Op: "<=", Value: v}, 5000})
		}
		for _, tt := range append(bounds, []bound{
			{Predicate{Column: "a", Op: "=", Value: int64(700)}, 500},
			{Predicate{Column: "a", Op: "<", Value: int64(-1)}, 0},
			{Predicate{Column: "a", Op: ">=", Value: int64(0)}, 5000},
			{Predicate{Column: "n", Op: "is not null"}, 2800},
			{Predicate{Column: "n", Op: "<", Value: int64(900)}, 600},
		}...) {
			mem := columnartest.Allocator(t)
			p, err := (&Source{Path: path, Predicates: []Predicate{tt.pred}}).plan()
			if err != nil {
				t.Fatal(err)
			}
			o, err := p.open(p.files[0])
			if err != nil {
				t.Fatal(err)
			}
			g, err := o.openGroup(0, mem)
			if err != nil {
				t.Fatal(err)
			}
			g.excludePages()
			left := 0
			for from := 0; from < 5000; from += 700 {
				keep := g.included(int64(from), min(700, 5000-from))
				left += keep.Count()
				for i := range keep.N {
					v, ok := tt.pred.Value.(int64)
					x := rows[from+i].A
					passes := ok && tt.pred.Column == "a" && (tt.pred.Op == ">=" && x >= v || tt.pred.Op == "<=" && x <= v)
					if passes && !keep.Get(i) {
						t.Fatalf("%v: row %d is excluded", tt.pred, from+i)
					}
				}
			}
			if left > tt.rows {
				t.Errorf("%v: %d rows left, want %d at most", tt.pred, left, tt.rows)
			}
			if err := g.release(); err != nil {
				t.Fatal(err)
			}
			if err := o.release(); err != nil {
				t.Fatal(err)
			}
		}
		// An index that is not one excludes nothing.
		for _, c := range []format.ColumnChunk{
			{},
			{ColumnIndexOffset: col.ColumnIndexOffset, ColumnIndexLength: col.ColumnIndexLength},
			{ColumnIndexOffset: 1, ColumnIndexLength: 10, OffsetIndexOffset: 1, OffsetIndexLength: 10},
			{ColumnIndexOffset: f.size, ColumnIndexLength: 1 << 30, OffsetIndexOffset: -5, OffsetIndexLength: -5},
			{ColumnIndexOffset: col.OffsetIndexOffset, ColumnIndexLength: col.OffsetIndexLength, OffsetIndexOffset: col.ColumnIndexOffset, OffsetIndexLength: col.ColumnIndexLength},
			{ColumnIndexOffset: 4, ColumnIndexLength: 100, OffsetIndexOffset: 4, OffsetIndexLength: 100},
		} {
			if got := f.pageIndex(&c, 5000); got != nil {
				t.Errorf("%+v is read as %d pages", c, len(got))
			}
		}
		if got := f.pageIndex(col, 100); got != nil {
			t.Error("an index of more rows than there are")
		}
		if got := f.pageHeaders(&col.MetaData, 5001); got != nil {
			t.Error("pages of fewer rows than there are")
		}
	}
}

func TestPageHeaderStatistics(t *testing.T) {
	h := format.PageHeader{Type: format.DataPage, DataPageHeader: thrift.New(format.DataPageHeader{NumValues: 7, Statistics: format.Statistics{
		Max: []byte("old"), Min: []byte("old"), NullCount: 3, DistinctCount: 2, MinValue: []byte("a"), MaxValue: []byte("zz"),
	}})}
	b, err := thrift.Marshal(new(thrift.CompactProtocol), &h)
	if err != nil {
		t.Fatal(err)
	}
	got, n, err := readPageHeader(b)
	if err != nil || n != len(b) || string(got.stats.low) != "a" || string(got.stats.high) != "zz" || got.stats.nulls != 3 {
		t.Fatalf("%+v, %d of %d bytes, %v", got, n, len(b), err)
	}
	for cut := range b {
		if _, _, err := readPageHeader(b[:cut]); err == nil {
			t.Fatalf("%d of %d bytes are read", cut, len(b))
		}
	}
}
