package wasm

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/tetratelabs/wazero/api"
)

// shape is how a column of a type lies in the memory of a guest.
type shape struct {
	kind  kind
	width int           // bytes per value, of kindFixed
	plain api.ValueType // of an argument that is a number; 0 if it is none
	float bool
}

type kind int

const (
	kindBits  kind = iota // BOOLEAN
	kindFixed             // width bytes per value
	kindBytes             // text and bytes
)

// shapeOf is the shape of a type; ok is false where there is none.
func shapeOf(t arrow.DataType) (s shape, ok bool) {
	switch t.ID() {
	case arrow.BOOL:
		return shape{kind: kindBits, plain: api.ValueTypeI32}, true
	case arrow.STRING, arrow.BINARY:
		return shape{kind: kindBytes}, true
	case arrow.INT32, arrow.DATE32:
		return shape{kind: kindFixed, width: 4, plain: api.ValueTypeI32}, true
	case arrow.INT64, arrow.TIMESTAMP, arrow.DURATION:
		return shape{kind: kindFixed, width: 8, plain: api.ValueTypeI64}, true
	case arrow.FLOAT32:
		return shape{kind: kindFixed, width: 4, plain: api.ValueTypeF32, float: true}, true
	case arrow.FLOAT64:
		return shape{kind: kindFixed, width: 8, plain: api.ValueTypeF64, float: true}, true
	case arrow.INT8, arrow.UINT8, arrow.INT16, arrow.UINT16, arrow.UINT32, arrow.UINT64:
		return shape{kind: kindFixed, width: t.(arrow.FixedWidthDataType).Bytes()}, true
	}
	return s, false
}
