package sql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/io/memory"
	"github.com/arrowstream/arrowstream/mlkernels"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// tableFunctions are the functions that may stand in FROM.
var tableFunctions = []string{"TUMBLE", "HOP", "CUMULATE", "SESSION", "ML_PREDICT", "ML_EVALUATE", "ML_WEIGHTS", "ML_CENTROIDS", "GENERATE_SERIES"}

// tableFunc plans a table function in FROM.
func (s *session) tableFunc(f *syntax.TableFunc, env *with) (*relation, error) {
	c := f.Call
	var n *node
	var err error
	switch name := strings.ToUpper(c.Fn.Last()); name {
	case "TUMBLE", "HOP", "CUMULATE", "SESSION":
		return s.windowTVF(f, env)
	case "ML_PREDICT":
		n, err = s.mlPredict(c, env)
	case "ML_EVALUATE":
		n, err = s.mlEvaluate(c, env)
	case "ML_WEIGHTS", "ML_CENTROIDS":
		n, err = s.mlPublished(c, name)
	case "GENERATE_SERIES":
		column := "generate_series"
		if f.Alias.Name != nil {
			column = f.Alias.Name.Name
		}
		n, err = s.series(c, column)
	default:
		connector, ok := readers[name]
		if !ok {
			return nil, s.src.Error(c.Fn.Span, "AS1601", arrowstream.Suggest(name, append(slices.Clone(tableFunctions), slices.Sorted(keysOf(readers))...), "table functions"), fmt.Sprintf("unknown table function %q", c.Fn.String()))
		}
		n, err = s.readFiles(c, connector)
	}
	if err != nil {
		return nil, err
	}
	return s.aliased(n, "", f.Alias, nil)
}

// mlArgs are the arguments of a function of a model, told apart by what they
// are: their order does not matter, except that of two descriptors.
type mlArgs struct {
	table       syntax.Expr
	model       *model
	descriptors [][]string
	config      map[string]string
	at          map[string]syntax.Span
}

func (s *session) mlArgs(c *syntax.Call, usage string) (*mlArgs, error) {
	a := &mlArgs{config: map[string]string{}, at: map[string]syntax.Span{}}
	for _, arg := range c.Args {
		var err error
		switch x := arg.Value.(type) {
		case *syntax.ModelArg:
			if a.model, err = s.findModel(x.Name); err != nil {
				return nil, err
			}
		case *syntax.Descriptor:
			var cols []string
			for _, col := range x.Columns {
				cols = append(cols, col.Name)
			}
			a.descriptors = append(a.descriptors, cols)
		case *syntax.Map:
			if err := s.mlConfig(a, x); err != nil {
				return nil, err
			}
		case *syntax.TableArg, *syntax.Subquery, *syntax.Column, *syntax.String:
			if arg.Name != nil && strings.EqualFold(arg.Name.Name, "MODEL") {
				if col, ok := x.(*syntax.Column); ok {
					if a.model, err = s.findModel(col.Name); err != nil {
						return nil, err
					}
					continue
				}
			}
			if a.table != nil {
				return nil, s.src.Error(x.Range(), "AS1601", "usage: "+usage, fmt.Sprintf("%s has one table", c.Fn.Last()))
			}
			a.table = x
		default:
			return nil, s.src.Error(x.Range(), "AS1601", "usage: "+usage, fmt.Sprintf("%s: %s is no argument of it", c.Fn.Last(), syntax.Text(x)))
		}
	}
	if a.model == nil {
		return nil, s.src.Error(c.Span, "AS1601", "usage: "+usage, fmt.Sprintf("%s: MODEL is missing", c.Fn.Last()))
	}
	return a, nil
}

// mlConfig reads MAP['key', 'value', ...].
func (s *session) mlConfig(a *mlArgs, m *syntax.Map) error {
	text := func(e syntax.Expr) (string, error) {
		switch e := e.(type) {
		case *syntax.String:
			return e.Value, nil
		case *syntax.Number:
			return e.Text, nil
		case *syntax.Bool:
			return strconv.FormatBool(e.Value), nil
		}
		return "", s.src.Error(e.Range(), "AS1504", "write a string", syntax.Text(e)+" is no constant")
	}
	for i := 0; i+1 < len(m.Items); i += 2 {
		k, err := text(m.Items[i])
		if err != nil {
			return err
		}
		v, err := text(m.Items[i+1])
		if err != nil {
			return err
		}
		a.config[strings.ToLower(k)] = v
		a.at[strings.ToLower(k)] = m.Items[i].Range()
	}
	return nil
}

// knownConfig refuses keys of MAP[...] that mean nothing.
func (s *session) knownConfig(a *mlArgs, known ...string) error {
	for _, k := range slices.Sorted(keysOf(a.config)) {
		if !slices.Contains(known, k) {
			return s.src.Error(a.at[k], "AS1504", arrowstream.Suggest(k, known, "keys"), fmt.Sprintf("unknown key %q", k))
		}
	}
	return nil
}

// mlTable plans the table argument and resolves the columns of descriptors.
func (s *session) mlTable(c *syntax.Call, a *mlArgs, env *with, usage string) (*node, error) {
	if a.table == nil {
		return nil, s.src.Error(c.Span, "AS1601", "usage: "+usage, fmt.Sprintf("%s: TABLE is missing", c.Fn.Last()))
	}
	n, _, _, err := s.tableArg(a.table, env)
	if err != nil {
		return nil, err
	}
	sc := newScope("", n.schema)
	for _, d := range a.descriptors {
		for i, col := range d {
			found := sc.find("", col)
			if len(found) != 1 {
				return nil, s.src.Error(c.Span, "AS1203", arrowstream.Suggest(col, sc.names(), "columns"), fmt.Sprintf("column %q not found", col))
			}
			d[i] = found[0].plan
		}
	}
	return n, nil
}

func (s *session) mlPredict(c *syntax.Call, env *with) (*node, error) {
	const usage = "ML_PREDICT(TABLE t, MODEL m [, DESCRIPTOR(a, b)])"
	a, err := s.mlArgs(c, usage)
	if err != nil {
		return nil, err
	}
	if err := s.knownConfig(a, "max_model_lag"); err != nil {
		return nil, err
	}
	x, err := s.mlTable(c, a, env, usage)
	if err != nil {
		return nil, err
	}
	var features []string
	if len(a.descriptors) > 0 {
		features = a.descriptors[0]
	}
	n, err := s.predict(a.model, x, features, c.Span)
	if err != nil {
		return nil, err
	}
	return a.model.renamed(n, x)
}

// mlEvaluate judges the predictions of a model, each made before the row was
// learned when the model learns from the same rows.
func (s *session) mlEvaluate(c *syntax.Call, env *with) (*node, error) {
	const usage = "ML_EVALUATE(TABLE t, MODEL m, DESCRIPTOR(label) [, DESCRIPTOR(features)] [, MAP['window', '1 min']])"
	a, err := s.mlArgs(c, usage)
	if err != nil {
		return nil, err
	}
	x, err := s.mlTable(c, a, env, usage)
	if err != nil {
		return nil, err
	}
	st := mlkernels.Evaluate{Label: a.model.spec.Label}
	if len(a.descriptors) > 0 {
		if len(a.descriptors[0]) != 1 {
			return nil, s.src.Error(c.Span, "AS1601", "usage: "+usage, "ML_EVALUATE: the first DESCRIPTOR names the label")
		}
		st.Label = a.descriptors[0][0]
	}
	if err := s.evaluateConfig(a, &st); err != nil {
		return nil, err
	}
	var features []string
	if len(a.descriptors) > 1 {
		features = a.descriptors[1]
	}
	scored, err := s.predict(a.model, x, features, c.Span)
	if err != nil {
		return nil, err
	}
	for _, name := range columnar.Names(scored.schema) {
		if _, given := x.field(name); given || !strings.HasPrefix(name, "predicted_") {
			continue
		}
		f, _ := scored.field(name)
		switch {
		case f.Type.ID() == arrow.LIST:
			st.Probability = name
		case st.Prediction == "":
			st.Prediction = name
		}
	}
	if st.Prediction == "" {
		return nil, s.src.Error(c.Span, "AS1701", "ML_EVALUATE judges classification and regression", fmt.Sprintf("model %q predicts no label", a.model.name))
	}
	if st.Window > 0 {
		if err := s.impliedDelay(scored, c.Span); err != nil {
			return nil, err
		}
	}
	n := &node{kind: "evaluate", detail: st.Prediction + " against " + st.Label, notes: []string{"state: the metrics"}}
	if st.Window > 0 {
		n.detail += " every " + st.Window.String()
	}
	n.build = func(columns) (arrowstream.Stage, error) {
		fresh := st
		return &fresh, nil
	}
	n.needs = func(columns) columns {
		var need columns
		need.add(st.Label, st.Prediction)
		if st.Probability != "" {
			need.add(st.Probability)
		}
		return need
	}
	out, err := derive(n, scored)
	if err != nil {
		return nil, s.coded(c.Span, "AS1701", err)
	}
	return out, nil
}

// evaluateConfig reads the keys of MAP[...] of ML_EVALUATE.
func (s *session) evaluateConfig(a *mlArgs, st *mlkernels.Evaluate) error {
	if err := s.knownConfig(a, "window", "every_rows", "last", "fading", "auc_rows", "positive", "task"); err != nil {
		return err
	}
	for _, k := range slices.Sorted(keysOf(a.config)) {
		v := a.config[k]
		var err error
		switch k {
		case "window":
			var d time.Duration
			d, err = arrowstream.ParseDuration(v)
			st.Window = d
		case "every_rows":
			st.EveryRows, err = arrowstream.ParseSize(v)
		case "last":
			st.Metrics.Last, err = strconv.Atoi(v)
		case "auc_rows":
			st.Metrics.AUCRows, err = strconv.Atoi(v)
		case "fading":
			st.Metrics.Fading, err = strconv.ParseFloat(v, 64)
		case "positive":
			st.Positive = v
		case "task":
			st.Task = v
		}
		if err != nil {
			return s.src.Error(a.at[k], "AS1504", "", fmt.Sprintf("key %q: %v", k, err))
		}
	}
	return nil
}

// mlPublished plans ML_WEIGHTS(MODEL m) and ML_CENTROIDS(MODEL m).
func (s *session) mlPublished(c *syntax.Call, name string) (*node, error) {
	a, err := s.mlArgs(c, name+"(MODEL m)")
	if err != nil {
		return nil, err
	}
	clusters := a.model.spec.Type == "KMEANS"
	if clusters != (name == "ML_CENTROIDS") {
		other := map[bool]string{true: "ML_CENTROIDS", false: "ML_WEIGHTS"}[clusters]
		return nil, s.src.Error(c.Fn.Span, "AS1701", "use "+other, fmt.Sprintf("model %q is %s", a.model.name, a.model.spec.Type))
	}
	return s.published(a.model, c.Span)
}

// fixed is a table of rows that are known already.
func (s *session) fixed(name string, b arrowstream.Batch) *node {
	t := &table{name: name, source: memory.From(b), base: b.Schema()}
	return &node{kind: "values", detail: name, table: t, bounded: true, schema: b.Schema()}
}
