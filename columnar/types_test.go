package columnar_test

import (
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
)

// TestTypes reads the names of types, and compares each type with all others.
func TestTypes(t *testing.T) {
	names := []string{
		"null", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64",
		"utf8", "binary", "large_utf8", "large_binary", "dict", "date32", "date64", "time32[s]", "time32[ms]", "time64[us]", "time64[ns]", "months",
		"timestamp[s]", "timestamp[us]", "timestamp[us,UTC]", "duration[us]", "duration[ns]", "decimal(10,2)", "decimal(10,3)",
		"list<int64>", "list<utf8>", "vector[3]", "vector[4]", "struct<a:int64>", "struct<b:int64>",
	}
	types := make([]arrow.DataType, len(names))
	for i, name := range names {
		var err error
		if types[i], err = columnar.ParseType(name); err != nil {
			t.Fatal(err)
		}
		if got := columnar.TypeName(types[i]); got != name {
			t.Errorf("%s is called %s", name, got)
		}
	}
	types = append(types, nil)
	for i, a := range types {
		for j, b := range types {
			if got := columnar.SameType(a, b); got != (i == j) || got != arrow.TypeEqual(a, b) {
				t.Errorf("%v and %v: %v", a, b, got)
			}
		}
	}
}
