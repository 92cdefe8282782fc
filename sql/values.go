package sql

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/io/memory"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// oneRow is the input of a SELECT without FROM.
func (s *session) oneRow() *node {
	if s.single == nil {
		schema := arrow.NewSchema([]arrow.Field{{Name: "__row", Type: arrow.PrimitiveTypes.Int8}}, nil)
		b := array.NewRecordBuilder(trial.Allocator, schema)
		b.Field(0).(*array.Int8Builder).Append(0)
		t := &table{name: "one row", source: memory.From(b.NewRecord()), base: schema}
		s.single = &node{kind: "values", detail: "one row", table: t, bounded: true, schema: schema}
	}
	return s.single
}

// values plans VALUES: a projection per row.
func (s *session) values(v *syntax.Values) (*node, error) {
	const most = 1000
	if len(v.Rows) > most {
		return nil, s.src.Error(v.Span, "AS1103", "read the rows from a file", fmt.Sprintf("VALUES with more than %d rows is not supported yet", most))
	}
	one := s.oneRow()
	b := &binder{s: s, scope: &scope{schema: one.schema}, input: &one}
	types := make([]arrow.DataType, len(v.Rows[0]))
	rows := make([][]expr.Expr, len(v.Rows))
	for i, row := range v.Rows {
		if len(row) != len(types) {
			return nil, s.src.Error(row[0].Range().To(row[len(row)-1].Range()), "AS1302", "", fmt.Sprintf("row %d of VALUES has %d values, the first one %d", i+1, len(row), len(types)))
		}
		for j, e := range row {
			x, t, err := b.typed(e)
			if err != nil {
				return nil, err
			}
			rows[i] = append(rows[i], x)
			types[j] = widest(types[j], t)
		}
	}
	var nodes []*node
	for _, row := range rows {
		var cols []outColumn
		for j, x := range row {
			t := types[j]
			if t.ID() == arrow.NULL {
				t = arrow.BinaryTypes.String
			}
			cols = append(cols, outColumn{fmt.Sprintf("column%d", j+1), expr.Cast{Of: x, To: t, Zone: s.zone()}})
		}
		n, err := projectNode(one, cols)
		if err != nil {
			return nil, s.coded(v.Span, "AS1301", err)
		}
		nodes = append(nodes, n)
	}
	return unionAll(nodes)
}

// unionAll puts nodes with equal names and types of columns together. Text in a
// dictionary and plain text are made plain where both occur.
func unionAll(in []*node) (*node, error) {
	if len(in) == 1 {
		return in[0], nil
	}
	in = slices.Clone(in)
	if slices.ContainsFunc(in, (*node).updating) {
		for i, n := range in {
			var err error
			if in[i], err = inserted(n); err != nil {
				return nil, err
			}
		}
	}
	fields := slices.Clone(in[0].schema.Fields())
	for _, n := range in[1:] {
		for i, f := range n.schema.Fields() {
			fields[i].Nullable = fields[i].Nullable || f.Nullable
			if !arrow.TypeEqual(fields[i].Type, f.Type) {
				fields[i].Type = plainType(f.Type)
			}
		}
	}
	for i, n := range in {
		var cols []outColumn
		for j, f := range visible(n.schema) {
			var x expr.Expr = expr.Col{Name: f.Name}
			if !arrow.TypeEqual(f.Type, fields[j].Type) {
				x = expr.Cast{Of: x, To: fields[j].Type}
			}
			cols = append(cols, outColumn{f.Name, x})
		}
		p, err := projectNode(n, cols)
		if err != nil {
			return nil, err
		}
		in[i] = p
	}
	md := in[0].schema.Metadata()
	n := &node{kind: "union", in: in, bounded: true, needs: func(w columns) columns { return w }}
	n.schema = arrow.NewSchema(fields, &md)
	for _, i := range in {
		n.bounded = n.bounded && i.bounded
		if i.eventTime() != n.eventTime() {
			n.schema = columnar.WithEventTime(n.schema, "")
		}
	}
	return n, nil
}

// widest is the type that values of both types are cast to in VALUES.
func widest(a, b arrow.DataType) arrow.DataType {
	rank := func(t arrow.DataType) int {
		switch {
		case t == nil:
			return 0
		case t.ID() == arrow.NULL:
			return 1
		case arrow.IsInteger(t.ID()):
			return 2
		case t.ID() == arrow.DECIMAL128:
			return 3
		case arrow.IsFloating(t.ID()):
			return 4
		}
		return 5
	}
	if rank(b) > rank(a) {
		return b
	}
	if d, ok := a.(*arrow.Decimal128Type); ok && rank(b) == 3 {
		e := b.(*arrow.Decimal128Type)
		scale := max(d.Scale, e.Scale)
		return &arrow.Decimal128Type{Precision: min(38, max(d.Precision-d.Scale, e.Precision-e.Scale)+scale), Scale: scale}
	}
	return a
}
