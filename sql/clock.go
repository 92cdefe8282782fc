package sql

import (
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// clockFunctions are the functions of the current time; those behind the first may
// be written without parentheses.
var clockFunctions = []string{"now", "current_timestamp", "localtimestamp", "current_date"}

// isClock reports whether c is a call of one of [clockFunctions].
func isClock(c *syntax.Call) bool {
	return slices.Contains(clockFunctions, strings.ToLower(c.Fn.Last())) && len(c.Args) == 0 && !c.Star && !c.Distinct && c.Over == nil
}

// clock binds a function of the current time: on a stream the processing time of
// each row, as PROCTIME(), on input that ends the time at which the query was
// planned.
func (b *binder) clock(c *syntax.Call) (expr.Expr, error) {
	instant := &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}
	var x expr.Expr = expr.Cast{Of: expr.Lit{Value: b.s.began.UTC().Format(time.RFC3339Nano)}, To: instant}
	if b.input != nil && !(*b.input).bounded {
		var err error
		if x, err = b.procTime(c); err != nil {
			return nil, err
		}
	}
	switch strings.ToLower(c.Fn.Last()) {
	case "localtimestamp":
		x = expr.Cast{Of: x, To: &arrow.TimestampType{Unit: arrow.Millisecond}}
	case "current_date":
		x = expr.Cast{Of: x, To: arrow.FixedWidthTypes.Date32}
	}
	return x, nil
}

// now is the time at which a session begins.
func (o Options) now() time.Time {
	if o.Pipeline.Clock != nil {
		return o.Pipeline.Clock.Now()
	}
	return arrowstream.SystemClock{}.Now()
}
