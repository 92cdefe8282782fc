package arrowstream

import (
	"context"
	"errors"
	"time"
)

// Journal keeps what was sent to a source, as it was received, until it is
// committed and published: a source that cannot ask for its input again reads
// it from here. An entry has an offset, and the position of the source is the
// offset of the entry that it reads next. Methods may be called from several
// goroutines; Read from one at a time.
type Journal interface {
	// Append adds an entry, copied, and returns the offset behind it. It waits
	// while too much is there that was not read, until ctx is done: then
	// nothing was added. An entry with a key that was there is not added again;
	// one with other data than the key had is ErrKeyReused.
	Append(ctx context.Context, e JournalEntry) (end int64, err error)
	// Sync returns when everything before end is on the disk. Callers share the
	// work: one sync makes durable what all have added meanwhile.
	Sync(ctx context.Context, end int64) error
	// Read returns the entry at an offset, valid until the next call, and the
	// offset behind it. It waits for one that is on the disk until ctx is done,
	// and does not look at ctx if there is one.
	Read(ctx context.Context, at int64) (e JournalEntry, next int64, err error)
	// Release says that nothing before an offset is needed to go on.
	Release(before int64) error
}

// JournalEntry is what a source has received at once.
type JournalEntry struct {
	// Key, if not empty, identifies the entry to the one who sent it.
	Key  string
	Data []byte
}

// MaxJournalEntry bounds the data of an entry, and MaxJournalKey its key.
const (
	MaxJournalEntry = 15 << 20
	MaxJournalKey   = 1 << 10
)

// JournalOptions say how long a journal remembers.
type JournalOptions struct {
	// Retention is how long entries stay that are not needed to go on; 0 for
	// not at all.
	Retention time.Duration
	// KeyAge and MaxKeys bound the keys that are remembered: for 24 hours, and
	// the last million.
	KeyAge  time.Duration
	MaxKeys int
	// Backlog is how many bytes may wait to be read; 256 MiB.
	Backlog int64
}

// Journaling is an EpochLog that keeps journals.
type Journaling interface {
	EpochLog
	// Journal opens that of a source, which closes with the log, and tells the
	// offset of the oldest entry.
	Journal(source string, o JournalOptions) (j Journal, oldest int64, err error)
}

// ErrKeyReused is the error of a journal for an entry that has the key of
// another one.
var ErrKeyReused = errors.New("the key was used for other data")

// journal opens the journal of a source, if the job has a store that keeps them.
func (c *checkpoints) journal(source string, o JournalOptions) (Journal, int64, error) {
	if c == nil {
		return nil, 0, &Error{
			Code: "AS1504", Msg: "option journal: the job has no state folder to keep a journal in",
			Hint: "run it with --state DIR, or without journal = true",
		}
	}
	log, ok := c.log.(Journaling)
	if !ok {
		return nil, 0, &Error{Code: "AS1504", Msg: "option journal: the store of the job keeps no journals"}
	}
	return log.Journal(source, o)
}
