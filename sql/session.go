package sql

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/mlkernels"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/udf/wasm"
)

// session runs the statements of one script.
type session struct {
	script       []syntax.Statement
	src          *syntax.Source
	statements   []syntax.Statement // of the script, those to come too
	opts         Options
	catalog      *catalog
	settings     map[string]string
	files        map[string]*table
	databases    []string                    // declared, beside the default one
	database     string                      // of names without one; empty is the default one
	variants     map[string]*table           // of hints, by table and options
	statedStream string                      // the one of CREATE STREAM that has a state
	lastStream   string                      // of CREATE STREAM
	models       map[string]*mlkernels.Model // loaded, by path
	modules      map[moduleKey]*wasm.Module
	code         map[string]string // checksums of functions that modules bring
	trained      []*model
	subqueries   int            // so far, for the names of their columns
	calls        int            // so far, of functions of the program
	randoms      []*syntax.Call // calls of random functions, in the order of their numbers
	single       *node          // one row

	places   []place // of expressions
	declared []declaration
	outputs  []*output
	results  []Result
	warnings []*arrowstream.Error
	errs     syntax.Errors
	// late is set for statements that read what a model learned: they are
	// planned after all others, when it is known who scores with it.
	late  bool
	began time.Time // the current time of queries on input that ends
	// explaining is set while a statement is only shown, and decided are the
	// scans for which it says ON ERROR.
	explaining bool
	decided    []*node
	// before are the statements so far that others depend on; analyzing is set
	// in the program that EXPLAIN ANALYZE runs.
	before    []syntax.Statement
	analyzing bool
	analyzed  string // the model that it trains, if any
}

// declaration is the canonical text of a CREATE statement.
type declaration struct{ kind, name, text string }

// errLater sends a statement to the end of the script.
var errLater = errors.New("sql: plan this statement after the others")

// output is where rows of the script go: a table, a file or the display.
type output struct {
	table *table // nil for the display of a query
	name  string
	nodes []*node
	// hidden: a table inside the script that only its queries read.
	hidden bool
}

func newSession(src *syntax.Source, opts Options) *session {
	s := &session{
		src: src, opts: opts, began: opts.now(), catalog: newCatalog(), settings: map[string]string{}, files: map[string]*table{}, models: map[string]*mlkernels.Model{},
		modules: map[moduleKey]*wasm.Module{}, code: map[string]string{},
	}
	for k, v := range opts.Settings {
		if native, ok := nativeKey(k); ok {
			k = native
		}
		s.settings[k] = v
	}
	for _, f := range opts.Functions {
		s.catalog.functions[f.Name] = &function{name: f.Name, own: f}
	}
	return s
}

// warn records a warning once per place and code.
func (s *session) warn(at syntax.Span, code, hint, msg string) {
	w := s.src.Error(at, code, hint, msg)
	if !slices.ContainsFunc(s.warnings, func(o *arrowstream.Error) bool { return o.Code == w.Code && o.Pos == w.Pos && o.Msg == w.Msg }) {
		s.warnings = append(s.warnings, w)
	}
}

// run runs all statements; errors of different statements are reported
// together.
func (s *session) run(statements []syntax.Statement) error {
	type waiting struct {
		st       syntax.Statement
		settings map[string]string
	}
	var later []waiting
	s.statements = statements
	for _, st := range statements {
		err := s.statement(st)
		if errors.Is(err, errLater) {
			later = append(later, waiting{st, maps.Clone(s.settings)})
			continue
		}
		s.report(st, err)
	}
	s.late = true
	for _, w := range later {
		s.settings = w.settings
		s.report(w.st, s.statement(w.st))
	}
	if s.setting("sql.strict", "false") == "true" {
		s.errs = append(s.errs, s.warnings...)
	}
	return s.errs.Err()
}

func (s *session) report(st syntax.Statement, err error) {
	if err == nil || errors.Is(err, errBroken) || len(s.errs) >= syntax.MaxErrors {
		return
	}
	s.errs = append(s.errs, s.coded(st.Range(), "AS1101", err))
}

// statement runs one statement.
func (s *session) statement(st syntax.Statement) error {
	err := s.execute(st)
	if err == nil && s.declares(st) {
		s.before = append(s.before, st)
	}
	return err
}

func (s *session) execute(st syntax.Statement) error {
	switch st := st.(type) {
	case *syntax.CreateTable:
		s.declared = append(s.declared, declaration{"TABLE", s.key(st.Name), syntax.Text(st)})
		return s.createTable(st)
	case *syntax.CreateView:
		s.declared = append(s.declared, declaration{"VIEW", s.key(st.Name), syntax.Text(st)})
		return s.createView(st)
	case *syntax.CreateModel:
		s.declared = append(s.declared, declaration{"MODEL", s.key(st.Name), syntax.Text(st)})
		return s.createModel(st)
	case *syntax.CreateFunction:
		s.declared = append(s.declared, declaration{"FUNCTION", st.Name.Last(), syntax.Text(st)})
		return s.createFunction(st)
	case *syntax.Set:
		return s.set(st)
	case *syntax.Reset:
		return s.reset(st)
	case *syntax.Insert:
		return s.insert(st)
	case *syntax.StatementSet:
		for _, ins := range st.Inserts {
			if err := s.insert(ins); err != nil {
				return err
			}
		}
		return nil
	case *syntax.QueryStatement:
		n, err := s.query(st.Query, nil)
		if err != nil {
			return err
		}
		if n, err = s.outputMode(n, &table{}, st.Query.Stream, st.Span); err != nil {
			return err
		}
		if n, err = s.inZone(n); err != nil {
			return err
		}
		s.outputs = append(s.outputs, &output{name: s.resultName(), nodes: []*node{n}})
		return nil
	case *syntax.Describe:
		return s.describe(st)
	case *syntax.Explain:
		return s.explain(st)
	case *syntax.Show:
		return s.show(st)
	case *syntax.ShowCreate:
		return s.showCreate(st)
	case *syntax.Drop:
		return s.drop(st)
	case *syntax.CreateStream:
		return s.createStream(st)
	case *syntax.CreateScan:
		return s.createScan(st)
	case *syntax.CreateDatabase:
		return s.createDatabase(st)
	case *syntax.Use:
		return s.use(st)
	case *syntax.Alter:
		return s.alter(st)
	case *syntax.Summarize:
		return s.summarize(st)
	}
	return s.refusedStatement(st)
}

// jobName is the setting job.name, def if it is not set.
func (s *session) jobName(def string) string {
	if v, ok := s.settings["job.name"]; ok && v != "" {
		return v
	}
	return def
}

// jobSetting is the setting job.NAME.key of a job, such as the folder of its
// state; a job without a name takes the only one that is set. Empty means none.
func (s *session) jobSetting(job, key string) string {
	if s.analyzing {
		return "" // no state, no sink
	}
	var values []string
	for set, value := range s.settings {
		if name, ok := strings.CutSuffix(set, "."+key); ok && strings.HasPrefix(name, "job.") && (job == "" || name == "job."+job) {
			values = append(values, value)
		}
	}
	if len(values) != 1 {
		return ""
	}
	return values[0]
}

// resultName names the result of a bare SELECT: result, result2, ...
func (s *session) resultName() string {
	base := s.jobName("result")
	name := base
	for i := 2; slices.ContainsFunc(s.outputs, func(o *output) bool { return o.name == name }); i++ {
		name = fmt.Sprintf("%s%d", base, i)
	}
	return name
}

// createView runs CREATE VIEW. The query is planned at once, to find its
// errors, unless it reads what a model has learned.
func (s *session) createView(st *syntax.CreateView) error {
	t := &table{name: s.key(st.Name), at: st.Name.Span, view: st.Query, viewColumns: st.Columns, viewDecl: st}
	added, err := declare(s, s.catalog.tables, st.Name, "view", st.OrReplace, st.IfNotExists, t)
	if err != nil || !added {
		return err
	}
	if st.Materialized {
		s.warn(st.Name.Span, "AS1103", "", "MATERIALIZED is ignored: the view is planned into the queries that read it")
	}
	if _, err := s.scan(t, st.Name.Span); err != nil && !errors.Is(err, errLater) {
		t.broken = true
		return err
	}
	return nil
}

// drop runs DROP.
func (s *session) drop(st *syntax.Drop) error {
	name := s.keyOf(strings.ToLower(st.Kind), st.Name)
	missing := func() error {
		if st.IfExists {
			return nil
		}
		return s.src.Error(st.Name.Span, "AS1201", "", fmt.Sprintf("%s %q not found", strings.ToLower(st.Kind), name))
	}
	switch st.Kind {
	case "TABLE", "VIEW":
		t, ok := s.catalog.tables[name]
		if !ok {
			return missing()
		}
		if (t.view != nil) != (st.Kind == "VIEW") {
			return s.src.Error(st.Name.Span, "AS1201", "", fmt.Sprintf("%q is no %s", name, strings.ToLower(st.Kind)))
		}
		delete(s.catalog.tables, name)
	case "MODEL":
		m, ok := s.catalog.models[name]
		if !ok {
			return missing()
		}
		delete(s.catalog.models, name)
		if m.learner == nil {
			s.trained = slices.DeleteFunc(s.trained, func(x *model) bool { return x == m })
		}
	case "FUNCTION":
		if _, ok := s.catalog.functions[name]; !ok {
			return missing()
		}
		delete(s.catalog.functions, name)
	default:
		return s.src.Error(st.Span, "AS1103", "", "DROP "+st.Kind+" is not supported yet")
	}
	return nil
}
