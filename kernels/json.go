package kernels

import (
	"bytes"
	"math"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/internal/cell"
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

// jsonRaw shows everything as JSON.
func jsonRaw(dst, v []byte) ([]byte, bool) { return append(dst, v...), true }

// bindJSONKey resolves json -> key, a constant name or place.
func bindJSONKey(show jsonShow) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		var p jsontext.Path
		name, isText := args[1].stringConst()
		place, isInt := args[1].intConst()
		switch {
		case isText:
			p = jsontext.Member(name)
		case isInt && place >= 0 && place <= math.MaxInt32:
			p = jsontext.Element(int(place))
		default:
			return nil, &Error{Code: CodeFunction, Msg: f.Name + ": the key must be a constant text, or a number from 0", Hint: "usage: " + f.Usage}
		}
		k := tryText(textType, func(dst, s []byte) ([]byte, bool) {
			v, found, err := p.Find(s)
			if err != nil || !found {
				return dst, false
			}
			return show(dst, v)
		})
		b, err := texts(textType, k, textType)(f, args[:1])
		if err != nil {
			return nil, f.mismatch(args)
		}
		of := b.Kernel
		b.Args, b.Nulls = append(b.Args, nil), NullPossible
		b.Kernel = func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) { return of(mem, n, args[:1]) }
		return b, nil
	}
}

// bindIsJSON resolves IS JSON [VALUE | OBJECT | ARRAY | SCALAR].
func bindIsJSON(f *Function, args []Arg) (*Binding, error) {
	kind := "value"
	if len(args) == 2 {
		kind, _ = args[1].stringConst()
	}
	if !slices.Contains([]string{"value", "object", "array", "scalar"}, kind) {
		return nil, &Error{Code: CodeFunction, Msg: f.Name + ": the kind must be value, object, array or scalar", Hint: "usage: " + f.Usage}
	}
	return texts(boolType, testRows(func(s []byte) bool {
		if jsontext.Check(s) != nil {
			return false
		}
		s = bytes.TrimLeft(s, " \t\r\n")
		switch kind {
		case "object":
			return s[0] == '{'
		case "array":
			return s[0] == '['
		case "scalar":
			return s[0] != '{' && s[0] != '['
		}
		return true
	}), textType)(f, args)
}

// bindToJSON resolves TO_JSON(x). Texts become strings, times text in RFC 3339,
// bytes base64, NaN and the infinities null.
func bindToJSON(_ *Function, args []Arg) (*Binding, error) {
	return &Binding{Args: []arrow.DataType{nil}, Out: textType, Fails: true, Kernel: func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, textType, n), nil
		}
		view, err := cell.NewView(args[0].Array)
		if err != nil {
			return nil, errorf(CodeTypes, "to_json: %s", err)
		}
		valid := strict(mem, n, args...)
		out := newText(mem, n, 16*n)
		for i := range n {
			if !valid.get(i) {
				out.skip(i)
				continue
			}
			out.put(i, view.AppendJSON(out.tail(), args[0].at(i)))
		}
		return out.finish(textType, valid)
	}}, nil
}

// raiseError is an error for every row that is not NULL.
func raiseError(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	for i := range n {
		if args[0].valid(i) {
			return nil, &Error{Code: CodeValue, Msg: cut(args[0].texts().String(args[0].at(i)))}
		}
	}
	return Nulls(mem, textType, n), nil
}

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
