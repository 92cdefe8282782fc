package arrowstream

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// settle makes Arrow compute what it computes on the first call, without a
// lock: null counts and the array of a dictionary. After that, goroutines may
// read b at the same time.
func settle(b Batch) {
	for _, col := range b.Columns() {
		settleArray(col)
	}
}

func settleArray(a arrow.Array) {
	a.NullN()
	switch a := a.(type) {
	case *array.Dictionary:
		settleArray(a.Indices())
		settleArray(a.Dictionary())
	case array.ListLike:
		settleArray(a.ListValues())
	case *array.Struct:
		for i := range a.NumField() {
			settleArray(a.Field(i))
		}
	}
}
