package sql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
)

// procTimeColumn is the column that a call of PROCTIME() stands for.
const procTimeColumn = "PROCTIME()"

// procTimeNode writes the processing time into a column of in, which is the event
// time of the result if mark is set.
func (s *session) procTimeNode(in *node, column string, mark bool) (*node, error) {
	n := &node{kind: "processing time", detail: column, proctime: column}
	if mark {
		n.detail += ", which is the event time from here on"
	}
	n.build = func(want columns) (arrowstream.Stage, error) {
		st := &stage.ProcTime{}
		if want.has(column) {
			st.Columns = []string{column}
		}
		if mark {
			st.EventTime = column
		}
		return st, nil
	}
	n.plain = func(out string) (string, bool) { return out, out != column }
	n.needs = func(want columns) columns {
		delete(want.names, column)
		return want
	}
	return derive(n, in)
}

// isProcTime reports whether a column of n is a processing time.
func (n *node) isProcTime(column string) bool {
	from, name := n.origin(column)
	if from.kind == "union" {
		return !slices.ContainsFunc(from.in, func(in *node) bool { return !in.isProcTime(name) })
	}
	return from.proctime != "" && from.proctime == name
}

// timed is n with column as its event time. For a processing time that is the time
// at which the row gets there.
func (s *session) timed(n *node, column string, at syntax.Span) (*node, error) {
	if !n.isProcTime(column) {
		return n, s.requireTime(n, column, at)
	}
	if n.eventTime() == column {
		return n, nil
	}
	out, err := s.procTimeNode(n, column, true)
	if err != nil {
		return nil, s.coded(at, "AS1403", err)
	}
	return out, nil
}

// callsProcTime reports whether c is PROCTIME().
func callsProcTime(c *syntax.Call) bool {
	return strings.EqualFold(c.Fn.Last(), "proctime") && len(c.Args) == 0 && !c.Star && !c.Distinct && c.Over == nil
}

// procTime binds PROCTIME(): the time is written behind the input of the block.
func (b *binder) procTime(c *syntax.Call) (expr.Expr, error) {
	if b.input == nil || b.group != nil || b.match != nil {
		return nil, b.err(c, "AS1403", "select it in a query below: FROM (SELECT *, PROCTIME() AS proc FROM t)", "PROCTIME() cannot be used here")
	}
	if (*b.input).isProcTime(procTimeColumn) {
		return expr.Col{Name: procTimeColumn}, nil
	}
	n, err := b.s.procTimeNode(*b.input, procTimeColumn, false)
	if err != nil {
		return nil, b.s.coded(c.Span, "AS1403", err)
	}
	*b.input = n
	return expr.Col{Name: procTimeColumn}, nil
}

// readsClock reports whether a computed column of t can only be computed behind
// its source: it reads the processing time.
func (t *table) readsClock(e syntax.Expr) bool {
	return syntax.Any(e, func(x syntax.Expr) bool {
		switch x := x.(type) {
		case *syntax.Call:
			return callsProcTime(x)
		case *syntax.Column:
			return slices.ContainsFunc(t.timed, func(c syntax.ColumnDef) bool { return strings.EqualFold(c.Name.Name, x.Last()) })
		}
		return false
	})
}

// computedColumn binds a computed column of t, which is cast to its type if it has
// one.
func (s *session) computedColumn(b *binder, t *table, c syntax.ColumnDef) (expr.Expr, error) {
	x, _, err := b.typed(c.Expr)
	if err != nil {
		t.broken = true
		return nil, err
	}
	if c.Type == nil {
		return x, nil
	}
	typ, err := s.arrowType(c.Type)
	if err != nil {
		return nil, err
	}
	return expr.Cast{Of: x, To: typ, Zone: s.zone()}, nil
}

// timedColumns adds the computed columns of t that read the processing time to its
// rows.
func (s *session) timedColumns(t *table, n *node) (*node, error) {
	for _, c := range t.timed {
		b := &binder{s: s, scope: newScope(t.name, n.schema), input: &n}
		cols := passColumns(visibleNames(n.schema))
		x, err := s.computedColumn(b, t, c)
		if err != nil {
			return nil, err
		}
		if n, err = projectNode(n, append(cols, outColumn{c.Name.Name, x})); err != nil {
			return nil, s.coded(c.Expr.Range(), "AS1301", err)
		}
	}
	return n, nil
}

// checkWatermark refuses a watermark for a processing time.
func (s *session) checkWatermark(t *table, w *syntax.WatermarkDef) error {
	if slices.ContainsFunc(t.timed, func(c syntax.ColumnDef) bool { return c.Name.Name == w.Column.Name }) {
		return s.src.Error(w.Column.Span, "AS1403", "use it in windows and joins as it is", fmt.Sprintf("column %q is a processing time and has no watermark", w.Column.Name))
	}
	if t.reads == nil {
		return nil
	}
	if i := columnar.Index(t.reads, w.Column.Name); i >= 0 && !isInstant(t.reads.Field(i).Type) && !arrow.IsInteger(t.reads.Field(i).Type.ID()) {
		return s.src.Error(w.Column.Span, "AS1403", "declare it as TIMESTAMP(3), or make one of it in a computed column with TO_TIMESTAMP", fmt.Sprintf("column %q is %s, which cannot be an event time", w.Column.Name, typeName(t.reads.Field(i).Type)))
	}
	return nil
}

// procTimes makes processing times the event times of two streams if the condition
// of their join reads those of both.
func (j *joinNode) procTimes() error {
	var times [2]string
	for _, x := range j.rest {
		var read columns
		exprColumns(x, &read)
		for i, in := range j.in {
			for _, f := range visible(in.schema) {
				if read.has(f.Name) && in.isProcTime(f.Name) {
					times[i] = f.Name
				}
			}
		}
	}
	if times[0] == "" || times[1] == "" {
		return nil
	}
	for i, name := range times {
		if j.in[i].eventTime() == name {
			continue
		}
		n, err := j.s.procTimeNode(j.in[i], name, true)
		if err != nil {
			return err
		}
		j.in[i] = n
	}
	return nil
}
