package arrowstream

import (
	"context"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
)

// Searchable is implemented by sources of tables outside whose rows can be looked
// up by key while a stream runs, such as those of databases.
type Searchable interface {
	Source
	// Search returns a way to look rows up by the columns of key, which the
	// table has. Columns that cannot be searched by are an error, AS1410. It may
	// ask the table; env is that of the part which looks up.
	Search(ctx context.Context, key []string, env Env) (Lookup, error)
}

// Lookup looks rows of a table up by key. One goroutine uses it.
type Lookup interface {
	// Schema are the columns of the rows.
	Schema() *arrow.Schema
	// Find returns the rows whose key is one of keys, which are distinct and not
	// NULL, as they are now. It may return rows with other keys too. Rows of one
	// key have an order if the table has one. A server that is out of reach is
	// tried again for as long as its table says; that is over with ctx.
	Find(ctx context.Context, keys Batch) ([]Batch, error)
	io.Closer
}
