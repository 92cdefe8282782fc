package sql

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// table is a declared table or view, or a file.
type table struct {
	name   string
	at     syntax.Span
	broken bool

	// A view has a query and is planned once.
	view        *syntax.Query
	viewColumns []syntax.Ident
	node        *node
	planning    bool
	scope       *with // what the query of a WITH sees

	// A table of a connector; connector is nil for a table inside the script,
	// which is read from what was inserted.
	connector *arrowstream.Connector
	options   map[string]string
	optionAt  map[string]syntax.Span // of their names in the script
	schema    *arrow.Schema          // declared columns that are written, nil if none
	reads     *arrow.Schema          // declared columns that are read: those and metadata
	metadata  []metadataColumn
	computed  []syntax.ColumnDef
	timed     []syntax.ColumnDef // computed of the processing time, behind the source
	key       []string
	partition []string
	format    arrowstream.Format
	inserts   []*node
	lengths   map[string]int64       // of VARCHAR(n), by column
	defaults  map[string]syntax.Expr // of columns that an INSERT does not name
	decl      *syntax.CreateTable    // what declared it; nil for views, files and implied ones
	viewDecl  *syntax.CreateView     // of a view
	mode      string                 // streaming or batch in the place of job.mode, of a scan
	implied   bool                   // by an INSERT into an unknown name
	inferred  bool                   // schema comes from the first INSERT

	// Event time: declared column and delay; inferred from the source else.
	eventTime string
	delay     time.Duration
	declared  bool // WATERMARK was written, or the delay is known otherwise
	idle      time.Duration
	drift     time.Duration // how far a partition may run ahead

	source arrowstream.Source
	base   *arrow.Schema // of source
	lookup lookupOptions
}

// eventTimeOptions name the event-time column where the connector has no
// option of the name.
var eventTimeOptions = []string{"event.time", "event_time", "event-time", "event_time_field", "watermark_field"}

// createTable runs CREATE TABLE.
func (s *session) createTable(st *syntax.CreateTable) error {
	st, err := s.like(st)
	if err != nil {
		return err
	}
	t := &table{name: s.key(st.Name), at: st.Name.Span, decl: st}
	added, err := declare(s, s.catalog.tables, st.Name, "table", st.OrReplace, st.IfNotExists, t)
	if err != nil || !added {
		return err
	}
	if err := s.declareTable(t, st); err != nil {
		t.broken = true
		return err
	}
	if st.Query != nil {
		return s.insert(&syntax.Insert{Span: st.Span, Table: st.Name, TableAt: st.Name.Span, Query: st.Query})
	}
	return nil
}

func (s *session) declareTable(t *table, st *syntax.CreateTable) error {
	if err := s.tableOptions(t, st.Options); err != nil {
		return err
	}
	var fields []arrow.Field
	seen := map[string]bool{}
	for _, c := range st.Columns {
		if seen[c.Name.Name] {
			return s.src.Error(c.Name.Span, "AS1501", "give it another name", fmt.Sprintf("column %q is declared twice", c.Name.Name))
		}
		seen[c.Name.Name] = true
		switch {
		case c.Expr != nil && c.Default != nil:
			return s.src.Error(c.Default.Range(), "AS1501", "leave DEFAULT out", fmt.Sprintf("column %q is computed and has no default", c.Name.Name))
		case c.Expr != nil && t.readsClock(c.Expr):
			t.timed = append(t.timed, c)
		case c.Expr != nil:
			t.computed = append(t.computed, c)
		default:
			typ, err := s.arrowType(c.Type)
			if err != nil {
				return err
			}
			if c.Default != nil {
				if err := s.addDefault(t, c, typ); err != nil {
					return err
				}
			}
			if c.Metadata {
				if err := s.addMetadata(t, c); err != nil {
					return err
				}
			}
			fields = append(fields, arrow.Field{Name: c.Name.Name, Type: typ, Nullable: !c.NotNull})
			if most := s.lengthOf(c.Type); most > 0 {
				if t.lengths == nil {
					t.lengths = map[string]int64{}
				}
				t.lengths[c.Name.Name] = most
			}
		}
	}
	t.setFields(fields)
	for _, k := range st.PrimaryKey {
		t.key = append(t.key, k.Name)
	}
	for _, k := range st.PartitionedBy {
		t.partition = append(t.partition, k.Name)
	}
	if len(t.partition) > 0 && (t.connector == nil || !slices.Contains(optionNames(t.connector.Options), "partition")) {
		return s.src.Error(st.PartitionedBy[0].Span, "AS1504", "write to a directory of files: csv, json or parquet", fmt.Sprintf("table %q is not kept in directories, so it cannot be partitioned", t.name))
	}
	for _, k := range slices.Concat(st.PrimaryKey, st.PartitionedBy) {
		if t.schema != nil && !seen[k.Name] {
			return s.src.Error(k.Span, "AS1203", arrowstream.Suggest(k.Name, columnar.Names(t.schema), "columns"), fmt.Sprintf("column %q not found", k.Name))
		}
	}
	if err := s.checkComputed(t); err != nil {
		return err
	}
	if st.Watermark != nil {
		w := st.Watermark
		if t.schema != nil && !seen[w.Column.Name] {
			return s.src.Error(w.Column.Span, "AS1203", arrowstream.Suggest(w.Column.Name, columnar.Names(t.schema), "columns"), fmt.Sprintf("column %q not found", w.Column.Name))
		}
		if err := s.checkWatermark(t, w); err != nil {
			return err
		}
		t.eventTime, t.declared = w.Column.Name, true
		return s.watermarkDelay(t, w)
	}
	return nil
}

// checkComputed binds the computed columns of a table whose other columns are
// declared, so that their errors do not wait for a query.
func (s *session) checkComputed(t *table) error {
	if t.reads == nil || len(t.computed) == 0 {
		return nil
	}
	_, err := s.computedColumns(t, t.reads)
	return err
}

// watermarkDelay reads ts - INTERVAL ... .
func (s *session) watermarkDelay(t *table, w *syntax.WatermarkDef) error {
	if w.Expr == nil {
		return nil
	}
	isColumn := func(e syntax.Expr) bool {
		c, ok := e.(*syntax.Column)
		return ok && strings.EqualFold(c.Last(), w.Column.Name)
	}
	if isColumn(w.Expr) {
		return nil
	}
	if b, ok := w.Expr.(*syntax.Binary); ok && b.Op == "-" && isColumn(b.L) {
		d, err := s.duration(b.R, "the delay of the watermark")
		if err != nil {
			return err
		}
		if d < 0 {
			return s.src.Error(b.R.Range(), "AS1501", "", "the delay of a watermark cannot be negative")
		}
		t.delay = d
		return nil
	}
	return s.src.Error(w.Expr.Range(), "AS1501", "write "+w.Column.Name+" - INTERVAL '5' SECOND", "this watermark is not supported")
}

// tableOptions takes apart what the planner, the connector and the format
// read.
func (s *session) tableOptions(t *table, list []syntax.Option) error {
	t.options, t.optionAt = map[string]string{}, map[string]syntax.Span{}
	connector := syntax.Option{}
	for _, o := range list {
		t.optionAt[o.Key] = o.KeyAt
		value, missing := syntax.Substitute(o.Value, s.opts.Param)
		if missing != "" {
			return s.src.Error(o.ValueAt, "AS2102", "pass --param "+missing+"=... or write ${"+missing+":-default}", fmt.Sprintf("parameter %q is not set", missing))
		}
		if ok, err := s.lookupOption(t, o, value); err != nil {
			return err
		} else if ok {
			continue
		}
		switch o.Key {
		case "connector":
			connector = o
			connector.Value = value
		case "type":
		case "scan.watermark.idle-timeout", "idle_micros":
			if o.Key == "idle_micros" {
				value += "us"
			}
			d, err := arrowstream.ParseDuration(value)
			if err != nil {
				return s.src.Error(o.ValueAt, "AS1504", "", fmt.Sprintf("option %q: %v", o.Key, err))
			}
			t.idle = d
		case "scan.watermark.alignment.max-drift":
			d, err := arrowstream.ParseDuration(value)
			if err == nil && d < 0 {
				err = fmt.Errorf("it is negative")
			}
			if err != nil {
				return s.src.Error(o.ValueAt, "AS1504", "", fmt.Sprintf("option %q: %v", o.Key, err))
			}
			t.drift = d
		case "scan.watermark.alignment.group", "scan.watermark.alignment.update-interval": // of Flink: what they say is so
		default:
			t.options[o.Key] = value
		}
	}
	if connector.Value == "" {
		if len(t.options) > 0 {
			return s.src.Error(list[0].KeyAt, "AS1504", arrowstream.Suggest("connector", s.connectorNames(), "connectors"), fmt.Sprintf("table %q has options but no connector", t.name))
		}
		return nil
	}
	var err error
	if isFileSystem(connector.Value) {
		t.connector, err = s.fileSystem(t, connector)
	} else {
		t.connector, err = s.connector(connector.Value)
	}
	if err != nil {
		return s.coded(connector.ValueAt, "AS1504", err)
	}
	s.warnSecrets(t, list)
	return s.takeOptions(t, list)
}

// takeOptions moves the options that the connector does not know to the table.
func (s *session) takeOptions(t *table, list []syntax.Option) error {
	known := optionNames(t.connector.Options)
	at := func(key string) syntax.Span {
		for _, o := range list {
			if o.Key == key {
				return o.ValueAt
			}
		}
		return t.at
	}
	for _, k := range eventTimeOptions {
		if v, ok := t.options[k]; ok && !slices.Contains(known, k) {
			t.eventTime = v
			delete(t.options, k)
		}
	}
	if v, ok := t.options["watermark.delay"]; ok && !slices.Contains(known, "watermark.delay") {
		d, err := arrowstream.ParseDuration(v)
		if err != nil {
			return s.src.Error(at("watermark.delay"), "AS1504", "", fmt.Sprintf("option \"watermark.delay\": %v", err))
		}
		t.delay, t.declared = d, true
		delete(t.options, "watermark.delay")
	}
	for _, k := range []string{"format", "value.format"} {
		for _, f := range s.opts.Formats {
			if strings.EqualFold(f.Name(), t.options[k]) {
				t.format = f
			}
		}
	}
	if err := s.formatOptions(t, known); err != nil {
		return err
	}
	// A connector that has an option of the name says itself what it takes.
	if v, ok := t.options["format"]; ok && !slices.Contains(known, "format") {
		if t.format == nil {
			var names []string
			for _, f := range s.opts.Formats {
				names = append(names, f.Name())
			}
			return s.src.Error(at("format"), "AS1504", arrowstream.Suggest(v, names, "formats"), fmt.Sprintf("unknown format %q", v))
		}
		delete(t.options, "format")
	}
	return nil
}

// optionNames are all names and aliases of the options of a connector.
func optionNames(configs []any) []string {
	var out []string
	for _, c := range configs {
		t := reflect.TypeOf(c)
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			continue
		}
		for i := range t.NumField() {
			if tag, ok := t.Field(i).Tag.Lookup("option"); ok {
				out = append(out, strings.Split(tag, ",")...)
			}
		}
	}
	return out
}

func (s *session) connectorNames() []string {
	var out []string
	for _, c := range s.opts.Connectors {
		out = append(out, c.Name)
	}
	slices.Sort(out)
	return out
}

// connector finds a connector by name or alias.
func (s *session) connector(name string) (*arrowstream.Connector, error) {
	for i := range s.opts.Connectors {
		c := &s.opts.Connectors[i]
		if strings.EqualFold(c.Name, name) || slices.ContainsFunc(c.Aliases, func(a string) bool { return strings.EqualFold(a, name) }) {
			return c, nil
		}
	}
	return nil, &arrowstream.Error{Code: "AS1504", Msg: fmt.Sprintf("unknown connector %q", name), Hint: arrowstream.Suggest(name, s.connectorNames(), "connectors")}
}

// file is the table that a quoted file name stands for; one per name.
func (s *session) file(path string, at syntax.Span) (*table, error) {
	if t, ok := s.files[path]; ok {
		return t, nil
	}
	value, missing := syntax.Substitute(path, s.opts.Param)
	if missing != "" {
		return nil, s.src.Error(at, "AS2102", "pass --param "+missing+"=...", fmt.Sprintf("parameter %q is not set", missing))
	}
	conn := s.connectorOf(value)
	if conn == nil {
		var known []string
		for _, c := range s.opts.Connectors {
			known = append(known, c.Extensions...)
		}
		slices.Sort(known)
		return nil, s.src.Error(at, "AS1504", "known endings: "+strings.Join(slices.Compact(known), " "), fmt.Sprintf("%q: the file name does not tell the format", path))
	}
	t := &table{name: path, at: at, connector: conn, options: map[string]string{"path": value}}
	s.files[path] = t
	return t, nil
}

// connectorOf finds the connector of a file name by its longest ending.
func (s *session) connectorOf(path string) *arrowstream.Connector {
	var best *arrowstream.Connector
	length := 0
	lower := strings.ToLower(filepath.Base(path))
	for i := range s.opts.Connectors {
		for _, ext := range s.opts.Connectors[i].Extensions {
			if strings.HasSuffix(lower, ext) && len(ext) > length {
				best, length = &s.opts.Connectors[i], len(ext)
			}
		}
	}
	return best
}
