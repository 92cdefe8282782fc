package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// same is n times t.
func same(t arrow.DataType, n int) []arrow.DataType {
	out := make([]arrow.DataType, n)
	for i := range out {
		out[i] = t
	}
	return out
}

func bindIf(f *Function, args []Arg) (*Binding, error) {
	if !accepts(args[0], boolType) {
		return nil, f.mismatch(args)
	}
	t, err := CommonType(f.Name, args[1:])
	if err != nil {
		return nil, err
	}
	return &Binding{Args: []arrow.DataType{boolType, t, t}, Out: t, Nulls: NullPossible, Kernel: ifKernel(t)}, nil
}

// bindNvl2 resolves NVL2(x, a, b). Package expr evaluates it as an IF.
func bindNvl2(f *Function, args []Arg) (*Binding, error) {
	t, err := CommonType(f.Name, args[1:])
	if err != nil {
		return nil, err
	}
	choose := ifKernel(t)
	return &Binding{Args: []arrow.DataType{nil, t, t}, Out: t, Nulls: NullPossible, Kernel: func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		there, err := isNullKernel(false)(mem, n, args[:1])
		if err != nil {
			return nil, err
		}
		defer there.Release()
		return choose(mem, n, []Datum{{there, args[0].Const && n == 1}, args[1], args[2]})
	}}, nil
}

// bindTypeOf resolves TYPEOF, which looks at no value.
func bindTypeOf(_ *Function, args []Arg) (*Binding, error) {
	name := SQLName(args[0].Type)
	return &Binding{Args: []arrow.DataType{nil}, Out: textType, Nulls: NeverNull, Kernel: func(mem memory.Allocator, n int, _ []Datum) (arrow.Array, error) {
		out := newText(mem, n, n*len(name))
		for i := range n {
			out.put(i, append(out.tail(), name...))
		}
		return out.finish(textType, noNulls(mem, n))
	}}, nil
}

func bindCoalesce(f *Function, args []Arg) (*Binding, error) {
	t, err := CommonType(f.Name, args)
	if err != nil {
		return nil, err
	}
	return &Binding{Args: same(t, len(args)), Out: t, Nulls: NullIfAll, Kernel: coalesceKernel(t)}, nil
}

// bindNullIf keeps the type of the first argument.
func bindNullIf(f *Function, args []Arg) (*Binding, error) {
	t, err := CommonType(f.Name, args)
	if err != nil {
		return nil, err
	}
	x, y := Logical(args[0].Type), Logical(args[1].Type)
	if isNull(x) || args[0].Literal && isText(x) {
		x = t
	}
	if args[1].Literal {
		y = t
	}
	_, fails := CanCast(x, t)
	_, fails2 := CanCast(y, t)
	return &Binding{Args: []arrow.DataType{x, y}, Out: x, Nulls: NullPossible, Fails: fails || fails2, Kernel: nullIf(x, t)}, nil
}

// bindNotNull keeps the type of the first argument.
func bindNotNull(f *Function, args []Arg) (*Binding, error) {
	b := &Binding{Args: []arrow.DataType{args[0].Type}, Out: args[0].Type, Nulls: NeverNull, Fails: true, Kernel: notNull}
	if len(args) > 1 {
		if !isText(Logical(args[1].Type)) {
			return nil, f.mismatch(args)
		}
		b.Args = append(b.Args, args[1].Type)
	}
	return b, nil
}

func bindExtremum(op comparison, skip bool) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		t, err := CommonType(f.Name, args)
		if err != nil {
			return nil, err
		}
		b := &Binding{Args: same(t, len(args)), Out: t, Kernel: extremum(op, t, skip)}
		if skip {
			b.Nulls = NullPossible
		}
		return b, nil
	}
}

func bindBetween(symmetric bool) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		t, err := comparedType(f, args)
		if err != nil {
			return nil, err
		}
		b := &Binding{Args: same(t, 3), Out: boolType, Nulls: NullPossible, Kernel: between(symmetric)}
		for _, a := range args[1:] {
			if a.Const == nil || a.Const.IsNull(0) {
				return b, nil
			}
		}
		b.Nulls = NullIfAny
		b.keepDictionaries(args)
		return b, nil
	}
}

func bindIn(f *Function, args []Arg) (*Binding, error) {
	t, err := comparedType(f, args)
	if err != nil {
		return nil, err
	}
	b := &Binding{Args: same(t, len(args)), Out: boolType, Nulls: NullPossible, Kernel: in(t, newMemberSet(t, args[1:]))}
	b.keepDictionaries(args)
	return b, nil
}
