package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/failpoint"
)

// epochLog is an open store.
type epochLog struct {
	store
	frames      frameLog
	folder      *Dir // nil in a bucket, where no journals are kept
	manifest    *manifest
	incarnation uint64
	start       arrowstream.Start

	mu     sync.Mutex // of what follows; not held while a commit waits for the disk
	index  index
	err    error // the first error, which ends everything
	closed bool

	boxMu sync.Mutex
	boxes map[boxKey]*outbox

	journalMu sync.Mutex
	journals  map[string]*journal
}

var (
	_ arrowstream.Journaling = (*epochLog)(nil)
	_ arrowstream.Recorder   = (*epochLog)(nil)
)

// frameLog is where the frames of an open store go. Frames may be appended while
// sync runs: they are not durable before the next one.
type frameLog interface {
	// append adds a frame, which is not durable yet.
	append(f frame) error
	// sync makes durable what was appended.
	sync() error
	// check is ErrFenced if another process has taken the store over.
	check() error
	// taken is ErrFenced if another process has taken the store over for sure;
	// unlike check it may cost a look at the place where the log is.
	taken() error
	// roll begins anew with the commits of x, which are all that count, if the
	// log is long or old enough. Nothing is appended meanwhile.
	roll(x *index) error
	// lastWord tries to note the end of the process on a full disk.
	lastWord()
	io.Closer
}

// opened is the payload of an OPEN frame.
type opened struct {
	Engine string `json:"engine"`
	Time   int64  `json:"time"`
	// Rewound is the incarnation that took the store back to an earlier epoch
	// last: files of earlier ones may be left from epochs that are no more.
	Rewound uint64 `json:"rewound,omitempty"`
	// Of a log in a bucket: who has opened it, what makes the frame unique,
	// and the manifest of the job.
	Holder   *holder         `json:"holder,omitempty"`
	Nonce    string          `json:"nonce,omitempty"`
	Manifest json.RawMessage `json:"manifest,omitempty"`
}

// newSegment is the beginning of a segment: its header, an OPEN frame with the
// given payload, the commits of x and what is recorded behind them.
func newSegment(m *manifest, payload []byte, x *index, number, incarnation uint64) ([]byte, error) {
	frames := []frame{{kind: frameOpen, incarnation: incarnation, payload: payload}}
	for _, n := range x.commits {
		frames = append(frames, n.frames()...)
	}
	for _, p := range x.plans {
		frames = append(frames, planFrames(p.epoch, p.incarnation, p.items)...)
	}
	size := int64(headerSize)
	for _, f := range frames {
		size += int64(frameHead + len(f.payload) + frameTail)
	}
	id, err := m.job()
	if err != nil {
		return nil, err
	}
	b := appendHeader(make([]byte, 0, size), header{
		version: m.MinReaderVersion, job: id, number: number, incarnation: incarnation, base: size,
	})
	for _, f := range frames {
		b = appendFrame(b, f, number, int64(len(b)))
	}
	return b, nil
}

// fileError is the error of the place where the store is, for one of its files.
func (s store) fileError(what, name string, err error) error {
	return unusable(what+" "+s.at(name), err)
}

// blame is the error of work that may have found its files gone: ErrFenced if
// another process has taken the store over, which removes what it does not need.
func (l *epochLog) blame(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		if taken := l.frames.taken(); errors.Is(taken, arrowstream.ErrFenced) {
			return taken
		}
	}
	return err
}

// fail keeps the first error: nothing is written after it. A full disk gets its
// reserve back, and the log a last word. The caller holds mu.
func (l *epochLog) fail(err error) error {
	if l.err != nil {
		return l.err
	}
	err = l.blame(err)
	l.err = err
	if full(err) {
		var e *arrowstream.Error
		if errors.As(err, &e) && e.Hint == "" {
			e.Hint = "the job goes on from its last commit when there is room"
		}
		l.frames.lastWord()
	}
	return err
}

// Start implements [arrowstream.EpochLog].
func (l *epochLog) Start() arrowstream.Start { return l.start }

// Load implements [arrowstream.EpochLog]. Every file is read twice: what is not
// what was written never reaches a decoder.
func (l *epochLog) Load(ctx context.Context, mem memory.Allocator, uid string) iter.Seq2[arrowstream.State, error] {
	return func(yield func(arrowstream.State, error) bool) {
		p := find(l.manifest.Stages, uid)
		if p == nil {
			yield(nil, fmt.Errorf("state: the job has no stage %q", uid))
			return
		}
		x := l.commits()
		links, _ := x.chain(len(x.commits)-1, uid, p.Since)
		for _, k := range links {
			if !l.loadLink(ctx, x, k, mem, yield) {
				return
			}
		}
	}
}

// loadLink yields the batches of a snapshot or delta, and then each one of its
// log. It reports whether to go on.
func (l *epochLog) loadLink(ctx context.Context, x *index, k link, mem memory.Allocator, yield func(arrowstream.State, error) bool) (more bool) {
	s := arrowstream.State{}
	fail := func(err error) bool {
		s.Release()
		yield(nil, err)
		return false
	}
	files := k.files()
	for part, f := range files {
		if f.Pieces {
			continue
		}
		if err := ctx.Err(); err != nil {
			return fail(err)
		}
		b, err := l.loadBatch(x, f, mem)
		if err != nil {
			return fail(err)
		}
		s[part] = b
	}
	if !yield(s, nil) {
		return false
	}
	s = nil
	for _, part := range slices.Sorted(maps.Keys(files)) {
		f := files[part]
		if !f.Pieces {
			continue
		}
		more := true
		err := l.readBatches(x, f, mem, func(b arrowstream.Batch) bool {
			more = yield(arrowstream.State{part: b}, nil)
			return more && ctx.Err() == nil
		})
		if more && err == nil {
			err = ctx.Err()
		}
		if more && err != nil {
			return fail(err)
		}
		if !more {
			return false
		}
	}
	return true
}

// commits is a copy of the index, which changes with the next commit.
func (l *epochLog) commits() *index {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &index{commits: slices.Clone(l.index.commits)}
}

// Published implements [arrowstream.EpochLog]. The frame is not synced: if it
// is lost, the sink is told to publish again and finds that it has.
func (l *epochLog) Published(sink string, e arrowstream.Epoch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	if !l.index.published(sink, e) {
		return nil
	}
	if err := l.frames.append(frame{kind: framePublished, epoch: e, payload: []byte(sink)}); err != nil {
		return l.fail(err)
	}
	failpoint.Hit(failpoint.Published)
	return nil
}

// Close implements [arrowstream.EpochLog].
func (l *epochLog) Close() error {
	journalErr := l.closeJournals()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	l.boxMu.Lock()
	for _, o := range l.boxes {
		o.abandon()
	}
	clear(l.boxes)
	l.boxMu.Unlock()
	var err error
	if l.err == nil {
		if err = l.frames.append(frame{kind: frameClose}); err == nil {
			err = l.frames.sync()
		}
		l.err = errClosed
	}
	return errors.Join(err, journalErr, l.frames.Close())
}

// errClosed is the error of a store that is used after Close.
var errClosed = errors.New("state: the store is closed")
