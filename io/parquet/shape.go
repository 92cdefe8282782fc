package parquet

import (
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

type shapeKind int

const (
	leafShape   shapeKind = iota // one value per row
	listShape                    // a list of leaf values
	structShape                  // named children
	vectorShape                  // Spark's VectorUDT, read as list<float64>
)

// shape says how a top-level column of a file, or a part of it, becomes an
// Arrow array.
type shape struct {
	kind     shapeKind
	name     string
	typ      arrow.DataType // of the array that is produced
	nullable bool
	leaf     *node    // leafShape: the column; listShape: that of the elements
	present  int      // definition level from which on there is a value
	element  int      // listShape: definition level from which on there is an element
	children []*shape // structShape and vectorShape
}

// shapeOf derives the shape of a column, or says why there is none.
func shapeOf(n *node) (*shape, error) {
	s := &shape{name: n.elem.Name, present: n.def, nullable: n.repetition() == format.Optional}
	if n.rep > 1 {
		return nil, errors.New("lists in lists are not supported")
	}
	if n.leaf >= 0 {
		t, err := leafType(n.elem)
		if err != nil {
			return nil, err
		}
		s.kind, s.typ, s.leaf = leafShape, t, n
		if n.repetition() == format.Repeated {
			s.kind, s.typ, s.present, s.element = listShape, arrow.ListOfNonNullable(t), n.def-1, n.def
		}
		return s, nil
	}
	if n.repetition() == format.Repeated {
		return nil, errors.New("repeated groups are not supported")
	}
	_, isList := n.elem.LogicalType.Value.(*format.ListType)
	conv := n.elem.ConvertedType
	switch {
	case isList || conv.Valid && conv.V == deprecated.List:
		return listOf(n, s)
	case n.elem.LogicalType.Value != nil || conv.Valid:
		return nil, fmt.Errorf("type %s is not supported", typeText(n.elem))
	case len(n.children) == 0:
		return nil, errors.New("a group without columns is not supported")
	}
	s.kind = structShape
	var fields []arrow.Field
	for _, c := range n.children {
		child, err := shapeOf(c)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.elem.Name, err)
		}
		s.children = append(s.children, child)
		fields = append(fields, arrow.Field{Name: child.name, Type: child.typ, Nullable: child.nullable})
	}
	s.typ = arrow.StructOf(fields...)
	if isVector(s) {
		s.kind, s.typ = vectorShape, arrow.ListOf(arrow.PrimitiveTypes.Float64)
	}
	return s, nil
}

// listOf is the shape of a group annotated as LIST: a repeated group with one
// element (three levels), or a repeated element (two levels, older writers).
func listOf(n *node, s *shape) (*shape, error) {
	if len(n.children) != 1 || n.children[0].repetition() != format.Repeated {
		return nil, errors.New("a list without a repeated element is not supported")
	}
	repeated := n.children[0]
	elem := repeated
	if elem.leaf < 0 && len(elem.children) == 1 {
		elem = elem.children[0]
	}
	if elem.leaf < 0 || elem.rep != repeated.rep {
		return nil, errors.New("only lists of plain values are supported")
	}
	t, err := leafType(elem.elem)
	if err != nil {
		return nil, err
	}
	s.kind, s.leaf, s.element = listShape, elem, repeated.def
	if elem.def > repeated.def {
		s.typ = arrow.ListOf(t)
	} else {
		s.typ = arrow.ListOfNonNullable(t)
	}
	return s, nil
}

// isVector recognises the struct in which Spark stores ML vectors.
func isVector(s *shape) bool {
	names := []string{"type", "size", "indices", "values"}
	types := []arrow.Type{arrow.INT8, arrow.INT32, arrow.INT32, arrow.FLOAT64}
	if len(s.children) != len(names) {
		return false
	}
	for i, c := range s.children {
		want := leafShape
		t := c.typ
		if i >= 2 {
			want = listShape
			if l, ok := t.(*arrow.ListType); ok {
				t = l.Elem()
			}
		}
		if c.name != names[i] || c.kind != want || t.ID() != types[i] {
			return false
		}
	}
	return true
}
