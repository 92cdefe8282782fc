package kernels

import (
	"bytes"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/internal/cell"
	"github.com/arrowstream/arrowstream/internal/jsontext"
)

// jsonArrayLength is the number of elements of a JSON array, NULL for all else.
func jsonArrayLength(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, int32Type, n), nil
	}
	s := textsOf(args[0])
	valid := strict(mem, n, args...)
	buf, out := fixed[int32](mem, n)
	for i := range out {
		if !valid.get(i) {
			continue
		}
		k, ok := jsontext.ArrayLength(s.at(i))
		if !ok {
			valid.null(i)
			continue
		}
		out[i] = int32(k)
	}
	return finish(int32Type, valid, buf), nil
}

// bindFromJSON resolves FROM_JSON(text, schema), whose schema is a NULL of
// the type of the result: a constant text in SQL. A text that is no JSON, or has a
// value that does not fit, is NULL; members that are missing are NULL, those that
// the type has not are passed over.
func bindFromJSON(f *Function, args []Arg) (*Binding, error) {
	if !accepts(args[0], textType) || isNull(args[1].Type) {
		return nil, f.mismatch(args)
	}
	t := args[1].Type
	trial, err := cell.NewColumn(t, memory.DefaultAllocator)
	if err != nil {
		return nil, errorf(CodeTypes, "%s: %s", f.Name, err)
	}
	trial.Release()
	return &Binding{Args: []arrow.DataType{textType, nil}, Out: t, Nulls: NullPossible, Kernel: fromJSON(t)}, nil
}

func fromJSON(t arrow.DataType) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if args[0].Null() {
			return Nulls(mem, t, n), nil
		}
		col, err := cell.NewColumn(t, mem)
		if err != nil {
			return nil, errorf(CodeTypes, "from_json: %s", err)
		}
		defer col.Release()
		d := jsontext.NewDecoder(jsontext.Options{})
		s := textsOf(args[0])
		valid := validBits(args[0], n)
		for i := range n {
			if !valid.Get(i) {
				col.AppendNull()
				continue
			}
			if d.Value(bytes.TrimSpace(s.at(i)), col) != nil || col.Len() != i+1 {
				col.Truncate(i)
				col.AppendNull()
			}
		}
		return col.Array(), nil
	}
}
