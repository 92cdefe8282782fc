package stage

import (
	"context"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// Append drops the column of changes from a changelog that only ever inserts.
// Any other change is an error. A stream that is no changelog passes.
type Append struct {
	stateless
	out *arrow.Schema
}

var _ arrowstream.Parallel = (*Append)(nil)

// Bind implements [arrowstream.Stage].
func (a *Append) Bind(in *arrow.Schema, _ arrowstream.Env) (*arrow.Schema, error) {
	a.out = in
	if columnar.Changelog(in) {
		md := in.Metadata()
		a.out = arrow.NewSchema(in.Fields()[:in.NumFields()-1], &md)
	}
	return a.out, nil
}

// Process implements [arrowstream.Stage].
func (a *Append) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	if !columnar.Changelog(b.Schema()) {
		return emit(b)
	}
	last := int(b.NumCols()) - 1
	for i, op := range columnar.Values[int8](b.Column(last)) {
		if columnar.Change(op) != columnar.Insert {
			return &arrowstream.Error{
				Code: "AS1406", Msg: fmt.Sprintf("append: row %d of a batch is %s and no insertion", i, columnar.Change(op)),
				Hint: "write to a sink that takes updates",
			}
		}
	}
	out := array.NewRecord(a.out, b.Columns()[:last], b.NumRows())
	defer out.Release()
	return emit(out)
}

// Clone implements [arrowstream.Parallel].
func (a *Append) Clone() arrowstream.Stage { return &Append{} }
