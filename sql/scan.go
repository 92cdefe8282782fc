package sql

import (
	"cmp"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// spec is what the connector is told.
func (s *session) spec(t *table) arrowstream.Table {
	return arrowstream.Table{Name: t.name, Options: t.options, Schema: t.schema, Key: t.key, Partition: t.partition, Format: t.format, Stdio: s.opts.Stdio, Access: s.opts.Pipeline.Access}
}

// scan is the node that reads a table, planned once.
func (s *session) scan(t *table, at syntax.Span) (*node, error) {
	if t.broken {
		return nil, errBroken
	}
	if t.node != nil {
		return t.node, nil
	}
	var err error
	switch {
	case t.view != nil:
		t.node, err = s.viewNode(t, at)
	case t.connector == nil:
		return s.insideTable(t, at)
	default:
		if t.node, err = s.sourceNode(t, at); err == nil {
			t.node, err = s.timedColumns(t, t.node)
		}
	}
	return t.node, err
}

// insideTable reads what was inserted into a table without connector.
func (s *session) insideTable(t *table, at syntax.Span) (*node, error) {
	if len(t.inserts) == 0 {
		return nil, s.src.Error(at, "AS1504", "insert into it earlier in the script, or give it a connector: WITH ('connector' = ...)", fmt.Sprintf("table %q has no connector and nothing was inserted into it", t.name))
	}
	var err error
	t.node, err = unionAll(t.inserts)
	return t.node, err
}

func (s *session) sourceNode(t *table, at syntax.Span) (*node, error) {
	if t.connector.Source == nil {
		return nil, s.src.Error(at, "AS1504", "write to it with INSERT INTO", fmt.Sprintf("connector %q of table %q cannot be read", t.connector.Name, t.name))
	}
	spec := s.spec(t)
	if t.reads != nil {
		spec.Schema = t.reads
	}
	src, err := t.connector.Source(spec)
	if err == nil && s.opts.Source != nil {
		src, err = s.opts.Source(t.connector.Name, spec, src)
	}
	if err != nil {
		return nil, s.tableError(t, at, err)
	}
	if t.base, err = src.Schema(); err != nil {
		return nil, s.tableError(t, at, err)
	}
	if len(t.inserts) > 0 && src.Bounded() {
		return nil, s.src.Error(at, "AS1504", "read it in a second script, or put the query into a view and read that", fmt.Sprintf("%q is written by this script and cannot be read in it", t.name))
	}
	if !src.Bounded() && s.trigger(s.jobName("")).ends() && s.opts.Source == nil {
		if err := s.endsNow(t, at); err != nil {
			return nil, err
		}
		if src, err = t.connector.Source(spec); err != nil {
			return nil, s.tableError(t, at, err)
		}
	}
	t.source = src
	if t.eventTime == "" {
		if i := columnar.EventTime(t.base); i >= 0 {
			t.eventTime = t.base.Field(i).Name
		}
	}
	schema := columnar.WithEventTime(t.base, "")
	if len(t.computed) > 0 {
		cols, err := s.computedColumns(t, schema)
		if err != nil {
			return nil, err
		}
		if schema, err = projectStage(cols).Bind(schema, trial); err != nil {
			return nil, s.tableError(t, at, err)
		}
	}
	n := &node{kind: "scan", detail: t.name, table: t, bounded: src.Bounded(), schema: schema}
	switch cmp.Or(t.mode, s.setting("job.mode", "automatic")) {
	case "streaming":
		n.bounded = false
	case "batch":
		if !n.bounded {
			if t.mode != "" {
				return nil, s.src.Error(at, "AS1405", "write USING STREAM", fmt.Sprintf("a scan USING BATCH ends, but table %q does not", t.name))
			}
			return nil, s.src.Error(at, "AS1405", "SET job.mode = automatic", fmt.Sprintf("job.mode is batch, but table %q does not end", t.name))
		}
	}
	if t.eventTime != "" {
		i := columnar.Index(schema, t.eventTime)
		if i < 0 {
			return nil, s.src.Error(at, "AS1203", arrowstream.Suggest(t.eventTime, columnar.Names(schema), "columns"), fmt.Sprintf("event-time column %q not found in %s", t.eventTime, t.name))
		}
		if f := schema.Field(i); !isInstant(f.Type) {
			return nil, s.src.Error(at, "AS1403", "make one with TO_TIMESTAMP_LTZ in a computed column", fmt.Sprintf("column %q is %s, which cannot be an event time", f.Name, typeName(f.Type)))
		}
		n.schema = columnar.WithEventTime(schema, t.eventTime)
	}
	return n, nil
}

func (s *session) tableError(t *table, at syntax.Span, err error) error {
	for key, span := range t.optionAt {
		if e := toError(err); e.Pos.Line == 0 && (strings.HasPrefix(e.Code, "AS15") || strings.HasPrefix(e.Code, "AS21")) && strings.Contains(e.Msg, strconv.Quote(key)) {
			at = span
		}
	}
	e := s.coded(at, "AS1504", err)
	if name := strconv.Quote(t.name); !strings.Contains(e.Msg, name) {
		e.Msg = "table " + name + ": " + e.Msg
	}
	return e
}

// computedColumns are the columns the source reads and then the computed ones.
func (s *session) computedColumns(t *table, schema *arrow.Schema) ([]outColumn, error) {
	cols := passColumns(columnar.Names(schema))
	for _, c := range t.computed {
		// A column may use those before it: its text is put in their place.
		sc := newScope(t.name, schema)
		b := &binder{s: s, scope: sc, params: map[string]expr.Expr{}}
		for _, done := range cols[schema.NumFields():] {
			b.params[strings.ToLower(done.Name)] = done.Expr
		}
		x, err := s.computedColumn(b, t, c)
		if err != nil {
			return nil, err
		}
		cols = append(cols, outColumn{c.Name.Name, x})
	}
	return cols, nil
}

// setColumns tells a source which columns to read, if it has an option of the
// name "columns" that is not used yet.
func setColumns(src arrowstream.Source, names []string) bool {
	v := reflect.ValueOf(src)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return false
	}
	v = v.Elem()
	for i := range v.NumField() {
		if tag := v.Type().Field(i).Tag.Get("option"); strings.Split(tag, ",")[0] != "columns" {
			continue
		}
		if list, ok := v.Field(i).Interface().([]string); ok && list == nil && v.Field(i).CanSet() {
			v.Field(i).Set(reflect.ValueOf(names))
			return true
		}
	}
	return false
}
