package arrowstream

import (
	"context"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
)

// Source is a place rows come from: parquet.Source, kafka.Source. The struct
// that implements it is its configuration; its zero options are defaults.
type Source interface {
	// Schema of every batch of every partition. It may read file footers or
	// a sample. Bad options are reported here.
	Schema() (*arrow.Schema, error)
	// Open returns the partitions in their canonical order, at least one.
	// The caller closes each of them.
	Open(ctx context.Context, env SourceEnv) ([]Partition, error)
	// Bounded reports whether every partition ends by itself (io.EOF) and the
	// same read gives the same rows. The runtime then cuts ticks at fixed
	// row numbers; otherwise by arrival.
	Bounded() bool
}

// SourceEnv is what the runtime lends to a source.
type SourceEnv struct {
	Env
	// BatchRows and BatchBytes bound what one Read should return. A source
	// never returns more than BatchRows rows; 0 means its own default.
	BatchRows  int
	BatchBytes int64
	// Workers is how many goroutines the source may use for decoding.
	Workers int
	// Clock is the clock of the runtime, for ingest times.
	Clock Clock
	// OnBadRow is what the pipeline says about rows that cannot be decoded;
	// FailOnBadRow leaves it to the options of the source. See [SourceEnv.Rejects].
	OnBadRow BadRow
	// Past says that the run repeats the past: a source that is sent its input
	// takes none, and reads its journal only.
	Past bool
	// Journal opens the journal of the source, see [Journaling]; it is an error
	// in a job without a store.
	Journal func(JournalOptions) (j Journal, oldest int64, err error)
}

// Partition is one ordered part of a source: a Kafka partition, a run of
// files, a connection. One goroutine reads it; Close may be called from
// another and ends a blocked Read.
type Partition interface {
	// Read returns the next batch, owned by the caller, and io.EOF after the
	// last one. It blocks until there is at least one row, ctx is done or the
	// partition ends. A source that collects rows over time returns what it
	// has as soon as nothing more is at hand.
	Read(ctx context.Context) (Batch, error)
	io.Closer
}

// Replayer is a partition that can be read again from a recorded position.
type Replayer interface {
	Partition
	// Position is where the next Read will start: opaque, versioned bytes.
	Position() ([]byte, error)
	// Seek moves to a position; it is called before the first Read. A position
	// that is gone is an error that names what there is.
	Seek(ctx context.Context, pos []byte) error
}

// Lagging is implemented by partitions that know how far behind they are.
type Lagging interface {
	// Lag is the number of rows known to exist and not read yet; -1 unknown.
	Lag() int64
}
