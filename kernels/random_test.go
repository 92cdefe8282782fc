package kernels_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// naive evaluates an expression for one row: nil is NULL; ok is false for a
// data error.
func naive(e expr.Expr, row map[string]any) (v any, ok bool) {
	switch e := e.(type) {
	case expr.Col:
		return row[e.Name], true
	case expr.Lit:
		return e.Value, true
	case expr.Case:
		for _, w := range e.Whens {
			c, ok := naive(w.Cond, row)
			if !ok {
				return nil, false
			}
			if c == true {
				return naive(w.Then, row)
			}
		}
		return naive(e.Else, row)
	case expr.Call:
		return naiveCall(e, row)
	}
	panic("no such node")
}

func naiveCall(e expr.Call, row map[string]any) (any, bool) {
	args := make([]any, len(e.Args))
	good := true
	for i, a := range e.Args {
		var ok bool
		args[i], ok = naive(a, row)
		switch {
		case e.Name == "and" && ok && args[i] == false:
			return false, true // decides whatever the others are
		case e.Name == "or" && ok && args[i] == true:
			return true, true
		case e.Name == "coalesce" && ok && args[i] != nil && good:
			return args[i], true
		}
		good = good && ok
	}
	if !good {
		return nil, false
	}
	switch e.Name {
	case "coalesce":
		return nil, true
	case "is_null":
		return args[0] == nil, true
	case "is_not_distinct":
		if args[0] == nil || args[1] == nil {
			return args[0] == args[1], true
		}
		return order(args[0], args[1]) == 0, true
	}
	for _, a := range args {
		if a == nil {
			return nil, true
		}
	}
	switch e.Name {
	case "and":
		return true, true
	case "or":
		return false, true
	case "not":
		return !args[0].(bool), true
	case "neg":
		return exact(new(big.Int).Neg(big.NewInt(args[0].(int64))))
	}
	if c, ok := map[string]func(int) bool{
		"eq": func(c int) bool { return c == 0 }, "ne": func(c int) bool { return c != 0 },
		"lt": func(c int) bool { return c < 0 }, "le": func(c int) bool { return c <= 0 },
		"gt": func(c int) bool { return c > 0 }, "ge": func(c int) bool { return c >= 0 },
	}[e.Name]; ok {
		return c(order(args[0], args[1])), true
	}
	if x, ok := args[0].(float64); ok {
		y := args[1].(float64)
		switch e.Name {
		case "add":
			return x + y, true
		case "sub":
			return x - y, true
		case "mul":
			return x * y, true
		}
		return x / y, true
	}
	x, y := big.NewInt(args[0].(int64)), big.NewInt(args[1].(int64))
	switch e.Name {
	case "add":
		return exact(x.Add(x, y))
	case "sub":
		return exact(x.Sub(x, y))
	case "mul":
		return exact(x.Mul(x, y))
	}
	if y.Sign() == 0 {
		return nil, false
	}
	if e.Name == "mod" {
		return exact(x.Rem(x, y))
	}
	return exact(x.Quo(x, y))
}

func exact(v *big.Int) (any, bool) { return v.Int64(), v.IsInt64() }

// order compares two values in SQL order.
func order(a, b any) int {
	switch x := a.(type) {
	case int64:
		y := b.(int64)
		if x == y {
			return 0
		} else if x < y {
			return -1
		}
		return 1
	case float64:
		y := b.(float64)
		switch {
		case x != x && y != y || x == y:
			return 0
		case x != x:
			return 1
		case y != y || x < y:
			return -1
		}
		return 1
	case string:
		y := b.(string)
		if x == y {
			return 0
		} else if x < y {
			return -1
		}
		return 1
	}
	x, y := a.(bool), b.(bool)
	if x == y {
		return 0
	} else if !x {
		return -1
	}
	return 1
}

// generator makes random expressions and rows.
type generator struct{ *rand.Rand }

var (
	someInts   = []int64{0, 1, -1, 2, 7, -7, math.MaxInt64, math.MinInt64, 1 << 31, -1 << 32, 3037000500}
	someFloats = []float64{0, math.Copysign(0, -1), 1, -1, 0.5, math.NaN(), math.Inf(1), math.Inf(-1), 1e300}
	someTexts  = []string{"", "a", "b", "ab", "ä", "zz"}
)

func (g generator) value(kind byte) any {
	if g.IntN(6) == 0 {
		return nil
	}
	switch kind {
	case 'i':
		if g.IntN(2) == 0 {
			return g.Int64N(20) - 10
		}
		return someInts[g.IntN(len(someInts))]
	case 'f':
		return someFloats[g.IntN(len(someFloats))]
	case 's':
		return someTexts[g.IntN(len(someTexts))]
	}
	return g.IntN(2) == 0
}

func (g generator) literal(kind byte) expr.Expr {
	v := g.value(kind)
	if v == nil {
		return expr.Lit{Type: map[byte]arrow.DataType{'i': arrow.PrimitiveTypes.Int64, 'f': arrow.PrimitiveTypes.Float64, 's': arrow.BinaryTypes.String, 'b': arrow.FixedWidthTypes.Boolean}[kind]}
	}
	return expr.Lit{Value: v}
}

func (g generator) expr(kind byte, depth int) expr.Expr {
	if depth == 0 || g.IntN(5) == 0 {
		if g.IntN(3) == 0 {
			return g.literal(kind)
		}
		return expr.Col{Name: fmt.Sprintf("%c%d", kind, g.IntN(2))}
	}
	sub := func(k byte) expr.Expr { return g.expr(k, depth-1) }
	call := func(name string, args ...expr.Expr) expr.Expr { return expr.Call{Name: name, Args: args} }
	switch g.IntN(6) {
	case 0:
		return expr.Case{Whens: []expr.When{{Cond: sub('b'), Then: sub(kind)}, {Cond: sub('b'), Then: sub(kind)}}, Else: sub(kind)}
	case 1:
		return call("coalesce", sub(kind), sub(kind))
	}
	switch kind {
	case 'i':
		names := []string{"add", "sub", "mul", "div", "mod"}
		if g.IntN(8) == 0 {
			return call("neg", sub('i'))
		}
		return call(names[g.IntN(len(names))], sub('i'), sub('i'))
	case 'f':
		names := []string{"add", "sub", "mul", "divide"}
		return call(names[g.IntN(len(names))], sub('f'), sub('f'))
	case 's':
		return call("coalesce", sub('s'), sub('s'))
	}
	switch g.IntN(4) {
	case 0:
		return call("not", sub('b'))
	case 1:
		return call([]string{"and", "or"}[g.IntN(2)], sub('b'), sub('b'), sub('b'))
	case 2:
		return call("is_null", sub("ifsb"[g.IntN(4)]))
	}
	k := "ifsb"[g.IntN(4)]
	names := []string{"eq", "ne", "lt", "le", "gt", "ge", "is_not_distinct"}
	return call(names[g.IntN(len(names))], sub(k), sub(k))
}

// TestRandom evaluates random expressions over random rows by kernels and by
// the naive evaluator above.
func TestRandom(t *testing.T) {
	mem := columnartest.Allocator(t)
	kinds := "ifsb"
	var fields []arrow.Field
	for _, k := range kinds {
		for i := range 2 {
			typ := map[rune]arrow.DataType{'i': arrow.PrimitiveTypes.Int64, 'f': arrow.PrimitiveTypes.Float64, 's': arrow.BinaryTypes.String, 'b': arrow.FixedWidthTypes.Boolean}[k]
			fields = append(fields, arrow.Field{Name: fmt.Sprintf("%c%d", k, i), Type: typ, Nullable: true})
		}
	}
	schema := arrow.NewSchema(fields, nil)
	failed, good := 0, 0
	for seed := range uint64(3000) {
		g := generator{rand.New(rand.NewPCG(seed, 1))}
		b := array.NewRecordBuilder(mem, schema)
		rows := make([]map[string]any, 1+g.IntN(80))
		for i := range rows {
			rows[i] = map[string]any{}
			for k, f := range fields {
				v := g.value(f.Name[0])
				rows[i][f.Name] = v
				switch b := b.Field(k).(type) {
				case *array.Int64Builder:
					if v == nil {
						b.AppendNull()
					} else {
						b.Append(v.(int64))
					}
				case *array.Float64Builder:
					if v == nil {
						b.AppendNull()
					} else {
						b.Append(v.(float64))
					}
				case *array.StringBuilder:
					if v == nil {
						b.AppendNull()
					} else {
						b.Append(v.(string))
					}
				case *array.BooleanBuilder:
					if v == nil {
						b.AppendNull()
					} else {
						b.Append(v.(bool))
					}
				}
			}
		}
		full := b.NewRecord()
		b.Release()
		from := g.IntN(len(rows))
		batch := full.NewSlice(int64(from), int64(len(rows)))
		full.Release()
		e := g.expr(kinds[g.IntN(4)], 3)
		ok := checkNaive(t, e, batch, rows[from:])
		batch.Release()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		if ok {
			good++
		} else {
			failed++
		}
	}
	t.Logf("%d evaluated, %d failed as they should", good, failed)
}

// checkNaive reports whether the expression evaluates without an error.
func checkNaive(t *testing.T, e expr.Expr, batch arrow.Record, rows []map[string]any) bool {
	mem := columnartest.Allocator(t)
	want, fails := make([]any, len(rows)), false
	for i, r := range rows {
		v, ok := naive(e, r)
		want[i], fails = v, fails || !ok
	}
	bound, err := expr.Bind(e, batch.Schema())
	if err != nil {
		return false // an error in a constant part, whether it counts or not
	}
	got, err := bound.Eval(mem, batch)
	if err != nil {
		if !fails {
			t.Errorf("%s: %v", expr.String(e), err)
		}
		return false
	}
	defer got.Release()
	if fails {
		t.Errorf("%s: no error", expr.String(e))
	}
	for i, v := range want {
		text := "NULL"
		switch v := v.(type) {
		case int64, bool, string:
			text = fmt.Sprint(v)
		case float64:
			text = kernels.TextAt(oneFloat(v), 0)
		}
		if s := kernels.TextAt(got, i); s != text {
			t.Errorf("%s: row %d %v: got %s, want %s", expr.String(e), i, rows[i], s, text)
			return false
		}
	}
	return true
}

func oneFloat(v float64) arrow.Array {
	b := array.NewFloat64Builder(memory.NewGoAllocator())
	b.Append(v)
	return b.NewArray()
}
