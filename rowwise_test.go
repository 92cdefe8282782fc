package arrowstream_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/internal/iotest"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
)

// inverse is 1000 DIV (x - bad): it fails for one value of x.
func inverse(bad int64) expr.Expr {
	return expr.Call{Name: "div", Args: []expr.Expr{expr.Lit{Value: int64(1000)}, expr.Call{Name: "sub", Args: []expr.Expr{expr.Col{Name: "x"}, expr.Lit{Value: bad}}}}}
}

// failsFor is TRUE, and fails for rows of which x leaves the rest 3 by 7.
func failsFor() expr.Expr {
	rest := expr.Call{Name: "sub", Args: []expr.Expr{expr.Call{Name: "mod", Args: []expr.Expr{expr.Col{Name: "x"}, expr.Lit{Value: int64(7)}}}, expr.Lit{Value: int64(3)}}}
	return expr.Call{Name: "is_not_null", Args: []expr.Expr{expr.Call{Name: "div", Args: []expr.Expr{expr.Lit{Value: int64(10)}, rest}}}}
}

func none(int) bool { return false }

func TestARowThatFailsLeavesItsNeighboursAlone(t *testing.T) {
	const rows = 40
	bad := func(i int) bool { return i%7 == 3 }
	var good, letters []string
	for i := range rows {
		if bad(i) {
			letters = append(letters, fmt.Sprintf("filter1 row %d", i+1))
		} else {
			good = append(good, fmt.Sprint(i))
		}
	}
	src := badFile(t, "csv", rows, none)
	stages := map[string]arrowstream.Stage{
		"filter1": &stage.Filter{Where: failsFor()},
		"check1":  &stage.Check{Aggs: []grouped.Agg{{Func: "count", Args: []expr.Expr{failsFor()}}}},
	}
	for name, st := range stages {
		for _, size := range []int{1, 2, 5, 100} {
			for _, workers := range []int{1, 2, 4} {
				var out, dead collect
				opts := arrowstream.Options{Workers: workers, TickRows: size, BatchRows: (size + 1) / 2}
				s, err := run(t, opts, func(p *arrowstream.Pipeline) {
					in := p.From("in", src).Via(st.(arrowstream.Parallel).Clone())
					in.To(&out)
					in.Side(arrowstream.Errors).Via(position()).To(&dead)
				})
				if err != nil {
					t.Fatal(err)
				}
				got := trimmed(dead.rows)
				for i := range got {
					got[i] = strings.Replace(got[i], name, "filter1", 1)
				}
				if !slices.Equal(out.rows, good) || !slices.Equal(got, letters) {
					t.Fatalf("%s, ticks of %d, %d workers: rows %q, dead letters %q", name, size, workers, out.rows, dead.rows)
				}
				if a := s.Progress.Arrowstream; a.DeadLetters != int64(len(letters)) || a.SkippedRows != 0 {
					t.Fatalf("%d dead letters, %d skipped", a.DeadLetters, a.SkippedRows)
				}
			}
		}
	}
}

func TestADeadLetterOfAComputedRow(t *testing.T) {
	var dead collect
	_, err := run(t, arrowstream.Options{}, func(p *arrowstream.Pipeline) {
		in := p.From("in", badFile(t, "csv", 5, none)).Via(&stage.Project{Columns: []stage.Column{{Name: "y", Expr: inverse(2)}}})
		in.Side(arrowstream.Errors).Via(&stage.Project{Columns: []stage.Column{
			{Name: "source", Expr: expr.Col{Name: "source"}},
			{Name: "raw", Expr: expr.Col{Name: "raw"}},
			{Name: "code", Expr: expr.Col{Name: "error_code"}},
			{Name: "message", Expr: expr.Col{Name: "message"}},
			{Name: "column", Expr: expr.Col{Name: "column_name"}},
		}}).To(&dead)
	})
	if want := `"table in" "{\"x\":2}" AS4002 "1000 DIV (x - 2): division by zero: 1000 DIV 0" y`; err != nil || len(dead.rows) != 1 || dead.rows[0] != want {
		t.Fatalf("%v, %q", err, dead.rows)
	}
}

func TestAFailingRowIsNamed(t *testing.T) {
	sum := []grouped.Agg{{Func: "sum", Args: []expr.Expr{inverse(19)}}}
	for name, st := range map[string]arrowstream.Stage{
		"project":   &stage.Project{Columns: []stage.Column{{Name: "y", Expr: inverse(19)}}},
		"filter":    &stage.Filter{Where: expr.Call{Name: "gt", Args: []expr.Expr{inverse(19), expr.Lit{Value: int64(0)}}}},
		"aggregate": &stage.Aggregate{Aggs: sum},
	} {
		for _, workers := range []int{1, 3} {
			_, err := run(t, arrowstream.Options{Workers: workers, TickRows: 7}, func(p *arrowstream.Pipeline) {
				p.From("in", badFile(t, "csv", 30, none)).Via(st.(arrowstream.Parallel).Clone()).To(&collect{})
			})
			var coded *arrowstream.Error
			if !errors.As(err, &coded) || coded.Code != "AS4002" || !strings.Contains(err.Error(), "1000 DIV (x - 19)") || !strings.Contains(err.Error(), `(row {"x":19})`) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestFailingRowsHaveALimit(t *testing.T) {
	for _, c := range []struct {
		o  arrowstream.OnError
		ok bool
	}{
		{arrowstream.OnError{Limit: 1429}, true},
		{arrowstream.OnError{Limit: 1428}, false},
		{arrowstream.OnError{Rate: 0.1429}, true},
		{arrowstream.OnError{Rate: 0.1428}, false},
	} {
		c.o.Policy = arrowstream.DeadLetterBadRow
		for _, workers := range []int{1, 3} {
			for _, tick := range []int{64, 1 << 14} {
				_, err := run(t, arrowstream.Options{Workers: workers, TickRows: tick}, func(p *arrowstream.Pipeline) {
					p.From("in", badFile(t, "csv", 10_000, none)).Via(&stage.Filter{Where: failsFor()}).OnError(c.o).To(&collect{})
				})
				var coded *arrowstream.Error
				if c.ok && err != nil || !c.ok && (!errors.As(err, &coded) || coded.Code != "AS4005" || !strings.Contains(err.Error(), "cannot be evaluated")) {
					t.Errorf("%+v: %v", c.o, err)
				}
			}
		}
	}
}

func TestFailingRowsAreSkippedAndCounted(t *testing.T) {
	for _, workers := range []int{1, 3} {
		var out collect
		s, err := run(t, arrowstream.Options{Workers: workers, TickRows: 16}, func(p *arrowstream.Pipeline) {
			in := p.From("in", badFile(t, "csv", 700, none)).Via(&stage.Filter{Where: failsFor()}, "safe")
			in.OnError(arrowstream.OnError{Policy: arrowstream.SkipBadRow}).To(&out)
		})
		if err != nil || len(out.rows) != 600 || s.Progress.Arrowstream.SkippedRows != 100 {
			t.Fatal(err, len(out.rows), s.Progress.Arrowstream.SkippedRows)
		}
		if o, _ := s.Operator("safe"); o.Skipped != 100 || !strings.Contains(o.Warning, "100 rows skipped [AS4002]") {
			t.Errorf("%d skipped, warning %q", o.Skipped, o.Warning)
		}
	}
}

func TestComputedColumnsOfASourceFail(t *testing.T) {
	bad := func(i int) bool { return i%5 == 1 } // cannot be decoded
	computed := &stage.Project{Columns: []stage.Column{{Name: "x", Expr: expr.Col{Name: "x"}}, {Name: "y", Expr: failsFor()}}}
	var good []string
	letters := 0
	for i := range 300 {
		if bad(i) || i%7 == 3 {
			letters++
		} else {
			good = append(good, fmt.Sprint(i, " true"))
		}
	}
	for _, size := range []int{1, 7, 100} {
		for _, policy := range []arrowstream.BadRow{arrowstream.SkipBadRow, arrowstream.DeadLetterBadRow} {
			var out collect
			s, err := run(t, arrowstream.Options{TickRows: size, State: iotest.NewLedger()}, func(p *arrowstream.Pipeline) {
				in := p.From("in", stage.Through(badFile(t, "csv", 300, bad), computed)).OnError(arrowstream.OnError{Policy: policy})
				in.To(&out)
			})
			a := s.Progress.Arrowstream
			if err != nil || !slices.Equal(out.rows, good) || a.SkippedRows+a.DeadLetters != int64(letters) {
				t.Errorf("ticks of %d: %v, %d rows, not %d; %d skipped and %d dead letters, not %d", size, err, len(out.rows), len(good), a.SkippedRows, a.DeadLetters, letters)
			}
		}
	}
}

// TestFailingRowsSurviveACrashAnywhere has rows that cannot be decoded and rows
// that cannot be computed, at two places, with a limit that is just not reached.
func TestFailingRowsSurviveACrashAnywhere(t *testing.T) {
	undecoded := func(i int) bool { return i%11 == 5 }
	var good, letters []string
	for i := range 600 {
		switch {
		case undecoded(i):
			letters = append(letters, fmt.Sprintf("line %d", i+1))
		case i%7 != 3:
			good = append(good, fmt.Sprint(i))
		}
	}
	given, failed := 0, 0
	for i := range 600 {
		if undecoded(i) {
			continue
		}
		if given++; i%7 == 3 {
			failed++
			letters = append(letters, fmt.Sprintf("filter1 row %d", given))
		}
	}
	slices.Sort(letters)
	src := badFile(t, "json", 600, undecoded)
	for first := 0; ; first += 1 + first/6 {
		l := iotest.NewLedger()
		left := iotest.CrashAfter(first)
		rows, dead := &database{}, newFolder()
		runs := 0
		for ; ; runs++ {
			l.Crash, rows.Crash, dead.Crash = left, left, left
			opts := arrowstream.Options{Workers: 1 + runs%4, TickRows: 64, BatchRows: 30 + 17*(runs%3), CheckpointInterval: 1, State: l}
			_, err := run(t, opts, func(p *arrowstream.Pipeline) {
				o := arrowstream.OnError{Policy: arrowstream.DeadLetterBadRow, Limit: int64(failed), Rate: 0.2}
				in := p.From("in", src).OnError(o)
				safe := in.Via(&stage.Filter{Where: failsFor()}).OnError(o)
				safe.To(rows, "rows")
				in.Side(arrowstream.Errors).Merge(safe.Side(arrowstream.Errors)).Via(position()).To(&files{folder: dead}, "dead")
			})
			if err == nil {
				break
			}
			if !errors.Is(err, iotest.ErrCrash) {
				t.Fatalf("crash after %d operations, run %d: %v", first, runs, err)
			}
			left = iotest.CrashAfter(5 + 7*runs)
		}
		got := trimmed(dead.rows())
		slices.Sort(got)
		if !slices.Equal(rows.rows, good) || !slices.Equal(got, letters) {
			t.Fatalf("crash after %d operations: %d rows, not %d; %d dead letters, not %d", first, len(rows.rows), len(good), len(got), len(letters))
		}
		if runs == 0 {
			break
		}
	}
}
