package cell

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
)

// Objects renders rows as JSON objects, the change of an updating stream as
// "+I", "-U", "+U" or "-D".
type Objects struct {
	names [][]byte // {"a": then ,"b": and so on
	views []*View
	ops   []int8
}

// NewObjects returns a renderer of rows of schema. A column without a text
// form is an error.
func NewObjects(schema *arrow.Schema) (*Objects, error) {
	o := &Objects{}
	for i, f := range schema.Fields() {
		if !HasText(f.Type) {
			return nil, fmt.Errorf("column %q of type %s cannot be written as JSON", f.Name, f.Type)
		}
		name := []byte{','}
		if i == 0 {
			name[0] = '{'
		}
		o.names = append(o.names, append(AppendQuoted(name, []byte(f.Name)), ':'))
	}
	return o, nil
}

// Bind makes b the batch whose rows are rendered.
func (o *Objects) Bind(b arrow.Record) error {
	cols := b.Columns()
	o.views, o.ops = o.views[:0], nil
	if columnar.Changelog(b.Schema()) {
		o.ops = columnar.Values[int8](cols[len(cols)-1])
		cols = cols[:len(cols)-1]
	}
	for i, c := range cols {
		v, err := NewView(c)
		if err != nil {
			return fmt.Errorf("column %q: %w", b.ColumnName(i), err)
		}
		o.views = append(o.views, v)
	}
	return nil
}

// Append appends row i of the bound batch.
func (o *Objects) Append(to []byte, i int) []byte {
	if len(o.names) == 0 {
		return append(to, '{', '}')
	}
	for j, v := range o.views {
		to = v.AppendJSON(append(to, o.names[j]...), i)
	}
	if o.ops != nil {
		to = append(to, o.names[len(o.names)-1]...)
		to = append(append(append(to, '"'), columnar.Change(o.ops[i]).String()...), '"')
	}
	return append(to, '}')
}
