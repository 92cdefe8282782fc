package kernels_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// naiveLists are list functions of the elements, in text form, of one row.
var naiveLists = map[string]func(list []string, x string, k int) string{
	"element_at": func(list []string, _ string, k int) string {
		if k < 0 {
			k += len(list) + 1
		}
		if k < 1 || k > len(list) {
			return "null"
		}
		return list[k-1]
	},
	"array_contains": func(list []string, x string, _ int) string { return strconv.FormatBool(slices.Contains(list, x)) },
	"array_position": func(list []string, x string, _ int) string {
		if x == "null" {
			return "null"
		}
		return strconv.Itoa(slices.Index(list, x) + 1)
	},
	"array_append": func(list []string, x string, _ int) string { return listText(append(slices.Clone(list), x)) },
	"array_distinct": func(list []string, _ string, _ int) string {
		var out []string
		for _, e := range list {
			if !slices.Contains(out, e) {
				out = append(out, e)
			}
		}
		return listText(out)
	},
	"array_sort": func(list []string, _ string, _ int) string {
		out := slices.Clone(list)
		slices.SortFunc(out, compareElements)
		return listText(out)
	},
	"array_max": func(list []string, _ string, _ int) string {
		if len(list) == 0 {
			return "null"
		}
		return slices.MaxFunc(list, compareElements)
	},
	"array_slice": func(list []string, _ string, k int) string {
		if k < 0 {
			k += len(list) + 1
		}
		return listText(list[min(max(k, 1)-1, len(list)):])
	},
	"cardinality":  func(list []string, _ string, _ int) string { return strconv.Itoa(len(list)) },
	"array_concat": func(list []string, _ string, _ int) string { return listText(append(slices.Clone(list), list...)) },
}

func listText(list []string) string { return "[" + strings.Join(list, ",") + "]" }

// compareElements orders integers in text form, null first.
func compareElements(a, b string) int {
	number := func(s string) int {
		if n, err := strconv.Atoi(s); err == nil {
			return n
		}
		return -1 << 30
	}
	return number(a) - number(b)
}

func TestListsAgainstNaive(t *testing.T) {
	mem := columnartest.Allocator(t)
	r := rand.New(rand.NewPCG(5, 6))
	element := func() string {
		if r.IntN(6) == 0 {
			return "null"
		}
		return strconv.Itoa(r.IntN(5) - 2)
	}
	for range 40 {
		n := 1 + r.IntN(100)
		lists, xs, ks := make([][]string, n), make([]string, n), make([]int, n)
		text := "l:list<int64> x:int64 k:int32\n"
		for i := range n {
			for range r.IntN(7) {
				lists[i] = append(lists[i], element())
			}
			xs[i], ks[i] = element(), r.IntN(13)-6
			cell := listText(lists[i])
			if r.IntN(8) == 0 {
				lists[i], cell = nil, "null"
				xs[i] += " skip"
			}
			text += fmt.Sprintf("%s %s %d\n", cell, strings.TrimSuffix(xs[i], " skip"), ks[i])
		}
		full := columnartest.Batch(t, mem, text)
		from := r.IntN(n)
		batch := full.NewSlice(int64(from), int64(n))
		col := func(s string) expr.Expr { return expr.Col{Name: s} }
		for name, naive := range naiveLists {
			args := []expr.Expr{col("l")}
			switch name {
			case "element_at", "array_slice":
				args = append(args, col("k"))
			case "array_contains", "array_position", "array_append":
				args = append(args, col("x"))
			case "array_concat":
				args = append(args, col("l"))
			}
			got := evalColumn(t, expr.Call{Name: name, Args: args}, batch)
			for i := range got.Len() {
				want := "null"
				if row := from + i; !strings.HasSuffix(xs[row], "skip") {
					want = naive(lists[row], xs[row], ks[row])
				}
				if text := columnartest.Cell(got, i); text != want {
					t.Fatalf("%s of %v, %s, %d: %s, want %s", name, lists[from+i], xs[from+i], ks[from+i], text, want)
				}
			}
		}
		batch.Release()
	}
}

// evalColumn is the value of e over batch, released at the end of the test.
func evalColumn(t *testing.T, e expr.Expr, batch arrow.Record) arrow.Array {
	t.Helper()
	bound, err := expr.Bind(e, batch.Schema())
	if err != nil {
		t.Fatal(err)
	}
	a, err := bound.Eval(columnartest.Allocator(t), batch)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Release)
	return a
}

// Fields of vectors of structs share the offset of a slice.
func TestFieldOfFixedLists(t *testing.T) {
	mem := columnartest.Allocator(t)
	s := arrow.StructOf(arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int64, Nullable: true})
	b := array.NewFixedSizeListBuilder(mem, 2, s)
	defer b.Release()
	sb := b.ValueBuilder().(*array.StructBuilder)
	for i := range 5 {
		b.Append(true)
		sb.Append(true)
		sb.FieldBuilder(0).(*array.Int64Builder).Append(int64(i))
		if i%2 == 1 {
			sb.AppendNull()
			continue
		}
		sb.Append(true)
		sb.FieldBuilder(0).(*array.Int64Builder).Append(int64(10 * i))
	}
	a := b.NewArray()
	defer a.Release()
	schema := arrow.NewSchema([]arrow.Field{{Name: "v", Type: a.DataType()}}, nil)
	full := array.NewRecord(schema, []arrow.Array{a}, 5)
	defer full.Release()
	batch := full.NewSlice(1, 5)
	defer batch.Release()
	for k, want := range map[int64]string{1: "1 2 3 4", -1: "null 20 null 40", 3: "null null null null"} {
		at := expr.Call{Name: "element_at", Args: []expr.Expr{expr.Col{Name: "v"}, expr.Lit{Value: k}}}
		got := evalColumn(t, expr.Field{Of: at, Name: "a"}, batch)
		var cells []string
		for i := range got.Len() {
			cells = append(cells, columnartest.Cell(got, i))
		}
		if text := strings.Join(cells, " "); text != want {
			t.Errorf("element %d: %s, want %s", k, text, want)
		}
	}
}
