package sql

import (
	"fmt"
	"time"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// timeColumn resolves the time column of a window and sees to it that it is
// the event time of the input of b.
func (s *session) timeColumn(e syntax.Expr, b *binder) (string, error) {
	if d, ok := e.(*syntax.Descriptor); ok {
		if len(d.Columns) != 1 {
			return "", s.src.Error(d.Span, "AS1403", "", "a window has one time column")
		}
		e = &syntax.Column{Name: syntax.Name{Span: d.Columns[0].Span, Parts: d.Columns}}
	}
	x, err := b.expr(e)
	if err != nil {
		return "", err
	}
	col, ok := x.(expr.Col)
	if !ok {
		return "", s.src.Error(e.Range(), "AS1403", "compute it in the table: ts AS expr, WATERMARK FOR ts", "a window wants a column that is an event time, not "+syntax.Text(e))
	}
	n, err := s.timed(*b.input, col.Name, e.Range())
	if err != nil {
		return "", err
	}
	*b.input = n
	return col.Name, nil
}

// requireTime makes column the event time of n: it is, or a watermark is
// implied at the source it comes from.
func (s *session) requireTime(n *node, column string, at syntax.Span) error {
	f, ok := n.field(column)
	if !ok {
		return s.src.Error(at, "AS1203", "", fmt.Sprintf("column %q not found", column))
	}
	if !isInstant(f.Type) {
		return s.src.Error(at, "AS1403", "make a timestamp of it with TO_TIMESTAMP_LTZ in a computed column", fmt.Sprintf("column %q is %s, which cannot be an event time", column, typeName(f.Type)))
	}
	if n.eventTime() == "" && !s.imply(n, column) {
		return s.src.Error(at, "AS1403", "declare WATERMARK FOR its column in CREATE TABLE", fmt.Sprintf("column %q is no event time: it is computed, or comes from an aggregation", column))
	}
	if et := n.eventTime(); et != column {
		return s.src.Error(at, "AS1403", "a stream has one event time: declare WATERMARK FOR the other column", fmt.Sprintf("column %q is not the event time of the stream, that is %q", column, et))
	}
	return s.impliedDelay(n, at)
}

// imply marks the column of the sources that column of n is as event time, and
// binds the nodes between anew.
func (s *session) imply(n *node, column string) bool {
	switch {
	case n.table != nil && n.kind == "scan":
		t := n.table
		if t.eventTime != "" && t.eventTime != column {
			return false
		}
		t.eventTime = column
		n.schema = columnar.WithEventTime(n.schema, column)
		return true
	case n.kind == "union":
		for _, in := range n.in {
			if !s.imply(in, column) {
				return false
			}
		}
	case n.plain != nil && len(n.in) == 1:
		in, ok := n.plain(column)
		if !ok || !s.imply(n.in[0], in) {
			return false
		}
	default:
		return false
	}
	return n.rebind() == nil
}

// impliedDelay gives the sources of n without a declared delay the default
// one, with a warning.
func (s *session) impliedDelay(n *node, at syntax.Span) (err error) {
	n.walk(map[*node]bool{}, func(n *node) {
		t := n.table
		if t == nil || n.kind != "scan" || t.eventTime == "" || t.declared || err != nil {
			return
		}
		if s.setting("watermark.implied", "on") == "off" {
			err = s.src.Error(at, "AS1402", "declare WATERMARK FOR "+t.eventTime+" in CREATE TABLE", fmt.Sprintf("table %q has no watermark", t.name))
			return
		}
		t.declared = true
		t.delay = s.durationSetting("watermark.default-delay", 10*time.Second)
		s.warn(at, "AS1402", "declare it: WATERMARK FOR "+syntax.QuoteName(t.eventTime)+" AS "+syntax.QuoteName(t.eventTime)+" - INTERVAL '10' SECOND",
			fmt.Sprintf("table %q has no watermark: max(%s) - %s is taken", t.name, t.eventTime, t.delay))
	})
	return err
}
