package sql

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/mlkernels"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// predict adds the predictions of m to the rows of x. features are the columns
// of DESCRIPTOR, nil when it was left out.
func (s *session) predict(m *model, x *node, features []string, at syntax.Span) (*node, error) {
	if x.updating() {
		return nil, s.src.Error(at, "AS1701", "predict before the aggregation, or aggregate in windows", "ML_PREDICT on rows that are taken back")
	}
	switch same := m.train != nil && bottom(x) == bottom(m.train); {
	case m.transform != nil && !same:
		return s.predictTransformed(m, x, features, at)
	case m.transform != nil:
		if err := s.sameInputs(m, x, features, at); err != nil {
			return nil, err
		}
		features = nil // the features are found by what they are computed of
	}
	return s.predictPlain(m, x, features, at)
}

// predictPlain is predict of rows that have the features of m.
func (s *session) predictPlain(m *model, x *node, features []string, at syntax.Span) (*node, error) {
	if features != nil && len(features) != len(m.spec.Features) {
		return nil, s.src.Error(at, "AS1701", "features of "+m.name+": "+strings.Join(m.spec.Features, ", "), fmt.Sprintf("model %q has %d features, DESCRIPTOR names %d", m.name, len(m.spec.Features), len(features)))
	}
	if m.loaded != nil {
		return s.predictLoaded(m, x, features, at)
	}
	if m.learner != nil && m.input == x {
		return m.scored, nil
	}
	if bottom(x) != bottom(m.train) {
		return s.serve(m, x, features, at)
	}
	if m.learner != nil {
		return s.rescore(m, x, at)
	}
	return s.learnAndScore(m, x, features, at)
}

// learnAndScore plans the stage that scores each row of x and then learns it:
// x and the training query are the same rows.
func (s *session) learnAndScore(m *model, x *node, features []string, at syntax.Span) (*node, error) {
	var extra []outColumn
	spec := m.spec
	spec.Features = slices.Clone(m.spec.Features)
	place := func(column string) (string, error) {
		e, ok := above(m, x, column)
		if !ok {
			return "", s.src.Error(at, "AS1705", "select it in the table given to ML_PREDICT as well", fmt.Sprintf("column %q, which model %q learns from, is not among the rows to score", column, m.name))
		}
		if c, plain := e.(expr.Col); plain && c.Name == column {
			return column, nil
		}
		name := column
		for i := 0; columnar.Index(x.schema, name) >= 0; i++ {
			name = fmt.Sprintf("%s%d", column, i)
		}
		extra = append(extra, outColumn{name, e})
		return name, nil
	}
	var err error
	for i, f := range m.spec.Features {
		if spec.Features[i], err = place(f); err != nil {
			return nil, err
		}
		if features == nil {
			continue
		}
		e, _ := above(m, x, f)
		have, ok1 := over(x, features[i])
		want, ok2 := over(m.train, f)
		if c, plain := e.(expr.Col); (!plain || c.Name != features[i]) && (!ok1 || !ok2 || exprText(have) != exprText(want)) {
			return nil, s.src.Error(at, "AS1701", "name the columns the model learns from: "+strings.Join(m.spec.Features, ", "), fmt.Sprintf("feature %d of model %q is %q, DESCRIPTOR names %q", i+1, m.name, f, features[i]))
		}
	}
	if m.spec.Label != "" {
		if spec.Label, err = place(m.spec.Label); err != nil {
			return nil, err
		}
	}
	if m.spec.Weight != "" {
		if spec.Weight, err = place(m.spec.Weight); err != nil {
			return nil, err
		}
	}
	spec.Transform = m.transformText(spec.Features)
	in := x
	if len(extra) > 0 {
		if in, err = projectNode(x, append(passColumns(columnar.Names(x.schema)), extra...)); err != nil {
			return nil, s.coded(at, "AS1701", err)
		}
	}
	n := &node{kind: "learn and score", detail: modelText(m), rowwise: true}
	n.build = func(want columns) (arrowstream.Stage, error) {
		return &mlkernels.Prequential{Spec: spec, Version: wantsVersion(want), SavePath: s.savePath(m), Access: s.opts.Pipeline.Access}, nil
	}
	s.appends(n, in, append(slices.Clone(spec.Features), spec.Label, spec.Weight))
	n.notes = append(n.notes, "each row is scored with what was learned from the rows before it", "state: the model")
	if m.learner, err = derive(n, in); err != nil {
		return nil, s.coded(at, "AS7010", err)
	}
	m.input, m.scored = x, m.learner
	if len(extra) > 0 {
		var keep []string
		for _, name := range columnar.Names(m.learner.schema) {
			if !slices.ContainsFunc(extra, func(c outColumn) bool { return c.Name == name }) {
				keep = append(keep, name)
			}
		}
		m.scored, err = projectNode(m.learner, passColumns(keep))
	}
	return m.scored, err
}

// wantsVersion reports whether the column model_version is read.
func wantsVersion(want columns) bool {
	if want.all {
		return true
	}
	for c := range want.names {
		if strings.HasPrefix(c, "model_version") {
			return true
		}
	}
	return false
}

// appends sets what a node needs and passes that adds columns to its input and
// reads some of it.
func (s *session) appends(n *node, in *node, reads []string) {
	n.plain = func(out string) (string, bool) {
		_, ok := in.field(out)
		return out, ok
	}
	n.needs = func(want columns) columns {
		out := columns{all: want.all}
		for c := range want.names {
			if _, ok := in.field(c); ok {
				out.add(c)
			}
		}
		for _, c := range reads {
			if c != "" {
				out.add(c)
			}
		}
		return out
	}
}

func modelText(m *model) string {
	text := m.name + " (" + m.spec.Type + "): " + strings.Join(m.spec.Features, ", ")
	if m.spec.Label != "" {
		text += " -> " + m.spec.Label
	}
	if m.path != "" {
		text += "; saved to " + m.path
	}
	return text
}

// rescore gives the rows of x, which come from the rows that m scores already,
// the predictions: the columns of x are found among the scored ones.
func (s *session) rescore(m *model, x *node, at syntax.Span) (*node, error) {
	bad := func() (*node, error) {
		return nil, s.src.Error(at, "AS1704", "put the first ML_PREDICT into a view and read it twice", fmt.Sprintf("model %q scores other columns already", m.name))
	}
	if m.input == nil {
		return bad()
	}
	byText := map[string]string{}
	for _, f := range m.input.schema.Fields() {
		if e, ok := over(m.input, f.Name); ok {
			byText[exprText(e)] = f.Name
		}
	}
	var cols []outColumn
	for _, name := range columnar.Names(x.schema) {
		e, ok := over(x, name)
		if !ok {
			return bad()
		}
		y, ok := substitute(e, func(c string) (expr.Expr, bool) {
			in, ok := byText[syntax.QuoteName(c)]
			return expr.Col{Name: in}, ok
		})
		if !ok {
			return bad()
		}
		cols = append(cols, outColumn{name, y})
	}
	for _, name := range columnar.Names(m.scored.schema) {
		if _, passed := m.input.field(name); passed {
			continue
		}
		out := name
		for i := 0; columnar.Index(x.schema, out) >= 0; i++ {
			out = fmt.Sprintf("%s%d", name, i)
		}
		cols = append(cols, outColumn{out, expr.Col{Name: name}})
	}
	n, err := projectNode(m.scored, cols)
	if err != nil {
		return nil, s.coded(at, "AS1704", err)
	}
	return n, nil
}

// serve scores the rows of x with a model that learns from other rows.
func (s *session) serve(m *model, x *node, features []string, at syntax.Span) (*node, error) {
	in, drop, err := s.named(m, x, features, at)
	if err != nil {
		return nil, err
	}
	spec := m.spec
	n := &node{kind: "serve", detail: modelText(m)}
	n.join = func(want columns) (arrowstream.Join, error) {
		return &mlkernels.Serve{Spec: spec, Version: wantsVersion(want)}, nil
	}
	s.appends(n, in, spec.Features)
	n.plain = nil
	one := n.needs
	n.needs = nil
	n.needsOf = func(i int, want columns) columns {
		if i == 0 {
			var c columns
			c.add(m.columns()...)
			return c
		}
		return one(want)
	}
	n.notes = append(n.notes, "rows are scored with what was learned by the end of the tick", "state: the model")
	out, err := derive(n, m.train, in)
	if err != nil {
		return nil, s.coded(at, "AS1701", err)
	}
	s.warn(at, "AS1703", "score the rows the model learns from, in the same table, to score each of them before it is learned",
		fmt.Sprintf("model %q learns from other rows than it scores here: a row may be scored after it was learned", m.name))
	return dropColumns(out, drop)
}

// named gives x the features under the names of the model, when DESCRIPTOR
// names other ones. drop are the columns added.
func (s *session) named(m *model, x *node, features []string, at syntax.Span) (in *node, drop []string, err error) {
	if features == nil {
		return x, nil, nil
	}
	cols := passColumns(columnar.Names(x.schema))
	for i, f := range m.spec.Features {
		if f == features[i] {
			continue
		}
		if _, taken := x.field(f); taken {
			return nil, nil, s.src.Error(at, "AS1701", "rename the columns in a view", fmt.Sprintf("feature %d of model %q is %q, which is another column than %q here", i+1, m.name, f, features[i]))
		}
		cols = append(cols, outColumn{f, expr.Col{Name: features[i]}})
		drop = append(drop, f)
	}
	if drop == nil {
		return x, nil, nil
	}
	in, err = projectNode(x, cols)
	return in, drop, err
}

func dropColumns(n *node, drop []string) (*node, error) {
	if len(drop) == 0 {
		return n, nil
	}
	var keep []string
	for _, name := range columnar.Names(n.schema) {
		if !slices.Contains(drop, name) {
			keep = append(keep, name)
		}
	}
	return projectNode(n, passColumns(keep))
}

// predictLoaded scores with a model that does not change.
func (s *session) predictLoaded(m *model, x *node, features []string, at syntax.Span) (*node, error) {
	in, drop, err := s.named(m, x, features, at)
	if err != nil {
		return nil, err
	}
	n := &node{kind: "score", detail: m.name + " from " + filepath.Base(m.path), rowwise: true}
	n.build = func(want columns) (arrowstream.Stage, error) {
		return &mlkernels.Predict{Model: m.loaded, Version: wantsVersion(want)}, nil
	}
	s.appends(n, in, m.spec.Features)
	out, err := derive(n, in)
	if err != nil {
		return nil, s.coded(at, "AS1701", err)
	}
	return dropColumns(out, drop)
}

// published is what ML_WEIGHTS and ML_CENTROIDS read.
func (s *session) published(m *model, at syntax.Span) (*node, error) {
	if m.loaded != nil {
		return s.publishedFile(m)
	}
	if m.learner == nil && !s.late {
		return nil, errLater // another statement may score with it
	}
	if m.learner == nil {
		if err := s.trainOnly(m); err != nil {
			return nil, err
		}
	}
	if m.input == nil {
		return m.learner, nil
	}
	n, err := derive(&node{kind: "side output", detail: "model " + m.name, side: "model"}, m.learner)
	if err != nil {
		return nil, s.coded(at, "AS1701", err)
	}
	return n, nil
}

// savePath is where a model is saved, empty for nowhere.
func (s *session) savePath(m *model) string {
	if m.path == "" || s.opts.Save == nil {
		return m.path
	}
	return s.opts.Save(m.name)
}

// trainOnly plans a model that nothing scores with.
func (s *session) trainOnly(m *model) error {
	n := &node{kind: "learn", detail: modelText(m), notes: []string{"state: the model"}}
	n.build = func(columns) (arrowstream.Stage, error) {
		return &mlkernels.Prequential{Spec: m.spec, TrainOnly: true, SavePath: s.savePath(m), Access: s.opts.Pipeline.Access}, nil
	}
	n.needs = func(columns) columns {
		var c columns
		c.add(m.columns()...)
		return c
	}
	var err error
	if m.learner, err = derive(n, m.train); err != nil {
		return s.coded(m.at, "AS7010", err)
	}
	return nil
}

// publishedFile is a loaded model as rows.
func (s *session) publishedFile(m *model) (*node, error) {
	b := m.loaded.Published(trial.Allocator, arrowstream.NoEventTime)
	return s.fixed(m.name, b), nil
}

// vectorLike reports whether a model can be called with a value of type t.
func vectorLike(t arrow.DataType) bool {
	switch plainType(t).ID() {
	case arrow.LIST, arrow.FIXED_SIZE_LIST, arrow.LARGE_LIST, arrow.STRING, arrow.LARGE_STRING:
		return true
	}
	return false
}
