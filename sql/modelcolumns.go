package sql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/mlkernels"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// modelColumns are the columns that INPUT or OUTPUT of a model declares.
func (s *session) modelColumns(list []syntax.ColumnDef, clause string) ([]arrow.Field, error) {
	fields := make([]arrow.Field, len(list))
	for i, c := range list {
		if slices.ContainsFunc(fields[:i], func(f arrow.Field) bool { return strings.EqualFold(f.Name, c.Name.Name) }) {
			return nil, s.src.Error(c.Name.Span, "AS1501", "leave one of them out", fmt.Sprintf("column %q stands in %s twice", c.Name.Name, clause))
		}
		t, err := s.arrowType(c.Type)
		if err != nil {
			return nil, err
		}
		fields[i] = arrow.Field{Name: c.Name.Name, Type: t, Nullable: true}
	}
	return fields, nil
}

// inputs makes the columns of INPUT the features of a model that learns from n, if
// it names none otherwise, and checks them against the columns that the model is
// computed of.
func (s *session) inputs(m *model, st *syntax.CreateModel, n *node) error {
	fields, err := s.modelColumns(st.Input, "INPUT")
	if err != nil {
		return err
	}
	declared := make([]string, len(fields))
	for i, f := range fields {
		have, ok := fieldOf(n, f.Name)
		switch {
		case !ok:
			return s.src.Error(st.Input[i].Name.Span, "AS7010", arrowstream.Suggest(f.Name, visibleNames(n.schema), "columns"), fmt.Sprintf("column %q of INPUT is no column of the training query", f.Name))
		case !assignable(have.Type, f.Type):
			return s.src.Error(st.Input[i].Span, "AS1701", fmt.Sprintf("write CAST(%s AS %s) in the training query", syntax.QuoteName(have.Name), typeName(f.Type)),
				fmt.Sprintf("column %q of INPUT is %s, the training query has %s", f.Name, typeName(f.Type), typeName(have.Type)))
		}
		declared[i] = have.Name
	}
	if m.transform == nil && len(m.spec.Features) == 0 {
		m.spec.Features = declared
	}
	return nil
}

// checkInputs compares INPUT with the columns that the features of a model are
// computed of, in their order.
func (s *session) checkInputs(m *model, st *syntax.CreateModel) error {
	want := m.transformInputs()
	same := len(want) == len(st.Input)
	for i, c := range st.Input {
		same = same && strings.EqualFold(c.Name.Name, want[i])
	}
	if same {
		return nil
	}
	return s.src.Error(st.Input[0].Span.To(st.Input[len(st.Input)-1].Span), "AS1701", "declare INPUT with "+strings.Join(want, ", "), fmt.Sprintf("INPUT of model %q names other columns than those it is computed of", m.name))
}

// predictions checks OUTPUT against the predictions of a model, which it names in their
// order.
func (s *session) predictions(m *model, st *syntax.CreateModel) (err error) {
	if m.predicted, err = s.modelColumns(st.Output, "OUTPUT"); err != nil {
		return err
	}
	of := m.loaded
	if of == nil {
		if of, err = mlkernels.NewModel(m.spec); err == nil {
			err = of.Bind(m.train.schema)
		}
		if err != nil {
			return s.coded(st.Name.Span, "AS7010", err)
		}
	}
	have := of.Outputs(noColumns, false)
	for i, f := range m.predicted {
		at := st.Output[i]
		switch {
		case i >= len(have):
			return s.src.Error(at.Span, "AS1701", "it predicts "+fieldList(have), fmt.Sprintf("model %q has %d outputs, OUTPUT names %d", m.name, len(have), len(m.predicted)))
		case arrow.TypeEqual(plainType(have[i].Type), plainType(f.Type)):
		case arrow.IsNested(have[i].Type.ID()) || !assignable(have[i].Type, f.Type):
			return s.src.Error(at.Span, "AS1701", "it predicts "+fieldList(have), fmt.Sprintf("output %q of model %q is %s, OUTPUT wants %s", have[i].Name, m.name, typeName(have[i].Type), typeName(f.Type)))
		}
	}
	return nil
}

// fieldList is a list of columns and their types, for errors.
func fieldList(fields []arrow.Field) string {
	list := make([]string, len(fields))
	for i, f := range fields {
		list[i] = f.Name + " " + typeName(f.Type)
	}
	return strings.Join(list, ", ")
}

// renamed gives the predictions of m, which n has beside the columns of x, the names
// and types of OUTPUT.
func (m *model) renamed(n, x *node) (*node, error) {
	if len(m.predicted) == 0 {
		return n, nil
	}
	var cols []outColumn
	left := m.predicted
	for _, f := range n.schema.Fields() {
		_, given := x.field(f.Name)
		if given || len(left) == 0 || strings.HasPrefix(f.Name, "model_version") {
			cols = append(cols, outColumn{f.Name, expr.Col{Name: f.Name}})
			continue
		}
		var value expr.Expr = expr.Col{Name: f.Name}
		if !arrow.TypeEqual(plainType(f.Type), plainType(left[0].Type)) {
			value = expr.Cast{Of: value, To: left[0].Type}
		}
		cols = append(cols, outColumn{free(x, left[0].Name), value})
		left = left[1:]
	}
	return projectNode(n, cols)
}
