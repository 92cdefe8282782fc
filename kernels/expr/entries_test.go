package expr_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// overEntries are expressions of one column that are deeper than one kernel.
func overEntries() []expr.Expr {
	s, upper := col("s"), call("upper", col("s"))
	number := expr.Cast{Of: call("replace", s, lit("n"), lit("")), To: arrow.PrimitiveTypes.Int64}
	return []expr.Expr{
		call("concat", upper, lit("!")),
		call("like", call("substring", upper, lit(int64(1)), lit(int64(2))), lit("N_")),
		call("eq", call("length", upper), lit(int64(2))),
		call("coalesce", upper, lit("none")),
		call("is_null", call("nullif", upper, lit("N3"))),
		call("or", call("is_null", upper), call("gt", call("length", upper), lit(int64(2)))),
		call("split", upper, lit("1")),
		call("if", call("eq", upper, lit("N1")), s, lit(nil)),
		call("json_value", call("concat", lit(`{"k":"`), s, lit(`"}`)), lit("$.k")),
		call("array", upper, s),
		call("eq", upper, upper),
		number,
		call("add", number, number),
		expr.Case{Whens: []expr.When{{Cond: call("like", s, lit("n%")), Then: number}}, Else: lit(int64(-1))},
		call("and", call("like", s, lit("n%")), call("gt", number, lit(int64(4)))),
		call("divide", lit(1.0), call("if", call("like", upper, lit("N%")), lit(1.0), lit(0.0))),
	}
}

// TestEntries evaluates expressions over dictionaries with and without NULLs,
// with values that fail and that no row has, and over their values: results and
// errors are the same.
func TestEntries(t *testing.T) {
	mem := columnartest.Allocator(t)
	r := rand.New(rand.NewPCG(1, 2))
	for name, c := range map[string]struct {
		values string
		nulls  bool
		used   int // of the values, from the first on
	}{
		"plain":            {"n1\nn2\nn33", false, 3},
		"null rows":        {"n1\nn2\nn33", true, 3},
		"null values":      {"n1\nnull\nn33\nn1", true, 4},
		"only null":        {"null", true, 1},
		"fails, not there": {"n1\nn2\nxx\nyy", true, 2},
		"fails":            {"n1\nn2\nxx\nyy", false, 4},
		"no values":        {"", true, 0},
	} {
		values := columnartest.Batch(t, mem, "v:utf8\n"+c.values)
		codes := array.NewInt32Builder(mem)
		for range 100 {
			if c.used == 0 || c.nulls && r.IntN(3) == 0 {
				codes.AppendNull()
			} else {
				codes.Append(int32(r.IntN(c.used)))
			}
		}
		indices := codes.NewArray()
		codes.Release()
		whole := array.NewDictionaryArray(columnar.Dict, indices, values.Column(0))
		indices.Release()
		dict := array.NewSlice(whole, 7, 90)
		whole.Release()
		plain, err := kernels.DecodeDictionary(mem, dict)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range overEntries() {
			var got [2]string
			for i, s := range []arrow.Array{plain, dict} {
				schema := arrow.NewSchema([]arrow.Field{{Name: "s", Type: s.DataType(), Nullable: true}}, nil)
				b := array.NewRecord(schema, []arrow.Array{s}, int64(s.Len()))
				a, err := mustBind(t, e, schema).Eval(mem, b)
				b.Release()
				if err != nil {
					got[i] = "error: " + err.Error()
					continue
				}
				for row := range a.Len() {
					got[i] += fmt.Sprintln(kernels.TextAt(a, row), a.IsNull(row))
				}
				a.Release()
			}
			if got[0] != got[1] {
				t.Errorf("%s: %s over a dictionary is\n%s\nof its values\n%s", name, expr.String(e), got[1], got[0])
			}
		}
		plain.Release()
		dict.Release()
		values.Release()
	}
}

// TestEntriesAreComputedOnce has a kernel say of how many rows it computes
// something, behind another one.
func TestEntriesAreComputedOnce(t *testing.T) {
	most := 0
	f, err := kernels.Declaration{
		Name: "sized", Args: []arrow.DataType{arrow.BinaryTypes.String}, Out: arrow.BinaryTypes.String,
		Kernel: func(_ memory.Allocator, n int, args []kernels.Datum) (arrow.Array, error) {
			most = max(most, n)
			args[0].Array.Retain()
			return args[0].Array, nil
		},
	}.Function()
	if err != nil {
		t.Fatal(err)
	}
	in := dictionaryBatch(t, 1000, 20)
	a, err := mustBind(t, call("lower", expr.Call{Name: "sized", Func: f, Args: []expr.Expr{call("upper", col("s"))}}), in.Schema()).Eval(columnar.Pool, in)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Release()
	if a.Len() != 1000 || kernels.TextAt(a, 21) != "value number 1" || most != 21 {
		t.Errorf("%d rows, row 21 is %s; %d rows were computed", a.Len(), kernels.TextAt(a, 21), most)
	}
}

// dictionaryBatch is rows of so many texts in turn, dictionary-encoded.
func dictionaryBatch(t testing.TB, rows, values int) arrow.Record {
	rb := array.NewRecordBuilder(columnar.Pool, arrow.NewSchema([]arrow.Field{{Name: "s", Type: columnar.Dict, Nullable: true}}, nil))
	defer rb.Release()
	for i := range rows {
		if err := rb.Field(0).(*array.BinaryDictionaryBuilder).AppendString(fmt.Sprint("value number ", i%values)); err != nil {
			t.Fatal(err)
		}
	}
	b := rb.NewRecord()
	t.Cleanup(b.Release)
	return b
}

// BenchmarkEntries is two functions of text and a comparison over a dictionary.
func BenchmarkEntries(b *testing.B) {
	in := dictionaryBatch(b, 16<<10, 1000)
	e := mustBind(b, call("eq", call("trim", call("upper", col("s"))), lit("VALUE NUMBER 7")), in.Schema())
	for b.Loop() {
		a, err := e.Eval(columnar.Pool, in)
		if err != nil {
			b.Fatal(err)
		}
		a.Release()
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/(16<<10), "ns/row")
}
