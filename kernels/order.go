package kernels

import (
	"bytes"
	"cmp"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
)

// Compare is -1, 0 or 1 as value i of a comes before, with or after value j of
// b in SQL order. a and b have the same type, where a dictionary counts as its
// values. NULL is lowest and equals NULL; NaN equals NaN and is greater than
// every number; -0 equals +0; strings go by bytes; lists and structs go by
// their elements in order, a list before its extensions, and maps, which SQL
// does not order, as lists of their entries. Types without an order (unions,
// views) are ordered by whether they are null only.
func Compare(a arrow.Array, i int, b arrow.Array, j int) int {
	if d, ok := a.(*array.Dictionary); ok && d.IsValid(i) {
		return Compare(d.Dictionary(), d.GetValueIndex(i), b, j)
	}
	if d, ok := b.(*array.Dictionary); ok && d.IsValid(j) {
		return Compare(a, i, d.Dictionary(), d.GetValueIndex(j))
	}
	an, bn := nullAt(a, i), nullAt(b, j)
	switch {
	case an && bn:
		return 0
	case an:
		return -1
	case bn:
		return 1
	}
	switch a.DataType().ID() {
	case arrow.BOOL:
		return compareBits(columnar.Bools(a).Get(i), columnar.Bools(b).Get(j))
	case arrow.INT8:
		return compareAt[int8](a, i, b, j)
	case arrow.INT16:
		return compareAt[int16](a, i, b, j)
	case arrow.INT32, arrow.DATE32, arrow.TIME32, arrow.INTERVAL_MONTHS:
		return compareAt[int32](a, i, b, j)
	case arrow.INT64, arrow.DATE64, arrow.TIME64, arrow.TIMESTAMP, arrow.DURATION:
		return compareAt[int64](a, i, b, j)
	case arrow.UINT8:
		return compareAt[uint8](a, i, b, j)
	case arrow.UINT16:
		return compareAt[uint16](a, i, b, j)
	case arrow.UINT32:
		return compareAt[uint32](a, i, b, j)
	case arrow.UINT64:
		return compareAt[uint64](a, i, b, j)
	case arrow.FLOAT32:
		return compareFloats(slots[float32](a)[i], slots[float32](b)[j])
	case arrow.FLOAT64:
		return compareFloats(slots[float64](a)[i], slots[float64](b)[j])
	case arrow.DECIMAL128:
		x, y := slots[wide128](a)[i], slots[wide128](b)[j]
		return cmp.Or(cmp.Compare(int64(x[1]), int64(y[1])), cmp.Compare(x[0], y[0]))
	case arrow.STRING, arrow.BINARY, arrow.LARGE_STRING, arrow.LARGE_BINARY:
		return bytes.Compare(columnar.StringsOf(a).Bytes(i), columnar.StringsOf(b).Bytes(j))
	case arrow.FIXED_SIZE_BINARY:
		return bytes.Compare(a.(*array.FixedSizeBinary).Value(i), b.(*array.FixedSizeBinary).Value(j))
	case arrow.LIST, arrow.LARGE_LIST, arrow.FIXED_SIZE_LIST, arrow.MAP:
		return compareLists(a.(array.ListLike), i, b.(array.ListLike), j)
	case arrow.STRUCT:
		x, y := a.(*array.Struct), b.(*array.Struct)
		for k := range min(x.NumField(), y.NumField()) {
			if c := Compare(x.Field(k), i, y.Field(k), j); c != 0 {
				return c
			}
		}
	case arrow.EXTENSION:
		return Compare(a.(array.ExtensionArray).Storage(), i, b.(array.ExtensionArray).Storage(), j)
	}
	return 0
}

// Ordered tells whether values of type t have an order in the sense of
// [Compare].
func Ordered(t arrow.DataType) bool {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return Ordered(t.ValueType)
	case *arrow.ListType:
		return Ordered(t.Elem())
	case *arrow.LargeListType:
		return Ordered(t.Elem())
	case *arrow.FixedSizeListType:
		return Ordered(t.Elem())
	case *arrow.StructType:
		for _, f := range t.Fields() {
			if !Ordered(f.Type) {
				return false
			}
		}
		return true
	case arrow.ExtensionType:
		return Ordered(t.StorageType())
	case *arrow.Float16Type, *arrow.Decimal256Type, *arrow.DayTimeIntervalType, *arrow.MonthDayNanoIntervalType:
		return false
	}
	kind, _ := layoutOf(t)
	return kind == layoutNull || kind == layoutBool || kind == layoutFixed || kind == layoutBytes || kind == layoutLargeBytes
}

// nullAt is a.IsNull, also for columns of type null.
func nullAt(a arrow.Array, i int) bool {
	return a.DataType().ID() == arrow.NULL || a.IsNull(i)
}

// valueIsNull is nullAt, also for codes of null dictionary entries.
func valueIsNull(a arrow.Array, i int) bool {
	if d, ok := a.(*array.Dictionary); ok && d.IsValid(i) {
		return nullAt(d.Dictionary(), d.GetValueIndex(i))
	}
	return nullAt(a, i)
}

func compareBits(x, y bool) int {
	switch {
	case x == y:
		return 0
	case y:
		return -1
	}
	return 1
}

func compareAt[T columnar.Fixed](a arrow.Array, i int, b arrow.Array, j int) int {
	return cmp.Compare(slots[T](a)[i], slots[T](b)[j])
}

// compareFloats is cmp.Compare with NaN above instead of below.
func compareFloats[T float32 | float64](x, y T) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	case x == y:
		return 0
	}
	return compareBits(x != x, y != y)
}

func compareLists(a array.ListLike, i int, b array.ListLike, j int) int {
	alo, ahi := a.ValueOffsets(i)
	blo, bhi := b.ValueOffsets(j)
	for k := range min(ahi-alo, bhi-blo) {
		if c := Compare(a.ListValues(), int(alo+k), b.ListValues(), int(blo+k)); c != 0 {
			return c
		}
	}
	return cmp.Compare(ahi-alo, bhi-blo)
}
