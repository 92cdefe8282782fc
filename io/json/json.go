// Package json reads and writes JSON: one object per line in files and
// standard streams, one object per message as a format. Floor 4.
//
// Reading is directed by the schema and strict; see internal/jsontext. Objects
// become structs, arrays lists, RFC 3339 text or epoch numbers instants; names
// without a column are skipped but checked, missing ones are NULL. Writing
// renders NaN and the infinities as null, bytes as base64, instants as text.
package json

import (
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/filetable"
	"github.com/arrowstream/arrowstream/internal/jsontext"
)

// Connector is the row of this package in the table of connectors.
var Connector = arrowstream.Connector{
	Name:    "json",
	Aliases: []string{"jsonl", "ndjson"},
	Source: func(t arrowstream.Table) (arrowstream.Source, error) {
		s := &Source{Fields: t.Schema, Partition: t.Partition, Stdio: t.Stdio, Access: t.Access}
		return s, t.Decode(s, Sink{})
	},
	Sink: func(t arrowstream.Table) (arrowstream.Sink, error) {
		s := &Sink{Stdio: t.Stdio}
		err := t.Decode(s, Source{})
		if len(t.Partition) > 0 {
			s.Partition = t.Partition
		}
		return s, err
	},
	Options: []any{&Source{}, &Sink{}},
	Extensions: []string{
		".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz",
		".json.zst", ".jsonl.zst", ".ndjson.zst",
	},
}

var kind = filetable.Kind{Name: "json", Option: "AS2120", Input: "AS2121"}

// options reads what [Source] and [Lines] have in common.
func options(duplicates, epoch string) (o jsontext.Options, err error) {
	switch strings.ToLower(duplicates) {
	case "", "error":
	case "last":
		o.LastDuplicate = true
	default:
		return o, kind.BadOption("option %q is error or last, not %q", "duplicate.keys", duplicates)
	}
	units := map[string]arrow.TimeUnit{"s": arrow.Second, "ms": arrow.Millisecond, "us": arrow.Microsecond, "ns": arrow.Nanosecond}
	if epoch != "" && !strings.EqualFold(epoch, "column") {
		u, ok := units[strings.ToLower(epoch)]
		if !ok {
			return o, kind.BadOption("option %q is s, ms, us, ns or column, not %q", "timestamp.epoch", epoch)
		}
		o.Epoch, o.EpochSet = u, true
	}
	return o, nil
}
