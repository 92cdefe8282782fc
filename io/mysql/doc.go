// Package mysql reads and writes tables of MySQL and MariaDB (floor 4).
//
// A [Sink] writes with LOAD DATA LOCAL where the server allows it, and looks at
// the warnings, since such a load changes values that do not fit instead of
// refusing them; elsewhere it writes INSERT with many rows. With a store the
// rows of an epoch and the row that proves it are one transaction: exactly once;
// without one a flush is a transaction: at least once. With a key it upserts by
// way of a temporary table. A [Source] reads a table or a query by the binary
// protocol, with one connection per partition.
//
// What it shares with other databases is internal/database. Its one invariant:
// no value changes on its way; what the other side cannot hold is an error.
package mysql

import (
	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/remote"
)

// Connector is the row of this package in the table of connectors.
var Connector = arrowstream.Connector{
	Name:    "mysql",
	Aliases: []string{"mariadb"},
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

const kind = remote.Kind("mysql")

var (
	_ arrowstream.Source    = (*Source)(nil)
	_ arrowstream.Publisher = (*Sink)(nil)
	_ arrowstream.Aborter   = (*Sink)(nil)
	_ arrowstream.Updating  = (*Sink)(nil)
)
