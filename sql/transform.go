package sql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// standardized takes STANDARDIZE(x) in TRANSFORM for the option of the model that
// scales its features: what it has learned of them is needed where it scores.
func (s *session) standardized(m *model, options map[string]string) error {
	m.transform = slices.Clone(m.transform)
	for i, it := range m.transform {
		c, ok := it.X.(*syntax.Call)
		if !ok || c.Over != nil || !s.standardizes(c) || len(c.Args) != 1 || c.Args[0].Name != nil {
			continue
		}
		if on, set := options["standardize_features"]; set && !strings.EqualFold(on, "true") {
			return s.src.Error(c.Span, "AS1701", "leave one of them out", "STANDARDIZE in TRANSFORM, but standardize_features = "+on)
		}
		options["standardize_features"] = "true"
		m.transform[i] = syntax.Item{X: c.Args[0].Value, Alias: &syntax.Ident{Span: c.Span, Name: itemName(it)}}
	}
	return nil
}

// standardizes reports whether c calls the scaler that models have.
func (s *session) standardizes(c *syntax.Call) bool {
	_, ok := s.scalerOf(c)
	return ok && strings.EqualFold(c.Fn.Last(), "standardize")
}

// allStandardized refuses to standardize some of the features of a model: it scales
// all of them or none. written are the items as they were written.
func (s *session) allStandardized(m *model, written []syntax.Item) error {
	var plain *syntax.Item
	scaled := false
	for i, it := range written {
		if it.X != m.transform[i].X {
			scaled = true
		} else if name := itemName(it); !strings.EqualFold(name, m.spec.Label) && !strings.EqualFold(name, m.spec.Weight) {
			plain = &written[i]
		}
	}
	if !scaled || plain == nil {
		return nil
	}
	return s.src.Error(plain.X.Range(), "AS1701", "scale it, too, or scale the others in the query behind AS: STANDARDIZE(x) OVER (ORDER BY ts)",
		fmt.Sprintf("STANDARDIZE in TRANSFORM scales all features of model %q or none, and %s is not scaled", m.name, syntax.Text(plain.X)))
}

// transformed are the rows that a model with TRANSFORM learns from: the items of
// the clause over those of its query.
func (s *session) transformed(m *model, n *node) (*node, error) {
	sel := &syntax.Select{Span: m.at, Items: m.transform}
	for _, it := range m.transform {
		if s.hasAggregate(it.X) || hasOver(it.X) || hasQuery(it.X) {
			return nil, s.src.Error(it.X.Range(), "AS1701", "compute it in the query behind AS", "TRANSFORM computes each row on its own, without aggregates, windows and queries")
		}
	}
	p := &block{s: s}
	return p.project(&relation{node: n, scope: newScope("", n.schema)}, sel)
}

// transformInputs are the columns that the features of a model with TRANSFORM are
// computed of, in the order in which it names them.
func (m *model) transformInputs() (out []string) {
	add := func(name string) {
		if !slices.ContainsFunc(out, func(o string) bool { return strings.EqualFold(o, name) }) {
			out = append(out, name)
		}
	}
	var walk func(e syntax.Expr)
	walk = func(e syntax.Expr) {
		if c, ok := e.(*syntax.Column); ok {
			add(c.Last())
			return
		}
		for _, x := range syntax.Children(e) {
			walk(x)
		}
	}
	for _, f := range m.spec.Features {
		if it := m.item(f); it != nil {
			walk(it.X)
		} else {
			add(f)
		}
	}
	return out
}

// transformText is TRANSFORM as it is kept with the model: an item for each of its
// features, which are called as given.
func (m *model) transformText(features []string) string {
	if m.transform == nil {
		return ""
	}
	items := make([]string, len(features))
	for i, f := range m.spec.Features {
		text := syntax.QuoteName(f)
		if it := m.item(f); it != nil {
			text = syntax.Text(it.X)
		}
		items[i] = text + " AS " + syntax.QuoteName(features[i])
	}
	return strings.Join(items, ", ")
}

// loadTransform takes the TRANSFORM that a loaded model has learned with, which a
// file of an earlier version does not have. One that is written must be the same.
func (s *session) loadTransform(m *model) error {
	switch {
	case m.transform != nil:
		if err := s.standardized(m, map[string]string{}); err != nil {
			return err
		}
		if text := m.transformText(m.spec.Features); m.spec.Transform != "" && text != m.spec.Transform {
			return s.src.Error(m.at, "AS1701", "leave TRANSFORM out: the model has it in its file", fmt.Sprintf("model %q has learned with another TRANSFORM: %s", m.name, m.spec.Transform))
		}
		return nil
	case m.spec.Transform == "":
		return nil
	}
	script, err := syntax.Parse(m.path, "SELECT "+m.spec.Transform)
	if err == nil && len(script.Statements) == 1 {
		if q, ok := script.Statements[0].(*syntax.QueryStatement); ok {
			if sel, ok := q.Query.Body.(*syntax.Select); ok {
				m.transform = sel.Items
				return nil
			}
		}
	}
	return s.src.Error(m.at, "AS7032", "train it again", fmt.Sprintf("the TRANSFORM in model file %q cannot be read: %s", m.path, m.spec.Transform))
}

// sameInputs refuses a DESCRIPTOR that names other columns of the rows that the
// model learns from than those that TRANSFORM reads.
func (s *session) sameInputs(m *model, x *node, features []string, at syntax.Span) error {
	if features == nil {
		return nil
	}
	inputs := m.transformInputs()
	bad := func(what string) error {
		return s.src.Error(at, "AS1701", "columns that TRANSFORM reads: "+strings.Join(inputs, ", "), what)
	}
	if len(features) != len(inputs) {
		return bad(fmt.Sprintf("model %q is computed of %d columns, DESCRIPTOR names %d", m.name, len(inputs), len(features)))
	}
	for i, name := range inputs {
		raw, known := fieldOf(m.raw, name)
		want, ok1 := over(m.raw, raw.Name)
		have, ok2 := over(x, features[i])
		if known && ok1 && (!ok2 || exprText(have) != exprText(want)) {
			return bad(fmt.Sprintf("column %d of model %q is %q, DESCRIPTOR names %q", i+1, m.name, name, features[i]))
		}
	}
	return nil
}

// item is the item of TRANSFORM that makes a feature; nil for one that * passes.
func (m *model) item(feature string) *syntax.Item {
	for i, it := range m.transform {
		if _, star := it.X.(*syntax.Star); !star && itemName(it) == feature {
			return &m.transform[i]
		}
	}
	return nil
}

// predictTransformed scores the rows of x, which have the columns that TRANSFORM
// reads, under the names of DESCRIPTOR or their own. While the model scores, a
// column of x that is called like a feature has another name.
func (s *session) predictTransformed(m *model, x *node, features []string, at syntax.Span) (*node, error) {
	inputs := m.transformInputs()
	if features != nil && len(features) != len(inputs) {
		return nil, s.src.Error(at, "AS1701", "columns that TRANSFORM reads: "+strings.Join(inputs, ", "), fmt.Sprintf("model %q is computed of %d columns, DESCRIPTOR names %d", m.name, len(inputs), len(features)))
	}
	if features == nil {
		features = inputs
	}
	b := &binder{s: s, scope: newScope("", x.schema), params: map[string]expr.Expr{}}
	for i, name := range inputs {
		f, ok := fieldOf(x, features[i])
		if !ok {
			return nil, s.src.Error(at, "AS1701", "columns: "+strings.Join(visibleNames(x.schema), ", "), fmt.Sprintf("model %q is computed of column %q, which the rows to score do not have", m.name, features[i]))
		}
		b.params[strings.ToLower(name)] = expr.Col{Name: f.Name}
	}
	away := map[string]string{} // names of columns of x while the model scores
	var cols []outColumn
	for _, name := range columnar.Names(x.schema) {
		as := name
		for slices.Contains(m.spec.Features, as) || as != name && columnar.Index(x.schema, as) >= 0 {
			as = "__" + as
		}
		away[as] = name
		cols = append(cols, outColumn{as, expr.Col{Name: name}})
	}
	for _, f := range m.spec.Features {
		value := b.params[strings.ToLower(f)]
		if it := m.item(f); it != nil {
			var err error
			if value, err = b.expr(it.X); err != nil {
				e := toError(err)
				if m.loaded != nil { // its text is not in this script
					e.Pos = s.src.Pos(at)
				}
				return nil, e
			}
		}
		cols = append(cols, outColumn{f, value})
	}
	in, err := projectNode(x, cols)
	if err != nil {
		return nil, s.coded(at, "AS1701", err)
	}
	scored, err := s.predictPlain(m, in, nil, at)
	if err != nil {
		return nil, err
	}
	var back []outColumn
	for _, name := range columnar.Names(scored.schema) {
		switch was, ours := away[name]; {
		case ours:
			back = append(back, outColumn{was, expr.Col{Name: name}})
		case !slices.Contains(m.spec.Features, name):
			back = append(back, outColumn{name, expr.Col{Name: name}})
		}
	}
	return projectNode(scored, back)
}

// fieldOf is a visible column of n by a name in any case.
func fieldOf(n *node, name string) (arrow.Field, bool) {
	if f, ok := n.field(name); ok {
		return f, true
	}
	for _, f := range visible(n.schema) {
		if strings.EqualFold(f.Name, name) {
			return f, true
		}
	}
	return arrow.Field{}, false
}
