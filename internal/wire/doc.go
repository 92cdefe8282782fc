// Package wire reads Arrow IPC that nobody here wrote: streams, files and
// Flight messages. Floor 1.
//
// Four walls stand between the bytes and the engine. The message reader cuts
// frames and bounds every length before memory is asked for; the flatbuffer of
// each message is walked with bounds checks before the Arrow library sees it;
// the library runs on an allocator with a ceiling per request and inside
// safe.Do; [Validate] checks every batch before it leaves. What fails at any of
// them is an error, and whatever had been allocated is given back.
package wire

import (
	"errors"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Limits bound what one input may ask for. Zero fields mean the defaults.
type Limits struct {
	Metadata int64 // bytes of the metadata of one message; default 16 MiB
	Body     int64 // bytes of the body of one message, also when decompressed; default 256 MiB
	Buffer   int64 // bytes of one buffer after decompression; default 256 MiB
	Rows     int64 // rows of one batch; default 16 Mi
	Fields   int   // fields of a schema, nested ones included; default 16,384
	Depth    int   // nesting of types; default 32

	// Allocator of the scratch buffer for message bodies; the Go heap if nil.
	Allocator memory.Allocator
}

func (l Limits) withDefaults() Limits {
	set := func(p *int64, v int64) {
		if *p <= 0 {
			*p = v
		}
	}
	set(&l.Metadata, 16<<20)
	set(&l.Body, 256<<20)
	set(&l.Buffer, 256<<20)
	set(&l.Rows, 16<<20)
	if l.Fields <= 0 {
		l.Fields = 16384
	}
	if l.Depth <= 0 {
		l.Depth = 32
	}
	return l
}

// ErrMalformed is wrapped by every error about bytes that are no valid Arrow IPC.
var ErrMalformed = errors.New("malformed arrow ipc")
