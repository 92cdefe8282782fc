package flight

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/wire"
)

// putNote is the app_metadata of a batch whose sender wants to know that it is
// on the disk, and that counts once however often it is sent: Writer names who
// sends, Epoch and Seq what. The answer to it has the same epoch and seq.
type putNote struct {
	Writer string `json:"writer,omitempty"`
	Epoch  uint64 `json:"epoch"`
	Seq    int64  `json:"seq"`
}

// readPutNote is the note of a batch, nil if it has none.
func readPutNote(text []byte) *putNote {
	n := &putNote{}
	if len(text) == 0 || len(text) > 512 || json.Unmarshal(text, n) != nil || n.Epoch == 0 || n.Writer == "" {
		return nil
	}
	return n
}

// journaledInbox is an inbox that keeps what it is sent in a journal, an Arrow
// stream of one batch per entry, and reads it from there.
type journaledInbox struct {
	*inbox
	at   int64 // offset of the entry that is read
	next int64 // offset behind it
	skip int64 // rows of the next entry that were read before Seek
}

var (
	_ arrowstream.Acknowledger = (*journaledInbox)(nil)
	_ arrowstream.Guaranteed   = (*PutSource)(nil)
)

// keep returns when b, which it takes, is on the disk.
func (in *inbox) keep(ctx context.Context, who string, n *putNote, b arrow.Record) error {
	defer b.Release()
	var text bytes.Buffer
	w := ipc.NewWriter(&text, ipc.WithSchema(in.schema), ipc.WithAllocator(in.mem))
	if err := errors.Join(w.Write(b), w.Close()); err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	if text.Len() > arrowstream.MaxJournalEntry {
		return status.Errorf(codes.InvalidArgument, "a batch of %d bytes is too large: at most %d with a journal", text.Len(), arrowstream.MaxJournalEntry)
	}
	key := ""
	if n != nil {
		key = fmt.Sprintf("%s\x00%s/%d/%d", who, n.Writer, n.Epoch, n.Seq)
	}
	end, err := in.journal.Append(ctx, arrowstream.JournalEntry{Key: key, Data: text.Bytes()})
	if err == nil {
		err = in.journal.Sync(context.WithoutCancel(ctx), end)
	}
	switch {
	case errors.Is(err, arrowstream.ErrKeyReused):
		return status.Errorf(codes.AlreadyExists, "batch %d of epoch %d of %q was another one", n.Seq, n.Epoch, n.Writer)
	case ctx.Err() != nil && err != nil:
		return status.FromContextError(err).Err()
	case err != nil:
		return status.Errorf(codes.Unavailable, "stream %q cannot keep rows now", in.name)
	}
	return nil
}

// Read implements [arrowstream.Partition].
func (in *journaledInbox) Read(ctx context.Context) (arrowstream.Batch, error) {
	in.read.Lock()
	defer in.read.Unlock()
	for {
		if b := in.cut.next(); b != nil {
			return b, nil
		}
		e, next, err := in.entry(ctx)
		if err != nil {
			return nil, err
		}
		r, err := wire.NewReader("flight: journal of "+in.name, bytes.NewReader(e.Data), in.mem, wire.Limits{Body: 64 << 20, Allocator: in.mem})
		if err != nil {
			return nil, err
		}
		b, err := r.Read()
		r.Release()
		if err == nil && (!b.Schema().Equal(in.schema) || in.skip > b.NumRows()) {
			b.Release()
			err = errors.New("it has other columns or less rows")
		}
		if err != nil {
			return nil, &arrowstream.Error{Code: "AS5003", Msg: fmt.Sprintf("flight: the entry at byte %d of the journal of %s is not one of this source", in.next, in.name), Err: err}
		}
		in.at, in.next = in.next, next
		in.cut.take(b)
		in.cut.at, in.skip = in.skip, 0
		if in.cut.at == b.NumRows() {
			in.cut.drop()
		}
	}
}

// entry waits for the next entry.
func (in *journaledInbox) entry(ctx context.Context) (arrowstream.JournalEntry, int64, error) {
	waiting, cancel := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		defer cancel()
		select {
		case <-in.closed:
		case <-in.finished: // all that was put is on the disk
		case <-waiting.Done():
		}
	}()
	e, next, err := in.journal.Read(waiting, in.next)
	cancel()
	<-watched
	if !errors.Is(err, context.Canceled) || ctx.Err() != nil {
		return e, next, err
	}
	select {
	case <-in.closed:
		return e, 0, fmt.Errorf("flight: read %s: %w", in.name, errClosed)
	default:
	}
	if e, next, err = in.journal.Read(waiting, in.next); errors.Is(err, context.Canceled) {
		err = io.EOF
	}
	return e, next, err
}

// journalPosition is where the next Read starts: so many rows behind the
// beginning of the entry at an offset of the journal.
type journalPosition struct {
	Version int   `json:"v"`
	Offset  int64 `json:"offset"`
	Skip    int64 `json:"skip,omitempty"`
}

// Position implements [arrowstream.Replayer].
func (in *journaledInbox) Position() ([]byte, error) {
	if in.cut.rest != nil {
		return json.Marshal(journalPosition{1, in.at, in.cut.at})
	}
	return json.Marshal(journalPosition{1, in.next, in.skip})
}

func (in *journaledInbox) parse(pos []byte) (p journalPosition, err error) {
	if err := json.Unmarshal(pos, &p); err != nil || p.Version != 1 || p.Offset < 0 || p.Skip < 0 {
		return p, fmt.Errorf("flight: read %s: %q is not a position in a journal", in.name, arrowstream.CutValue(pos))
	}
	return p, nil
}

// Seek implements [arrowstream.Replayer]. A job that had no journal before
// begins with the oldest entry.
func (in *journaledInbox) Seek(_ context.Context, pos []byte) error {
	if len(pos) == 0 {
		return nil
	}
	p, err := in.parse(pos)
	in.next, in.skip = p.Offset, p.Skip
	return err
}

// Acknowledge implements [arrowstream.Acknowledger].
func (in *journaledInbox) Acknowledge(_ context.Context, pos []byte) error {
	p, err := in.parse(pos)
	if err != nil {
		return err
	}
	return in.journal.Release(p.Offset)
}
