package sql

import (
	"reflect"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// pushed is a predicate that a source is handed.
type pushed struct {
	arrowstream.Predicate
	text string // for EXPLAIN
}

// effect says how much the results of an operator depend on rows below it that
// a filter leaves out: through the watermark, and through the ticks, which are
// cut at row numbers of the source.
type effect int

const (
	// noEffect: results depend on the rows that are left alone.
	noEffect effect = iota
	// onWatermark: rows that are left out move the watermark, which decides
	// what is late. A bound of the event time then means the same as in a
	// replay: rows outside are not read. Other predicates are not pushed.
	onWatermark
	// onTicks: results depend on what is in one tick; nothing is pushed.
	onTicks
)

// effects are the operators that may stand above a pushed predicate; those not
// named are onTicks.
var effects = map[string]effect{
	"project": noEffect, "filter": noEffect, "sort": noEffect, "limit": noEffect, "aggregate": noEffect, "score": noEffect,
	"insert": noEffect, "settle": noEffect, "periodic": noEffect, "complete": noEffect, "set operation": noEffect, "grouping sets": noEffect, "unnest": noEffect, "single row": noEffect,
	"window": onWatermark, "regroup": onWatermark, "assign window": onWatermark, "side output": onWatermark,
	"over": onWatermark, "match": onWatermark, "top": noEffect, "window top": onWatermark,
}

// push finds the predicates of all scans: conjuncts of filters that are all
// that reads a scan, and the span of a replay.
func (p *plan) push() {
	users := map[*node][]*node{}
	for _, n := range p.order {
		for _, in := range n.in {
			users[in] = append(users[in], n)
		}
	}
	for _, r := range p.roots {
		users[r.node] = append(users[r.node], nil)
	}
	for _, n := range p.order {
		if n.table == nil || n.table.connector == nil {
			continue
		}
		n.pushed = nil
		if _, ok := predicateField(n.table.source); !ok {
			continue
		}
		n.pushed = append(n.replaySpan(p.s.opts.Pipeline.Replay), n.filters(users)...)
		if src, ok := n.table.source.(arrowstream.Pruning); ok {
			n.pushed = slices.DeleteFunc(n.pushed, func(x pushed) bool { return !src.Prunes(x.Column) })
		}
	}
}

// baseType is the type of a column as the source reads it; ok is false for a
// computed one.
func (t *table) baseType(column string) (arrow.DataType, bool) {
	i := columnar.Index(t.base, column)
	if i < 0 || slices.ContainsFunc(t.computed, func(c syntax.ColumnDef) bool { return c.Name.Name == column }) {
		return nil, false
	}
	return t.base.Field(i).Type, true
}

// replaySpan is the span of a replay as predicates.
func (n *node) replaySpan(r arrowstream.Replay) (out []pushed) {
	column := n.table.eventTime
	if _, ok := n.table.baseType(column); !ok {
		return nil
	}
	for _, b := range []struct {
		op string
		at time.Time
	}{{">=", r.From}, {"<", r.To}} {
		if !b.at.IsZero() {
			p := arrowstream.Predicate{Column: column, Op: b.op, Value: b.at}
			out = append(out, pushed{p, column + " " + b.op + " " + b.at.UTC().Format(time.RFC3339Nano) + " (replay)"})
		}
	}
	return out
}

// filters are the conjuncts of the filters above a scan, as far as nothing else
// reads it and results cannot differ.
func (n *node) filters(users map[*node][]*node) (out []pushed) {
	if !n.bounded {
		return nil
	}
	worst := noEffect
	seen := map[*node]bool{}
	var climb func(x *node)
	climb = func(x *node) {
		for _, u := range users[x] {
			if u == nil || seen[u] {
				continue
			}
			seen[u] = true
			e, known := effects[u.kind]
			if !known {
				e = onTicks
			}
			worst = max(worst, e)
			climb(u)
		}
	}
	climb(n)
	if worst == onTicks {
		return nil
	}
	// name maps the columns of the node reached to those of the scan.
	name := func(column string) (string, bool) { return column, true }
	for at := n; len(users[at]) == 1 && users[at][0] != nil; at = users[at][0] {
		u := users[at][0]
		switch {
		case u.where != nil:
			for _, c := range conjuncts(u.where) {
				for _, q := range n.table.predicates(c, name) {
					if worst == noEffect || q.Column == n.table.eventTime {
						out = append(out, q)
					}
				}
			}
		case u.project != nil:
			below := name
			name = func(column string) (string, bool) {
				in, ok := u.plain(column)
				if !ok {
					return "", false
				}
				return below(in)
			}
		default:
			return out
		}
	}
	return out
}

// conjuncts are the parts of a condition that must all be true.
func conjuncts(e expr.Expr) []expr.Expr {
	if c, ok := e.(expr.Call); ok && c.Name == "and" {
		var out []expr.Expr
		for _, a := range c.Args {
			out = append(out, conjuncts(a)...)
		}
		return out
	}
	return []expr.Expr{e}
}

// comparisons are the calls that compare a column with a constant, and how they
// read with their sides swapped.
var comparisons = map[string]struct{ op, swapped string }{
	"eq": {"=", "="}, "lt": {"<", ">"}, "le": {"<=", ">="}, "gt": {">", "<"}, "ge": {">=", "<="},
}

// predicates are what a conjunct asks of columns of the source; none if it has
// another form.
func (t *table) predicates(e expr.Expr, name func(string) (string, bool)) []pushed {
	c, ok := e.(expr.Call)
	if !ok || len(c.Args) == 0 {
		return nil
	}
	column := func(e expr.Expr) (string, arrow.DataType) {
		if col, ok := e.(expr.Col); ok {
			if at, ok := name(col.Name); ok {
				if typ, ok := t.baseType(at); ok {
					return at, typ
				}
			}
		}
		return "", nil
	}
	at, typ := column(c.Args[0])
	make1 := func(op string, x expr.Expr) []pushed {
		v, ok := constantFor(inZoneOf(c.Zone, typ, x), typ)
		if !ok {
			return nil
		}
		return []pushed{{arrowstream.Predicate{Column: at, Op: op, Value: v}, exprText(expr.Col{Name: at}) + " " + op + " " + exprText(x)}}
	}
	switch cmp, isComparison := comparisons[c.Name]; {
	case isComparison && len(c.Args) == 2:
		if typ != nil {
			return make1(cmp.op, c.Args[1])
		}
		if at, typ = column(c.Args[1]); typ != nil {
			return make1(cmp.swapped, c.Args[0])
		}
	case typ == nil:
	case c.Name == "between" && len(c.Args) == 3:
		return append(make1(">=", c.Args[1]), make1("<=", c.Args[2])...)
	case c.Name == "in":
		return t.inList(at, typ, c)
	case c.Name == "is_null" || c.Name == "is_not_null":
		op := map[string]string{"is_null": "is null", "is_not_null": "is not null"}[c.Name]
		return []pushed{{arrowstream.Predicate{Column: at, Op: op}, exprText(e)}}
	}
	return nil
}

// inList bounds a column by the least and the greatest constant of IN. A NULL
// in the list makes nothing true.
func (t *table) inList(column string, typ arrow.DataType, in expr.Call) []pushed {
	var least, most any
	var leastText, mostText string
	for _, x := range in.Args[1:] {
		if l, ok := x.(expr.Lit); ok && l.Value == nil {
			continue
		}
		v, ok := constantFor(inZoneOf(in.Zone, typ, x), typ)
		if !ok {
			return nil
		}
		if least == nil {
			least, most, leastText, mostText = v, v, exprText(x), exprText(x)
			continue
		}
		below, ok1 := lessConstant(v, least)
		above, ok2 := lessConstant(most, v)
		if !ok1 || !ok2 {
			return nil
		}
		if below {
			least, leastText = v, exprText(x)
		}
		if above {
			most, mostText = v, exprText(x)
		}
	}
	if least == nil {
		return nil
	}
	quoted := exprText(expr.Col{Name: column})
	return []pushed{
		{arrowstream.Predicate{Column: column, Op: ">=", Value: least}, quoted + " >= " + leastText},
		{arrowstream.Predicate{Column: column, Op: "<=", Value: most}, quoted + " <= " + mostText},
	}
}

// inZoneOf is a constant that is compared with a column of type t, in a zone
// that is not UTC: a text is an instant in it, as the column is. A wall clock
// time and an instant are compared by conversions that the source does not know.
func inZoneOf(zone string, t arrow.DataType, x expr.Expr) expr.Expr {
	if zone == "" || zone == "UTC" || !isInstant(plainType(t)) {
		return x
	}
	bound, err := expr.Bind(x, noColumns)
	switch {
	case err != nil:
	case bound.Type().ID() == arrow.STRING && isLTZ(t):
		return expr.Cast{Of: x, To: t, Zone: zone}
	case bound.Type().ID() != arrow.STRING && isLTZ(t) != isLTZ(bound.Type()):
		return expr.Col{} // no constant
	}
	return x
}

// isLTZ reports whether t is TIMESTAMP_LTZ.
func isLTZ(t arrow.DataType) bool {
	ts, ok := t.(*arrow.TimestampType)
	return ok && ts.TimeZone != ""
}

// lessConstant compares two constants of one kind.
func lessConstant(a, b any) (less, ok bool) {
	switch a := a.(type) {
	case int64:
		b, ok := b.(int64)
		return a < b, ok
	case float64:
		b, ok := b.(float64)
		return a < b, ok && a == a && b == b
	case string:
		b, ok := b.(string)
		return a < b, ok
	case time.Time:
		b, ok := b.(time.Time)
		return a.Before(b), ok
	}
	return false, false
}

// noColumns is the schema that constants are bound to.
var noColumns = arrow.NewSchema(nil, nil)

// constantFor is the value of a constant expression as a source compares it
// with a column of type t: only where that comparison and the one of SQL, which
// first brings both sides to one type, cannot differ.
func constantFor(e expr.Expr, t arrow.DataType) (any, bool) {
	bound, err := expr.Bind(e, noColumns)
	if err != nil {
		return nil, false
	}
	a, ok := bound.Const()
	if !ok || a.Len() != 1 || a.IsNull(0) {
		return nil, false
	}
	from := a.DataType()
	if d, ok := t.(*arrow.DictionaryType); ok {
		t = d.ValueType
	}
	switch {
	case t.ID() == arrow.STRING || t.ID() == arrow.LARGE_STRING:
		s, ok := a.(*array.String)
		if !ok {
			return nil, false
		}
		return s.Value(0), true
	case t.ID() == arrow.BOOL:
		b, ok := a.(*array.Boolean)
		if !ok {
			return nil, false
		}
		return b.Value(0), true
	case arrow.IsInteger(t.ID()) && arrow.IsInteger(from.ID()):
		return castConstant[int64](a, arrow.PrimitiveTypes.Int64)
	case (arrow.IsInteger(t.ID()) || arrow.IsFloating(t.ID())) && isNumber(from):
		v, ok := castConstant[float64](a, arrow.PrimitiveTypes.Float64)
		x, _ := v.(float64)
		if t.ID() == arrow.FLOAT32 && float64(float32(x)) != x {
			return nil, false
		}
		return v, ok
	}
	if _, _, ok := columnar.Micros(t); !ok {
		return nil, false
	}
	if from.ID() == arrow.STRING {
		cast, err := kernels.Cast(trial.Allocator, a, t, true)
		if err != nil || cast.IsNull(0) {
			return nil, false
		}
		a = cast
	}
	mul, div, ok := columnar.Micros(a.DataType())
	if !ok {
		return nil, false
	}
	var v int64
	if d, ok := a.(*array.Date32); ok {
		v = int64(d.Value(0))
	} else {
		v = columnar.Values[int64](a)[0]
	}
	if micros := v * mul; micros/mul == v && micros%div == 0 {
		return time.UnixMicro(micros / div).UTC(), true
	}
	return nil, false
}

// isNumber reports whether a constant of type t can stand as a float64 without
// changing sides of any whole number.
func isNumber(t arrow.DataType) bool {
	d, ok := t.(*arrow.Decimal128Type)
	return arrow.IsInteger(t.ID()) || arrow.IsFloating(t.ID()) || ok && d.Precision <= 15
}

func castConstant[T int64 | float64](a arrow.Array, to arrow.DataType) (any, bool) {
	cast, err := kernels.Cast(trial.Allocator, a, to, true)
	if err != nil || cast.IsNull(0) {
		return nil, false
	}
	return columnar.Values[T](cast)[0], true
}

// predicateField is the field of a source that takes predicates.
func predicateField(src arrowstream.Source) (field reflect.Value, ok bool) {
	v := reflect.ValueOf(src)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return field, false
	}
	field = v.Elem().FieldByName("Predicates")
	if !field.IsValid() || !field.CanSet() || field.Kind() != reflect.Slice {
		return field, false
	}
	return field, reflect.TypeFor[arrowstream.Predicate]().ConvertibleTo(field.Type().Elem())
}

// setPredicates hands predicates to a source that takes them.
func setPredicates(src arrowstream.Source, list []pushed) {
	field, ok := predicateField(src)
	if !ok {
		return
	}
	for _, p := range list {
		field.Set(reflect.Append(field, reflect.ValueOf(p.Predicate).Convert(field.Type().Elem())))
	}
}
