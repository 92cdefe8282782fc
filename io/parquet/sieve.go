package parquet

import (
	"cmp"
	"math"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// sieve is what the predicates of a source ask of single rows, column by
// column. Only predicates stand in it that mean for every value of the column
// what the same comparison means in SQL.
type sieve struct{ tests []test }

// test is what the predicates ask of one column.
type test struct {
	col    int // of the plan
	null   bool
	value  bool // no NULL passes; so it is with every comparison
	where  *expr.Bound
	schema *arrow.Schema // of where: the column alone, texts without dictionary
}

// newSieve returns the sieve of the predicates of p, nil if there is nothing to
// test.
func newSieve(p *plan) *sieve {
	out := &sieve{}
	for i, f := range p.schema.Fields() {
		t := test{col: i}
		var where []expr.Expr
		low, high := int64(math.MinInt64), int64(math.MaxInt64)
		for _, pred := range p.source.Predicates {
			if pred.Column != f.Name {
				continue
			}
			switch pred.Op {
			case "is null":
				t.null = true
				continue
			case "is not null":
				t.value = true
				continue
			}
			if l, h, ok := intRange(f.Type, pred); ok {
				low, high, t.value = max(low, l), min(high, h), true
			} else if e, ok := comparison(f.Type, pred); ok {
				where, t.value = append(where, e), true
			}
		}
		where = append(where, between(f.Type, low, high)...)
		if !t.null && !t.value || !t.bind(f.Type, where) {
			continue
		}
		out.tests = append(out.tests, t)
	}
	if len(out.tests) == 0 {
		return nil
	}
	// Texts cost most to decode: look at them when few rows are left.
	slices.SortStableFunc(out.tests, func(a, b test) int {
		return cmp.Compare(decodeCost(p.columns[a.col].typ), decodeCost(p.columns[b.col].typ))
	})
	return out
}

func decodeCost(t arrow.DataType) int {
	switch t.ID() {
	case arrow.DICTIONARY:
		return 1
	case arrow.STRING, arrow.BINARY:
		return 2
	}
	return 0
}

// tested is the column of a test.
const tested = "x"

// bind binds the conjuncts to the type of the column.
func (t *test) bind(typ arrow.DataType, where []expr.Expr) bool {
	if len(where) == 0 {
		return true
	}
	if d, ok := typ.(*arrow.DictionaryType); ok {
		typ = d.ValueType
	}
	t.schema = arrow.NewSchema([]arrow.Field{{Name: tested, Type: typ, Nullable: true}}, nil)
	e := where[0]
	for _, w := range where[1:] {
		e = expr.Call{Name: "and", Args: []expr.Expr{e, w}}
	}
	var err error
	t.where, err = expr.Bind(e, t.schema)
	return err == nil && t.where.Type().ID() == arrow.BOOL
}

func compared(fn string, value any, typ arrow.DataType) expr.Expr {
	return expr.Call{Name: fn, Args: []expr.Expr{expr.Col{Name: tested}, expr.Lit{Value: value, Type: typ}}}
}

// comparison is a predicate on a column of texts, truth values or floats.
func comparison(typ arrow.DataType, p Predicate) (expr.Expr, bool) {
	fn := map[string]string{"=": "eq", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}[p.Op]
	if d, ok := typ.(*arrow.DictionaryType); ok {
		typ = d.ValueType
	}
	switch typ.ID() {
	case arrow.STRING:
		v, ok := p.Value.(string)
		return compared(fn, v, typ), ok
	case arrow.BOOL:
		v, ok := p.Value.(bool)
		return compared(fn, v, typ), ok
	case arrow.FLOAT64:
		v, ok := number(p.Value)
		return compared(fn, v, typ), ok && v == v
	case arrow.FLOAT32:
		v, ok := number(p.Value)
		return compared(fn, float32(v), typ), ok && float64(float32(v)) == v
	}
	return nil, false
}

// between are the conditions low <= x <= high of a column of whole numbers, as
// far as they say anything.
func between(typ arrow.DataType, low, high int64) (out []expr.Expr) {
	least, most, ok := wholeNumbers(typ)
	switch {
	case !ok:
		return nil
	case low > high || low > most || high < least:
		return []expr.Expr{expr.Lit{Value: false}}
	case low == high:
		return []expr.Expr{compared("eq", low, typ)}
	}
	if low > least {
		out = append(out, compared("ge", low, typ))
	}
	if high < most {
		out = append(out, compared("le", high, typ))
	}
	return out
}

// wholeNumbers is the range of a type of whole numbers, counts of time included.
func wholeNumbers(typ arrow.DataType) (least, most int64, ok bool) {
	switch typ.ID() {
	case arrow.INT8:
		return math.MinInt8, math.MaxInt8, true
	case arrow.INT16:
		return math.MinInt16, math.MaxInt16, true
	case arrow.INT32, arrow.DATE32:
		return math.MinInt32, math.MaxInt32, true
	case arrow.INT64, arrow.TIMESTAMP:
		return math.MinInt64, math.MaxInt64, true
	case arrow.UINT8:
		return 0, math.MaxUint8, true
	case arrow.UINT16:
		return 0, math.MaxUint16, true
	case arrow.UINT32:
		return 0, math.MaxUint32, true
	}
	return 0, 0, false
}

// intRange is the range of the whole numbers for which a predicate holds, empty
// if low > high.
func intRange(typ arrow.DataType, p Predicate) (low, high int64, ok bool) {
	if _, _, ok := wholeNumbers(typ); !ok {
		return 0, 0, false
	}
	v, exact, ok := wholeBelow(typ, p.Value)
	if !ok {
		return 0, 0, false
	}
	low, high = math.MinInt64, math.MaxInt64
	switch p.Op {
	case "=":
		if !exact {
			return 1, 0, true
		}
		return v, v, true
	case "<":
		if high = v; exact {
			if v == math.MinInt64 {
				return 1, 0, true
			}
			high--
		}
	case "<=":
		high = v
	case ">":
		if v == math.MaxInt64 {
			return 1, 0, true
		}
		low = v + 1
	case ">=":
		if low = v; !exact {
			low++
		}
	}
	return low, high, true
}

// wholeBelow is the greatest whole number, in units of typ, that is not above a
// constant; exact if it is the constant. Floats so large that numbers beside
// them become equal to them are left to SQL.
func wholeBelow(typ arrow.DataType, value any) (v int64, exact, ok bool) {
	if mul, div, ok := columnar.Micros(typ); ok {
		t, ok := micros(value)
		if !ok {
			return 0, false, false
		}
		if div > 1 {
			return t * div, true, t <= math.MaxInt64/div && t >= math.MinInt64/div
		}
		v = columnar.FloorDiv(t, mul)
		return v, v*mul == t, true
	}
	switch x := value.(type) {
	case int64:
		return x, true, true
	case int:
		return int64(x), true, true
	case float64:
		f := math.Floor(x)
		return int64(f), f == x, math.Abs(x) < 1<<53
	}
	return 0, false, false
}
