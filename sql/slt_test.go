package sql_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	arrowmem "github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
	"github.com/arrowstream/arrowstream/io/memory"
	"github.com/arrowstream/arrowstream/sql"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

var sltSeed = flag.Uint64("slt.seed", 1, "seed of the cuts and crashes of testdata/slt; 0 is another one each time")

// TestSLT runs testdata/slt/*.slt and the cases in docs/sql/*.md, see
// [sltRecord]. A query of a case without streams runs in all of sltWays, which
// must agree.
func TestSLT(t *testing.T) {
	files, err := filepath.Glob("testdata/slt/*.slt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	pages, err := filepath.Glob("../docs/sql/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	seed := *sltSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	crashes := 0
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("again with -slt.seed %d", seed)
		}
		if crashes == 0 {
			t.Error("nothing has crashed")
		}
	})
	for _, file := range slices.Concat(files, pages) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".slt"), func(t *testing.T) {
			cases, err := readSLT(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range cases {
				t.Run(c.title, func(t *testing.T) {
					if c.stream {
						crashes += runSLTStream(t, file, c, seed)
						return
					}
					s := newSLTScript(t, file, rand.New(rand.NewPCG(seed, uint64(len(c.records)))))
					for _, r := range c.records {
						s.run(r)
					}
					crashes += s.crashes
				})
			}
			if *update {
				if err := writeSLT(file, cases); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// sltScript is a case on its way: what was declared and ingested so far.
type sltScript struct {
	t      testing.TB
	file   string
	rng    *rand.Rand
	mem    arrowmem.Allocator
	text   string
	tables map[string][]string

	crashes int
}

func newSLTScript(t testing.TB, file string, rng *rand.Rand) *sltScript {
	return &sltScript{t: t, file: file, rng: rng, mem: columnartest.Allocator(t), tables: map[string][]string{}}
}

// errorf reports what is wrong with a record.
func (s *sltScript) errorf(r *sltRecord, format string, args ...any) {
	s.t.Helper()
	s.t.Errorf("%s:%d: %s\n%s", s.file, r.line, fmt.Sprintf(format, args...), r.sql)
}

// run runs a record in all ways.
func (s *sltScript) run(r *sltRecord) {
	s.t.Helper()
	switch {
	case r.verb == "ingest":
		s.tables[r.arg(0)] = append(s.tables[r.arg(0)], r.rows...)
	case r.arg(0) == "error":
		s.wrong(r)
	case r.verb == "statement":
		s.text += r.sql + ";\n"
		if got := s.result(r, sltWays[0], ""); got.err != nil {
			s.errorf(r, "%v", got.err)
		}
	case r.verb == "query":
		s.query(r)
	}
}

// query runs a query in all ways and compares them with the first one, and that
// with what is expected.
func (s *sltScript) query(r *sltRecord) {
	s.t.Helper()
	var first []string
	for _, w := range sltWays {
		if !r.in(w.mode) {
			continue
		}
		got := s.result(r, w, r.sql)
		if w.mode == "streaming" && *update && refusesStream(got.err) {
			r.restrict("bounded")
			continue
		}
		if got.err != nil {
			s.errorf(r, "%s: %v", w.name, got.err)
			return
		}
		if r.arg(1) == "rowsort" || w.mode == "streaming" {
			slices.Sort(got.rows)
		}
		switch {
		case first == nil:
			first = append([]string{}, got.rows...)
			s.expect(r, got)
			if w.mode == "bounded" {
				continue
			}
		case w.mode == "streaming":
			want := slices.Sorted(slices.Values(first))
			if !slices.Equal(got.rows, want) {
				s.errorf(r, "%s gives\n%s\nnot\n%s", w.name, strings.Join(got.rows, "\n"), strings.Join(want, "\n"))
			}
		case !slices.Equal(got.rows, first):
			s.errorf(r, "%s gives\n%s\nnot\n%s", w.name, strings.Join(got.rows, "\n"), strings.Join(first, "\n"))
		}
	}
}

// expect compares a result with the record, or writes it there.
func (s *sltScript) expect(r *sltRecord, got sltResult) {
	s.t.Helper()
	if *update {
		if len(r.args) == 0 {
			r.args = []string{""}
		}
		r.args[0], r.rows = got.types, got.rows
		return
	}
	if r.arg(0) != got.types {
		s.errorf(r, "types %s, not %s", got.types, r.arg(0))
	}
	if !slices.Equal(got.rows, r.rows) {
		s.errorf(r, "got\n%s\nwant\n%s", strings.Join(got.rows, "\n"), strings.Join(r.rows, "\n"))
	}
}

// wrong runs what must fail, in all ways.
func (s *sltScript) wrong(r *sltRecord) {
	s.t.Helper()
	for _, w := range sltWays {
		if !r.in(w.mode) {
			continue
		}
		got := s.result(r, w, r.sql)
		if got.err == nil {
			s.errorf(r, "%s: no error, but\n%s", w.name, strings.Join(got.rows, "\n"))
			return
		}
		if *update && len(r.args) == 1 {
			code, _, _ := strings.Cut(strings.TrimPrefix(got.err.Error(), "error["), "]")
			r.args = append(r.args, code)
		}
		if ok, err := regexp.MatchString(r.pattern(), got.err.Error()); err != nil || !ok {
			s.errorf(r, "%s: %v, not %s", w.name, got.err, r.pattern())
		}
	}
}

// refusesStream reports whether err says that a query cannot run on a stream.
func refusesStream(err error) bool {
	return err != nil && regexp.MustCompile(`error\[AS14\d\d\]`).MatchString(err.Error())
}

// sltResult is what a query gave.
type sltResult struct {
	types string
	rows  []string
	err   error
	late  bool // rows were, by a watermark that nobody declared
}

// sltWay is one way to run a query.
type sltWay struct {
	name string
	mode string
	// cut cuts the input into batches and ticks at random.
	cut     bool
	workers int
	crash   bool
}

var sltWays = []sltWay{
	{name: "in one batch", mode: "bounded", workers: 1},
	{name: "in random ticks", mode: "bounded", workers: 1, cut: true},
	{name: "with 2 workers", mode: "bounded", workers: 2, cut: true},
	{name: "with 4 workers", mode: "bounded", workers: 4, cut: true},
	{name: "with crashes", mode: "bounded", workers: 1, cut: true, crash: true},
	{name: "as a stream", mode: "streaming", workers: 2, cut: true},
	{name: "as a stream with crashes", mode: "streaming", workers: 1, cut: true, crash: true},
}

// result runs a query, or only what was declared if it is empty, in one way.
func (s *sltScript) result(r *sltRecord, w sltWay, query string) sltResult {
	text := s.text + query
	if w.mode == "streaming" {
		text = "SET job.mode = streaming; SET state.unbounded = allow; " + text
	}
	store := newSLTStore()
	opts := arrowstream.Options{Allocator: s.mem, Workers: w.workers}
	if w.cut {
		opts.TickRows = 1 + s.rng.IntN(6)
		opts.BatchRows = 1 + s.rng.IntN(opts.TickRows)
	}
	if w.crash {
		opts.State, opts.CheckpointInterval = store, time.Nanosecond
	}
	source := func(t arrowstream.Table) (arrowstream.Source, error) { return s.source(t, w.cut) }
	for runs := 0; ; runs++ {
		if w.crash && runs < 20 {
			store.After(s.rng.IntN(20))
		} else {
			store.After(-1)
		}
		p, err := sql.Prepare(text, sltOptions(opts, store, source))
		if err != nil {
			return sltResult{err: errors.New(syntax.Render(err, text))}
		}
		if query == "" {
			return sltResult{err: p.Close()}
		}
		if len(p.Results) > 0 && len(p.Sinks) == 0 {
			res := p.Results[len(p.Results)-1]
			if res.Rows == nil {
				return sltResult{types: "T", rows: strings.Split(strings.TrimSpace(res.Text), "\n")}
			}
			rows, _ := sltRows(res.Rows)
			return sltResult{types: sltTypes(res.Rows.Schema()), rows: rows}
		}
		sum, err := p.Run(context.Background())
		if errors.Is(err, iotest.ErrCrash) {
			s.crashes++
			continue
		}
		if err != nil {
			return sltResult{err: coded(err)}
		}
		out := store.output("result")
		rows, err := out.folded()
		implied := slices.ContainsFunc(p.Warnings, func(e *arrowstream.Error) bool { return e.Code == "AS1402" })
		return sltResult{types: sltTypes(out.schema), rows: slices.Clone(rows), err: err, late: implied && sum.Progress.Arrowstream.LateRows > 0}
	}
}

// coded puts the code of an error of a run before it.
func coded(err error) error {
	var e *arrowstream.Error
	if errors.As(err, &e) {
		return fmt.Errorf("error[%s]: %w", e.Code, err)
	}
	return err
}

// sltTable are the options of a table: delay repeats that of its watermark,
// partitions is how many a stream has.
type sltTable struct {
	Delay      string `option:"delay"`
	Partitions string `option:"partitions"`
}

// sltOptions are the options for a script whose tables have the connector slt.
func sltOptions(opts arrowstream.Options, store *sltStore, source func(arrowstream.Table) (arrowstream.Source, error)) sql.Options {
	sink := func(name string) (arrowstream.Sink, error) { return store.output(name), nil }
	return sql.Options{
		Connectors: []arrowstream.Connector{{
			Name: "slt", Options: []any{sltTable{}}, Source: source,
			Sink: func(t arrowstream.Table) (arrowstream.Sink, error) { return sink(t.Name) },
		}},
		Display:  sink,
		Pipeline: opts,
	}
}

// source is a table as far as it was ingested, cut into batches at random if
// it is to be cut.
func (s *sltScript) source(t arrowstream.Table, cut bool) (arrowstream.Source, error) {
	all, err := sltBatch(s.mem, t.Schema, s.tables[t.Name])
	if err != nil {
		return nil, err
	}
	s.t.Cleanup(all.Release)
	src := &memory.Source{Fields: all.Schema(), Partitions: [][]arrowstream.Batch{{}}}
	for from, to := int64(0), int64(0); from < all.NumRows(); from = to {
		if to = all.NumRows(); cut {
			to = min(to, from+1+s.rng.Int64N(4))
		}
		b := all.NewSlice(from, to)
		s.t.Cleanup(b.Release)
		src.Partitions[0] = append(src.Partitions[0], b)
	}
	return src, nil
}

// sltBatch is a batch of rows as they stand in a file.
func sltBatch(mem arrowmem.Allocator, schema *arrow.Schema, rows []string) (arrowstream.Batch, error) {
	if schema == nil {
		return nil, errors.New("slt: declare the columns")
	}
	var head []string
	for _, f := range schema.Fields() {
		name := f.Name + ":" + columnar.TypeName(f.Type)
		if !f.Nullable {
			name += "!"
		}
		head = append(head, name)
	}
	return columnartest.Parse(mem, strings.Join(head, " ")+"\n"+strings.Join(rows, "\n"))
}

// sltTypes is a letter per column of the rows, without the op column.
func sltTypes(schema *arrow.Schema) string {
	var sb strings.Builder
	n := schema.NumFields()
	if columnar.Changelog(schema) {
		n--
	}
	for _, f := range schema.Fields()[:n] {
		id := f.Type.ID()
		if d, ok := f.Type.(*arrow.DictionaryType); ok {
			id = d.ValueType.ID()
		}
		switch {
		case arrow.IsInteger(id):
			sb.WriteByte('I')
		case arrow.IsFloating(id):
			sb.WriteByte('R')
		case arrow.IsDecimal(id):
			sb.WriteByte('N')
		case id == arrow.STRING, id == arrow.LARGE_STRING:
			sb.WriteByte('T')
		case arrow.IsBinaryLike(id), arrow.IsLargeBinaryLike(id):
			sb.WriteByte('X')
		case id == arrow.BOOL:
			sb.WriteByte('B')
		case id == arrow.DATE32:
			sb.WriteByte('D')
		case id == arrow.TIMESTAMP:
			sb.WriteByte('P')
		case id == arrow.DURATION, id == arrow.INTERVAL_MONTHS:
			sb.WriteByte('V')
		default:
			sb.WriteByte('L')
		}
	}
	return sb.String()
}

// sltRows are the rows of b as they stand in a file, and their changes.
func sltRows(b arrowstream.Batch) (rows []string, ops []columnar.Change) {
	n := int(b.NumCols())
	if columnar.Changelog(b.Schema()) {
		n--
		for _, op := range columnar.Values[int8](b.Column(n)) {
			ops = append(ops, columnar.Change(op))
		}
	}
	rows = make([]string, b.NumRows())
	for i := range rows {
		cells := make([]string, n)
		for j := range cells {
			cells[j] = sltCell(b.Column(j), i)
		}
		rows[i] = strings.Join(cells, " ")
	}
	return rows, ops
}

// sltCell is a cell as columnartest writes it, but times are readable.
func sltCell(a arrow.Array, i int) string {
	ts, ok := a.(*array.Timestamp)
	if !ok || a.IsNull(i) {
		return columnartest.Cell(a, i)
	}
	at := ts.Value(i).ToTime(ts.DataType().(*arrow.TimestampType).Unit)
	if at.Year() < 1 || at.Year() > 9999 {
		return columnartest.Cell(a, i)
	}
	return at.Format(time.RFC3339Nano)
}
