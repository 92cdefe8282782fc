// Package postgres reads and writes tables of PostgreSQL (floor 4).
//
// A [Sink] writes with COPY. With a store the rows of an epoch and the row that
// proves it are one transaction: exactly once; without one a flush is a
// transaction: at least once. With a key it upserts by way of a temporary table.
// A [Source] reads a table or a query, in binary form where that is exact and
// cheap, with one connection per partition.
//
// What it shares with other databases is internal/database. Its one invariant:
// no value changes on its way; what the other side cannot hold is an error.
package postgres

import (
	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/remote"
)

// Connector is the row of this package in the table of connectors.
var Connector = arrowstream.Connector{
	Name:    "postgres",
	Aliases: []string{"postgresql"},
	Source: func(t arrowstream.Table) (arrowstream.Source, error) {
		s := &Source{Declared: t.Schema, Access: t.Access}
		return s, t.Decode(s, Sink{})
	},
	Sink: func(t arrowstream.Table) (arrowstream.Sink, error) {
		s := &Sink{}
		err := t.Decode(s, Source{})
		if len(s.Key) == 0 {
			s.Key = t.Key
		}
		return s, err
	},
	Options: []any{Source{}, Sink{}},
}

const kind = remote.Kind("postgres")

var (
	_ arrowstream.Source    = (*Source)(nil)
	_ arrowstream.Publisher = (*Sink)(nil)
	_ arrowstream.Aborter   = (*Sink)(nil)
	_ arrowstream.Updating  = (*Sink)(nil)
)
