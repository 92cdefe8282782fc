package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/format"

	"github.com/arrowstream/arrowstream/columnar"
)

// convert turns n values as they stand in the file into values of the column.
type convert func(dst, src []byte, n int) error

// converter returns how values of e become typ, nil when their bytes are the
// same, or an error when the conversion could lose something.
func converter(e *format.SchemaElement, typ arrow.DataType) (convert, error) {
	from, err := leafType(e)
	if err != nil {
		return nil, err
	}
	refuse := func() (convert, error) {
		return nil, fmt.Errorf("%s cannot be read as %s", from, typ)
	}
	if d, ok := typ.(*arrow.Decimal128Type); ok {
		f, ok := from.(*arrow.Decimal128Type)
		if !ok || f.Scale != d.Scale || f.Precision > d.Precision {
			return refuse()
		}
		return decimalConverter(e), nil
	}
	if to, ok := typ.(*arrow.TimestampType); ok {
		switch f := from.(type) {
		case *arrow.TimestampType:
			if e.Type.V == format.Int96 {
				return int96Converter(to.Unit), nil
			}
			return unitConverter(f.Unit, to.Unit), nil
		case *arrow.Int64Type:
			return nil, nil
		case *arrow.Int32Type:
			return widen[int64, int32], nil
		}
		return refuse()
	}
	if arrow.TypeEqual(from, typ) {
		return storedNarrow(typ), nil
	}
	switch {
	case typ.ID() == arrow.DURATION && from.ID() == arrow.INT64:
		return nil, nil
	case arrow.TypeEqual(typ, arrow.FixedWidthTypes.Time32s) && from.ID() == arrow.TIME32:
		return millisToSeconds, nil
	case typ.ID() == arrow.DATE64 && from.ID() == arrow.DATE32:
		return daysToMillis, nil
	}
	switch from.ID() {
	case arrow.INT8, arrow.INT16, arrow.INT32:
		switch {
		case typ.ID() == arrow.INT64:
			return widen[int64, int32], nil
		case typ.ID() == arrow.FLOAT64:
			return widen[float64, int32], nil
		case typ.ID() == arrow.INT32:
			return nil, nil
		case typ.ID() == arrow.INT16 && from.ID() == arrow.INT8:
			return widen[int16, int32], nil
		}
	case arrow.UINT8, arrow.UINT16, arrow.UINT32:
		switch {
		case typ.ID() == arrow.INT64:
			return widen[int64, uint32], nil
		case typ.ID() == arrow.UINT64:
			return widen[uint64, uint32], nil
		case typ.ID() == arrow.FLOAT64:
			return widen[float64, uint32], nil
		case typ.ID() == arrow.UINT32, typ.ID() == arrow.INT32 && from.ID() != arrow.UINT32:
			return nil, nil
		case from.ID() == arrow.UINT8 && typ.ID() == arrow.UINT16:
			return widen[uint16, uint32], nil
		case from.ID() == arrow.UINT8 && typ.ID() == arrow.INT16:
			return widen[int16, uint32], nil
		}
	case arrow.FLOAT32:
		if typ.ID() == arrow.FLOAT64 {
			return widen[float64, float32], nil
		}
	}
	return refuse()
}

// storedNarrow narrows the 32 bits in which the format stores smaller integers.
func storedNarrow(typ arrow.DataType) convert {
	switch typ.ID() {
	case arrow.INT8:
		return widen[int8, int32]
	case arrow.INT16:
		return widen[int16, int32]
	case arrow.UINT8:
		return widen[uint8, uint32]
	case arrow.UINT16:
		return widen[uint16, uint32]
	}
	return nil
}

func widen[D, S columnar.Fixed](dst, src []byte, n int) error {
	to, from := columnar.AsValues[D](dst)[:n], columnar.AsValues[S](src)[:n]
	for i, x := range from {
		to[i] = D(x)
	}
	return nil
}

func millisToSeconds(dst, src []byte, n int) error {
	to, from := columnar.AsValues[int32](dst)[:n], columnar.AsValues[int32](src)[:n]
	for i, x := range from {
		to[i] = x / 1000
	}
	return nil
}

func daysToMillis(dst, src []byte, n int) error {
	to, from := columnar.AsValues[int64](dst)[:n], columnar.AsValues[int32](src)[:n]
	for i, x := range from {
		to[i] = int64(x) * 86_400_000
	}
	return nil
}

// unitConverter changes the unit of timestamps: coarser units round down, finer
// ones may overflow.
func unitConverter(from, to arrow.TimeUnit) convert {
	f, t := int64(from.Multiplier()), int64(to.Multiplier())
	switch {
	case f == t:
		return nil
	case f > t:
		factor := f / t
		return func(dst, src []byte, n int) error {
			out, in := columnar.AsValues[int64](dst)[:n], columnar.AsValues[int64](src)[:n]
			for i, x := range in {
				y := x * factor
				if y/factor != x {
					return fmt.Errorf("timestamp %d %s is out of range in %s", x, from, to)
				}
				out[i] = y
			}
			return nil
		}
	}
	factor := t / f
	return func(dst, src []byte, n int) error {
		out, in := columnar.AsValues[int64](dst)[:n], columnar.AsValues[int64](src)[:n]
		for i, x := range in {
			y := x / factor
			if x%factor < 0 {
				y--
			}
			out[i] = y
		}
		return nil
	}
}

const julianUnixEpoch = 2440588

// int96Converter decodes the old timestamps of Impala and Spark: nanoseconds
// of the day and a Julian day number.
func int96Converter(unit arrow.TimeUnit) convert {
	per := int64(unit.Multiplier())
	return func(dst, src []byte, n int) error {
		out := columnar.AsValues[int64](dst)[:n]
		for i := range out {
			nanos := int64(binary.LittleEndian.Uint64(src[12*i:]))
			day := int64(binary.LittleEndian.Uint32(src[12*i+8:])) - julianUnixEpoch
			perDay := 86_400_000_000_000 / per
			if nanos < 0 || nanos >= 86_400_000_000_000 || day > math.MaxInt64/perDay-1 || day < math.MinInt64/perDay+1 {
				return errors.New("timestamp in 96 bits is out of range")
			}
			out[i] = day*perDay + nanos/per
		}
		return nil
	}
}

// decimalConverter widens decimals to the 128 bits of Arrow: 32- and 64-bit
// integers, or big-endian two's complement of up to 16 bytes.
func decimalConverter(e *format.SchemaElement) convert {
	put := func(dst []byte, lo uint64, hi int64) {
		binary.LittleEndian.PutUint64(dst, lo)
		binary.LittleEndian.PutUint64(dst[8:], uint64(hi))
	}
	switch e.Type.V {
	case format.Int32:
		return func(dst, src []byte, n int) error {
			for i, x := range columnar.AsValues[int32](src)[:n] {
				put(dst[16*i:], uint64(int64(x)), int64(x)>>63)
			}
			return nil
		}
	case format.Int64:
		return func(dst, src []byte, n int) error {
			for i, x := range columnar.AsValues[int64](src)[:n] {
				put(dst[16*i:], uint64(x), x>>63)
			}
			return nil
		}
	}
	width := int(e.TypeLength.V)
	return func(dst, src []byte, n int) error {
		for i := range n {
			v := src[i*width : (i+1)*width]
			hi := int64(int8(v[0])) >> 7
			lo := uint64(hi)
			for _, b := range v {
				hi = hi<<8 | int64(lo>>56)
				lo = lo<<8 | uint64(b)
			}
			put(dst[16*i:], lo, hi)
		}
		return nil
	}
}
