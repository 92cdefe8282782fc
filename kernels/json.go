package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/internal/jsontext"
)

// jsonShow appends what a function shows of the JSON value v to dst; ok is
// false where that is NULL.
type jsonShow func(dst, v []byte) (out []byte, ok bool)

// jsonValue shows strings, numbers and booleans.
func jsonValue(dst, v []byte) ([]byte, bool) {
	if c := v[0]; c == '{' || c == '[' || c == 'n' {
		return dst, false
	}
	return jsontext.AppendText(dst, v), true
}

// jsonQuery shows objects and arrays.
func jsonQuery(dst, v []byte) ([]byte, bool) {
	return append(dst, v...), v[0] == '{' || v[0] == '['
}

// jsonObject shows everything but null.
func jsonObject(dst, v []byte) ([]byte, bool) {
	return jsontext.AppendText(dst, v), v[0] != 'n'
}

// jsonPath reads a constant path argument.
func jsonPath(f *Function, args []Arg) (jsontext.Path, error) {
	if !accepts(args[0], textType) {
		return nil, f.mismatch(args)
	}
	text, ok := args[1].stringConst()
	if !ok {
		return nil, &Error{Code: CodeFunction, Msg: f.Name + ": the path must be a constant text", Hint: "usage: " + f.Usage}
	}
	p, err := jsontext.ParsePath(text)
	if err != nil {
		return nil, &Error{Code: CodePattern, Msg: f.Name + ": " + err.Error(), Hint: "write a path such as $.a.b[0]"}
	}
	return p, nil
}

// bindJSON resolves a function of the value at a path.
func bindJSON(show jsonShow) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		p, err := jsonPath(f, args)
		if err != nil {
			return nil, err
		}
		k := tryText(textType, func(dst, s []byte) ([]byte, bool) {
			v, found, err := p.Find(s)
			if err != nil || !found {
				return dst, false
			}
			return show(dst, v)
		})
		return nulls(NullPossible, texts(textType, k, textType))(f, args)
	}
}

func bindJSONExists(f *Function, args []Arg) (*Binding, error) {
	p, err := jsonPath(f, args)
	if err != nil {
		return nil, err
	}
	return texts(boolType, testRows(func(s []byte) bool {
		_, found, err := p.Find(s)
		return found && err == nil
	}), textType)(f, args)
}

var isJSON = testRows(func(s []byte) bool { return jsontext.Check(s) == nil })

// testRows is the kernel of a test of one text.
func testRows(test func(s []byte) bool) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, boolType, n), nil
		}
		s := textsOf(args[0])
		valid := strict(mem, n, args...)
		out := newBools(mem, n)
		for i := range n {
			if valid.get(i) && test(s.at(i)) {
				out.bits.Set(i)
			}
		}
		return out.finish(valid), nil
	}
}
