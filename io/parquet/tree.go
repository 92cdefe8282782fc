package parquet

import (
	"fmt"

	"github.com/parquet-go/parquet-go/format"
)

// node is an element of the schema of a file.
type node struct {
	elem     *format.SchemaElement
	name     string // dotted path
	children []*node
	leaf     int // position among the leaves, -1 for groups
	def, rep int // levels of a value that is present
}

const maxSchemaDepth = 32

// buildTree turns the flat list of schema elements into a tree.
func buildTree(elems []format.SchemaElement) (root *node, leaves []*node, err error) {
	if len(elems) == 0 {
		return nil, nil, fmt.Errorf("the schema is empty")
	}
	next := 0
	var build func(parent *node, depth int) (*node, error)
	build = func(parent *node, depth int) (*node, error) {
		if next >= len(elems) {
			return nil, fmt.Errorf("the schema ends early")
		}
		if depth > maxSchemaDepth {
			return nil, fmt.Errorf("the schema is nested deeper than %d", maxSchemaDepth)
		}
		e := &elems[next]
		next++
		n := &node{elem: e, name: e.Name, leaf: -1}
		if parent != nil {
			n.def, n.rep = parent.def, parent.rep
			if depth > 1 {
				n.name = parent.name + "." + e.Name
			}
			switch n.repetition() {
			case format.Required:
			case format.Optional:
				n.def++
			case format.Repeated:
				n.def++
				n.rep++
			default:
				return nil, fmt.Errorf("column %q has the unknown repetition %d", n.name, e.RepetitionType.V)
			}
		}
		if e.Type.Valid {
			if e.NumChildren.Valid && e.NumChildren.V != 0 {
				return nil, fmt.Errorf("column %q has a type and children", n.name)
			}
			if t := e.Type.V; t < format.Boolean || t > format.FixedLenByteArray {
				return nil, fmt.Errorf("column %q has the unknown physical type %d", n.name, t)
			}
			n.leaf = len(leaves)
			leaves = append(leaves, n)
			return n, nil
		}
		if e.NumChildren.V < 0 || int(e.NumChildren.V) > len(elems)-next {
			return nil, fmt.Errorf("column %q claims %d children", n.name, e.NumChildren.V)
		}
		for range e.NumChildren.V {
			child, err := build(n, depth+1)
			if err != nil {
				return nil, err
			}
			n.children = append(n.children, child)
		}
		return n, nil
	}
	if root, err = build(nil, 0); err != nil {
		return nil, nil, err
	}
	if root.leaf >= 0 {
		return nil, nil, fmt.Errorf("the schema has no root")
	}
	if next != len(elems) {
		return nil, nil, fmt.Errorf("the schema has %d elements behind its end", len(elems)-next)
	}
	return root, leaves, nil
}

// repetition is how often the element occurs; without a word, once.
func (n *node) repetition() format.FieldRepetitionType {
	if n.elem.RepetitionType.Valid {
		return n.elem.RepetitionType.V
	}
	return format.Required
}
