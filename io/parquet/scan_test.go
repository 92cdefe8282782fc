package parquet

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// TestLookAhead checks how far a scan runs ahead of its reader: with few
// columns into the next row groups, and never beyond its bounds.
func TestLookAhead(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := array.NewInt64Builder(mem)
	for i := range 6000 {
		b.Append(int64(i))
	}
	col := b.NewArray()
	b.Release()
	fields, cols := []arrow.Field{}, []arrow.Array{}
	for i := range 4 {
		fields, cols = append(fields, arrow.Field{Name: fmt.Sprintf("c%d", i), Type: col.DataType()}), append(cols, col)
	}
	rec := array.NewRecord(arrow.NewSchema(fields, nil), cols, 6000)
	col.Release()
	path := filepath.Join(t.TempDir(), "a.parquet")
	write(t, mem, &Sink{Path: path, RowGroupRows: 1000}, rec)
	rec.Release()
	for _, tt := range []struct {
		columns []string
		workers int
		ahead   int64
		pieces  int
	}{
		{[]string{"c0"}, 1, lookAheadBytes, 1},
		{[]string{"c0"}, 2, lookAheadBytes, 5}, // the third row group
		{[]string{"c0"}, 2, 0, 2},
		{[]string{"c0"}, 2, 3 * 500 * 8, 3},
		{[]string{"c0", "c1"}, 3, lookAheadBytes, 3},
		{[]string{"c0", "c1", "c2", "c3"}, 3, lookAheadBytes, 2},
	} {
		p, err := (&Source{Path: path, Columns: tt.columns}).plan()
		if err != nil {
			t.Fatal(err)
		}
		s := newScan(p, p.files, testEnv(mem, 500, tt.workers))
		s.max = 500
		if tt.workers > 1 {
			s.ahead = tt.ahead
		}
		if err := s.fill(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(s.window) != tt.pieces {
			t.Errorf("%d columns, %d workers, %d bytes: %d pieces ahead, want %d", len(tt.columns), tt.workers, tt.ahead, len(s.window), tt.pieces)
		}
		for next := int64(0); next < 6000; {
			f, err := s.next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := f.rec.Column(0).(*array.Int64).Value(0); got != next {
				t.Fatalf("row %d comes as row %d", got, next)
			}
			next += f.rec.NumRows()
			f.rec.Release()
		}
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
	}
}
