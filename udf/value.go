package udf

import (
	"database/sql"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// Value are the Go types of arguments and results:
//
//	bool           BOOLEAN
//	int32, int64   INT, BIGINT
//	float32        FLOAT
//	float64        DOUBLE
//	string         VARCHAR; must be UTF-8
//	[]byte         VARBINARY; valid during the call
//	time.Time      TIMESTAMP(6), in UTC; what is below a microsecond is cut off
//	time.Duration  INTERVAL DAY TO SECOND, in microseconds as well
//
// A sql.Null of them is one that can be NULL: as an argument the function is
// then called with NULL, as a result it can give it.
type Value interface {
	bool | int32 | int64 | float32 | float64 | string | []byte | time.Time | time.Duration |
		sql.Null[bool] | sql.Null[int32] | sql.Null[int64] | sql.Null[float32] | sql.Null[float64] |
		sql.Null[string] | sql.Null[[]byte] | sql.Null[time.Time] | sql.Null[time.Duration]
}

// traits is what a codec is for.
type traits struct {
	typ  arrow.DataType
	null bool // NULL is a value
}

// codec turns columns into Go values and back.
type codec[T any] struct {
	traits
	// read is the values of a column; where it is NULL, anything.
	read func(a arrow.Array) ([]T, error)
	// column begins a column of n rows.
	column func(mem memory.Allocator, n int) *builder[T]
}

// builder is a column of results under construction.
type builder[T any] struct {
	values []T
	// finish makes the column, with NULL where valid is not set.
	finish func(valid columnar.Bitmap) (arrow.Array, error)
	drop   func() // frees what finish has not taken over
}

func (b *builder[T]) close() {
	if b.drop != nil {
		b.drop()
	}
}

// codecOf is the codec of a type. Each case knows T, which the compiler does
// not.
func codecOf[T Value]() codec[T] {
	var c any
	switch any(*new(T)).(type) {
	case bool:
		c = bools()
	case int32:
		c = fixed[int32](arrow.PrimitiveTypes.Int32)
	case int64:
		c = fixed[int64](arrow.PrimitiveTypes.Int64)
	case float32:
		c = fixed[float32](arrow.PrimitiveTypes.Float32)
	case float64:
		c = fixed[float64](arrow.PrimitiveTypes.Float64)
	case string:
		c = texts()
	case []byte:
		c = binaries()
	case time.Time:
		c = times()
	case time.Duration:
		c = durations()
	case sql.Null[bool]:
		c = nullable(bools())
	case sql.Null[int32]:
		c = nullable(fixed[int32](arrow.PrimitiveTypes.Int32))
	case sql.Null[int64]:
		c = nullable(fixed[int64](arrow.PrimitiveTypes.Int64))
	case sql.Null[float32]:
		c = nullable(fixed[float32](arrow.PrimitiveTypes.Float32))
	case sql.Null[float64]:
		c = nullable(fixed[float64](arrow.PrimitiveTypes.Float64))
	case sql.Null[string]:
		c = nullable(texts())
	case sql.Null[[]byte]:
		c = nullable(binaries())
	case sql.Null[time.Time]:
		c = nullable(times())
	case sql.Null[time.Duration]:
		c = nullable(durations())
	}
	return c.(codec[T])
}

// needed is the rows in which no argument is NULL that cannot be.
func needed(args []traits, data []kernels.Datum, n int) columnar.Bitmap {
	valid := columnar.Bitmap{N: n}
	for i, t := range args {
		if !t.null {
			valid = columnar.And(valid, kernels.ValidRows(data[i], n))
		}
	}
	return valid
}

// fixed is the codec of numbers: columns are read and written in place.
func fixed[T columnar.Fixed](t arrow.DataType) codec[T] {
	return codec[T]{
		traits: traits{typ: t},
		read:   func(a arrow.Array) ([]T, error) { return columnar.Values[T](a), nil },
		column: func(mem memory.Allocator, n int) *builder[T] {
			buf := memory.NewResizableBuffer(mem)
			buf.Resize(n * t.(arrow.FixedWidthDataType).Bytes())
			b := &builder[T]{values: columnar.AsValues[T](buf.Bytes()), drop: buf.Release}
			b.finish = func(valid columnar.Bitmap) (arrow.Array, error) { return build(mem, t, n, valid, buf), nil }
			return b
		},
	}
}

// build makes a column of data and validity. It takes over neither.
func build(mem memory.Allocator, t arrow.DataType, n int, valid columnar.Bitmap, data ...*memory.Buffer) arrow.Array {
	buffers := append([]*memory.Buffer{nil}, data...)
	nulls := 0
	if !valid.All() {
		bits := memory.NewResizableBuffer(mem)
		bits.Resize(columnar.BitmapBytes(n))
		columnar.Bitmap{Bits: bits.Bytes(), N: n}.CopyFrom(valid)
		defer bits.Release()
		buffers[0], nulls = bits, n-valid.Count()
	}
	d := array.NewData(t, n, buffers, nil, nulls, 0)
	defer d.Release()
	return array.MakeFromData(d)
}

// bools is the codec of BOOLEAN.
func bools() codec[bool] {
	t := arrow.FixedWidthTypes.Boolean
	return codec[bool]{
		traits: traits{typ: t},
		read: func(a arrow.Array) ([]bool, error) {
			out := make([]bool, a.Len())
			for i := range columnar.Bools(a).Ones() {
				out[i] = true
			}
			return out, nil
		},
		column: func(mem memory.Allocator, n int) *builder[bool] {
			b := &builder[bool]{values: make([]bool, n)}
			b.finish = func(valid columnar.Bitmap) (arrow.Array, error) {
				buf := memory.NewResizableBuffer(mem)
				defer buf.Release()
				buf.Resize(columnar.BitmapBytes(n))
				clear(buf.Bytes())
				bits := columnar.Bitmap{Bits: buf.Bytes(), N: n}
				for i, v := range b.values {
					if v {
						bits.Set(i)
					}
				}
				return build(mem, t, n, valid, buf), nil
			}
			return b
		},
	}
}

// variable is the codec of text and bytes: read views the bytes of a column, of
// which own makes values.
func variable[T string | []byte](t arrow.DataType, own func(data []byte, at func(i int) (from, to int), n int) []T, check func(T) bool) codec[T] {
	return codec[T]{
		traits: traits{typ: t},
		read: func(a arrow.Array) ([]T, error) {
			s := columnar.StringsOf(a)
			var all []byte
			ends := make([]int, a.Len()+1)
			for i := range a.Len() {
				all = append(all, s.Bytes(i)...)
				ends[i+1] = len(all)
			}
			return own(all, func(i int) (int, int) { return ends[i], ends[i+1] }, a.Len()), nil
		},
		column: func(mem memory.Allocator, n int) *builder[T] {
			b := &builder[T]{values: make([]T, n)}
			b.finish = func(valid columnar.Bitmap) (arrow.Array, error) {
				out := array.NewBinaryBuilder(mem, t.(arrow.BinaryDataType))
				defer out.Release()
				out.Reserve(n)
				for i, v := range b.values {
					switch {
					case !valid.Get(i):
						out.AppendNull()
					case !check(v):
						return nil, fmt.Errorf("the result %q is not UTF-8", v)
					default:
						out.Append([]byte(v))
					}
				}
				return out.NewArray(), nil
			}
			return b
		},
	}
}

// texts is the codec of VARCHAR: one copy for all strings of a column, which may
// therefore be kept.
func texts() codec[string] {
	return variable(arrow.BinaryTypes.String, func(data []byte, at func(int) (int, int), n int) []string {
		all := string(data)
		out := make([]string, n)
		for i := range out {
			from, to := at(i)
			out[i] = all[from:to]
		}
		return out
	}, utf8.ValidString)
}

// binaries is the codec of VARBINARY.
func binaries() codec[[]byte] {
	return variable(arrow.BinaryTypes.Binary, func(data []byte, at func(int) (int, int), n int) [][]byte {
		out := make([][]byte, n)
		for i := range out {
			from, to := at(i)
			out[i] = data[from:to:to]
		}
		return out
	}, func([]byte) bool { return true })
}

// micros is the codec of a type that is stored in microseconds.
func micros[T any](t arrow.DataType, from func(int64) (T, bool), to func(T) (int64, bool)) codec[T] {
	stored := fixed[int64](t)
	return codec[T]{
		traits: traits{typ: t},
		read: func(a arrow.Array) ([]T, error) {
			out, valid := make([]T, a.Len()), columnar.Validity(a)
			for i, v := range columnar.Values[int64](a) {
				var ok bool
				if out[i], ok = from(v); !ok && valid.Get(i) {
					return nil, &kernels.Error{Code: kernels.CodeOverflow, Msg: fmt.Sprintf("%d microseconds do not fit a value of Go", v)}
				}
			}
			return out, nil
		},
		column: func(mem memory.Allocator, n int) *builder[T] {
			inner := stored.column(mem, n)
			b := &builder[T]{values: make([]T, n), drop: inner.drop}
			b.finish = func(valid columnar.Bitmap) (arrow.Array, error) {
				for i, v := range b.values {
					var ok bool
					if inner.values[i], ok = to(v); !ok && valid.Get(i) {
						return nil, &kernels.Error{Code: kernels.CodeOverflow, Msg: fmt.Sprintf("%v is out of range of %s", v, kernels.SQLName(t))}
					}
				}
				return inner.finish(valid)
			}
			return b
		},
	}
}

func times() codec[time.Time] {
	return micros(&arrow.TimestampType{Unit: arrow.Microsecond}, func(v int64) (time.Time, bool) { return time.UnixMicro(v).UTC(), true }, func(t time.Time) (int64, bool) {
		v := t.UnixMicro()
		return v, time.UnixMicro(v).Unix() == t.Unix()
	})
}

func durations() codec[time.Duration] {
	return micros(arrow.FixedWidthTypes.Duration_us, func(v int64) (time.Duration, bool) {
		d := time.Duration(v) * time.Microsecond
		return d, d.Microseconds() == v
	}, func(d time.Duration) (int64, bool) { return d.Microseconds(), true })
}

// nullable is the codec of values that can be NULL.
func nullable[T any](c codec[T]) codec[sql.Null[T]] {
	return codec[sql.Null[T]]{
		traits: traits{typ: c.typ, null: true},
		read: func(a arrow.Array) ([]sql.Null[T], error) {
			values, err := c.read(a)
			if err != nil {
				return nil, err
			}
			out := make([]sql.Null[T], a.Len())
			for i := range columnar.Validity(a).Ones() {
				out[i] = sql.Null[T]{V: values[i], Valid: true}
			}
			return out, nil
		},
		column: func(mem memory.Allocator, n int) *builder[sql.Null[T]] {
			inner := c.column(mem, n)
			b := &builder[sql.Null[T]]{values: make([]sql.Null[T], n), drop: inner.drop}
			b.finish = func(valid columnar.Bitmap) (arrow.Array, error) {
				some := columnar.NewBitmap(n)
				for i, v := range b.values {
					if v.Valid && valid.Get(i) {
						inner.values[i] = v.V
						some.Set(i)
					}
				}
				return inner.finish(some)
			}
			return b
		},
	}
}
