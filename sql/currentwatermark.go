package sql

import (
	"fmt"
	"strings"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
)

// callsWatermark reports whether c is CURRENT_WATERMARK(...).
func callsWatermark(c *syntax.Call) bool { return strings.EqualFold(c.Fn.Last(), "current_watermark") }

// currentWatermark binds CURRENT_WATERMARK(ts): the watermark is written behind the
// input of the block.
func (b *binder) currentWatermark(c *syntax.Call) (expr.Expr, error) {
	if b.input == nil || b.group != nil || b.match != nil {
		return nil, b.err(c, "AS1403", "select it in a query below: FROM (SELECT *, CURRENT_WATERMARK(ts) AS w FROM t)", "CURRENT_WATERMARK cannot be used here")
	}
	if len(c.Args) != 1 {
		return nil, b.err(c, "AS1601", "usage: CURRENT_WATERMARK(ts)", "CURRENT_WATERMARK takes one column")
	}
	x, err := b.expr(c.Args[0].Value)
	if err != nil {
		return nil, err
	}
	in := *b.input
	if col, ok := x.(expr.Col); !ok || col.Name != in.eventTime() {
		hint := "declare it: WATERMARK FOR ts AS ts - INTERVAL '5' SECOND"
		if et := in.eventTime(); et != "" {
			hint = fmt.Sprintf("the event time is %q", et)
		}
		return nil, b.err(c.Args[0].Value, "AS1403", hint, "%s is not an event time with a watermark", syntax.Text(c.Args[0].Value))
	}
	const column = "CURRENT_WATERMARK()"
	if _, written := in.field(column); !written {
		n := &node{kind: "current watermark", plain: func(out string) (string, bool) { return out, out != column }}
		n.build = func(columns) (arrowstream.Stage, error) { return &stage.CurrentWatermark{Column: column}, nil }
		n.needs = func(want columns) columns {
			delete(want.names, column)
			return want
		}
		if n, err = derive(n, in); err != nil {
			return nil, b.s.coded(c.Span, "AS1403", err)
		}
		*b.input = n
	}
	return expr.Col{Name: column}, nil
}
