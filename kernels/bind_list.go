package kernels

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// bindElementAt resolves list[k] and map[key].
func bindElementAt(f *Function, args []Arg) (*Binding, error) {
	if m, ok := args[0].Type.(*arrow.MapType); ok {
		key := args[1]
		if !accepts(key, m.KeyType()) {
			return nil, f.mismatch(args)
		}
		return &Binding{Args: []arrow.DataType{nil, m.KeyType()}, Out: m.ItemType(), Nulls: NullPossible, Kernel: mapValue(m.ItemType())}, nil
	}
	elem, ok := elemOf(args[0].Type)
	if !ok || !accepts(args[1], int64Type) || args[1].Literal {
		return nil, f.mismatch(args)
	}
	return &Binding{Args: []arrow.DataType{nil, int64Type}, Out: elem, Nulls: NullPossible, Kernel: elementAt(elem)}, nil
}

func bindCardinality(f *Function, args []Arg) (*Binding, error) {
	if _, ok := elemOf(args[0].Type); !ok && args[0].Type.ID() != arrow.MAP {
		return nil, f.mismatch(args)
	}
	return &Binding{Args: make([]arrow.DataType, 1), Out: int32Type, Kernel: cardinality}, nil
}

// bindMember resolves functions that look for a value in a list: both meet in
// one element type.
func bindMember(out arrow.DataType, rule NullRule, k Kernel) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		elem, ok := elemOf(args[0].Type)
		if !ok {
			return nil, f.mismatch(args)
		}
		t, err := CommonType(f.Name, []Arg{{Type: elem}, args[1]})
		if err != nil {
			return nil, err
		}
		b := &Binding{Args: []arrow.DataType{nil, t}, Out: out, Nulls: rule, Kernel: k}
		if !columnar.SameType(elem, t) {
			b.Args[0] = arrow.ListOf(t)
			_, b.Fails = CanCast(elem, t)
		}
		return b, nil
	}
}

// bindElement resolves functions of a list whose result is one of its elements.
func bindElement(k func(t arrow.DataType) Kernel) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		elem, ok := elemOf(args[0].Type)
		if !ok || !Ordered(elem) {
			return nil, f.mismatch(args)
		}
		return &Binding{Args: make([]arrow.DataType, 1), Out: elem, Nulls: NullPossible, Kernel: k(elem)}, nil
	}
}

func greatestElement(t arrow.DataType) Kernel { return arrayExtremum(t, 1) }
func leastElement(t arrow.DataType) Kernel    { return arrayExtremum(t, -1) }

func bindArgMax(f *Function, args []Arg) (*Binding, error) {
	elem, ok := elemOf(args[0].Type)
	if !ok || !Ordered(elem) {
		return nil, f.mismatch(args)
	}
	return &Binding{Args: make([]arrow.DataType, 1), Out: int32Type, Nulls: NullPossible, Kernel: argMax}, nil
}

// bindPick resolves functions of a list, and of arguments of the types rest,
// whose result is a list of its elements.
func bindPick(k func(t arrow.DataType) Kernel, rest ...arrow.DataType) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		elem, ok := elemOf(args[0].Type)
		if !ok {
			return nil, f.mismatch(args)
		}
		b := &Binding{Args: make([]arrow.DataType, len(args)), Out: arrow.ListOf(elem), Kernel: k(arrow.ListOf(elem))}
		for i, a := range args[1:] {
			if !accepts(a, rest[i]) {
				return nil, f.mismatch(args)
			}
			b.Args[i+1] = rest[i]
		}
		return b, nil
	}
}

func picking(choose func(l *listArg, args []Datum) (picker, error)) func(t arrow.DataType) Kernel {
	return func(t arrow.DataType) Kernel { return listKernel(t, choose) }
}

// ordering is bindPick for functions that need elements with an order.
func ordering(bind func(*Function, []Arg) (*Binding, error)) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		if elem, ok := elemOf(args[0].Type); ok && !Ordered(elem) {
			return nil, f.mismatch(args)
		}
		return bind(f, args)
	}
}

// bindArray resolves ARRAY(x, ...), whose elements meet in one type.
func bindArray(f *Function, args []Arg) (*Binding, error) {
	elem, err := CommonType(f.Name, args)
	if err != nil {
		return nil, err
	}
	t := arrow.ListOf(elem)
	return &Binding{Args: same(elem, len(args)), Out: t, Nulls: NeverNull, Kernel: joinLists(t, make([]bool, len(args)))}, nil
}

// bindJoinLists resolves ARRAY_CONCAT and ARRAY_APPEND, which differ in what
// the arguments after the first are.
func bindJoinLists(lists bool) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		elems, isList := make([]Arg, len(args)), make([]bool, len(args))
		for i, a := range args {
			elems[i], isList[i] = a, i == 0 || lists
			if isList[i] && !isNull(a.Type) {
				elem, ok := elemOf(a.Type)
				if !ok {
					return nil, f.mismatch(args)
				}
				elems[i] = Arg{Type: elem}
			}
		}
		elem, err := CommonType(f.Name, elems)
		if err != nil {
			return nil, err
		}
		t := arrow.ListOf(elem)
		b := &Binding{Args: make([]arrow.DataType, len(args)), Out: t, Nulls: NullPossible, Kernel: joinLists(t, isList)}
		for i := range args {
			b.Args[i] = elem
			if isList[i] {
				b.Args[i] = t
			}
			if _, fails := CanCast(elems[i].Type, elem); fails {
				b.Fails = true
			}
		}
		return b, nil
	}
}

func bindArrayJoin(f *Function, args []Arg) (*Binding, error) {
	elem, ok := elemOf(args[0].Type)
	if !ok {
		return nil, f.mismatch(args)
	}
	if ok, _ := CanCast(elem, textType); !ok {
		return nil, f.mismatch(args)
	}
	b := &Binding{Args: same(textType, len(args)), Out: textType, Kernel: arrayJoin}
	b.Args[0] = arrow.ListOf(textType)
	for _, a := range args[1:] {
		if !accepts(a, textType) {
			return nil, f.mismatch(args)
		}
	}
	return b, nil
}

// bindMapPart resolves MAP_KEYS and MAP_VALUES.
func bindMapPart(keys bool) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		m, ok := args[0].Type.(*arrow.MapType)
		if !ok {
			return nil, f.mismatch(args)
		}
		t, part := arrow.ListOf(m.ItemType()), (*array.Map).Items
		if keys {
			t, part = arrow.ListOf(m.KeyType()), (*array.Map).Keys
		}
		return &Binding{Args: make([]arrow.DataType, 1), Out: t, Kernel: mapPart(t, part)}, nil
	}
}

// bindRow resolves ROW(x, ...), a struct with the fields f0, f1 ...
func bindRow(_ *Function, args []Arg) (*Binding, error) {
	fields, types := make([]arrow.Field, len(args)), make([]arrow.DataType, len(args))
	for i, a := range args {
		types[i] = Logical(a.Type)
		fields[i] = arrow.Field{Name: fmt.Sprintf("f%d", i), Type: types[i], Nullable: true}
	}
	t := arrow.StructOf(fields...)
	return &Binding{Args: types, Out: t, Nulls: NeverNull, Kernel: structOf(t)}, nil
}

// bindNamedStruct resolves NAMED_STRUCT('name', x, ...).
func bindNamedStruct(f *Function, args []Arg) (*Binding, error) {
	var fields []arrow.Field
	types := make([]arrow.DataType, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		name, ok := args[i].stringConst()
		if !ok {
			break
		}
		types[i+1] = Logical(args[i+1].Type)
		fields = append(fields, arrow.Field{Name: name, Type: types[i+1], Nullable: true})
	}
	if 2*len(fields) != len(args) {
		return nil, &Error{Code: CodeFunction, Msg: f.Name + ": every value needs a constant name in front", Hint: "usage: " + f.Usage}
	}
	t := arrow.StructOf(fields...)
	k := structOf(t)
	return &Binding{Args: types, Out: t, Nulls: NeverNull, Kernel: func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		values := make([]Datum, 0, len(args)/2)
		for i := 1; i < len(args); i += 2 {
			values = append(values, args[i])
		}
		return k(mem, n, values)
	}}, nil
}
