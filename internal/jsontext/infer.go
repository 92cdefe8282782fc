package jsontext

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/internal/cell"
)

// maxInferred bounds the fields of an inferred schema, nested ones included.
const maxInferred = 4096

// Guess narrows down a schema from sample objects.
type Guess struct {
	top    node
	fields int
}

// node is what the values in one place seen so far are.
type node struct {
	scalars cell.Guess
	scalar  bool // there were scalars that are not null
	object  bool
	array   bool
	names   []string
	members map[string]*node
	elem    *node
}

// Add looks at one object.
func (g *Guess) Add(text []byte) error {
	s := &scanner{b: text}
	if s.space() != '{' {
		return s.syntax("an object")
	}
	if err := g.infer(s, &g.top, 0); err != nil {
		return err
	}
	return s.end()
}

// Schema is the schema of the objects, columns in the order they were first
// seen. Values of different kinds in one place make a text column.
func (g *Guess) Schema() *arrow.Schema { return arrow.NewSchema(g.top.fields(), nil) }

func (g *Guess) infer(s *scanner, n *node, depth int) error {
	switch c := s.space(); c {
	case '{':
		n.object = true
		return g.object(s, n, depth)
	case '[':
		n.array = true
		if n.elem == nil {
			n.elem = &node{}
		}
		if depth >= maxDepth {
			return errDepth
		}
		s.i++
		if s.space() == ']' {
			s.i++
			return nil
		}
		for {
			if err := g.infer(s, n.elem, depth+1); err != nil {
				return err
			}
			if done, err := s.next(']'); done || err != nil {
				return err
			}
		}
	case 'n':
		return s.word("null")
	case '"':
		raw, escaped, err := s.str()
		if err == nil {
			n.scalar = true
			if escaped {
				raw = unescape(nil, raw)
			}
			n.scalars.AddText(raw)
		}
		return err
	}
	n.scalar = true
	from := s.i
	if err := s.skip(depth); err != nil {
		return err
	}
	n.scalars.Add(s.b[from:s.i])
	return nil
}

func (g *Guess) object(s *scanner, n *node, depth int) error {
	if depth >= maxDepth {
		return errDepth
	}
	s.i++
	if s.space() == '}' {
		s.i++
		return nil
	}
	for {
		raw, escaped, err := s.key()
		if err != nil {
			return err
		}
		if escaped {
			raw = unescape(nil, raw)
		}
		m := n.members[string(raw)]
		if m == nil {
			if g.fields++; g.fields > maxInferred {
				return fmt.Errorf("more than %d names in the first objects", maxInferred)
			}
			if n.members == nil {
				n.members = map[string]*node{}
			}
			m = &node{}
			n.members[string(raw)] = m
			n.names = append(n.names, string(raw))
		}
		if err := g.infer(s, m, depth+1); err != nil {
			return err
		}
		if done, err := s.next('}'); done || err != nil {
			return err
		}
	}
}

func (n *node) fields() []arrow.Field {
	fields := make([]arrow.Field, len(n.names))
	for i, name := range n.names {
		fields[i] = arrow.Field{Name: name, Type: n.members[name].typ(), Nullable: true}
	}
	return fields
}

func (n *node) typ() arrow.DataType {
	switch {
	case n.object && !n.array && !n.scalar && len(n.names) > 0:
		return arrow.StructOf(n.fields()...)
	case n.array && !n.object && !n.scalar:
		return arrow.ListOf(n.elem.typ())
	case n.scalar && !n.object && !n.array:
		return n.scalars.Type()
	}
	return arrow.BinaryTypes.String
}
