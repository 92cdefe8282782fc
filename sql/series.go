package sql

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/io/generator"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// series plans GENERATE_SERIES(from, to[, step]) in FROM: a table of integers, or
// of times with an interval for a step.
func (s *session) series(c *syntax.Call, name string) (*node, error) {
	const usage = "GENERATE_SERIES(1, 10 [, 2]), GENERATE_SERIES(TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-02', INTERVAL 1 HOUR)"
	if len(c.Args) < 2 || len(c.Args) > 3 || c.Star || c.Distinct {
		return nil, s.src.Error(c.Span, "AS1601", "usage: "+usage, fmt.Sprintf("GENERATE_SERIES takes 2 or 3 arguments, not %d", len(c.Args)))
	}
	b := &binder{s: s, scope: &scope{}}
	var args []arrow.Array
	for _, a := range c.Args {
		if a.Name != nil {
			return nil, s.src.Error(a.Name.Span, "AS1601", "give the arguments by position", "GENERATE_SERIES has no named arguments")
		}
		x, err := b.expr(a.Value)
		if err != nil {
			return nil, err
		}
		bound, err := expr.Bind(x, noColumns)
		if err != nil {
			return nil, s.coded(a.Value.Range(), "AS1601", err)
		}
		v, ok := bound.Const()
		if !ok {
			return nil, s.src.Error(a.Value.Range(), "AS1601", "of columns write CROSS JOIN UNNEST(SEQUENCE(from, to))", "the arguments of GENERATE_SERIES in FROM are constants")
		}
		args = append(args, v)
	}
	src := &generator.Series{Column: name, Step: 1}
	bad := func(i int, msg string) (*node, error) {
		return nil, s.src.Error(c.Args[i].Value.Range(), "AS1601", "usage: "+usage, "GENERATE_SERIES: "+msg)
	}
	var step arrow.DataType = arrow.PrimitiveTypes.Int64
	if isInstant(args[0].DataType()) {
		if len(args) < 3 {
			return bad(1, "times need a step")
		}
		zone := ""
		if isLTZ(args[0].DataType()) {
			zone = "UTC"
		}
		src.Type = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: zone}
		step = arrow.FixedWidthTypes.Duration_us
	}
	to := src.Type
	if to == nil {
		to = arrow.PrimitiveTypes.Int64
	}
	for i, t := range []arrow.DataType{to, to, step}[:len(args)] {
		v := args[i]
		if !arrow.IsInteger(v.DataType().ID()) && v.DataType().ID() != arrow.NULL && t.ID() == arrow.INT64 || t.ID() == arrow.DURATION && v.DataType().ID() != arrow.DURATION {
			return bad(i, "an argument is "+typeName(v.DataType()))
		}
		cast, err := kernels.Cast(trial.Allocator, v, t, false)
		if err != nil {
			return nil, s.coded(c.Args[i].Value.Range(), "AS1601", err)
		}
		if cast.IsNull(0) { // no series, as in PostgreSQL
			schema, _ := src.Schema()
			return s.fixed("generate_series", array.NewRecordBuilder(trial.Allocator, schema).NewRecord()), nil
		}
		*[]*int64{&src.From, &src.To, &src.Step}[i] = columnar.Values[int64](cast)[0]
	}
	schema, err := src.Schema()
	if err != nil {
		return bad(2, "the step is 0")
	}
	t := &table{name: "generate_series", source: src, base: schema}
	return &node{kind: "values", detail: syntax.Text(c), table: t, bounded: true, schema: schema}, nil
}
