package agg_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

// row is the argument cells of one row, "null" for NULL.
type row []string

// aggCase is a function on argument types, with a naive version of it: want
// gets the rows of a group and returns a cell. approx compares floats with a
// relative error of 1e-9.
type aggCase struct {
	fn       string
	types    string
	distinct bool
	approx   bool
	want     func(rows []row) string
}

var aggCases = []aggCase{
	{fn: "count", types: "", want: func(rows []row) string { return strconv.Itoa(len(rows)) }},
	{fn: "count", types: "utf8", want: func(rows []row) string { return strconv.Itoa(len(values(rows))) }},
	{fn: "count", types: "dict", distinct: true, want: func(rows []row) string { return strconv.Itoa(len(distinct(rows))) }},
	{fn: "count", types: "float64", distinct: true, want: func(rows []row) string { return strconv.Itoa(len(distinct(rows))) }},
	{fn: "count_if", types: "bool", want: func(rows []row) string {
		n := 0
		for _, v := range values(rows) {
			if v == "true" {
				n++
			}
		}
		return strconv.Itoa(n)
	}},
	{fn: "sum", types: "int64", want: sumInts},
	{fn: "sum", types: "duration[us]", want: sumInts},
	{fn: "sum", types: "uint64", want: sumInts},
	{fn: "sum", types: "int64", distinct: true, want: func(rows []row) string { return sumInts(distinct(rows)) }},
	{fn: "sum", types: "float64", want: func(rows []row) string { return sumFloats(values(rows), false) }},
	{fn: "sum", types: "float64", distinct: true, want: func(rows []row) string { return sumFloats(firsts(distinct(rows)), false) }},
	{fn: "sum", types: "decimal(12,2)", want: func(rows []row) string { return sumDecimals(rows, false) }},
	{fn: "try_sum", types: "int64", want: sumInts},
	{fn: "try_avg", types: "decimal(12,2)", want: func(rows []row) string { return sumDecimals(rows, true) }},
	{fn: "avg", types: "float64", want: func(rows []row) string { return sumFloats(values(rows), true) }},
	{fn: "avg", types: "int64", approx: true, want: func(rows []row) string { return sumFloats(values(rows), true) }},
	{fn: "avg", types: "decimal(12,2)", want: func(rows []row) string { return sumDecimals(rows, true) }},
	{fn: "min", types: "int64", want: func(rows []row) string { return extreme(rows, false, lessNumber) }},
	{fn: "max", types: "int64", want: func(rows []row) string { return extreme(rows, true, lessNumber) }},
	{fn: "min", types: "float64", want: func(rows []row) string { return extreme(rows, false, lessNumber) }},
	{fn: "max", types: "float64", want: func(rows []row) string { return extreme(rows, true, lessNumber) }},
	{fn: "min", types: "float32", want: func(rows []row) string { return extreme(rows, false, lessNumber) }},
	{fn: "max", types: "uint8", want: func(rows []row) string { return extreme(rows, true, lessNumber) }},
	{fn: "min", types: "utf8", want: func(rows []row) string { return extreme(rows, false, lessText) }},
	{fn: "max", types: "dict", want: func(rows []row) string { return extreme(rows, true, lessText) }},
	{fn: "max", types: "large_utf8", want: func(rows []row) string { return extreme(rows, true, lessText) }},
	{fn: "min", types: "bool", want: func(rows []row) string { return extreme(rows, false, lessText) }},
	{fn: "max", types: "decimal(12,2)", want: func(rows []row) string { return extreme(rows, true, lessNumber) }},
	{fn: "bool_and", types: "bool", want: func(rows []row) string { return extreme(rows, false, lessText) }},
	{fn: "bool_or", types: "bool", want: func(rows []row) string { return extreme(rows, true, lessText) }},
	{fn: "var_samp", types: "float64", approx: true, want: func(rows []row) string { return variance(rows, 1, false) }},
	{fn: "var_pop", types: "float64", approx: true, want: func(rows []row) string { return variance(rows, 0, false) }},
	{fn: "stddev_samp", types: "float64", approx: true, want: func(rows []row) string { return variance(rows, 1, true) }},
	{fn: "stddev_pop", types: "float64", approx: true, want: func(rows []row) string { return variance(rows, 0, true) }},
	{fn: "covar_pop", types: "float64 float64", approx: true, want: covarPop},
	{fn: "covar_samp", types: "float64 float64", approx: true},
	{fn: "corr", types: "float64 float64", approx: true},
	{fn: "first", types: "utf8", want: func(rows []row) string { return atEnd(rows, false) }},
	{fn: "last", types: "dict", want: func(rows []row) string { return atEnd(rows, true) }},
	{fn: "last", types: "int64", want: func(rows []row) string { return atEnd(rows, true) }},
	{fn: "first", types: "list<int64>", want: func(rows []row) string { return atEnd(rows, false) }},
	{fn: "last", types: "struct<a:int64,b:utf8>", want: func(rows []row) string { return atEnd(rows, true) }},
	{fn: "last", types: "bool", want: func(rows []row) string { return atEnd(rows, true) }},
	{fn: "any_value", types: "vector[2]", want: func(rows []row) string { return atEnd(rows, false) }},
	{fn: "arg_min", types: "utf8 int64", want: func(rows []row) string { return argExtreme(rows, false, lessNumber) }},
	{fn: "arg_max", types: "int64 float64", want: func(rows []row) string { return argExtreme(rows, true, lessNumber) }},
	{fn: "arg_max", types: "int64 utf8", want: func(rows []row) string { return argExtreme(rows, true, lessText) }},
	{fn: "array_agg", types: "int64", want: func(rows []row) string { return list(firsts(values2(rows))) }},
	{fn: "collect_set", types: "utf8", want: func(rows []row) string { return list(firsts(distinct(rows))) }},
	{fn: "median", types: "float64", approx: true, want: median},
	{fn: "percentile", types: "float64 float64", approx: true},
	{fn: "listagg", types: "utf8", want: func(rows []row) string {
		if len(values(rows)) == 0 {
			return "null"
		}
		return joined(values(rows))
	}},
	{fn: "listagg", types: "utf8", distinct: true, want: func(rows []row) string {
		if len(values(rows)) == 0 {
			return "null"
		}
		return joined(firsts(distinct(rows)))
	}},
	{fn: "map_agg", types: "utf8 int64", want: func(rows []row) string { return mapOf(rows) }},
	{fn: "map_agg", types: "int64 list<int64>", want: func(rows []row) string { return mapOf(rows) }},
	{fn: "json_arrayagg", types: "utf8", want: func(rows []row) string { return between("[", rows, "]") }},
	{fn: "json_objectagg", types: "utf8", want: func(rows []row) string { return between("{", rows, "}") }},
	{fn: "approx_top_k", types: "int64", want: func(rows []row) string { return topOf(rows, 5) }},
	{fn: "mode", types: "utf8", want: mode},
	{fn: "mode", types: "int64", want: mode},
	{fn: "bit_and", types: "int64", want: func(rows []row) string { return bitwise(rows, func(a, b int64) int64 { return a & b }) }},
	{fn: "bit_or", types: "int64", want: func(rows []row) string { return bitwise(rows, func(a, b int64) int64 { return a | b }) }},
	{fn: "bit_xor", types: "int64", want: func(rows []row) string { return bitwise(rows, func(a, b int64) int64 { return a ^ b }) }},
	{fn: "percentile_disc", types: "float64 float64", want: disc},
	{fn: "percentile_disc_desc", types: "float64 float64", want: discFromTop},
	{fn: "regr_slope", types: "float64 float64", approx: true},
	{fn: "regr_intercept", types: "float64 float64", approx: true},
	{fn: "regr_r2", types: "float64 float64", approx: true},
	{fn: "regr_avgx", types: "float64 float64", approx: true},
	{fn: "regr_avgy", types: "float64 float64", approx: true},
	{fn: "regr_sxx", types: "float64 float64", approx: true},
	{fn: "regr_syy", types: "float64 float64", approx: true},
	{fn: "regr_sxy", types: "float64 float64", approx: true},
	{fn: "regr_count", types: "int64 float64", want: func(rows []row) string { return strconv.Itoa(len(pairs(rows))) }},
	{fn: "skewness", types: "float64", approx: true},
	{fn: "kurtosis", types: "float64", approx: true},
	{fn: "roc_auc", types: "float64 float64", want: aucOf},
	{fn: "approx_count_distinct", types: "int64", want: func(rows []row) string { return strconv.Itoa(len(distinct(rows))) }},
	{fn: "accuracy", types: "utf8 dict", approx: true, want: accuracy},
	{fn: "f1", types: "float64 float64", approx: true, want: f1Of},
	{fn: "mae", types: "float64 float64", approx: true, want: mae},
	{fn: "rmse", types: "float64 float64", approx: true},
	{fn: "log_loss", types: "float64 float64", approx: true},
	{fn: "adwin", types: "float64"},
	{fn: "page_hinkley", types: "float64"},
}

func (c aggCase) String() string {
	d := ""
	if c.distinct {
		d = "distinct "
	}
	return fmt.Sprintf("%s(%s%s)", c.fn, d, c.types)
}

// argCell is a random argument.
func (c aggCase) argCell(r *rand.Rand, typ string, arg int) string {
	if strings.HasPrefix(c.fn, "percentile") && arg == 1 {
		return "0.25"
	}
	if r.IntN(4) == 0 {
		return "null"
	}
	finite := c.fn != "sum" && c.fn != "avg" && c.fn != "min" && c.fn != "max" && c.fn != "count" && c.fn != "arg_max"
	switch typ {
	case "bool":
		return []string{"true", "false"}[r.IntN(2)]
	case "float32", "float64":
		if !finite && r.IntN(30) == 0 {
			return []string{"NaN", "Inf", "-Inf"}[r.IntN(3)]
		}
		if c.fn == "log_loss" {
			return []string{"0", "1", "0.25"}[r.IntN(3)]
		}
		if r.IntN(8) == 0 {
			return []string{"-0", "0"}[r.IntN(2)]
		}
		return strconv.FormatFloat(float64(float32(r.NormFloat64())), 'g', -1, 32)
	case "utf8", "dict", "large_utf8":
		return []string{"a", "bb", "ccc", "Zürich", "longer_text_1", "longer_text_2"}[r.IntN(6)]
	case "decimal(12,2)":
		return fmt.Sprintf("%d.%02d", r.IntN(2000)-1000, r.IntN(100))
	case "list<int64>":
		return []string{"[]", "[1,null]", "[2,3]"}[r.IntN(3)]
	case "vector[2]":
		return fmt.Sprintf("[%d,0.5]", r.IntN(5))
	case "struct<a:int64,b:utf8>":
		return fmt.Sprintf("{%d,null}", r.IntN(5))
	case "uint8", "uint64":
		return strconv.Itoa(r.IntN(200))
	}
	return strconv.Itoa(r.IntN(200) - 100)
}

// input is rows of a case with the group of each.
type input struct {
	cols   []arrow.Array
	groups []uint32
	rows   []row
	n      int
}

// input makes random rows, in columns with an offset.
func (c aggCase) input(t *testing.T, mem memory.Allocator, r *rand.Rand, rows, groups int) input {
	t.Helper()
	in := input{n: groups}
	types := strings.Fields(c.types)
	head, skip := "x:int64", r.IntN(70)
	for i, typ := range types {
		head += fmt.Sprintf(" c%d:%s", i, typ)
	}
	var sb strings.Builder
	sb.WriteString(head)
	for i := range rows + skip {
		cells := row{}
		for k, typ := range types {
			cells = append(cells, c.argCell(r, typ, k))
		}
		sb.WriteString("\n0 " + strings.Join(cells, " "))
		if i >= skip {
			in.rows = append(in.rows, cells)
			in.groups = append(in.groups, uint32(r.IntN(groups)))
		}
	}
	whole := columnartest.Batch(t, mem, sb.String())
	part := whole.NewSlice(int64(skip), int64(skip+rows))
	t.Cleanup(part.Release)
	in.cols = part.Columns()[1:]
	if len(types) == 0 {
		in.cols = part.Columns()[:1] // count(*) takes any column, for its length
	}
	return in
}

// cut is rows [lo, hi).
func (in input) cut(lo, hi int) input {
	out := input{groups: in.groups[lo:hi], rows: in.rows[lo:hi], n: in.n}
	rec := recordOf(in.cols)
	defer rec.Release()
	part := rec.NewSlice(int64(lo), int64(hi))
	out.cols = part.Columns()
	return out
}

func (c aggCase) bind(t *testing.T) *agg.Spec {
	t.Helper()
	f, ok := agg.Find(c.fn)
	if !ok {
		t.Fatalf("no function %s", c.fn)
	}
	var types []arrow.DataType
	for _, name := range strings.Fields(c.types) {
		dt, err := columnar.ParseType(name)
		if err != nil {
			t.Fatal(err)
		}
		types = append(types, dt)
	}
	spec, err := f.Bind(types, c.distinct)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// cast makes the arguments what the spec asks for.
func cast(t *testing.T, mem memory.Allocator, spec *agg.Spec, in input) input {
	t.Helper()
	cols := slices.Clone(in.cols)
	for i, want := range spec.Args {
		if !arrow.TypeEqual(want, cols[i].DataType()) {
			t.Fatalf("test arguments of type %s, want %s", cols[i].DataType(), want)
		}
	}
	in.cols = cols
	return in
}

func TestAggregatesAgainstNaive(t *testing.T) {
	for _, c := range aggCases {
		t.Run(c.String(), func(t *testing.T) {
			mem := columnartest.Allocator(t)
			r := rand.New(rand.NewPCG(1, 7))
			spec := c.bind(t)
			for _, size := range [][2]int{{0, 1}, {1, 1}, {40, 3}, {300, 5}, {300, 200}} {
				in := cast(t, mem, spec, c.input(t, mem, r, size[0], size[1]))
				acc := spec.New(mem)
				if err := acc.Update(in.groups, in.n, in.cols...); err != nil {
					t.Fatal(err)
				}
				byGroup := make([][]row, in.n)
				for i, g := range in.groups {
					byGroup[g] = append(byGroup[g], in.rows[i])
				}
				out, err := acc.Final(nil)
				if err != nil {
					t.Fatal(err)
				}
				if out.Len() != in.n || !arrow.TypeEqual(out.DataType(), spec.Out) {
					t.Fatalf("%d results of type %s, want %d of %s", out.Len(), out.DataType(), in.n, spec.Out)
				}
				for g := range in.n {
					if !spec.Nullable && out.IsNull(g) {
						t.Errorf("group %d is NULL", g)
					}
					if c.want != nil {
						checkCell(t, fmt.Sprintf("group %d of %v", g, byGroup[g]), columnartest.Cell(out, g), c.want(byGroup[g]), c.approx)
					}
				}
				out.Release()
				acc.Release()
			}
		})
	}
}

func checkCell(t *testing.T, what, got, want string, approx bool) {
	t.Helper()
	got, want = strings.ReplaceAll(got, "+Inf", "Inf"), strings.ReplaceAll(want, "+Inf", "Inf")
	if got == want {
		return
	}
	x, err1 := strconv.ParseFloat(got, 64)
	y, err2 := strconv.ParseFloat(want, 64)
	if approx && err1 == nil && err2 == nil && math.Abs(x-y) <= 1e-9*max(1, math.Abs(y)) {
		return
	}
	t.Fatalf("%s: %s, want %s", what, got, want)
}

// snapshot is the state and the result of all groups as text.
func snapshot(t *testing.T, acc agg.Accumulator, groups []uint32) string {
	t.Helper()
	state, err := acc.State(groups)
	if err != nil {
		t.Fatal(err)
	}
	out, err := acc.Final(groups)
	if err != nil {
		t.Fatal(err)
	}
	rec := recordOf(append(state, out))
	defer rec.Release()
	for _, a := range append(state, out) {
		a.Release()
	}
	return columnartest.Text(rec)
}

func TestStateDoesNotDependOnCutsNorOnRestore(t *testing.T) {
	for _, c := range aggCases {
		t.Run(c.String(), func(t *testing.T) {
			mem := columnartest.Allocator(t)
			r := rand.New(rand.NewPCG(2, 8))
			spec := c.bind(t)
			for _, grouped := range []bool{true, false} {
				for range 6 {
					rows := r.IntN(400)
					in := cast(t, mem, spec, c.input(t, mem, r, rows, 1+r.IntN(20)))
					if !grouped {
						in.n = 1
					}
					whole, parts := spec.New(mem), spec.New(mem)
					update := func(acc agg.Accumulator, in input, n int) {
						groups := in.groups
						if !grouped {
							groups = nil
						}
						if err := acc.Update(groups, n, in.cols...); err != nil {
							t.Fatal(err)
						}
					}
					update(whole, in, in.n)
					for lo := 0; lo < rows; {
						hi := min(rows, lo+r.IntN(70))
						part := in.cut(lo, hi)
						update(parts, part, in.n)
						for _, a := range part.cols {
							a.Release()
						}
						lo = hi
						if r.IntN(3) == 0 {
							parts = restore(t, mem, spec, parts)
						}
					}
					if rows == 0 {
						update(parts, in, in.n)
					}
					if got, want := snapshot(t, parts, nil), snapshot(t, whole, nil); got != want {
						t.Fatalf("grouped=%v, in parts:\n%s\nat once:\n%s", grouped, got, want)
					}
					whole.Release()
					parts.Release()
				}
			}
		})
	}
}

// restore puts the state of acc into a new accumulator and releases acc.
func restore(t *testing.T, mem memory.Allocator, spec *agg.Spec, acc agg.Accumulator) agg.Accumulator {
	t.Helper()
	state, err := acc.State(nil)
	if err != nil {
		t.Fatal(err)
	}
	fresh := spec.New(mem)
	groups := make([]uint32, state[0].Len())
	for i := range groups {
		groups[i] = uint32(i)
	}
	for i, a := range state {
		if !arrow.TypeEqual(a.DataType(), spec.StateTypes[i]) {
			t.Fatalf("state column %d has type %s, want %s", i, a.DataType(), spec.StateTypes[i])
		}
	}
	if err := fresh.Merge(groups, len(groups), state...); err != nil {
		t.Fatal(err)
	}
	for _, a := range state {
		a.Release()
	}
	acc.Release()
	return fresh
}

func TestMergeOfPanes(t *testing.T) {
	for _, c := range aggCases {
		t.Run(c.String(), func(t *testing.T) {
			mem := columnartest.Allocator(t)
			r := rand.New(rand.NewPCG(3, 9))
			spec := c.bind(t)
			if !spec.Merge {
				return
			}
			for range 4 {
				in := cast(t, mem, spec, c.input(t, mem, r, 200, 7))
				total := spec.New(mem)
				for lo := 0; lo < 200; lo += 50 {
					pane := spec.New(mem)
					part := in.cut(lo, lo+50)
					if err := pane.Update(part.groups, in.n, part.cols...); err != nil {
						t.Fatal(err)
					}
					order := []uint32{3, 1, 0, 2, 6, 5, 4}
					state, err := pane.State(order)
					if err != nil {
						t.Fatal(err)
					}
					if err := total.Merge(order, in.n, state...); err != nil {
						t.Fatal(err)
					}
					for _, a := range append(state, part.cols...) {
						a.Release()
					}
					pane.Release()
				}
				whole := spec.New(mem)
				if err := whole.Update(in.groups, in.n, in.cols...); err != nil {
					t.Fatal(err)
				}
				got, _ := total.Final(nil)
				want, _ := whole.Final(nil)
				for g := range in.n {
					checkCell(t, fmt.Sprintf("group %d", g), columnartest.Cell(got, g), columnartest.Cell(want, g), !spec.OrderFree)
				}
				got.Release()
				want.Release()
				total.Release()
				whole.Release()
			}
		})
	}
}

func TestResetGivesFreshGroups(t *testing.T) {
	for _, c := range aggCases {
		t.Run(c.String(), func(t *testing.T) {
			mem := columnartest.Allocator(t)
			r := rand.New(rand.NewPCG(4, 1))
			spec := c.bind(t)
			in := cast(t, mem, spec, c.input(t, mem, r, 300, 9))
			acc, fresh := spec.New(mem), spec.New(mem)
			defer acc.Release()
			defer fresh.Release()
			if err := acc.Update(in.groups, in.n, in.cols...); err != nil {
				t.Fatal(err)
			}
			untouched := []uint32{0, 2, 3, 5, 6, 7, 8}
			before := snapshot(t, acc, untouched)
			acc.Reset([]uint32{1, 4, 100})
			acc.Reset([]uint32{1, 4}) // which are empty
			if got := snapshot(t, acc, untouched); got != before {
				t.Fatalf("other groups after Reset:\n%s\nbefore:\n%s", got, before)
			}
			if !strings.HasPrefix(c.fn, "percentile") { // its fraction stays
				if got, want := snapshot(t, acc, []uint32{1, 4, 20}), snapshot(t, fresh, []uint32{1, 4, 20}); got != want {
					t.Fatalf("after Reset:\n%s\nfresh:\n%s", got, want)
				}
			}
			if err := acc.Update(in.groups, in.n, in.cols...); err != nil {
				t.Fatal(err)
			}
			if err := fresh.Update(in.groups, in.n, in.cols...); err != nil {
				t.Fatal(err)
			}
			if got, want := snapshot(t, acc, []uint32{4, 1}), snapshot(t, fresh, []uint32{4, 1}); got != want {
				t.Fatalf("groups used again:\n%s\nfresh:\n%s", got, want)
			}
			acc.Reset(nil)
			if acc.Bytes() < 0 {
				t.Errorf("%d bytes", acc.Bytes())
			}
		})
	}
}

// TestMemoryOfGroupsIsReused uses and resets the same groups again and again.
func TestMemoryOfGroupsIsReused(t *testing.T) {
	for _, c := range aggCases {
		t.Run(c.String(), func(t *testing.T) {
			mem := columnartest.Allocator(t)
			r := rand.New(rand.NewPCG(6, 1))
			spec := c.bind(t)
			in := cast(t, mem, spec, c.input(t, mem, r, 300, 9))
			acc := spec.New(mem)
			defer acc.Release()
			early := int64(0)
			for round := range 800 {
				if err := acc.Update(in.groups, in.n, in.cols...); err != nil {
					t.Fatal(err)
				}
				acc.Reset([]uint32{uint32(round % 9), uint32((round + 1) % 9), uint32((round + 2) % 9)})
				if round == 50 {
					early = acc.Bytes()
				}
			}
			if late := acc.Bytes(); late > 2*early+16<<10 {
				t.Errorf("%d bytes after 50 rounds, %d after 800", early, late)
			}
		})
	}
}
