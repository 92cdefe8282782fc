package expr

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/suggest"
	"github.com/arrowstream/arrowstream/kernels"
)

// Error is an error of an expression: a name that is not there (AS1203,
// AS1204), types that do not go together (AS1301), a function that is not there
// or not so called (AS1601), or a value that is out of range or cannot be
// converted (AS40xx).
type Error = kernels.Error

// Codes of the errors of this package.
const (
	CodeName      = "AS1203" // no such column or field
	CodeAmbiguous = "AS1204" // a name that fits several columns
)

// maxDepth bounds the nesting of an expression.
const maxDepth = 1000

// Bound is an expression bound to a schema. Any number of goroutines may
// evaluate it at the same time; one at a time finds the memory for parts of the
// expression that the one before has left.
type Bound struct {
	root node
	cols []int
	frames
}

// Bind resolves e against the columns of in: names (exact, then the only one
// that fits without regard to case), types, functions and implicit casts.
// Constant parts are evaluated; an error in one, such as 1/0, is an error of
// Bind unless it stands where it may never be evaluated, in a branch of CASE,
// IF, COALESCE, AND or OR. Errors are of type *Error.
func Bind(e Expr, in *arrow.Schema) (*Bound, error) {
	return newBinder(in).bound(e)
}

func newBinder(in *arrow.Schema) *binder { return &binder{in: in} }

// bound is e as a whole expression.
func (b *binder) bound(e Expr) (*Bound, error) {
	root, err := b.bind(e, 0)
	if err != nil {
		return nil, err
	}
	return &Bound{root: root, cols: root.info().cols}, nil
}

// Type is the Arrow type of the result.
func (b *Bound) Type() arrow.DataType { return b.root.info().typ }

// Nullable reports whether the result can hold NULLs.
func (b *Bound) Nullable() bool { return b.root.info().nullable }

// Columns are the input columns used, ascending.
func (b *Bound) Columns() []int { return b.cols }

// Fails reports whether evaluation can fail for some input values.
func (b *Bound) Fails() bool { return b.root.info().fails }

// Column is the index of the input column that the expression just names, or
// -1.
func (b *Bound) Column() int {
	if c, ok := b.root.(*column); ok {
		return c.index
	}
	return -1
}

// Const is the value of a constant expression, an array of length 1 that the
// Bound keeps.
func (b *Bound) Const() (arrow.Array, bool) {
	if c, ok := b.root.(*constant); ok {
		return c.value, true
	}
	return nil, false
}

// binder turns expressions into nodes. Equal nodes are made once.
type binder struct {
	in    *arrow.Schema
	nodes int
	few   [8]node // the first ones made
	more  map[string]node
	roots int    // expressions before this one
	lazy  int    // depth of branches that may never be evaluated
	zone  string // of the call that is bound
}

// share returns the node equal to n that was made before, or n.
func (b *binder) share(n node) node {
	in := n.info()
	if old := b.made(in.key); old != nil {
		old.info().uses++
		return old
	}
	in.id, in.uses = b.nodes, 1
	if b.nodes < len(b.few) {
		b.few[b.nodes] = n
	} else {
		if b.more == nil {
			b.more = make(map[string]node)
		}
		b.more[in.key] = n
	}
	b.nodes++
	return n
}

// made is the node of a key, nil if there is none. Most expressions have so few
// nodes that a map would be the largest part of their binding.
func (b *binder) made(key string) node {
	for _, n := range b.few[:min(b.nodes, len(b.few))] {
		if n.info().key == key {
			return n
		}
	}
	return b.more[key]
}

func (b *binder) bind(e Expr, depth int) (node, error) {
	if depth > maxDepth {
		return nil, &Error{Code: "AS1107", Msg: fmt.Sprintf("expression nested deeper than %d", maxDepth)}
	}
	if z := zoneOf(e); z != "" && z != b.zone {
		outer := b.zone
		b.zone = z
		defer func() { b.zone = outer }()
	}
	switch e := e.(type) {
	case nil:
		return b.constant(kernels.Nulls(constants, arrow.Null, 1)), nil
	case Col:
		return b.column(e.Name)
	case Param:
		return b.column(paramColumn(e.Name))
	case Lambda:
		return nil, &Error{Code: kernels.CodeFunction, Msg: "a lambda is an argument of transform, filter and reduce"}
	case Field:
		return b.field(e, depth)
	case Lit:
		a, err := literal(e)
		if err != nil {
			return nil, err
		}
		n := b.constant(a)
		_, text := e.Value.(string)
		if text && a.DataType().ID() == arrow.STRING {
			return &constant{common: *n.info(), value: a, literal: true}, nil
		}
		return n, nil
	case Cast:
		of, err := b.bind(e.Of, depth+1)
		if err != nil {
			return nil, err
		}
		return b.cast(of, e.To, e.Try)
	case Case:
		return b.bindCase(e, depth)
	case Call:
		return b.call(e, depth)
	}
	return nil, &Error{Code: "AS1101", Msg: fmt.Sprintf("no expression of Go type %T", e)}
}

func (b *binder) constant(a arrow.Array) node {
	null := a.IsNull(0) || a.DataType().ID() == arrow.NULL
	key := append(make([]byte, 0, 64), columnar.TypeName(a.DataType())...)
	key = strconv.AppendQuote(append(key, ' '), kernels.TextAt(a, 0))
	key = strconv.AppendBool(key, null)
	return b.share(&constant{value: a, common: common{typ: a.DataType(), nullable: null, ready: true, key: string(key)}})
}

// resolve finds name among names: exactly once, else the only one that equals
// it without regard to case.
func resolve(name string, names []string, kind string) (int, error) {
	exact, folded, same := -1, -1, 0
	for i, n := range names {
		switch {
		case n == name && exact >= 0:
			return 0, &Error{Code: CodeAmbiguous, Msg: fmt.Sprintf("%s %q is ambiguous", kind, name), Hint: "rename one of the columns with AS"}
		case n == name:
			exact = i
		case strings.EqualFold(n, name):
			folded = i
			same++
		}
	}
	switch {
	case exact >= 0:
		return exact, nil
	case same == 1:
		return folded, nil
	case same > 1:
		var fits []string
		for _, n := range names {
			if strings.EqualFold(n, name) {
				fits = append(fits, fmt.Sprintf("%q", n))
			}
		}
		return 0, &Error{Code: CodeAmbiguous, Msg: fmt.Sprintf("%s %q is ambiguous", kind, name), Hint: "it fits " + strings.Join(fits, " and ")}
	}
	return 0, &Error{Code: CodeName, Msg: fmt.Sprintf("%s %q not found", kind, name), Hint: suggest.Hint(name, names, kind+"s")}
}

func (b *binder) column(name string) (node, error) {
	i := 0
	if at := b.in.FieldIndices(name); len(at) == 1 {
		i = at[0]
	} else {
		var err error
		if i, err = resolve(name, columnar.Names(b.in), "column"); err != nil {
			return nil, err
		}
	}
	f := b.in.Field(i)
	return b.share(&column{index: i, common: common{
		typ: f.Type, nullable: f.Nullable, ready: true, cols: []int{i}, key: "#" + strconv.Itoa(i),
	}}), nil
}

func (b *binder) field(e Field, depth int) (node, error) {
	if c, ok := e.Of.(Call); ok {
		if n, err := b.elementField(e, c, depth); n != nil || err != nil {
			return n, err
		}
	}
	of, err := b.bind(e.Of, depth+1)
	if err != nil {
		return nil, err
	}
	t, ok := of.info().typ.(*arrow.StructType)
	if !ok {
		return nil, &Error{Code: kernels.CodeTypes, Msg: fmt.Sprintf("%s is %s and has no field %q", String(e.Of), kernels.SQLName(of.info().typ), e.Name)}
	}
	i, err := fieldIndex(t, e.Name)
	if err != nil {
		return nil, err
	}
	return b.reach(of, i, t.Field(i).Type, t.Field(i).Nullable), nil
}

func fieldIndex(t *arrow.StructType, name string) (int, error) {
	names := make([]string, t.NumFields())
	for i := range names {
		names[i] = t.Field(i).Name
	}
	return resolve(name, names, "field")
}

// reach is field i of a struct, or of the elements of a list of structs, which
// has type t.
func (b *binder) reach(of node, i int, t arrow.DataType, nullable bool) node {
	in := of.info()
	return b.share(&field{of: of, index: i, common: common{
		typ: t, nullable: in.nullable || nullable, fails: in.fails, deep: !in.ready, volatile: in.volatile, cols: in.cols,
		key: fmt.Sprintf("%s.%d", in.key, i),
	}})
}

// elementField binds list[k].field as (list of the fields)[k], so that the
// other fields of the element are not copied; nil if e is something else.
func (b *binder) elementField(e Field, c Call, depth int) (node, error) {
	f, ok := kernels.Find(c.Name)
	if !ok || c.Func != nil || f.Name != "element_at" || len(c.Args) != 2 {
		return nil, nil
	}
	list, err := b.bind(c.Args[0], depth+1)
	if err != nil {
		return nil, err
	}
	elem, ok := kernels.ElementStruct(list.info().typ)
	if !ok {
		return nil, nil
	}
	i, err := fieldIndex(elem, e.Name)
	if err != nil {
		return nil, err
	}
	k, err := b.bind(c.Args[1], depth+1)
	if err != nil {
		return nil, err
	}
	return b.apply(f, []node{b.reach(list, i, kernels.ListFieldType(list.info().typ, i), false), k})
}

// coerce is the implicit cast. A text literal that is no value of the type it
// should take is an error wherever it stands.
func (b *binder) coerce(of node, to arrow.DataType) (node, error) {
	if c, ok := of.(*constant); ok && c.literal {
		lazy := b.lazy
		b.lazy = 0
		defer func() { b.lazy = lazy }()
	}
	return b.cast(of, to, false)
}

// cast converts of to type to, between an instant and what is none in the zone
// of the call.
func (b *binder) cast(of node, to arrow.DataType, try bool) (node, error) {
	in, out := b.inZone(of.info().typ), b.inZone(to)
	if b.zone == "" || (in == nil) == (out == nil) {
		return b.convert(of, to, try)
	}
	var err error
	if in != nil {
		if of, err = b.convert(of, in, try); err != nil {
			return nil, err
		}
		return b.convert(of, to, try)
	}
	if of, err = b.convert(of, out, try); err != nil {
		return nil, err
	}
	return b.convert(of, to, try)
}

// convert converts of to type to; a constant is converted now.
func (b *binder) convert(of node, to arrow.DataType, try bool) (node, error) {
	in := of.info()
	if columnar.SameType(in.typ, to) {
		return of, nil
	}
	ok, fails := kernels.CanCast(in.typ, to)
	if !ok {
		_, err := kernels.Cast(constants, kernels.Nulls(constants, in.typ, 0), to, try)
		return nil, err
	}
	c := &cast{of: of, try: try, common: common{
		typ: to, nullable: in.nullable || try && fails, fails: in.fails || fails && !try, deep: !in.ready, volatile: in.volatile, cols: in.cols,
		key: fmt.Sprintf("cast(%s,%s,%v)", in.key, to, try),
	}}
	if k, ok := of.(*constant); ok {
		a, err := kernels.Cast(constants, k.value, to, try)
		if err == nil {
			return b.constant(a), nil
		}
		if b.lazy == 0 {
			return nil, err
		}
	}
	return b.share(c), nil
}
