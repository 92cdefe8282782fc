package stagetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// Run runs c in every way and compares what comes out.
func Run(t *testing.T, c Case) {
	t.Helper()
	runAll(t, c, []string{c.Schema}, func() node { return node{stage: c.New()} })
}

// JoinCase is a join, its input and what it must emit.
type JoinCase struct {
	// New returns a join that is not bound yet.
	New func() arrowstream.Join
	// Schemas are the input schemas in the form of columnartest.
	Schemas []string
	// In is the input; rows are given with [RowsOf].
	In []Step
	// Want, Side, Counts, Err and Plain are those of [Case].
	Want   string
	Side   map[string]string
	Counts *arrowstream.Counts
	Err    string
	Plain  bool
}

// RunJoin is [Run] for a join.
func RunJoin(t *testing.T, c JoinCase) {
	t.Helper()
	as := Case{In: c.In, Want: c.Want, Side: c.Side, Counts: c.Counts, Err: c.Err, Plain: c.Plain}
	runAll(t, as, c.Schemas, func() node { return node{join: c.New()} })
}

// Play runs a stage over steps once, as they are, and returns what it emits.
// It is for tests that compare with a model.
func Play(t testing.TB, create func() arrowstream.Stage, schema string, steps ...Step) *Output {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	r := &run{t: t, mem: mem, schemas: []string{schema}, steps: steps, make: func() node { return node{stage: create()} }}
	out, err := r.play()
	if err != nil {
		t.Fatalf("%T: %v", create(), err)
	}
	mem.AssertSize(t, 0)
	return out
}

// PlayJoin is [Play] for a join.
func PlayJoin(t testing.TB, create func() arrowstream.Join, schemas []string, steps ...Step) *Output {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	r := &run{t: t, mem: mem, schemas: schemas, steps: steps, make: func() node { return node{join: create()} }}
	out, err := r.play()
	if err != nil {
		t.Fatalf("%T: %v", create(), err)
	}
	mem.AssertSize(t, 0)
	return out
}

func runAll(t *testing.T, c Case, schemas []string, create func() node) {
	t.Helper()
	play := func(t *testing.T, v variant) (*Output, error) {
		r := &run{t: t, mem: columnartest.Allocator(t), v: v, schemas: schemas, steps: c.In, make: create}
		return r.play()
	}
	var base *Output
	t.Run("whole", func(t *testing.T) {
		out, err := play(t, variant{})
		if c.Err != "" {
			if err == nil || !strings.Contains(err.Error(), c.Err) {
				t.Fatalf("error is %v, want one with %q", err, c.Err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		compareWanted(t, c, out)
		base = out
	})
	for _, v := range variants(c, create(), len(ticks(c.In))) {
		t.Run(v.name, func(t *testing.T) {
			out, err := play(t, v)
			switch {
			case c.Err != "":
				if err == nil || !strings.Contains(err.Error(), c.Err) {
					t.Fatalf("error is %v, want one with %q", err, c.Err)
				}
			case err != nil:
				t.Fatal(err)
			case base != nil:
				compareRuns(t, base, out, v)
			}
		})
	}
	if c.Err == "" && !c.NoNulls {
		runNulls(t, c, schemas, create)
	}
}

// reporter is what the comparisons need of a test.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// compareWanted compares the plain run with what the case says.
func compareWanted(t reporter, c Case, out *Output) {
	t.Helper()
	if want := strings.TrimSpace(c.Want); want != "any" {
		compareText(t, "output", want, out.Schema, out.Rows())
	}
	for name, rows := range out.Sides {
		text, ok := c.Side[name]
		if !ok {
			if len(rows) > 0 {
				t.Errorf("side output %q is not mentioned and has rows:\n%s", name, strings.Join(rows, "\n"))
			}
			continue
		}
		compareText(t, "side output "+name, strings.TrimSpace(text), out.SideSchemas[name], rows)
	}
	for name := range c.Side {
		if _, ok := out.Sides[name]; !ok {
			t.Errorf("there is no side output %q", name)
		}
	}
	if c.Counts != nil {
		got := arrowstream.Counts{Late: out.Counts.Late, Skipped: out.Counts.Skipped, Unwindowed: out.Counts.Unwindowed}
		want := arrowstream.Counts{Late: c.Counts.Late, Skipped: c.Counts.Skipped, Unwindowed: c.Counts.Unwindowed}
		if got != want {
			t.Errorf("counts are %+v, want %+v", got, want)
		}
	}
}

func compareText(t reporter, what, want, schema string, rows []string) {
	t.Helper()
	first, rest, _ := strings.Cut(want, "\n")
	if strings.TrimSpace(first) == "rows" {
		schema = "rows"
	}
	var lines []string
	for _, l := range append([]string{first}, strings.Split(rest, "\n")...) {
		if l = strings.Join(strings.Fields(l), " "); l != "" {
			lines = append(lines, l)
		}
	}
	got := strings.Join(append([]string{schema}, rows...), "\n")
	if d := columnartest.Diff(got, strings.Join(lines, "\n")); d != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, d)
	}
}

// compareRuns compares another way to run the case with the plain one.
func compareRuns(t reporter, base, out *Output, v variant) {
	t.Helper()
	for i := range max(len(base.Ticks), len(out.Ticks)) {
		var b, o []string
		if i < len(base.Ticks) {
			b = base.Ticks[i]
		}
		if i < len(out.Ticks) {
			o = out.Ticks[i]
		}
		if d := columnartest.Diff(strings.Join(o, "\n"), strings.Join(b, "\n")); d != "" {
			t.Errorf("tick %d differs from the run with whole batches (-whole +this):\n%s", i, d)
		}
	}
	for name, rows := range base.Sides {
		b, o := rows, out.Sides[name]
		if v.clones > 0 {
			b, o = sorted(b), sorted(o)
		}
		if d := columnartest.Diff(strings.Join(o, "\n"), strings.Join(b, "\n")); d != "" {
			t.Errorf("side output %s differs from the run with whole batches (-whole +this):\n%s", name, d)
		}
	}
	a, b := base.Counts, out.Counts
	if a.Late != b.Late || a.Skipped != b.Skipped || a.Unwindowed != b.Unwindowed {
		t.Errorf("counts are %+v, with whole batches %+v", b, a)
	}
}

func emptyBatch(mem memory.Allocator, s *arrow.Schema) arrow.Record {
	rb := array.NewRecordBuilder(mem, s)
	defer rb.Release()
	return rb.NewRecord()
}

func sorted(rows []string) []string { return slices.Sorted(slices.Values(rows)) }
