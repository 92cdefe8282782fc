// Package http takes rows that clients POST, and posts rows to a web hook
// (floor 4).
//
// A [Source] listens: the body of a request is lines of a format, and the answer
// comes when its rows are taken, with a journal when they are on the disk. All
// requests feed one partition; sources that name the same address share a
// server. A [Sink] sends batches of rows to a URL, and tries again as long as the
// other side asks for that.
//
// The package's one invariant: no request can make the source hold more than its
// body, or end the job; what cannot be taken is refused by the answer.
package http

import (
	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/remote"
)

// Connector is the row of this package in the table of connectors.
var Connector = arrowstream.Connector{
	Name:    "http",
	Aliases: []string{"webhook"},
	Source: func(t arrowstream.Table) (arrowstream.Source, error) {
		s := &Source{Name: t.Name, Columns: t.Schema, Format: t.Format, Access: t.Access}
		return s, t.Decode(s, Sink{})
	},
	Sink: func(t arrowstream.Table) (arrowstream.Sink, error) {
		s := &Sink{Format: t.Format}
		return s, t.Decode(s, Source{})
	},
	Options: []any{Source{}, Sink{}},
}

const kind = remote.Kind("http")

var (
	_ arrowstream.Source     = (*Source)(nil)
	_ arrowstream.Guaranteed = (*Source)(nil)
	_ arrowstream.Publisher  = (*Sink)(nil)
	_ arrowstream.Guaranteed = (*Sink)(nil)
	_ arrowstream.Aborter    = (*Sink)(nil)
)
