package stage

import (
	"cmp"
	"context"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
)

// Single passes rows that stand for at most one row of a query that is used as a
// value, and fails for others. The input may be a changelog. It looks at one
// number per row.
type Single struct {
	// Count is the int64 column with the number of rows that a row stands for.
	Count string
	// Query is what errors call the query; default the name of Count.
	Query string

	stateless
	count int
}

var _ arrowstream.Rowwise = (*Single)(nil)

// Bind implements [arrowstream.Stage].
func (s *Single) Bind(in *arrow.Schema, _ arrowstream.Env) (*arrow.Schema, error) {
	var err error
	if s.count, err = grouped.Column("single row", in, s.Count); err != nil {
		return nil, err
	}
	if t := in.Field(s.count).Type; t.ID() != arrow.INT64 {
		return nil, planError("AS1301", fmt.Sprintf("single row: the count is %s", columnar.TypeName(t)), "count(*)")
	}
	return in, nil
}

// Process implements [arrowstream.Stage].
func (s *Single) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	c := b.Column(s.count)
	for i, n := range columnar.Values[int64](c) {
		if n > 1 && c.IsValid(i) {
			return &arrowstream.DataError{Column: cmp.Or(s.Query, s.Count), Err: &arrowstream.Error{
				Code: "AS4010", Msg: fmt.Sprintf("a query that is used as a value has %d rows", n), Hint: "use an aggregate, or LIMIT 1",
			}}
		}
	}
	return emit(b)
}

// Fails implements [arrowstream.Rowwise].
func (s *Single) Fails() bool { return true }

// Clone implements [arrowstream.Parallel].
func (s *Single) Clone() arrowstream.Stage { return &Single{Count: s.Count, Query: s.Query} }
