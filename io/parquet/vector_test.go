package parquet

import (
	"path/filepath"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// float is an array of one value.
func float(x float64) arrow.Array {
	b := array.NewFloat64Builder(memory.NewGoAllocator())
	b.Append(x)
	return b.NewArray()
}

// vectorUDT is how Spark stores an ML vector.
type vectorUDT struct {
	Type    int32     `parquet:"type,int(8)"`
	Size    *int32    `parquet:"size,optional"`
	Indices []int32   `parquet:"indices,list,optional"`
	Values  []float64 `parquet:"values,list,optional"`
}

func TestSparkVectors(t *testing.T) {
	type row struct {
		Label    float64    `parquet:"label"`
		Features *vectorUDT `parquet:"features,optional"`
	}
	size := int32(4)
	path := filepath.Join(t.TempDir(), "a.parquet")
	node := pq.Group{
		"label": pq.Leaf(pq.DoubleType),
		"features": pq.Optional(orderedGroup{pq.Group{
			"type": pq.Int(8), "size": pq.Optional(pq.Int(32)),
			"indices": pq.Optional(pq.List(pq.Int(32))), "values": pq.Optional(pq.List(pq.Leaf(pq.DoubleType))),
		}}),
	}
	rows := []row{
		{1, &vectorUDT{Type: 1, Values: []float64{1, 2, 3}}},
		{0, &vectorUDT{Type: 0, Size: &size, Indices: []int32{0, 3}, Values: []float64{5, 6}}},
		{2, nil},
		{3, &vectorUDT{Type: 1, Values: []float64{}}},
	}
	if err := pq.WriteFile(path, rows, pq.NewSchema("spark", node)); err != nil {
		t.Fatal(err)
	}
	mem := columnartest.Allocator(t)
	s := &Source{Path: path, Columns: []string{"label", "features"}}
	got, err := s.Schema()
	if err != nil {
		t.Fatal(err)
	}
	if want := arrow.ListOf(arrow.PrimitiveTypes.Float64); !arrow.TypeEqual(got.Field(1).Type, want) {
		t.Fatalf("features are %s", got.Field(1).Type)
	}
	equalRows(t, mustRead(t, s, testEnv(mem, 3, 2)), []string{"1 [1,2,3]", "0 [5,0,0,6]", "2 null", "3 []"})
}

// orderedGroup puts the fields into the order in which Spark writes them: the
// library sorts them by name.
type orderedGroup struct{ pq.Group }

func (g orderedGroup) Fields() []pq.Field {
	byName := map[string]pq.Field{}
	for _, f := range g.Group.Fields() {
		byName[f.Name()] = f
	}
	return []pq.Field{byName["type"], byName["size"], byName["indices"], byName["values"]}
}

func TestUnsupportedColumnsAreLeftOut(t *testing.T) {
	type row struct {
		A int64          `parquet:"a"`
		M map[string]int `parquet:"m"`
	}
	path := filepath.Join(t.TempDir(), "a.parquet")
	if err := pq.WriteFile(path, []row{{1, map[string]int{"x": 2}}}); err != nil {
		t.Fatal(err)
	}
	mem := columnartest.Allocator(t)
	s := &Source{Path: path}
	equalRows(t, mustRead(t, s, testEnv(mem, 0, 1)), []string{"1"})
	omitted, err := s.Omitted()
	if err != nil || len(omitted) != 1 {
		t.Fatal(omitted, err)
	}
	_, err = (&Source{Path: path, Columns: []string{"m"}}).Schema()
	wantError(t, err, `"m"`, "MAP", "not supported")
}
