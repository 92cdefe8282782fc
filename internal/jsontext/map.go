package jsontext

import (
	"errors"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/internal/cell"
)

// entries reads an object into a map: a member is an entry, whose key is its name,
// read as the type of keys. A name that occurs twice is an error.
func (d *Decoder) entries(c *cell.Column, p *plan, depth int) error {
	s := &d.s
	if s.space() != '{' {
		return d.mismatch("an object", depth)
	}
	if depth >= maxDepth {
		return errDepth
	}
	c.BeginList()
	s.i++
	if s.space() == '}' {
		s.i++
		c.EndList()
		return nil
	}
	entry, seen := c.Kids[0], map[string]bool{}
	for done := false; !done; {
		raw, escaped, err := s.key()
		if err != nil {
			return err
		}
		if escaped {
			d.scratch = unescape(d.scratch[:0], raw)
			raw = d.scratch
		}
		name := string(raw)
		if seen[name] {
			return d.fail(name, raw, errors.New("the name occurs twice"))
		}
		seen[name] = true
		if err := appendKey(entry.Kids[0], raw); err != nil {
			return d.fail(name, raw, err)
		}
		from := s.i
		if err := d.value(entry.Kids[1], p, depth+1); err != nil {
			return d.fail(name, s.b[from:min(len(s.b), max(s.i, from))], err)
		}
		entry.EndList()
		if done, err = s.next('}'); err != nil {
			return err
		}
	}
	c.EndList()
	return nil
}

// appendKey reads the name of a member as a key.
func appendKey(c *cell.Column, name []byte) error {
	switch c.ID {
	case arrow.LIST, arrow.FIXED_SIZE_LIST, arrow.STRUCT, arrow.MAP, arrow.NULL, arrow.BINARY:
		return errors.New("not a key of type " + c.Type.String())
	}
	return c.AppendParsed(name)
}
