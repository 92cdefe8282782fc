package kernels_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// goldenCase is a line of testdata/<family>.test:
//
//	add(int64 1, int64 2) = int64 3
//	add(int64 9223372036854775807, int64 1) ! AS4001
//
// An argument is a type and a value, or a bare literal, 'text', number or true, that
// stays constant in every run. cast:type(x) and try_cast:type(x) convert.
type goldenCase struct {
	line string
	call string
	args []goldenArg
	rest string // what stands behind the call: the result
	want string // type value
	code string
}

type goldenArg struct {
	value arrow.Array // length 1
	fixed bool
	lit   any
}

func parseGolden(t *testing.T, line string) goldenCase {
	t.Helper()
	c := goldenCase{line: line}
	open := strings.IndexByte(line, '(')
	// A type in the name may have parentheses of its own.
	if i := strings.Index(line, "cast:decimal("); i >= 0 {
		open = i + len("cast:decimal(")
		open += strings.IndexByte(line[open:], '(')
	}
	parts, end := splitArgs(line[open+1:])
	c.call = line[:open]
	rest := strings.TrimSpace(line[open+1+end:])
	c.rest = rest
	switch {
	case strings.HasPrefix(rest, "= "):
		c.want = strings.TrimSpace(rest[2:])
	case strings.HasPrefix(rest, "! "):
		c.code = strings.TrimSpace(rest[2:])
	default:
		t.Fatalf("%s: want = or !, got %q", line, rest)
	}
	for _, p := range parts {
		c.args = append(c.args, parseArg(t, line, p))
	}
	return c
}

// splitArgs splits at top-level commas up to the closing parenthesis, past
// which end points.
func splitArgs(s string) (parts []string, end int) {
	depth, start := 0, 0
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		ch := s[i]
		switch {
		case quote != 0:
			if ch == '\\' && quote == '"' {
				i++
			} else if ch == quote {
				quote = 0
			}
		case ch == '"' || ch == '\'':
			quote = ch
		case strings.IndexByte("[(<{", ch) >= 0:
			depth++
		case strings.IndexByte("])>}", ch) >= 0 && depth > 0:
			depth--
		case ch == ',' && depth == 0, ch == ')':
			if p := strings.TrimSpace(s[start:i]); p != "" {
				parts = append(parts, p)
			}
			if ch == ')' {
				return parts, i + 1
			}
			start = i + 1
		}
	}
	return parts, len(s)
}

func parseArg(t *testing.T, line, s string) goldenArg {
	t.Helper()
	if s[0] == '\'' {
		return goldenArg{fixed: true, lit: strings.ReplaceAll(s[1:len(s)-1], "''", "'")}
	}
	if s == "null" {
		return goldenArg{fixed: true}
	}
	if s == "true" || s == "false" {
		return goldenArg{fixed: true, lit: s == "true"}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return goldenArg{fixed: true, lit: n}
	}
	typ, value, ok := strings.Cut(s, " ")
	if !ok {
		t.Fatalf("%s: argument %q", line, s)
	}
	return goldenArg{value: parseValue(t, line, typ, strings.TrimSpace(value))}
}

func parseValue(t *testing.T, line, typ, value string) arrow.Array {
	t.Helper()
	mem := memory.NewGoAllocator()
	dt, err := columnar.ParseType(typ)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if value == "null" {
		return kernels.Nulls(mem, dt, 1)
	}
	if arrow.IsNested(dt.ID()) {
		b := columnartest.Batch(t, mem, "c:"+typ+"\n"+value)
		b.Column(0).Retain()
		return b.Column(0)
	}
	if value[0] == '"' {
		if value, err = strconv.Unquote(value); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	if dt.ID() == arrow.DURATION || dt.ID() == arrow.INTERVAL_MONTHS {
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if dt.ID() == arrow.DURATION {
			b := array.NewDurationBuilder(mem, dt.(*arrow.DurationType))
			b.Append(arrow.Duration(n))
			return b.NewArray()
		}
		b := array.NewMonthIntervalBuilder(mem)
		b.Append(arrow.MonthInterval(n))
		return b.NewArray()
	}
	b := array.NewStringBuilder(mem)
	b.Append(value)
	text := b.NewArray()
	a, err := kernels.Cast(mem, text, dt, false)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return a
}

// run evaluates the case with the given arguments as columns and the others as
// constants.
func (c *goldenCase) run(t *testing.T, mem memory.Allocator, column []bool, dict bool) {
	t.Helper()
	const rows = 7 // rows 0 and 4 are NULL, the batch starts at row 1
	var fields []arrow.Field
	var cols []arrow.Array
	args := make([]expr.Expr, len(c.args))
	for i, a := range c.args {
		switch {
		case a.fixed:
			args[i] = expr.Lit{Value: a.lit}
		case !column[i]:
			args[i] = constantOf(a.value)
		default:
			v := a.value
			if dict && v.DataType().ID() == arrow.STRING {
				d, err := kernels.Cast(memory.NewGoAllocator(), v, columnar.Dict, false)
				if err != nil {
					t.Fatal(err)
				}
				v = d
			}
			full, err := kernels.Take(mem, v, make([]int32, rows))
			if err != nil {
				t.Fatal(err)
			}
			defer full.Release()
			s := withNulls(full, 1, rows, 0, 4)
			defer s.Release()
			name := fmt.Sprintf("c%d", i)
			fields = append(fields, arrow.Field{Name: name, Type: v.DataType(), Nullable: true})
			cols = append(cols, s)
			args[i] = expr.Col{Name: name}
		}
	}
	schema := arrow.NewSchema(fields, nil)
	batch := array.NewRecord(schema, cols, rows-1)
	defer batch.Release()

	mode := fmt.Sprintf("columns %v dict %v", column, dict)
	bound, err := expr.Bind(c.expr(args), schema)
	var got arrow.Array
	if err == nil {
		got, err = bound.Eval(mem, batch)
	}
	if c.code != "" {
		var e *kernels.Error
		if got != nil {
			t.Errorf("%s: %s: got %v", c.line, mode, got)
			got.Release()
		} else if !errors.As(err, &e) || e.Code != c.code {
			t.Errorf("%s: %s: got error %v", c.line, mode, err)
		} else if bound != nil && !slices.Contains(column, false) {
			nulls := batch.NewSlice(3, 4)
			defer nulls.Release()
			got, err := bound.Eval(mem, nulls)
			if err != nil {
				t.Errorf("%s: %s: a row of NULL: %v", c.line, mode, err)
				return
			}
			got.Release()
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %s: %v", c.line, mode, err)
		return
	}
	defer got.Release()
	if !arrow.TypeEqual(got.DataType(), bound.Type()) {
		t.Errorf("%s: %s: array of %s, bound as %s", c.line, mode, got.DataType(), bound.Type())
	}
	if got.Len() != rows-1 {
		t.Fatalf("%s: %s: %d rows", c.line, mode, got.Len())
	}
	if got.NullN() > 0 && !bound.Nullable() {
		t.Errorf("%s: %s: NULL in a result that is not nullable", c.line, mode)
	}
	for _, i := range []int{0, 1, 2, 4, 5} {
		if text := render(got, i); text != c.want {
			t.Errorf("%s: %s: row %d: got %s", c.line, mode, i, text)
			return
		}
	}
	// No row at all, and rows of NULL only.
	for _, part := range []arrow.Record{batch.NewSlice(0, 0), batch.NewSlice(3, 4)} {
		a, err := bound.Eval(mem, part)
		if err != nil {
			t.Errorf("%s: %s: %d rows: %v", c.line, mode, part.NumRows(), err)
		} else {
			if a.Len() != int(part.NumRows()) {
				t.Errorf("%s: %s: %d rows give %d", c.line, mode, part.NumRows(), a.Len())
			}
			a.Release()
		}
		part.Release()
	}
}

// withNulls is rows [from, to) of a, NULL at the given rows of a, whose slots
// keep their values: what a kernel must not look at.
func withNulls(a arrow.Array, from, to int, nulls ...int) arrow.Array {
	if a.DataType().ID() == arrow.NULL || a.NullN() > 0 {
		return array.NewSlice(a, int64(from), int64(to))
	}
	d := a.Data()
	bits := make([]byte, d.Offset()+a.Len()+8)
	for i := range bits {
		bits[i] = 0xff
	}
	for _, i := range nulls {
		i += d.Offset()
		bits[i/8] &^= 1 << (i % 8)
	}
	buffers := append([]*memory.Buffer{memory.NewBufferBytes(bits)}, d.Buffers()[1:]...)
	var data *array.Data
	if dict, ok := d.Dictionary().(*array.Data); ok && dict != nil {
		data = array.NewDataWithDictionary(d.DataType(), a.Len(), buffers, len(nulls), d.Offset(), dict)
	} else {
		data = array.NewData(d.DataType(), a.Len(), buffers, d.Children(), len(nulls), d.Offset())
	}
	defer data.Release()
	s := array.NewSliceData(data, int64(from), int64(to))
	defer s.Release()
	return array.MakeFromData(s)
}

// constantOf is a constant of the type of a, which unlike a text literal does
// not adapt to what it meets.
func constantOf(a arrow.Array) expr.Expr {
	t := a.DataType()
	if a.IsNull(0) {
		return expr.Lit{Type: t}
	}
	switch a := a.(type) {
	case *array.String:
		return expr.Call{Name: "concat", Args: []expr.Expr{expr.Lit{Value: a.Value(0)}}}
	case *array.Duration:
		return expr.Lit{Value: a.Value(0), Type: t}
	case *array.MonthInterval:
		return expr.Lit{Value: a.Value(0), Type: t}
	case array.ListLike:
		call := expr.Call{Name: "array"}
		for k, to := a.ValueOffsets(0); k < to; k++ {
			call.Args = append(call.Args, constantOf(array.NewSlice(a.ListValues(), k, k+1)))
		}
		return expr.Cast{Of: call, To: t}
	case *array.Struct:
		call := expr.Call{Name: "named_struct"}
		for k := range a.NumField() {
			call.Args = append(call.Args, expr.Lit{Value: t.(*arrow.StructType).Field(k).Name}, constantOf(a.Field(k)))
		}
		return expr.Cast{Of: call, To: t}
	}
	return expr.Cast{Of: expr.Lit{Value: kernels.TextAt(a, 0)}, To: t}
}

func (c *goldenCase) expr(args []expr.Expr) expr.Expr {
	name, typ, ok := strings.Cut(c.call, ":")
	if !ok {
		return expr.Call{Name: c.call, Args: args}
	}
	to, err := columnar.ParseType(typ)
	if err != nil {
		panic(err)
	}
	return expr.Cast{Of: args[0], To: to, Try: name == "try_cast"}
}

// render is "type value" as golden files write it.
func render(a arrow.Array, i int) string {
	typ := columnar.TypeName(a.DataType())
	if a.DataType().ID() == arrow.NULL || a.IsNull(i) {
		return typ + " null"
	}
	text := kernels.TextAt(a, i)
	switch a := a.(type) {
	case *array.Duration:
		text = strconv.FormatInt(int64(a.Value(i)), 10)
	case *array.MonthInterval:
		text = strconv.Itoa(int(a.Value(i)))
	case *array.String, *array.Binary, *array.Timestamp, *array.Dictionary:
		text = strconv.Quote(text)
	case array.ListLike, *array.Struct:
		text = columnartest.Cell(a, i)
	}
	return typ + " " + text
}

// update rewrites what stands behind = and ! in testdata with what constant
// arguments give: go test ./kernels -run TestGolden -update
var update = flag.Bool("update", false, "rewrite the results in testdata")

func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.test")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".test"), func(t *testing.T) {
			mem := columnartest.Allocator(t)
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(string(text), "\n")
			for i, line := range lines {
				line = strings.TrimSpace(line)
				if line == "" || line[0] == '#' {
					continue
				}
				c := parseGolden(t, line)
				if *update {
					lines[i] = c.result(t)
					continue
				}
				c.check(t, mem)
			}
			if *update {
				if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// check runs the case with every choice of columns and constants, and with
// text columns once more as dictionaries.
func (c *goldenCase) check(t *testing.T, mem memory.Allocator) {
	t.Helper()
	n := len(c.args)
	for mask := range 1 << min(n, 4) {
		column := make([]bool, n)
		text := false
		for i := range column {
			column[i] = mask>>min(i, 3)&1 == 1
			text = text || column[i] && !c.args[i].fixed && c.args[i].value.DataType().ID() == arrow.STRING
		}
		c.run(t, mem, column, false)
		if text {
			c.run(t, mem, column, true)
		}
	}
}

// result is the line of the case with the result that it has now.
func (c *goldenCase) result(t *testing.T) string {
	t.Helper()
	args := make([]expr.Expr, len(c.args))
	for i, a := range c.args {
		if args[i] = (expr.Lit{Value: a.lit}); !a.fixed {
			args[i] = constantOf(a.value)
		}
	}
	call := strings.TrimSpace(c.line[:len(c.line)-len(c.rest)])
	batch := array.NewRecord(arrow.NewSchema(nil, nil), nil, 1)
	bound, err := expr.Bind(c.expr(args), batch.Schema())
	if err == nil {
		var a arrow.Array
		if a, err = bound.Eval(memory.NewGoAllocator(), batch); err == nil {
			return call + " = " + render(a, 0)
		}
	}
	var e *kernels.Error
	if !errors.As(err, &e) {
		t.Fatalf("%s: %v", c.line, err)
	}
	return call + " ! " + e.Code
}
