package sql_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	arrowmem "github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/io/memory"
	"github.com/arrowstream/arrowstream/sql"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// fixtures are the tables that FROM 'name.mem' and the connector "mem" read.
var fixtures = map[string]string{
	"bid": `ts:timestamp[ms] auction:int64! price:int64 channel:utf8
1000 1 10 web
3000 2 20 app
9000 1 30 web
11000 2 null app
12000 1 50 null
25000 3 60 web`,
	"clicks": `ts:timestamp[us]@ a:float64 b:float64 y:int64
1000000 1 0 1
2000000 -1 0 0
3000000 2 1 1
11000000 -2 1 0
12000000 3 -1 1
13000000 -3 -1 0`,
	"orders": `ts:timestamp[ms] id:int64! cur:utf8
1000 1 EUR
2000 2 USD
4000 3 EUR
5000 4 null
6000 5 GBP
9000 6 USD
9000 7 EUR`,
	"rates": `ts:timestamp[ms] cur:utf8 rate:int64
500 EUR 110
1500 USD 100
4000 EUR 112
4000 EUR 113
7000 GBP 130
8000 USD 101
9500 EUR 114`,
	"text": `s:utf8 d:date32 n:int32
"a b" 2026-01-31 1
null null null`,
}

// options of the connector "mem" of the tests.
type memOptions struct {
	Data      string   `option:"data,path"`
	Unbounded bool     `option:"unbounded"`
	Columns   []string `option:"columns"`
	Rows      int64    `option:"rows"` // that it says it has, for estimates
}

// memSource reads a fixture; it records which columns it was asked for.
type memSource struct {
	memOptions
	Columns []string `option:"columns"`
	inner   *memory.Source
	t       *harness
}

func (m *memSource) Schema() (*arrow.Schema, error) { return m.inner.Schema() }
func (m *memSource) Bounded() bool                  { return !m.Unbounded }
func (m *memSource) RowCount() (int64, bool)        { return m.Rows, m.Rows > 0 }
func (m *memSource) Open(ctx context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	m.t.columns = append(m.t.columns, fmt.Sprintf("%s: %s", m.Data, strings.Join(m.Columns, " ")))
	return m.inner.Open(ctx, env)
}

// searchedSource is a fixture that can be searched, and writes down for what.
type searchedSource struct{ *memSource }

func (s searchedSource) Search(ctx context.Context, key []string, env arrowstream.Env) (arrowstream.Lookup, error) {
	return searched{s.memSource, key, env}, nil
}

type searched struct {
	*memSource
	key []string
	env arrowstream.Env
}

func (s searched) Schema() *arrow.Schema {
	schema, _ := s.inner.Schema()
	return columnar.WithEventTime(schema, "")
}

func (s searched) Find(ctx context.Context, keys arrowstream.Batch) ([]arrowstream.Batch, error) {
	s.t.columns = append(s.t.columns, fmt.Sprintf("%s by %s: %s", s.Data, strings.Join(s.key, ","), strings.Join(columnartest.Rows(keys), ";")))
	parts, err := s.inner.Open(ctx, arrowstream.SourceEnv{Env: s.env})
	if err != nil {
		return nil, err
	}
	b, err := parts[0].Read(ctx)
	return []arrowstream.Batch{b}, err
}

func (s searched) Close() error { return nil }

// harness runs scripts over fixtures and collects what they write.
type harness struct {
	t       testing.TB
	mem     arrowmem.Allocator
	sinks   []string
	written map[string]*memory.Sink
	columns []string
}

func newHarness(t testing.TB) *harness {
	return &harness{t: t, mem: columnartest.Allocator(t), written: map[string]*memory.Sink{}}
}

func (h *harness) sink(name string) arrowstream.Sink {
	s := h.written[name]
	if s == nil {
		s = &memory.Sink{}
	}
	return listedSink{s, h, name}
}

// listedSink is known to the harness once it is bound.
type listedSink struct {
	*memory.Sink
	h    *harness
	name string
}

func (s listedSink) Bind(in *arrow.Schema, env arrowstream.Env) error {
	if s.h.written[s.name] == nil {
		s.h.written[s.name] = s.Sink
		s.h.sinks = append(s.h.sinks, s.name)
	}
	return s.Sink.Bind(in, env)
}

func (h *harness) options() sql.Options {
	conn := arrowstream.Connector{
		Name: "mem", Options: []any{memOptions{}}, Extensions: []string{".mem"},
		Source: func(t arrowstream.Table) (arrowstream.Source, error) {
			var o memOptions
			if err := arrowstream.DecodeOptions(t.Options, &o); err != nil {
				return nil, err
			}
			text, ok := fixtures[strings.TrimSuffix(o.Data, ".mem")]
			if !ok {
				return nil, &arrowstream.Error{Code: "AS3001", Msg: fmt.Sprintf("no fixture %q", o.Data), Hint: "fixtures: bid, clicks, orders, rates, text"}
			}
			return &memSource{memOptions: o, inner: memory.From(columnartest.Batch(h.t, h.mem, text)), t: h}, nil
		},
		Sink: func(t arrowstream.Table) (arrowstream.Sink, error) {
			var o memOptions
			if err := arrowstream.DecodeOptions(t.Options, &o); err != nil {
				return nil, err
			}
			return h.sink(t.Name), nil
		},
	}
	// The connector "db" has the same tables, which can be searched.
	db := conn
	db.Name, db.Extensions = "db", nil
	db.Source = func(t arrowstream.Table) (arrowstream.Source, error) {
		src, err := conn.Source(t)
		if err != nil {
			return nil, err
		}
		return searchedSource{src.(*memSource)}, nil
	}
	return sql.Options{
		Connectors: []arrowstream.Connector{conn, db},
		Display:    func(name string) (arrowstream.Sink, error) { return h.sink(name), nil },
		Param:      func(name string) (string, bool) { return "bid", name == "FIXTURE" },
		Pipeline:   arrowstream.Options{Allocator: h.mem, Workers: 1},
	}
}

// run prints warnings, results and what was written, or the errors.
func (h *harness) run(text string) string { return h.runWith(text, h.options()) }

func (h *harness) runWith(text string, opts sql.Options) string {
	p, err := sql.Prepare(text, opts)
	if err != nil {
		return strings.ReplaceAll(syntax.Render(err, text), "\n\n", "\n")
	}
	var sb strings.Builder
	for _, w := range p.Warnings {
		fmt.Fprintf(&sb, "warning %s %d:%d %s\n", w.Code, w.Pos.Line, w.Pos.Col, w.Msg)
	}
	for _, r := range p.Results {
		if r.Rows != nil {
			fmt.Fprintf(&sb, "%s\n", columnartest.Text(r.Rows))
		} else {
			fmt.Fprintf(&sb, "%s\n", r.Text)
		}
	}
	if _, err := p.Run(context.Background()); err != nil {
		fmt.Fprintf(&sb, "run: %v\n", err)
	}
	if err := p.Close(); err != nil {
		fmt.Fprintf(&sb, "close: %v\n", err)
	}
	for _, name := range h.sinks {
		s := h.written[name]
		fmt.Fprintf(&sb, "%s: ", name)
		for i, b := range s.Batches() {
			text := columnartest.Text(b)
			if i > 0 {
				_, text, _ = strings.Cut(text, "\n")
			}
			sb.WriteString(strings.TrimRight(text, "\n") + "\n")
		}
		if len(s.Batches()) == 0 {
			sb.WriteString("no rows\n")
		}
		s.Release()
	}
	return strings.TrimRight(sb.String(), "\n")
}

// TestGolden runs testdata/*.test: blocks separated by blank lines, each a
// script, a line "----", and what it prints.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.test")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	slices.Sort(files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".test"), func(t *testing.T) { golden(t, file) })
	}
}

func golden(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for i, block := range strings.Split(strings.TrimSpace(string(data)), "\n\n") {
		in, want, ok := strings.Cut(block, "\n----\n")
		if !ok && !*update {
			t.Fatalf("block without ----:\n%s", block)
		}
		in = strings.TrimSuffix(in, "\n----")
		got := ""
		t.Run(fmt.Sprint(i+1), func(t *testing.T) {
			got = strings.TrimRight(strings.ReplaceAll(newHarness(t).run(in), "\n\n", "\n"), "\n")
			if !*update && got != want {
				t.Errorf("%s\ngot:\n%s\nwant:\n%s", in, got, want)
			}
		})
		out.WriteString(in + "\n----\n" + got + "\n\n")
	}
	if *update {
		if err := os.WriteFile(file, []byte(strings.TrimSpace(out.String())+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWrongStatements checks that a hundred wrong statements and more are told
// apart: each by a code and a place, or by the expression and the row.
func TestWrongStatements(t *testing.T) {
	data, err := os.ReadFile("testdata/errors.test")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, block := range strings.Split(strings.TrimSpace(string(data)), "\n\n") {
		in, printed, _ := strings.Cut(block, "\n----\n")
		compiled := strings.Contains(printed, "error[AS") && (strings.Contains(printed, "\n  --> ") || strings.Contains(printed, "(row {"))
		ran := strings.Contains(printed, "run: ") && strings.Contains(printed, "[AS")
		if !compiled && !ran {
			t.Errorf("no error, or one without a code or a place:\n%s", block)
		}
		seen[in] = true
	}
	if len(seen) < 100 {
		t.Errorf("%d different wrong statements, want 100 or more", len(seen))
	}
}

// goldenScripts are the scripts of all golden files.
func goldenScripts(t testing.TB) []string {
	files, err := filepath.Glob("testdata/*.test")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(strings.TrimSpace(string(data)), "\n\n") {
			in, _, _ := strings.Cut(block, "\n----\n")
			out = append(out, in)
		}
	}
	return out
}
