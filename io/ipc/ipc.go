// Package ipc reads and writes Apache Arrow IPC: files and streams, and as the
// format "arrow", in which a value is a stream of a schema and its batches.
// Floor 4.
//
// Input is not trusted: see internal/wire for what stands between it and the
// engine.
package ipc

import (
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/filetable"
	"github.com/arrowstream/arrowstream/internal/wire"
)

// Connector is the row of this package in the table of connectors.
var Connector = arrowstream.Connector{
	Name:    "arrow",
	Aliases: []string{"ipc", "feather"},
	Source: func(t arrowstream.Table) (arrowstream.Source, error) {
		s := &Source{Fields: t.Schema, Stdio: t.Stdio, Access: t.Access}
		return s, t.Decode(s, Sink{})
	},
	Sink: func(t arrowstream.Table) (arrowstream.Sink, error) {
		s := &Sink{Stdio: t.Stdio}
		return s, t.Decode(s, Source{})
	},
	Options:    []any{&Source{}, &Sink{}},
	Extensions: []string{".arrow", ".arrows", ".ipc", ".feather"},
}

var kind = filetable.Kind{Name: "arrow", Option: "AS2130", Input: "AS2131"}

// Limits bound what one input may ask for; zero fields mean the defaults.
type Limits = wire.Limits

// Reader reads the batches of a stream.
type Reader = wire.Reader

// NewReader reads the schema of the IPC stream in r and returns a reader of
// its batches, whose memory comes from mem. Whatever is in r, the outcome is
// valid batches or an error.
func NewReader(r io.Reader, mem memory.Allocator, l Limits) (*Reader, error) {
	return wire.NewReader("arrow stream", r, mem, l)
}

// Validate checks a batch that comes from elsewhere; see wire.Validate.
func Validate(rec arrow.Record) error { return wire.Validate(rec) }

// matching finds the wanted columns in a schema; where is nil if they are the
// schema, in its order.
func matching(want, have *arrow.Schema) (where []int, err error) {
	same := want.NumFields() == have.NumFields()
	for i, f := range want.Fields() {
		at := columnar.Index(have, f.Name)
		if at < 0 {
			return nil, &arrowstream.Error{Code: "AS4130", Msg: fmt.Sprintf("arrow: there is no column %q", f.Name), Hint: arrowstream.Suggest(f.Name, columnar.Names(have), "columns")}
		}
		if g := have.Field(at); !arrow.TypeEqual(f.Type, g.Type) {
			return nil, &arrowstream.Error{Code: "AS4130", Msg: fmt.Sprintf("arrow: column %q is %s, not %s", f.Name, columnar.TypeName(g.Type), columnar.TypeName(f.Type))}
		}
		where = append(where, at)
		same = same && at == i
	}
	if same {
		where = nil
	}
	return where, nil
}
