package intake

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/arrowstream/arrowstream"
)

// MaxData bounds the data of a chunk that is kept in a journal.
const MaxData = arrowstream.MaxJournalEntry - 1<<20

// DefaultRetention is how long a journal keeps what is committed and published.
const DefaultRetention = time.Hour

// Open opens the journal of a source.
func Open(env arrowstream.SourceEnv, retention time.Duration) (arrowstream.Journal, int64, error) {
	if env.Journal == nil {
		return nil, 0, &arrowstream.Error{Code: "AS1504", Msg: "option journal: there is no store to keep a journal in", Hint: "run the job with a state folder"}
	}
	if retention <= 0 {
		retention = DefaultRetention
	}
	return env.Journal(arrowstream.JournalOptions{Retention: retention})
}

// journalQueue is a queue on the disk. A chunk is an entry:
//
//	line i64 | length of from u16 | from | length of the error u16 | error | data
type journalQueue struct {
	p       *Partition
	journal arrowstream.Journal
	end     atomic.Int64 // behind what was put

	// Of the reader.
	at    int64 // offset of the chunk that is decoded
	after int64 // offset behind it
	size  int   // of its data; what is left of it says how much was decoded
	skip  int   // bytes of the next chunk that were decoded before Seek
}

func newJournalQueue(p *Partition, j arrowstream.Journal, oldest int64) *journalQueue {
	return &journalQueue{p: p, journal: j, at: oldest, after: oldest}
}

func (q *journalQueue) put(ctx context.Context, key string, c Chunk) (int64, error) {
	b := make([]byte, 0, 64+len(c.From)+len(c.Data))
	b = binary.LittleEndian.AppendUint64(b, uint64(c.Line))
	b = appendText(b, c.From)
	text := ""
	if c.Err != nil {
		text = c.Err.Error()
	}
	b = appendText(b, text)
	end, err := q.journal.Append(ctx, arrowstream.JournalEntry{Key: key, Data: append(b, c.Data...)})
	for last := q.end.Load(); end > last && !q.end.CompareAndSwap(last, end); last = q.end.Load() {
	}
	return end, err
}

func appendText(b []byte, s string) []byte {
	s = s[:min(len(s), 1<<10)]
	return append(binary.LittleEndian.AppendUint16(b, uint16(len(s))), s...)
}

// parseChunk takes a chunk from an entry, whose data it refers to. One with an
// error and data is none: a position behind the error and in front of the data
// cannot be said.
func parseChunk(b []byte) (c Chunk, ok bool) {
	text := func() (s string) {
		if len(b) < 2 || len(b)-2 < int(binary.LittleEndian.Uint16(b)) {
			ok = false
			return ""
		}
		n := 2 + int(binary.LittleEndian.Uint16(b))
		s, b = string(b[2:n]), b[n:]
		return s
	}
	if len(b) < 8 {
		return c, false
	}
	ok = true
	c.Line, b = int64(binary.LittleEndian.Uint64(b)), b[8:]
	c.From = text()
	if why := text(); why != "" {
		c.Err = errors.New(why)
	}
	c.Data = b
	return c, ok && (c.Err == nil || len(b) == 0)
}

func (q *journalQueue) settle(ctx context.Context, end int64) error { return q.journal.Sync(ctx, end) }

func (q *journalQueue) next(ctx context.Context, wait bool) (Chunk, bool, error) {
	q.at = q.after
	c, err := q.read(ended, q.at)
	if errors.Is(err, context.Canceled) {
		if !wait {
			return Chunk{}, false, nil
		}
		c, err = q.await(ctx)
	}
	return c, err == nil, err
}

// await waits for the next chunk.
func (q *journalQueue) await(ctx context.Context) (Chunk, error) {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(q.p.ctx, cancel)()
	c, err := q.read(waiting, q.at)
	if !errors.Is(err, context.Canceled) {
		return c, err
	}
	if ctx.Err() != nil {
		return c, ctx.Err()
	}
	end := context.Cause(q.p.ctx)
	if errors.Is(end, errClosed) {
		return c, end
	}
	// What was put before the end is still to be read.
	if err := q.journal.Sync(ctx, q.end.Load()); err != nil {
		return c, err
	}
	if c, err = q.read(ended, q.at); errors.Is(err, context.Canceled) {
		err = end
	}
	return c, err
}

// ended is a context with which a journal does not wait.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

func (q *journalQueue) read(ctx context.Context, at int64) (Chunk, error) {
	e, after, err := q.journal.Read(ctx, at)
	if err != nil {
		return Chunk{}, err
	}
	c, ok := parseChunk(e.Data)
	if !ok || q.skip > len(c.Data) {
		return Chunk{}, &arrowstream.Error{Code: "AS5003", Msg: fmt.Sprintf("%s: the entry at byte %d of the journal of %s is not one of this source", q.p.config.Kind, at, q.p.config.Name)}
	}
	q.after, q.size = after, len(c.Data)
	c.Line += int64(bytes.Count(c.Data[:q.skip], []byte{'\n'}))
	c.Data = c.Data[q.skip:]
	q.skip = 0
	return c, nil
}

// journaled is a partition that can be read again.
type journaled struct {
	*Partition
	q *journalQueue
}

// position is where the next Read starts: in the entry at an offset of the
// journal, behind so many bytes of its data.
type position struct {
	Version int   `json:"v"`
	Offset  int64 `json:"offset"`
	Skip    int   `json:"skip,omitempty"`
}

// Position implements [arrowstream.Replayer].
func (p *journaled) Position() ([]byte, error) {
	at := position{Version: 1, Offset: p.q.at, Skip: p.q.size - len(p.chunk.Data)}
	if len(p.chunk.Data) == 0 && p.chunk.Err == nil {
		at.Offset, at.Skip = p.q.after, p.q.skip
	}
	return json.Marshal(at)
}

// Seek implements [arrowstream.Replayer]. A job that had no journal before
// begins with the oldest entry.
func (p *journaled) Seek(_ context.Context, pos []byte) error {
	if len(pos) == 0 {
		return nil
	}
	at, err := parsePosition(pos)
	if err != nil {
		return p.wrap(err)
	}
	p.q.at, p.q.after, p.q.skip = at.Offset, at.Offset, at.Skip
	return nil
}

func parsePosition(pos []byte) (at position, err error) {
	if err := json.Unmarshal(pos, &at); err != nil || at.Version != 1 || at.Offset < 0 || at.Skip < 0 {
		return at, fmt.Errorf("%q is not a position in a journal", arrowstream.CutValue(pos))
	}
	return at, nil
}

// Acknowledge implements [arrowstream.Acknowledger]: what is in front of a
// position need not be kept.
func (p *journaled) Acknowledge(_ context.Context, pos []byte) error {
	at, err := parsePosition(pos)
	if err != nil {
		return p.wrap(err)
	}
	return p.q.journal.Release(at.Offset)
}
