package kernels

import (
	"strconv"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// appender appends the text of row i of a column.
type appender func(dst []byte, i int) []byte

// textOf returns the appender of a column, nil for types without a text.
func textOf(a arrow.Array) appender {
	switch t := a.DataType().(type) {
	case *arrow.StringType, *arrow.BinaryType, *arrow.LargeStringType, *arrow.LargeBinaryType:
		s := columnar.StringsOf(a)
		return func(dst []byte, i int) []byte { return append(dst, s.Bytes(i)...) }
	case *arrow.BooleanType:
		b := columnar.Bools(a)
		return func(dst []byte, i int) []byte { return strconv.AppendBool(dst, b.Get(i)) }
	case *arrow.Int8Type:
		return numberText[int8](a)
	case *arrow.Int16Type:
		return numberText[int16](a)
	case *arrow.Int32Type:
		return numberText[int32](a)
	case *arrow.Int64Type:
		return numberText[int64](a)
	case *arrow.Uint8Type:
		return numberText[uint8](a)
	case *arrow.Uint16Type:
		return numberText[uint16](a)
	case *arrow.Uint32Type:
		return numberText[uint32](a)
	case *arrow.Uint64Type:
		return numberText[uint64](a)
	case *arrow.Float32Type:
		return numberText[float32](a)
	case *arrow.Float64Type:
		return numberText[float64](a)
	case *arrow.Decimal128Type:
		v := decimals(a)
		return func(dst []byte, i int) []byte { return appendDecimal(dst, v[i], t.Scale) }
	case *arrow.Date32Type:
		v := columnar.Values[int32](a)
		return func(dst []byte, i int) []byte { return appendDate(dst, int64(v[i])) }
	case *arrow.Date64Type:
		v := columnar.Values[int64](a)
		return func(dst []byte, i int) []byte { return appendDate(dst, columnar.FloorDiv(v[i], secondsPerDay*1000)) }
	case *arrow.TimestampType:
		v := columnar.Values[int64](a)
		if clock, _ := wallClock(t); clock != nil {
			return func(dst []byte, i int) []byte { return appendTimestamp(dst, clock.Local(v[i]), t.Unit) }
		}
		return func(dst []byte, i int) []byte { return appendTimestamp(dst, v[i], t.Unit) }
	case *arrow.Time32Type:
		v := columnar.Values[int32](a)
		return func(dst []byte, i int) []byte { return appendClock(dst, int64(v[i]), t.Unit) }
	case *arrow.Time64Type:
		v := columnar.Values[int64](a)
		return func(dst []byte, i int) []byte { return appendClock(dst, v[i], t.Unit) }
	case *arrow.DurationType:
		v := columnar.Values[int64](a)
		return func(dst []byte, i int) []byte { return appendDuration(dst, v[i], t.Unit) }
	case *arrow.MonthIntervalType:
		v := columnar.Values[int32](a)
		return func(dst []byte, i int) []byte { return appendMonths(dst, v[i]) }
	}
	return nestedText(a)
}

func numberText[T columnar.Fixed](a arrow.Array) appender {
	v := columnar.Values[T](a)
	return func(dst []byte, i int) []byte { return appendNumber(dst, v[i]) }
}

// appendMonths writes [-]years-months.
func appendMonths(dst []byte, v int32) []byte {
	n := int64(v)
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	return strconv.AppendInt(append(strconv.AppendInt(dst, n/12, 10), '-'), n%12, 10)
}

// nestedText writes lists as [a,b], structs as {a,b}, dictionaries as their
// values; a NULL inside is null.
func nestedText(a arrow.Array) appender {
	list := func(values arrow.Array, span func(i int) (int, int)) appender {
		elem := textOf(values)
		if elem == nil {
			return nil
		}
		return func(dst []byte, i int) []byte {
			from, to := span(i)
			dst = append(dst, '[')
			for j := from; j < to; j++ {
				if j > from {
					dst = append(dst, ',')
				}
				if values.IsNull(j) {
					dst = append(dst, "null"...)
				} else {
					dst = elem(dst, j)
				}
			}
			return append(dst, ']')
		}
	}
	switch l := a.(type) {
	case *array.List:
		return list(l.ListValues(), func(i int) (int, int) { from, to := l.ValueOffsets(i); return int(from), int(to) })
	case *array.FixedSizeList:
		return list(l.ListValues(), func(i int) (int, int) { from, to := l.ValueOffsets(i); return int(from), int(to) })
	case *array.Map:
		return textOfMap(l)
	case *array.Dictionary:
		elem := textOf(l.Dictionary())
		return func(dst []byte, i int) []byte { return elem(dst, l.GetValueIndex(i)) }
	case *array.Struct:
		return structText(l)
	}
	return nil
}

// textOfMap writes a map as {key:value,...}.
func textOfMap(m *array.Map) appender {
	keys, items := textOf(m.Keys()), textOf(m.Items())
	if keys == nil || items == nil {
		return nil
	}
	return func(dst []byte, i int) []byte {
		from, to := m.ValueOffsets(i)
		dst = append(dst, '{')
		for k := int(from); k < int(to); k++ {
			if k > int(from) {
				dst = append(dst, ',')
			}
			dst = append(keys(dst, k), ':')
			if m.Items().IsNull(k) {
				dst = append(dst, "null"...)
			} else {
				dst = items(dst, k)
			}
		}
		return append(dst, '}')
	}
}

func structText(s *array.Struct) appender {
	fields := make([]appender, s.NumField())
	for k := range fields {
		if fields[k] = textOf(s.Field(k)); fields[k] == nil {
			return nil
		}
	}
	return func(dst []byte, i int) []byte {
		dst = append(dst, '{')
		for k, f := range fields {
			if k > 0 {
				dst = append(dst, ',')
			}
			if s.Field(k).IsNull(i) {
				dst = append(dst, "null"...)
			} else {
				dst = f(dst, i)
			}
		}
		return append(dst, '}')
	}
}

// castToText writes every value as text. Binary must be valid UTF-8: casterFor
// sends it elsewhere.
func castToText(mem memory.Allocator, a arrow.Array, to arrow.DataType, _ bool) (arrow.Array, error) {
	text := textOf(a)
	if text == nil {
		return nil, noCast(a.DataType(), to)
	}
	if to.ID() == arrow.LARGE_STRING {
		small, err := Cast(mem, a, textType, false)
		if err != nil {
			return nil, err
		}
		defer small.Release()
		return Cast(mem, small, to, false)
	}
	n := a.Len()
	valid := strict(mem, n, Column(a))
	out := newText(mem, n, 8*n)
	for i := range n {
		if valid.get(i) {
			out.put(i, text(out.tail(), i))
		} else {
			out.skip(i)
		}
	}
	return out.finish(to, valid)
}

// fromText returns the conversion of text or binary to another type.
func fromText(from, to arrow.DataType) (c caster, fails bool) {
	if isBytes(to) {
		return castBytes, isText(to) && !isText(from)
	}
	if !isText(from) {
		return nil, false
	}
	switch to.ID() {
	case arrow.BOOL:
		return textToBool, true
	case arrow.INT8:
		return textToInt[int8], true
	case arrow.INT16:
		return textToInt[int16], true
	case arrow.INT32:
		return textToInt[int32], true
	case arrow.INT64:
		return textToInt[int64], true
	case arrow.UINT8:
		return textToInt[uint8], true
	case arrow.UINT16:
		return textToInt[uint16], true
	case arrow.UINT32:
		return textToInt[uint32], true
	case arrow.UINT64:
		return textToUint64, true
	case arrow.FLOAT32:
		return textToFloat[float32], true
	case arrow.FLOAT64:
		return textToFloat[float64], true
	case arrow.DECIMAL128:
		return textToDecimal, true
	case arrow.DATE32, arrow.DATE64, arrow.TIMESTAMP, arrow.TIME32, arrow.TIME64:
		return textToTime, true
	case arrow.LIST, arrow.FIXED_SIZE_LIST:
		return textToList, true
	}
	return nil, false
}

// parsed builds a column from the text of each row.
func parsed[T columnar.Fixed](mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool, parse func(s string) (T, error)) (arrow.Array, error) {
	s := columnar.StringsOf(a)
	valid := strict(mem, a.Len(), Column(a))
	buf, out := fixed[T](mem, a.Len())
	for i := range out {
		if !valid.get(i) {
			continue
		}
		v, err := parse(s.String(i))
		switch {
		case err == nil:
			out[i] = v
		case try:
			valid.null(i)
		default:
			giveUp(valid, buf)
			return nil, err
		}
	}
	return finish(to, valid, buf), nil
}

func notRead(s string, to arrow.DataType) error {
	return errorf(CodeValue, "cannot cast %s to %s", strconv.Quote(cut(s)), SQLName(to))
}

func textToInt[T columnar.Fixed](mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error) {
	return parsed(mem, a, to, try, func(s string) (T, error) {
		v, ok, tooBig := parseInt(s)
		if tooBig || ok && int64(T(v)) != v {
			return 0, outOfRange(trimBlanks(s), to)
		}
		if !ok {
			return 0, notRead(s, to)
		}
		return T(v), nil
	})
}

func textToUint64(mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error) {
	return parsed(mem, a, to, try, func(s string) (uint64, error) {
		v, ok, tooBig := parseInt(s)
		if tooBig {
			if u, err := strconv.ParseUint(trimBlanks(s), 10, 64); err == nil {
				return u, nil
			}
		}
		if tooBig || ok && v < 0 {
			return 0, outOfRange(trimBlanks(s), to)
		}
		if !ok {
			return 0, notRead(s, to)
		}
		return uint64(v), nil
	})
}

func textToFloat[T float](mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error) {
	bits := 64
	if to.ID() == arrow.FLOAT32 {
		bits = 32
	}
	return parsed(mem, a, to, try, func(s string) (T, error) {
		v, ok := parseFloat(s, bits)
		if !ok && v != 0 {
			return 0, outOfRange(trimBlanks(s), to)
		}
		if !ok {
			return 0, notRead(s, to)
		}
		return T(v), nil
	})
}

func textToBool(mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error) {
	s := columnar.StringsOf(a)
	valid := strict(mem, a.Len(), Column(a))
	out := newBools(mem, a.Len())
	for i := range a.Len() {
		if !valid.get(i) {
			continue
		}
		v, ok := parseBool(s.String(i))
		switch {
		case v:
			out.bits.Set(i)
		case ok:
		case try:
			valid.null(i)
		default:
			giveUp(valid, out.buf)
			return nil, notRead(s.String(i), to)
		}
	}
	return out.finish(valid), nil
}

func textToDecimal(mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error) {
	t := to.(*arrow.Decimal128Type)
	s := columnar.StringsOf(a)
	valid := strict(mem, a.Len(), Column(a))
	buf, out := newDecimals(mem, a.Len())
	for i := range out {
		if !valid.get(i) {
			continue
		}
		var err error
		v, scale, ok := parseDecimal(s.String(i))
		if !ok {
			err = notRead(s.String(i), to)
		} else if out[i], ok = fitDecimal(rescaled(v, scale, t.Scale), t); !ok {
			err = outOfRange(trimBlanks(s.String(i)), to)
		}
		if err == nil {
			continue
		}
		if !try {
			giveUp(valid, buf)
			return nil, err
		}
		valid.null(i)
	}
	return finish(to, valid, buf), nil
}

// castBytes converts between text and binary and between their small and
// large layouts. Binary that becomes text must be UTF-8.
func castBytes(mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error) {
	n := a.Len()
	s := columnar.StringsOf(a)
	check := isText(to) && !isText(a.DataType())
	valid := strict(mem, n, Column(a))
	if check {
		for i := range n {
			if !valid.get(i) || utf8.Valid(s.Bytes(i)) {
				continue
			}
			if !try {
				valid.release()
				return nil, errorf(CodeValue, "cannot cast %s to %s: not UTF-8", strconv.QuoteToASCII(cut(s.String(i))), SQLName(to))
			}
			valid.null(i)
		}
	}
	if to.ID() == arrow.LARGE_STRING || to.ID() == arrow.LARGE_BINARY {
		return largeBytes(mem, s, valid, to), nil
	}
	out := newText(mem, n, 8*n)
	for i := range n {
		if valid.get(i) {
			out.put(i, append(out.tail(), s.Bytes(i)...))
		} else {
			out.skip(i)
		}
	}
	return out.finish(to, valid)
}

func largeBytes(mem memory.Allocator, s columnar.Strings, valid validity, to arrow.DataType) arrow.Array {
	off, ends := fixed[int64](mem, valid.n+1)
	size := 0
	for i := range valid.n {
		if valid.get(i) {
			size += len(s.Bytes(i))
		}
		ends[i+1] = int64(size)
	}
	data := newBuffer(mem, size)
	dst := data.Bytes()[:0]
	for i := range valid.n {
		if valid.get(i) {
			dst = append(dst, s.Bytes(i)...)
		}
	}
	return finish(to, valid, off, data)
}

// TextAt is the text of row i of a, "NULL" for NULL.
func TextAt(a arrow.Array, i int) string {
	if a.DataType().ID() == arrow.NULL || a.IsNull(i) {
		return "NULL"
	}
	text := textOf(a)
	if text == nil {
		return a.ValueStr(i)
	}
	return string(text(nil, i))
}
