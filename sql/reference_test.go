package sql_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	arrowmem "github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
	"github.com/arrowstream/arrowstream/io/memory"
	"github.com/arrowstream/arrowstream/sql"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// anyOptions are options of the connector "any", for [memorySource] and sinks.
type anyOptions struct {
	Bounded   bool     `option:"bounded"`
	Metadata  string   `option:"metadata"`
	Partition []string `option:"partition"`
	Note      string   `option:"note"`
}

// anySource has no rows.
type anySource struct {
	*memory.Source
	bounded bool
}

func (s anySource) Bounded() bool { return s.bounded }

// anySink takes what its table takes: changes by key, or appended rows.
type anySink struct {
	*memory.Sink
	keyed bool
}

func (s anySink) Takes() arrowstream.Delivery {
	if s.keyed {
		return arrowstream.Upsert
	}
	return arrowstream.AppendOnly
}

// jsonFormat has the name of a format.
type jsonFormat struct{ iotest.TextFormat }

func (jsonFormat) Name() string { return "json" }

// anyConnector is a connector for which every table of the reference is right.
func anyConnector() arrowstream.Connector {
	options := func(t arrowstream.Table) anyOptions {
		return anyOptions{Bounded: t.Options["bounded"] == "true"}
	}
	return arrowstream.Connector{
		Name: "any", Options: []any{anyOptions{}}, Extensions: []string{".any"},
		Source: func(t arrowstream.Table) (arrowstream.Source, error) {
			if strings.Contains(t.Options["path"], "*") {
				return nil, &arrowstream.Error{Code: "AS2101", Msg: "no file"}
			}
			schema := t.Schema
			if schema == nil {
				schema = arrow.NewSchema([]arrow.Field{{Name: "value", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
			}
			b := array.NewRecordBuilder(arrowmem.NewGoAllocator(), schema)
			return anySource{memory.From(b.NewRecord()), options(t).Bounded}, nil
		},
		Sink: func(t arrowstream.Table) (arrowstream.Sink, error) {
			return anySink{&memory.Sink{}, len(t.Key) > 0}, nil
		},
	}
}

// TestReference plans the examples of testdata/reference.txt.
func TestReference(t *testing.T) {
	data, err := os.ReadFile("testdata/reference.txt")
	if err != nil {
		t.Fatal(err)
	}
	var tables string
	var out strings.Builder
	for i, block := range strings.Split(strings.TrimSpace(string(data)), "\n\n") {
		if strings.HasPrefix(block, "#") {
			out.WriteString(block + "\n\n")
			continue
		}
		script, want, _ := strings.Cut(block, "\n----\n")
		text := script
		if tables == "" {
			tables = script + ";\n"
		} else {
			text = tables + script
		}
		got := ""
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			if got = planned(t, text); got != want && !*update {
				t.Errorf("%s\ngot %s, want %s", script, got, want)
			}
		})
		out.WriteString(script + "\n----\n" + got + "\n\n")
	}
	if *update {
		if err := os.WriteFile("testdata/reference.txt", []byte(strings.TrimSpace(out.String())+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// planned is "ok" with the codes of the warnings, or the code of the first error.
func planned(t *testing.T, text string) string {
	p, err := sql.Prepare(text, sql.Options{
		Connectors: []arrowstream.Connector{anyConnector()},
		Formats:    []arrowstream.Format{jsonFormat{}},
		Display:    func(string) (arrowstream.Sink, error) { return anySink{&memory.Sink{}, true}, nil },
		State:      func(string) (arrowstream.StateStore, error) { return nil, nil },
		Pipeline:   arrowstream.Options{Allocator: columnartest.Allocator(t), Workers: 1},
	})
	if err != nil {
		var one *arrowstream.Error
		var list syntax.Errors
		if errors.As(err, &list) && len(list) > 0 {
			one = list[0]
		} else if !errors.As(err, &one) {
			return err.Error()
		}
		t.Log(syntax.Render(err, text))
		return one.Code
	}
	out := "ok"
	for _, w := range p.Warnings {
		out += " " + w.Code
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	return out
}
