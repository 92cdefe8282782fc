package sql

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/mlkernels"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// textTable makes a result of text columns.
func textTable(title string, header []string, rows [][]string) Result {
	fields := make([]arrow.Field, len(header))
	for i, h := range header {
		fields[i] = arrow.Field{Name: h, Type: arrow.BinaryTypes.String}
	}
	b := array.NewRecordBuilder(trial.Allocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for _, row := range rows {
		for i, cell := range row {
			b.Field(i).(*array.StringBuilder).Append(cell)
		}
	}
	return Result{Title: title, Rows: b.NewRecord()}
}

// describe runs DESC.
func (s *session) describe(st *syntax.Describe) error {
	title := syntax.Text(st)
	switch st.Kind {
	case "QUERY":
		n, err := s.query(st.Query, nil)
		if err != nil {
			return err
		}
		s.results = append(s.results, describeSchema(title, nil, n.schema))
		return nil
	case "MODEL":
		m, err := s.findModel(st.Name)
		if err != nil {
			return err
		}
		s.results = append(s.results, describeModel(title, m))
		return nil
	case "FUNCTION":
		return s.describeFunction(title, st)
	case "FILE":
		t, err := s.file(st.Path, st.Span)
		if err != nil {
			return err
		}
		return s.describeTable(title, t, st.Span)
	}
	if t, ok, _ := s.catalog.tables.find(s.key(st.Name)); ok {
		return s.describeTable(title, t, st.Name.Span)
	}
	if m, ok, _ := s.catalog.models.find(s.key(st.Name)); ok && !m.broken {
		s.results = append(s.results, describeModel(title, m))
		return nil
	}
	_, err := s.resolveTable(st.Name, "", st.Name.Span, nil)
	return err
}

func (s *session) describeTable(title string, t *table, at syntax.Span) error {
	if t.broken {
		return errBroken
	}
	schema := t.schema
	readable := t.view != nil || t.connector != nil && t.connector.Source != nil
	if readable {
		n, err := s.scan(t, at)
		if err != nil && schema == nil {
			return err
		}
		if err == nil {
			schema = n.schema
		}
	}
	if schema == nil {
		schema = arrow.NewSchema(nil, nil)
	}
	s.results = append(s.results, describeSchema(title, t, schema))
	return nil
}

// describeSchema is name, type, nullable, key and extra of every column.
func describeSchema(title string, t *table, schema *arrow.Schema) Result {
	var rows [][]string
	event := columnar.EventTime(schema)
	for i, f := range visible(schema) {
		key, extra := "", ""
		if t != nil && slices.Contains(t.key, f.Name) {
			key = "PRI"
		}
		if t != nil {
			for _, c := range slices.Concat(t.computed, t.timed) {
				if c.Name.Name == f.Name {
					extra = "AS " + syntax.Text(c.Expr)
				}
			}
			if key := t.metadataKey(f.Name); key != "" {
				extra = "METADATA FROM '" + key + "'"
			}
			if f.Name == t.eventTime && t.eventTime != "" {
				extra = strings.TrimSpace(extra + " WATERMARK")
				if t.delay > 0 {
					extra += " - " + t.delay.String()
				}
			}
		} else if i == event {
			extra = "event time"
		}
		rows = append(rows, []string{f.Name, typeName(f.Type), map[bool]string{true: "YES", false: "NO"}[f.Nullable], key, extra})
	}
	return textTable(title, []string{"name", "type", "nullable", "key", "extra"}, rows)
}

func describeModel(title string, m *model) Result {
	rows := [][]string{{"model_type", m.spec.Type}, {"features", strings.Join(m.spec.Features, ", ")}}
	if m.spec.Label != "" {
		rows = append(rows, []string{"label", m.spec.Label})
	}
	if m.path != "" {
		rows = append(rows, []string{"model_path", m.path})
	}
	if m.loaded != nil {
		rows = append(rows, []string{"rows learned", fmt.Sprint(m.loaded.Counters().Learned)})
	}
	for _, k := range slices.Sorted(keysOf(m.spec.Options)) {
		rows = append(rows, []string{k, m.spec.Options[k]})
	}
	return textTable(title, []string{"property", "value"}, rows)
}

func keysOf(m map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (s *session) describeFunction(title string, st *syntax.Describe) error {
	name := st.Name.Last()
	if f, ok, _ := s.catalog.functions.find(name); ok {
		s.results = append(s.results, textTable(title, []string{"function", "usage", "about"}, [][]string{f.help()}))
		return nil
	}
	if row, ok := functionHelp(name); ok {
		s.results = append(s.results, textTable(title, []string{"function", "usage", "about"}, [][]string{row}))
		return nil
	}
	_, err := lookup(s, s.catalog.functions, st.Name, "function")
	return err
}

// show runs SHOW.
func (s *session) show(st *syntax.Show) error {
	title := syntax.Text(st)
	var header []string
	var rows [][]string
	switch st.What {
	case "TABLES", "VIEWS":
		header = []string{"name", "kind", "connector"}
		for _, n := range s.catalog.tables.sorted() {
			t := s.catalog.tables[n]
			name, here := s.within(n)
			if !here {
				continue
			}
			kind, conn := "table", ""
			if t.view != nil {
				kind = "view"
			}
			if t.connector != nil {
				conn = t.connector.Name
			}
			if st.What == "TABLES" || t.view != nil {
				rows = append(rows, []string{name, kind, conn})
			}
		}
	case "MODELS":
		header = []string{"name", "type", "features", "label"}
		for _, n := range s.catalog.models.sorted() {
			m := s.catalog.models[n]
			name, here := s.within(n)
			if !here {
				continue
			}
			rows = append(rows, []string{name, m.spec.Type, strings.Join(m.spec.Features, ", "), m.spec.Label})
		}
	case "MODEL TYPES":
		header = []string{"type", "task", "about"}
		for _, t := range mlkernels.Types() {
			rows = append(rows, []string{t.Name, t.Task.String(), t.About})
		}
	case "FUNCTIONS":
		header = []string{"function", "usage", "about"}
		for _, n := range s.functionNames() {
			if f, ok := s.catalog.functions[n]; ok {
				rows = append(rows, f.help())
			} else if row, ok := functionHelp(n); ok {
				rows = append(rows, row)
			}
		}
	case "CONNECTORS":
		header = []string{"connector", "reads", "writes", "extensions"}
		yes := map[bool]string{true: "yes", false: "no"}
		for _, c := range s.opts.Connectors {
			rows = append(rows, []string{c.Name, yes[c.Source != nil], yes[c.Sink != nil], strings.Join(c.Extensions, " ")})
		}
	case "SETTINGS":
		return s.showSettings("")
	case "DATABASES":
		header = []string{"name"}
		for _, d := range s.databaseNames() {
			rows = append(rows, []string{d})
		}
	default:
		return s.src.Error(st.Span, "AS1103", "", "SHOW "+st.What+" is not supported yet")
	}
	if st.Like != "" {
		rows = slices.DeleteFunc(rows, func(row []string) bool { return !likeName(st.Like, row[0]) })
	}
	s.results = append(s.results, textTable(title, header, rows))
	return nil
}

// likeName matches a LIKE pattern against a name without case.
func likeName(pattern, name string) bool {
	escape := strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "%", "*", "_", "?")
	ok, err := path.Match(escape.Replace(strings.ToLower(pattern)), strings.ToLower(strings.ReplaceAll(name, "/", "|")))
	return ok && err == nil
}

// showSettings lists settings, or the value of one.
func (s *session) showSettings(key string) error {
	native, _ := nativeKey(key)
	var rows [][]string
	for _, k := range slices.Sorted(keysOf(s.settings)) {
		if key != "" && k != native {
			continue
		}
		v := s.settings[k]
		if syntax.Secret(k) {
			v = "***"
		}
		rows = append(rows, []string{k, v})
	}
	s.results = append(s.results, textTable("SET "+key, []string{"key", "value"}, rows))
	return nil
}

// showCreate prints a declaration in its canonical spelling.
func (s *session) showCreate(st *syntax.ShowCreate) error {
	for i := len(s.declared) - 1; i >= 0; i-- {
		d := s.declared[i]
		if strings.EqualFold(d.name, s.keyOf(strings.ToLower(st.Kind), st.Name)) && d.kind == st.Kind {
			s.results = append(s.results, Result{Title: syntax.Text(st), Text: d.text})
			return nil
		}
	}
	return s.src.Error(st.Name.Span, "AS1201", "", fmt.Sprintf("%s %q not found", strings.ToLower(st.Kind), st.Name.Last()))
}
