package sql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/mlkernels"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// model is a declared model: trained by a query, or loaded from a file.
type model struct {
	name   string
	at     syntax.Span
	broken bool
	path   string // where it is saved to, or loaded from without a query
	decl   *syntax.CreateModel

	transform []syntax.Item // TRANSFORM: what the features are computed by
	raw       *node         // the rows of the query that it is computed of
	predicted []arrow.Field // of OUTPUT: names and types of the predictions
	spec      mlkernels.Spec
	train     *node            // the rows it learns from; nil for a loaded model
	loaded    *mlkernels.Model // of a loaded model

	learner *node // the node that learns; nil until it is planned
	input   *node // what learner scores, nil when it only learns
	scored  *node // the rows of input with the predictions
}

// columns are the features, the label and the weight of the training query.
func (m *model) columns() []string {
	cols := slices.Clone(m.spec.Features)
	for _, c := range []string{m.spec.Label, m.spec.Weight} {
		if c != "" {
			cols = append(cols, c)
		}
	}
	return cols
}

// createModel runs CREATE MODEL.
func (s *session) createModel(st *syntax.CreateModel) error {
	m := &model{name: s.key(st.Name), at: st.Name.Span, decl: st}
	added, err := declare(s, s.catalog.models, st.Name, "model", st.OrReplace, st.IfNotExists, m)
	if err != nil || !added {
		return err
	}
	if err := s.declareModel(m, st); err != nil {
		m.broken = true
		return err
	}
	s.trained = append(s.trained, m)
	return nil
}

func (s *session) declareModel(m *model, st *syntax.CreateModel) error {
	m.transform = st.Transform
	options := map[string]string{}
	at := map[string]syntax.Span{}
	for _, o := range st.Options {
		value, missing := syntax.Substitute(o.Value, s.opts.Param)
		if missing != "" {
			return s.src.Error(o.ValueAt, "AS2102", "pass --param "+missing+"=...", fmt.Sprintf("parameter %q is not set", missing))
		}
		at[o.Key] = o.KeyAt
		switch o.Key {
		case "model_path", "path":
			m.path = value
		case "format":
			if err := oneOf(value, "auto", "arrowstream"); err != nil {
				return s.src.Error(o.ValueAt, "AS1504", "", "option \"format\": "+err.Error())
			}
		default:
			options[o.Key] = value
		}
	}
	if st.Query == nil {
		if m.path == "" {
			return s.src.Error(st.Name.Span, "AS1702", "write AS SELECT features, label FROM ..., or OPTIONS (model_path = '...')", fmt.Sprintf("model %q has neither a query to learn from nor a file", m.name))
		}
		for _, k := range slices.Sorted(keysOf(options)) {
			return s.src.Error(at[k], "AS1504", "it knows model_path and format", fmt.Sprintf("a loaded model has no option %q", k))
		}
		var err error
		if m.loaded, err = s.loadModel(m.path); err != nil {
			return s.coded(st.Name.Span, "AS7015", err)
		}
		m.spec = m.loaded.Spec()
		if err := s.loadTransform(m); err != nil {
			return err
		}
		return s.clauses(m, st)
	}
	if err := s.standardized(m, options); err != nil {
		return err
	}
	spec, err := mlkernels.ParseSpec(options)
	if err != nil {
		e := s.coded(st.Name.Span, "AS1504", err)
		for k, span := range at {
			if strings.Contains(e.Msg, `"`+k+`"`) {
				e.Pos = s.src.Pos(span)
			}
		}
		return e
	}
	if m.train, err = s.query(st.Query, nil); err != nil {
		return err
	}
	m.spec = spec
	if err := s.inputs(m, st, m.train); err != nil {
		return err
	}
	if m.transform != nil {
		if err := s.allStandardized(m, st.Transform); err != nil {
			return err
		}
		m.raw = m.train
		if m.train, err = s.transformed(m, m.raw); err != nil {
			return err
		}
	}
	if err := s.bindModel(m, st); err != nil {
		return err
	}
	m.spec.Transform = m.transformText(m.spec.Features)
	return s.clauses(m, st)
}

// clauses checks INPUT and OUTPUT of a model that is known otherwise.
func (s *session) clauses(m *model, st *syntax.CreateModel) error {
	if st.Input != nil {
		if err := s.checkInputs(m, st); err != nil {
			return err
		}
	}
	if st.Output == nil {
		return nil
	}
	return s.predictions(m, st)
}

// bindModel fixes the features and the label by the training query.
func (s *session) bindModel(m *model, st *syntax.CreateModel) error {
	names := columnar.Names(m.train.schema)
	resolve := func(name *string, what string) error {
		if *name == "" {
			return nil
		}
		for _, n := range names {
			if n == *name {
				return nil
			}
		}
		for _, n := range names {
			if strings.EqualFold(n, *name) {
				*name = n
				return nil
			}
		}
		return s.src.Error(st.Query.Span, "AS7010", arrowstream.Suggest(*name, names, "columns"), fmt.Sprintf("%s %q is no column of the training query", what, *name))
	}
	for i := range m.spec.Features {
		if err := resolve(&m.spec.Features[i], "feature"); err != nil {
			return err
		}
	}
	if err := resolve(&m.spec.Label, "label"); err != nil {
		return err
	}
	if err := resolve(&m.spec.Weight, "weight"); err != nil {
		return err
	}
	if len(m.spec.Features) == 0 {
		for _, n := range names {
			if n != m.spec.Label && n != m.spec.Weight && n != m.train.eventTime() && n != opColumn {
				m.spec.Features = append(m.spec.Features, n)
			}
		}
	}
	// A trial tells errors in types and options where the model is declared.
	st1 := &mlkernels.Prequential{Spec: m.spec, TrainOnly: true, Access: s.opts.Pipeline.Access}
	if _, err := st1.Bind(m.train.schema, trial); err != nil {
		return s.coded(st.Name.Span, "AS7010", err)
	}
	return nil
}

// loadModel reads a model file once.
func (s *session) loadModel(path string) (*mlkernels.Model, error) {
	if m, ok := s.models[path]; ok {
		return m, nil
	}
	m, err := mlkernels.Load(s.opts.Pipeline.Access, path)
	if err == nil {
		s.models[path] = m
	}
	return m, err
}

// findModel resolves MODEL m.
func (s *session) findModel(name syntax.Name) (*model, error) {
	m, err := lookup(s, s.catalog.models, name, "model")
	if err != nil {
		return nil, err
	}
	if m.broken {
		return nil, errBroken
	}
	return m, nil
}
