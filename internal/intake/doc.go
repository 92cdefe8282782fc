// Package intake is what sources have in common that are sent lines instead of
// asking for them: chunks of lines wait in a queue, or in a journal, and become
// rows. Floor 35: below the connectors, above the root package.
//
// With a journal a chunk is an entry of it, and nothing but the journal stands
// between the senders and the rows: what is read is read from there, so it is
// read the same after a crash. Its one invariant: a position never names more
// than is on the disk.
package intake

import (
	"errors"

	"github.com/arrowstream/arrowstream"
)

// Chunk is a run of whole lines of one sender.
type Chunk struct {
	Data []byte
	From string
	Line int64 // number of the first line, from 1
	// Err, if not nil, stands for a line that cannot be had, and Data is empty.
	Err error
}

var errClosed = errors.New("partition is closed")

var (
	_ arrowstream.Partition    = (*Partition)(nil)
	_ arrowstream.Rejecting    = (*Partition)(nil)
	_ arrowstream.Acknowledger = (*journaled)(nil)
	_ arrowstream.Rejecting    = (*journaled)(nil)
)
