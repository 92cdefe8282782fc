package sql

import (
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/decimal128"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/suggest"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

func (b *binder) literal(e syntax.Expr) (expr.Expr, error) {
	switch e := e.(type) {
	case *syntax.String:
		return expr.Lit{Value: e.Value}, nil
	case *syntax.Bytes:
		return expr.Lit{Value: []byte(e.Value)}, nil
	case *syntax.Bool:
		return expr.Lit{Value: e.Value}, nil
	case *syntax.Null:
		return expr.Lit{}, nil
	case *syntax.Number:
		return b.number(e)
	case *syntax.Typed:
		return b.typedLiteral(e)
	case *syntax.Interval:
		if e.YearMonth {
			return expr.Lit{Value: arrow.MonthInterval(e.Months), Type: arrow.FixedWidthTypes.MonthInterval}, nil
		}
		if e.Nanos%1000 != 0 {
			return expr.Lit{Value: arrow.Duration(e.Nanos), Type: arrow.FixedWidthTypes.Duration_ns}, nil
		}
		return expr.Lit{Value: arrow.Duration(e.Nanos / 1000), Type: arrow.FixedWidthTypes.Duration_us}, nil
	}
	return nil, b.unsupported(e, syntax.Text(e)+" is")
}

// suffixTypes are the types that a suffix gives a number.
var suffixTypes = []struct {
	suffix string
	t      arrow.DataType
}{
	{"BD", nil},
	{"L", arrow.PrimitiveTypes.Int64},
	{"S", arrow.PrimitiveTypes.Int16},
	{"Y", arrow.PrimitiveTypes.Int8},
	{"D", arrow.PrimitiveTypes.Float64},
	{"F", arrow.PrimitiveTypes.Float32},
}

// number is a numeric literal: an integer, a decimal or, with an exponent or a
// suffix, a floating-point number.
func (b *binder) number(e *syntax.Number) (expr.Expr, error) {
	bad := func() (expr.Expr, error) {
		return nil, b.err(e, "AS1002", "write 12, 1.5, 1e3, 0xFF, 10L, 1.5D", "not a number in range: %s", e.Text)
	}
	text := strings.ReplaceAll(e.Text, "_", "")
	if rest, ok := strings.CutPrefix(strings.ToLower(text), "0x"); ok {
		n, err := strconv.ParseInt(rest, 16, 64)
		if err != nil {
			return bad()
		}
		return expr.Lit{Value: n}, nil
	}
	var want arrow.DataType
	isDecimal := false
	for _, s := range suffixTypes {
		if len(text) > len(s.suffix) && strings.EqualFold(text[len(text)-len(s.suffix):], s.suffix) {
			text, want, isDecimal = text[:len(text)-len(s.suffix)], s.t, s.t == nil
			break
		}
	}
	switch {
	case want == nil && !isDecimal && !strings.ContainsAny(text, ".eE"):
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return expr.Lit{Value: n}, nil
		}
		fallthrough
	case want == nil && !strings.ContainsAny(text, "eE"):
		return b.decimal(e, text)
	case want != nil && arrow.IsInteger(want.ID()):
		n, err := strconv.ParseInt(text, 10, want.(arrow.FixedWidthDataType).BitWidth())
		if err != nil {
			return bad()
		}
		return expr.Lit{Value: n, Type: want}, nil
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return bad()
	}
	return expr.Lit{Value: x, Type: want}, nil
}

// decimal is a literal such as 1.50: DECIMAL(3, 2).
func (b *binder) decimal(e *syntax.Number, text string) (expr.Expr, error) {
	whole, frac, _ := strings.Cut(text, ".")
	digits := strings.TrimLeft(whole+frac, "0")
	precision, scale := max(len(digits), len(frac), 1), len(frac)
	n, ok := new(big.Int).SetString(whole+frac, 10)
	if !ok || precision > 38 {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, b.err(e, "AS1002", "write it with an exponent: 1e40", "not a number in range: %s", e.Text)
		}
		return expr.Lit{Value: x}, nil
	}
	return expr.Lit{Value: decimal128.FromBigInt(n), Type: &arrow.Decimal128Type{Precision: int32(precision), Scale: int32(scale)}}, nil
}

// negative is -l for a number.
func negative(l expr.Lit) (expr.Expr, bool) {
	switch v := l.Value.(type) {
	case int64:
		return expr.Lit{Value: -v, Type: l.Type}, true
	case float64:
		return expr.Lit{Value: -v, Type: l.Type}, true
	case decimal128.Num:
		return expr.Lit{Value: v.Negate(), Type: l.Type}, true
	}
	return nil, false
}

// typedLiteral is DATE '...' and the like: a cast that is folded at bind.
func (b *binder) typedLiteral(e *syntax.Typed) (expr.Expr, error) {
	unit := arrow.Microsecond
	if _, frac, ok := strings.Cut(e.Value, "."); ok && len(strings.TrimRight(frac, "Zz+-:0123456789")) == 0 {
		digits := strings.IndexFunc(frac+" ", func(r rune) bool { return r < '0' || r > '9' })
		if digits > 6 {
			unit = arrow.Nanosecond
		}
	}
	var t arrow.DataType
	switch e.Type {
	case "DATE":
		t = arrow.FixedWidthTypes.Date32
	case "TIME":
		t = timeOfDay(unit)
	case "TIMESTAMP_LTZ":
		t = &arrow.TimestampType{Unit: unit, TimeZone: "UTC"}
	default:
		ts := &arrow.TimestampType{Unit: unit}
		if e.Type == "TIMESTAMP" && b.s.compat("sql.timestamp") == "local" {
			ts.TimeZone = "UTC"
		}
		t = ts
	}
	return expr.Cast{Of: expr.Lit{Value: e.Value}, To: t}, nil
}

// duration is a constant length of time: an interval, '10 seconds' or 10s.
func (s *session) duration(e syntax.Expr, what string) (time.Duration, error) {
	hint := "write INTERVAL '10' SECOND or '10 seconds'"
	bad := func() (time.Duration, error) {
		return 0, s.src.Error(e.Range(), "AS1104", hint, what+" is no duration: "+syntax.Text(e))
	}
	text := ""
	switch e := e.(type) {
	case *syntax.Interval:
		if e.YearMonth {
			return 0, s.src.Error(e.Range(), "AS1104", "months have no fixed length; group by DATE_TRUNC('month', ts)", what+" cannot be in months or years")
		}
		return time.Duration(e.Nanos), nil
	case *syntax.String:
		text = e.Value
	case *syntax.Number:
		text = e.Text
	case *syntax.Column:
		if len(e.Parts) != 1 || e.Parts[0].Quote != '"' {
			return bad()
		}
		text = e.Parts[0].Name
	default:
		return bad()
	}
	d, err := arrowstream.ParseDuration(text)
	if err != nil {
		return bad()
	}
	return d, nil
}

// near reports whether two names differ by at most limit edits.
func near(a, b string, limit int) bool {
	return suggest.Distance(strings.ToLower(a), strings.ToLower(b)) <= limit
}
