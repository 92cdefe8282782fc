package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// caster converts a column to type to. A value that cannot be converted is an
// error, or NULL with try.
type caster func(mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error)

// Cast converts a to type to by the rules of SQL CAST: numbers to integers drop
// the fraction, decimals round half away from zero, finer times are cut down
// towards minus infinity, text is read without regard to locale and with blanks
// around it ignored. A value that does not fit is an error with code AS4001 or
// AS4003, or NULL with try. A pair of types without conversion is an error with
// code AS1301, also with try.
func Cast(mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error) {
	from := a.DataType()
	if columnar.SameType(from, to) {
		a.Retain()
		return a, nil
	}
	if d, ok := a.(*array.Dictionary); ok {
		return castDictionary(mem, d, to, try)
	}
	if t, ok := to.(*arrow.DictionaryType); ok {
		return encodeDictionary(mem, a, t, try)
	}
	c, _ := casterFor(from, to)
	if c == nil {
		return nil, noCast(from, to)
	}
	return c(mem, a, to, try)
}

// CanCast reports whether a conversion from one type to the other exists, and
// whether it can fail for some value.
func CanCast(from, to arrow.DataType) (ok, fails bool) {
	if columnar.SameType(from, to) {
		return true, false
	}
	if d, ok := to.(*arrow.DictionaryType); ok {
		return CanCast(from, d.ValueType)
	}
	if d, ok := from.(*arrow.DictionaryType); ok {
		return CanCast(d.ValueType, to)
	}
	c, fails := casterFor(from, to)
	return c != nil, fails
}

func noCast(from, to arrow.DataType) error {
	e := errorf(CodeTypes, "cannot cast %s to %s", SQLName(from), SQLName(to))
	switch {
	case isNumber(from) && to.ID() == arrow.TIMESTAMP:
		e.Hint = "use TO_TIMESTAMP_LTZ(n, 0 | 3 | 6 | 9)"
	case from.ID() == arrow.TIMESTAMP && isNumber(to):
		e.Hint = "use UNIX_TIMESTAMP(ts) or EXTRACT(EPOCH FROM ts)"
	}
	return e
}

// casterFor returns the conversion between two different types that are not
// dictionaries, nil if there is none, and whether it can fail.
func casterFor(from, to arrow.DataType) (c caster, fails bool) {
	switch {
	case isNull(from):
		return castNull, false
	case isBytes(from):
		return fromText(from, to)
	case isText(to):
		return castToText, false
	case from.ID() == arrow.BOOL:
		return fromBool(to), false
	case to.ID() == arrow.BOOL && isNumber(from):
		return numberToBool(from), false
	case isDecimal(from) && isNumber(to):
		return fromDecimal(to), !isFloat(to)
	case isDecimal(to) && isNumber(from):
		return toDecimal(from), true
	case isNumber(from) && isNumber(to):
		return numberCaster(from, to)
	}
	if c, fails := timeCaster(from, to); c != nil {
		return c, fails
	}
	return nestedCaster(from, to)
}

func castNull(mem memory.Allocator, a arrow.Array, to arrow.DataType, _ bool) (arrow.Array, error) {
	return Nulls(mem, to, a.Len()), nil
}

// castDictionary converts the values of a dictionary once. When one of them
// does not fit it converts the rows, since no row may have that value.
func castDictionary(mem memory.Allocator, d *array.Dictionary, to arrow.DataType, try bool) (arrow.Array, error) {
	if d.Dictionary().Len() <= d.Len() {
		if values, err := Cast(mem, d.Dictionary(), to, try); err == nil {
			defer values.Release()
			return Take(mem, values, dictionaryRows(d))
		}
	}
	plain, err := DecodeDictionary(mem, d)
	if err != nil {
		return nil, err
	}
	defer plain.Release()
	return Cast(mem, plain, to, try)
}

// encodeDictionary converts a to text and gives each distinct value a code, in
// the order of first appearance.
func encodeDictionary(mem memory.Allocator, a arrow.Array, t *arrow.DictionaryType, try bool) (arrow.Array, error) {
	if !isBytes(t.ValueType) || t.IndexType.ID() != arrow.INT32 {
		return nil, noCast(a.DataType(), t)
	}
	plain, err := Cast(mem, a, t.ValueType, try)
	if err != nil {
		return nil, err
	}
	defer plain.Release()
	n := plain.Len()
	col := Column(plain)
	texts := col.texts()
	codes := make(map[string]int32)
	valid := strict(mem, n, col)
	buf, out := fixed[int32](mem, n)
	var first []int32
	for i := range n {
		if !valid.get(i) {
			continue
		}
		code, ok := codes[texts.String(i)]
		if !ok {
			code = int32(len(first))
			codes[texts.String(i)] = code
			first = append(first, int32(i))
		}
		out[i] = code
	}
	values, err := Take(mem, plain, first)
	if err != nil {
		giveUp(valid, buf)
		return nil, err
	}
	defer values.Release()
	indices := finish(t.IndexType, valid, buf)
	defer indices.Release()
	return array.NewDictionaryArray(t, indices, values), nil
}
