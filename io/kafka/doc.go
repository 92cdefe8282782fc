// Package kafka reads and writes Apache Kafka topics (floor 4).
//
// A [Source] gives one arrowstream.Partition per Kafka partition, in the order
// (topic, partition). Each fetches with a long poll, so that a row is at hand
// milliseconds after it was written, and keeps one fetch running while the
// rows of the previous one are decoded. Rows of open and aborted transactions
// and control records are left out. A [Sink] encodes rows into record batches,
// spreads them over the partitions by key as the Java client does, and sends
// them in the background; Flush waits until all of them are acknowledged by
// all in-sync replicas. Rows of one key stay in order; after an ambiguous
// answer of a broker a batch is sent again, so that delivery is at least once.
// Publish writes the rows of an epoch in a transaction, together with a message
// that says so: exactly once for readers with read_committed.
//
// Values are rendered by the arrowstream.Format that is given; the package
// knows none by name. Its one invariant: the position of a partition names
// the next row exactly, also in the middle of a message that holds many rows.
package kafka

import (
	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/remote"
)

// Connector is the row of this package in the table of connectors.
var Connector = arrowstream.Connector{
	Name:    "kafka",
	Aliases: []string{"upsert-kafka"},
	Source: func(t arrowstream.Table) (arrowstream.Source, error) {
		s := &Source{Columns: t.Schema, Format: t.Format, Access: t.Access}
		return s, t.Decode(s, Sink{})
	},
	Sink: func(t arrowstream.Table) (arrowstream.Sink, error) {
		s := &Sink{Format: t.Format}
		err := t.Decode(s, Source{})
		if len(s.Key) == 0 {
			s.Key = t.Key
		}
		return s, err
	},
	Options: []any{Source{}, Sink{}},
}

const kind = remote.Kind("kafka")

var (
	_ arrowstream.Source       = (*Source)(nil)
	_ arrowstream.Acknowledger = (*partition)(nil)
	_ arrowstream.Lagging      = (*partition)(nil)
	_ arrowstream.Publisher    = (*Sink)(nil)
	_ arrowstream.Aborter      = (*Sink)(nil)
	_ arrowstream.Updating     = (*Sink)(nil)
)
