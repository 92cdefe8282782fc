package stagetest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// faulty passes rows on, in one of several wrong ways.
type faulty struct {
	fault string
	kept  arrowstream.Batch
	seen  int64
	out   *arrow.Schema
}

func (f *faulty) Bind(in *arrow.Schema, _ arrowstream.Env) (*arrow.Schema, error) {
	f.out = in
	return in, nil
}

func (f *faulty) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	switch f.fault {
	case "first row of a batch":
		if b.NumRows() > 0 {
			s := b.NewSlice(0, 1)
			defer s.Release()
			return emit(s)
		}
		return nil
	case "ignores the offset":
		if b.NumRows() == 0 {
			return nil
		}
		data := b.Column(0).Data().Buffers()[1].Bytes()
		if columnar.AsValues[int64](data)[0] != columnar.Values[int64](b.Column(0))[0] {
			return nil
		}
	case "forgets", "keeps the batch":
		if f.seen += b.NumRows(); f.seen > 3 {
			return nil
		}
	case "drops batches with nulls":
		if b.Column(0).NullN() > 0 {
			return nil
		}
	case "utf8 only":
		if b.Column(1).DataType().ID() != arrow.STRING {
			return fmt.Errorf("no utf8")
		}
	case "changes its argument":
		for i := range columnar.Values[int64](b.Column(0)) {
			columnar.Values[int64](b.Column(0))[i]++
		}
	}
	if f.fault == "keeps the batch" && f.kept == nil {
		b.Retain()
		f.kept = b
	}
	return emit(b)
}

func (f *faulty) Advance(_ context.Context, w arrowstream.Watermark, _ arrowstream.Emit) (arrowstream.Watermark, error) {
	if f.fault == "watermark" && !w.Done() {
		w.Event = -w.Event
	}
	return w, nil
}

func (f *faulty) Snapshot(context.Context) (arrowstream.State, error) {
	return arrowstream.State{}, nil
}
func (f *faulty) Restore(context.Context, arrowstream.State) error { return nil }
func (f *faulty) Close() error                                     { return nil }

type recorder struct{ text strings.Builder }

func (r *recorder) Helper()                           {}
func (r *recorder) Errorf(format string, args ...any) { fmt.Fprintf(&r.text, format+"\n", args...) }

// TestFaultsAreFound runs faulty stages: each fault must show in a run.
func TestFaultsAreFound(t *testing.T) {
	c := Case{
		Schema: "x:int64 k:utf8",
		In:     []Step{Rows("1 a\n2 b\n3 c"), Advance(1), Rows("4 d"), Advance(2), Rows("5 e"), End()},
	}
	for fault, where := range map[string]string{
		"none": "", "first row of a batch": "batch=1", "ignores the offset": "sliced", "forgets": "restore", "utf8 only": "dictionary",
		"keeps the batch": "whole", "changes its argument": "whole", "watermark": "whole",
	} {
		t.Run(fault, func(t *testing.T) {
			create := func() node { return node{stage: &faulty{fault: fault}} }
			found := map[string]string{}
			var base *Output
			for _, v := range append([]variant{{name: "whole"}}, variants(c, create(), 3)...) {
				mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
				r := &run{t: t, mem: mem, v: v, schemas: []string{c.Schema}, steps: c.In, make: create}
				out, err := r.play()
				var rec recorder
				switch {
				case err != nil:
					rec.Errorf("%v", err)
				case base == nil:
					base = out
				default:
					compareRuns(&rec, base, out, v)
				}
				if mem.CurrentAlloc() != 0 {
					rec.Errorf("%d bytes leak", mem.CurrentAlloc())
				}
				if rec.text.Len() > 0 {
					found[v.name] = rec.text.String()
				}
			}
			if where == "" && len(found) > 0 || where != "" && found[where] == "" {
				t.Errorf("found %q, want a fault in %q", found, where)
			}
		})
	}
}

// TestNullFaultIsFound runs a stage that is only wrong when there are NULLs.
func TestNullFaultIsFound(t *testing.T) {
	schemas := []string{"x:int64 k:utf8!"}
	plain := []Step{Rows("1 a\n2 b\n3 c"), Advance(1), Rows("4 d"), End()}
	nulls, changed, err := withNulls(schemas, plain)
	if err != nil || !changed || !strings.Contains(nulls[0].rows, "null") || strings.Contains(nulls[0].rows, " null") {
		t.Fatalf("%v: rows with NULLs are %q", err, nulls[0].rows)
	}
	for name, steps := range map[string][]Step{"plain": plain, "nulls": nulls} {
		play := func(v variant) *Output {
			r := &run{t: t, mem: memory.NewCheckedAllocator(memory.DefaultAllocator), v: v, schemas: schemas, steps: steps, make: func() node {
				return node{stage: &faulty{fault: "drops batches with nulls"}}
			}}
			out, err := r.play()
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		var rec recorder
		compareRuns(&rec, play(variant{}), play(variant{batch: 1}), variant{})
		if found := rec.text.Len() > 0; found != (name == "nulls") {
			t.Errorf("%s: fault found: %t: %s", name, found, rec.text.String())
		}
	}
}

func TestWanted(t *testing.T) {
	out := &Output{Schema: "x:int64", Ticks: [][]string{{"1"}, {"2"}}, Sides: map[string][]string{"late": {"3"}}, SideSchemas: map[string]string{"late": "x:int64"}}
	good := Case{Want: "x:int64\n1\n2", Side: map[string]string{"late": "x:int64\n3"}}
	var rec recorder
	if compareWanted(&rec, good, out); rec.text.Len() > 0 {
		t.Error(rec.text.String())
	}
	for _, bad := range []Case{
		{Want: "x:int64\n1", Side: good.Side},
		{Want: "y:int64\n1\n2", Side: good.Side},
		{Want: good.Want},
		{Want: good.Want, Side: map[string]string{"late": "rows"}},
		{Want: good.Want, Side: map[string]string{"late": "rows\n3", "more": "rows"}},
		{Want: good.Want, Side: good.Side, Counts: &arrowstream.Counts{Late: 1}},
	} {
		var rec recorder
		if compareWanted(&rec, bad, out); rec.text.Len() == 0 {
			t.Errorf("no difference for %+v", bad)
		}
	}
}
