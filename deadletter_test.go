package arrowstream_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/iotest"
	"github.com/arrowstream/arrowstream/io/csv"
	"github.com/arrowstream/arrowstream/io/json"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
)

// badFile writes rows 0, 1, ... of the column x as JSON or CSV, of which those
// that bad names cannot be decoded.
func badFile(t *testing.T, format string, rows int, bad func(int) bool) arrowstream.Source {
	t.Helper()
	var sb strings.Builder
	fields := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int64}}, nil)
	for i := range rows {
		switch {
		case format == "csv" && bad(i):
			fmt.Fprintf(&sb, "bad%d\n", i)
		case format == "csv":
			fmt.Fprintf(&sb, "%d\n", i)
		case bad(i):
			fmt.Fprintf(&sb, "{\"x\": bad%d}\n", i)
		default:
			fmt.Fprintf(&sb, "{\"x\": %d}\n", i)
		}
	}
	path := filepath.Join(t.TempDir(), "in."+format)
	if err := os.WriteFile(path, []byte(sb.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if format == "csv" {
		return &csv.Source{Path: path, Header: "false", Fields: fields}
	}
	return &json.Source{Path: path, Fields: fields}
}

// xs is the column x of rows, as text.
func xs(rows int, bad func(int) bool) (good, letters []string) {
	for i := range rows {
		if bad(i) {
			letters = append(letters, fmt.Sprintf("line %d", i+1))
		} else {
			good = append(good, fmt.Sprint(i))
		}
	}
	return good, letters
}

// position is a projection of dead letters to where they are.
func position() arrowstream.Stage {
	return &stage.Project{Columns: []stage.Column{{Name: "position", Expr: expr.Col{Name: "position"}}}}
}

func TestDeadLettersLeaveTheirNeighboursAlone(t *testing.T) {
	const rows = 12
	patterns := map[string]func(int) bool{
		"none": func(int) bool { return false }, "all": func(int) bool { return true },
		"even": func(i int) bool { return i%2 == 0 }, "odd": func(i int) bool { return i%2 == 1 },
		"ends": func(i int) bool { return i < 2 || i >= rows-2 }, "middle": func(i int) bool { return i >= 3 && i < 9 },
	}
	for i := range rows {
		patterns[fmt.Sprint(i)] = func(j int) bool { return i == j }
	}
	for name, bad := range patterns {
		good, letters := xs(rows, bad)
		for _, format := range []string{"csv", "json"} {
			for _, size := range []int{1, 2, 5, 100} {
				for _, workers := range []int{1, 4} {
					var rows, dead collect
					opts := arrowstream.Options{Workers: workers, TickRows: size, BatchRows: (size + 1) / 2}
					s, err := run(t, opts, func(p *arrowstream.Pipeline) {
						in := p.From("in", badFile(t, format, 12, bad))
						in.To(&rows)
						in.Side(arrowstream.Errors).Via(position()).To(&dead)
					})
					if err != nil {
						t.Fatal(err)
					}
					if !slices.Equal(rows.rows, good) || !slices.Equal(trimmed(dead.rows), letters) {
						t.Fatalf("%s, bad rows %s, ticks of %d: rows %q, dead letters %q", format, name, size, rows.rows, dead.rows)
					}
					if a := s.Progress.Arrowstream; a.DeadLetters != int64(len(letters)) || a.SkippedRows != 0 || s.RowsIn != int64(len(good)) {
						t.Fatalf("%d dead letters, %d skipped of %d rows", a.DeadLetters, a.SkippedRows, s.RowsIn)
					}
				}
			}
		}
	}
}

// trimmed takes the quotes off texts.
func trimmed(rows []string) (out []string) {
	for _, r := range rows {
		out = append(out, strings.Trim(r, `"`))
	}
	return out
}

func TestDeadLettersOfASourceWithStages(t *testing.T) {
	bad := func(i int) bool { return i%5 == 2 || i < 3 || i > 55 }
	odd := stage.Filter{Where: expr.Call{Name: "=", Args: []expr.Expr{expr.Call{Name: "%", Args: []expr.Expr{expr.Col{Name: "x"}, expr.Lit{Value: int64(8)}}}, expr.Lit{Value: int64(1)}}}}
	var good, letters []string
	for i := range 60 {
		if bad(i) {
			letters = append(letters, fmt.Sprintf("line %d", i+1))
		} else if i%8 == 1 {
			good = append(good, fmt.Sprint(i))
		}
	}
	for _, size := range []int{1, 2, 7, 100} {
		var rows, dead collect
		_, err := run(t, arrowstream.Options{TickRows: size, State: iotest.NewLedger()}, func(p *arrowstream.Pipeline) {
			in := p.From("in", stage.Through(badFile(t, "csv", 60, bad), &odd))
			in.To(&rows)
			in.Side(arrowstream.Errors).Via(position()).To(&dead)
		})
		if err != nil || !slices.Equal(rows.rows, good) || !slices.Equal(trimmed(dead.rows), letters) {
			t.Errorf("ticks of %d: %v, rows %q, dead letters %q", size, err, rows.rows, dead.rows)
		}
	}
}

// TestOnErrorMayChangeBetweenRuns crashes a job that goes on with another policy:
// no good row is lost or comes twice, and no dead letter does.
func TestOnErrorMayChangeBetweenRuns(t *testing.T) {
	bad := func(i int) bool { return i%3 == 1 || i >= 100 && i < 120 }
	good, _ := xs(400, bad)
	src := badFile(t, "json", 400, bad)
	policies := []arrowstream.BadRow{arrowstream.SkipBadRow, arrowstream.DeadLetterBadRow}
	for first := range 40 {
		l, rows, dead := iotest.NewLedger(), &database{}, &database{}
		left := iotest.CrashAfter(first)
		for runs := 0; ; runs++ {
			l.Crash, rows.Crash, dead.Crash = left, left, left
			opts := arrowstream.Options{Workers: 1, TickRows: 16, BatchRows: 11, CheckpointInterval: 1, State: l}
			_, err := run(t, opts, func(p *arrowstream.Pipeline) {
				in := p.From("in", src)
				in.To(rows, "rows")
				in.Side(arrowstream.Errors).Via(position()).To(dead, "dead")
				in.OnError(arrowstream.OnError{Policy: policies[runs%2]})
			})
			if err == nil {
				break
			}
			if !errors.Is(err, iotest.ErrCrash) {
				t.Fatal(err)
			}
			left = iotest.CrashAfter(20)
		}
		letters := slices.Clone(dead.rows)
		slices.Sort(letters)
		if !slices.Equal(rows.rows, good) || len(slices.Compact(letters)) != len(dead.rows) {
			t.Fatalf("crash after %d operations: %d rows, not %d; dead letters %q", first, len(rows.rows), len(good), dead.rows)
		}
	}
}

func TestADeadLetterSaysWhatIsWrong(t *testing.T) {
	var dead collect
	_, err := run(t, arrowstream.Options{}, func(p *arrowstream.Pipeline) {
		p.From("in", badFile(t, "csv", 3, func(i int) bool { return i == 1 })).Side(arrowstream.Errors).Via(&stage.Project{Columns: []stage.Column{
			{Name: "raw", Expr: expr.Col{Name: "raw"}},
			{Name: "code", Expr: expr.Col{Name: "error_code"}},
			{Name: "message", Expr: expr.Col{Name: "message"}},
			{Name: "column", Expr: expr.Col{Name: "column_name"}},
			{Name: "epoch", Expr: expr.Col{Name: "epoch"}},
		}}).To(&dead)
	})
	if want := `bad1 AS4003 "not a whole number in range of int64" x null`; err != nil || len(dead.rows) != 1 || dead.rows[0] != want {
		t.Fatalf("%v, %q", err, dead.rows)
	}
}

func TestDeadLettersHaveALimit(t *testing.T) {
	every := func(n int) func(int) bool { return func(i int) bool { return i%n == 0 } }
	for _, c := range []struct {
		rows int
		bad  func(int) bool
		o    arrowstream.OnError
		ok   bool
	}{
		{100, every(10), arrowstream.OnError{Limit: 10}, true},
		{101, every(10), arrowstream.OnError{Limit: 10}, false},
		{30_000, every(100), arrowstream.OnError{Rate: 0.01}, true},
		{30_000, every(99), arrowstream.OnError{Rate: 0.01}, false},
		{30_000, func(i int) bool { return i >= 20_000 && i < 20_100 }, arrowstream.OnError{Rate: 0.01}, true},
		{30_000, func(i int) bool { return i >= 20_000 && i < 20_101 }, arrowstream.OnError{Rate: 0.01}, false},
		{30_000, func(i int) bool { return i < 100 || i >= 10_000 && i < 10_100 }, arrowstream.OnError{Rate: 0.01}, true},
		{30_000, func(i int) bool { return i < 100 || i >= 9_999 && i < 10_099 }, arrowstream.OnError{Rate: 0.01}, false},
	} {
		for _, tick := range []int{64, 1000, 1 << 20} {
			_, err := run(t, arrowstream.Options{TickRows: tick}, func(p *arrowstream.Pipeline) {
				c.o.Policy = arrowstream.DeadLetterBadRow
				in := p.From("in", badFile(t, "csv", c.rows, c.bad)).OnError(c.o)
				in.Side(arrowstream.Errors).To(&collect{})
			})
			var coded *arrowstream.Error
			if c.ok && err != nil || !c.ok && (!errors.As(err, &coded) || coded.Code != "AS4005") {
				t.Errorf("%+v of %d rows: %v", c.o, c.rows, err)
			}
		}
	}
}

func TestSkippedRowsAreCountedByReason(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.csv")
	if err := os.WriteFile(path, []byte("1,2\nx,3\n4,5\n6\n7,8,9\n10,11\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var rows collect
	s, err := run(t, arrowstream.Options{}, func(p *arrowstream.Pipeline) {
		src := &csv.Source{Path: path, Header: "false", Fields: arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64}, {Name: "b", Type: arrow.PrimitiveTypes.Int64}}, nil)}
		p.From("in", src).OnError(arrowstream.OnError{Policy: arrowstream.SkipBadRow}).To(&rows)
	})
	if err != nil || len(rows.rows) != 3 {
		t.Fatal(err, rows.rows)
	}
	skipped := s.Progress.Sources[0].Skipped
	if s.Progress.Arrowstream.SkippedRows != 3 || skipped["AS4003"].Rows != 1 || skipped["AS4004"].Rows != 2 {
		t.Errorf("%d skipped: %v", s.Progress.Arrowstream.SkippedRows, skipped)
	}
	if o, _ := s.Operator("in"); !strings.Contains(o.Warning, "2 rows skipped [AS4004]") || !strings.Contains(o.Warning, "line 5") {
		t.Errorf("warning %q", o.Warning)
	}
}

func TestOnErrorIsForSources(t *testing.T) {
	p := arrowstream.New(arrowstream.Options{})
	defer p.Close()
	src := badFile(t, "csv", 1, func(int) bool { return false })
	p.From("in", src).Via(position()).OnError(arrowstream.OnError{})
	if p.Err() == nil {
		t.Error("a stage has bad rows")
	}
	for _, o := range []arrowstream.OnError{{Limit: 1}, {Policy: arrowstream.DeadLetterBadRow, Rate: 1.5}, {Policy: arrowstream.DeadLetterBadRow, Limit: -1}} {
		p := arrowstream.New(arrowstream.Options{})
		defer p.Close()
		if p.From("in", src).OnError(o); p.Err() == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

func TestDeadLettersSurviveACrashAnywhere(t *testing.T) {
	bad := func(i int) bool { return i%7 == 3 || i >= 200 && i < 290 || i >= 690 }
	good, letters := xs(700, bad)
	for _, format := range []string{"csv", "json"} {
		src := badFile(t, format, 700, bad)
		for first := 0; ; first += 1 + first/8 {
			l := iotest.NewLedger()
			left := iotest.CrashAfter(first)
			rows, dead := &database{}, newFolder()
			runs := 0
			for ; ; runs++ {
				l.Crash, rows.Crash, dead.Crash = left, left, left
				opts := arrowstream.Options{Workers: 1 + runs%3, TickRows: 64, BatchRows: 30 + 17*(runs%3), CheckpointInterval: 1, State: l}
				_, err := run(t, opts, func(p *arrowstream.Pipeline) {
					in := p.From("in", src).OnError(arrowstream.OnError{Policy: arrowstream.DeadLetterBadRow, Limit: int64(len(letters)), Rate: 0.5})
					in.To(rows, "rows")
					in.Side(arrowstream.Errors).Via(position()).To(&files{folder: dead}, "dead")
				})
				if err == nil {
					break
				}
				if !errors.Is(err, iotest.ErrCrash) {
					t.Fatalf("crash after %d operations, run %d: %v", first, runs, err)
				}
				left = iotest.CrashAfter(5 + 7*runs)
			}
			if !slices.Equal(rows.rows, good) || !slices.Equal(trimmed(dead.rows()), letters) {
				t.Fatalf("%s: crash after %d operations: %d rows, not %d; %d dead letters, not %d", format, first, len(rows.rows), len(good), len(dead.rows()), len(letters))
			}
			if runs == 0 {
				break
			}
		}
	}
}
