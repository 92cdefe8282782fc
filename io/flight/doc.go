// Package flight exchanges streams with other programs over Arrow Flight
// (floor 4), in both directions and both roles:
//
//   - [Sink] exports a stream under a name; any number of clients follow it
//     with DoGet. A bounded number of bytes is retained for those who come
//     late or read slowly; a subscriber that falls behind what is retained is
//     cut off and never holds up the pipeline.
//   - [PutSource] takes the batches that clients DoPut under its name.
//   - [Source] reads a stream of another server with DoGet.
//   - [PutSink] writes to another server with DoPut.
//
// A [Server] listens on loopback unless it has TLS and knows its callers, by
// token, password or certificate, or is told that it may be insecure. What a
// caller may read and write is granted stream by stream; tickets are signed. The sinks and sources of a process that name the same
// address share one server, which a [Hub] keeps.
//
// The package's one invariant: bytes from the network become batches only
// through internal/wire, which bounds and validates them, and a client can
// neither block nor end the pipeline, whatever it does.
package flight

import (
	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/remote"
)

// Connector is the row of this package in the table of connectors. With the
// option uri a table is a stream of that server, else one of this process.
var Connector = arrowstream.Connector{
	Name:    "flight",
	Aliases: []string{"arrow-flight"},
	Source:  newTableSource,
	Sink:    newTableSink,
	Options: roles,
}

var roles = []any{Source{}, Sink{}, PutSource{}, PutSink{}}

func newTableSource(t arrowstream.Table) (arrowstream.Source, error) {
	if t.Options["uri"] != "" {
		s := &Source{Stream: t.Name, Columns: t.Schema, Access: t.Access}
		return s, t.Decode(s, roles...)
	}
	s := &PutSource{Stream: t.Name, Columns: t.Schema, Access: t.Access}
	return s, t.Decode(s, roles...)
}

func newTableSink(t arrowstream.Table) (arrowstream.Sink, error) {
	if t.Options["uri"] != "" {
		s := &PutSink{Stream: t.Name}
		return s, t.Decode(s, roles...)
	}
	s := &Sink{Stream: t.Name}
	return s, t.Decode(s, roles...)
}

const kind = remote.Kind("flight")

var (
	_ arrowstream.Source     = (*Source)(nil)
	_ arrowstream.Source     = (*PutSource)(nil)
	_ arrowstream.Partition  = (*getPartition)(nil)
	_ arrowstream.Guaranteed = (*Source)(nil)
	_ arrowstream.Guaranteed = (*Sink)(nil)
	_ arrowstream.Replayer   = (*replayPartition)(nil)
	_ arrowstream.Partition  = (*inbox)(nil)
	_ arrowstream.Publisher  = (*Sink)(nil)
	_ arrowstream.Aborter    = (*Sink)(nil)
	_ arrowstream.Updating   = (*Sink)(nil)
	_ arrowstream.Sink       = (*PutSink)(nil)
	_ arrowstream.Aborter    = (*PutSink)(nil)
	_ arrowstream.Updating   = (*PutSink)(nil)
)
