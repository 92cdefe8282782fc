package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/failpoint"
)

// epochLog is an open store.
type epochLog struct {
	dir         Dir
	lock        File
	manifest    *manifest
	incarnation uint64
	rewound     uint64 // see opened
	start       arrowstream.Start

	mu      sync.Mutex // of what follows
	index   index
	log     File
	number  uint64 // of the segment
	size    int64  // of the segment
	durable int64  // how much of it is on the disk
	begun   time.Time
	err     error // the first error, which ends everything
	closed  bool

	boxMu sync.Mutex
	boxes map[boxKey]*outbox
}

var _ arrowstream.EpochLog = (*epochLog)(nil)

// opened is the payload of an OPEN frame.
type opened struct {
	Engine string `json:"engine"`
	Time   int64  `json:"time"`
	// Rewound is the incarnation that took the store back to an earlier epoch
	// last: files of earlier ones may be left from epochs that are no more.
	Rewound uint64 `json:"rewound,omitempty"`
}

// begin starts a new segment with what is kept of the log. It is given its name
// when it is on the disk, so that it is there as a whole or not at all.
func (l *epochLog) begin(number uint64) error {
	d := l.dir
	now := d.Clock.Now()
	payload, err := json.Marshal(opened{Engine: engine(), Time: now.Unix(), Rewound: l.rewound})
	if err != nil {
		return err
	}
	frames := []frame{{kind: frameOpen, incarnation: l.incarnation, payload: payload}}
	for _, n := range l.index.commits {
		frames = append(frames, n.frames()...)
	}
	size := int64(headerSize)
	for _, f := range frames {
		size += int64(frameHead + len(f.payload) + frameTail)
	}
	id, err := l.manifest.job()
	if err != nil {
		return err
	}
	b := appendHeader(make([]byte, 0, size), header{
		version: l.manifest.MinReaderVersion, job: id, number: number, incarnation: l.incarnation, base: size,
	})
	for _, f := range frames {
		b = appendFrame(b, f, number, int64(len(b)))
	}

	name := segmentFile(number, l.incarnation)
	temp := d.at(name) + tempSuffix
	f, err := d.FS.Create(temp)
	if err != nil {
		return l.fileError("create", name, err)
	}
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = d.FS.Rename(temp, d.at(name))
	}
	if err == nil {
		err = d.FS.SyncDir(d.at(logDir))
	}
	if err != nil {
		return errors.Join(l.fileError("write", name, err), f.Close())
	}
	l.log, l.number, l.size, l.durable, l.begun = f, number, size, size, now
	return nil
}

// append writes a frame, which is not on the disk yet.
func (l *epochLog) append(f frame) error {
	f.incarnation, f.durable = l.incarnation, l.durable
	b := appendFrame(nil, f, l.number, l.size)
	n, err := l.log.Write(b)
	l.size += int64(n)
	if err != nil {
		return l.fileError("write", segmentFile(l.number, l.incarnation), err)
	}
	return nil
}

// sync makes the log durable.
func (l *epochLog) sync() error {
	if err := l.log.Sync(); err != nil {
		return l.fileError("sync", segmentFile(l.number, l.incarnation), err)
	}
	l.durable = l.size
	return nil
}

// fileError is the error of the file system for a file of the store.
func (l *epochLog) fileError(what, name string, err error) error {
	return unusable(what+" "+l.dir.at(name), err)
}

// fail keeps the first error: nothing is written after it. A full disk gets its
// reserve back, and the log a last word. The caller holds mu.
func (l *epochLog) fail(err error) error {
	if l.err != nil {
		return l.err
	}
	l.err = err
	if full(err) {
		var e *arrowstream.Error
		if errors.As(err, &e) && e.Hint == "" {
			e.Hint = "the job goes on from its last commit when there is room"
		}
		if removeFile(l.dir.FS, l.dir.at(reserveName)) == nil && l.append(frame{kind: frameClose}) == nil {
			_ = l.sync() // the error to tell is the first
		}
	}
	return err
}

// Start implements [arrowstream.EpochLog].
func (l *epochLog) Start() arrowstream.Start { return l.start }

// Load implements [arrowstream.EpochLog]. Every file is read twice: what is not
// what was written never reaches a decoder.
func (l *epochLog) Load(ctx context.Context, mem memory.Allocator, uid string) (states []arrowstream.State, err error) {
	p := find(l.manifest.Stages, uid)
	if p == nil {
		return nil, fmt.Errorf("state: the job has no stage %q", uid)
	}
	defer func() {
		if err != nil {
			for _, s := range states {
				s.Release()
			}
			states = nil
		}
	}()
	x := l.commits()
	links, _ := x.chain(len(x.commits)-1, uid, p.Since)
	for _, k := range links {
		s := arrowstream.State{}
		states = append(states, s)
		for part, f := range k.files() {
			if err := ctx.Err(); err != nil {
				return states, err
			}
			if s[part], err = l.dir.loadBatch(x, f, mem); err != nil {
				delete(s, part)
				return states, err
			}
		}
	}
	return states, nil
}

// commits is a copy of the index, which changes with the next commit.
func (l *epochLog) commits() *index {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &index{slices.Clone(l.index.commits)}
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
	if err := l.append(frame{kind: framePublished, epoch: e, payload: []byte(sink)}); err != nil {
		return l.fail(err)
	}
	failpoint.Hit(failpoint.Published)
	return nil
}

// Close implements [arrowstream.EpochLog].
func (l *epochLog) Close() error {
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
		if err = l.append(frame{kind: frameClose}); err == nil {
			err = l.sync()
		}
		l.err = errClosed
	}
	err = errors.Join(err, l.log.Close())
	if closeErr := l.lock.Close(); closeErr != nil {
		err = errors.Join(err, l.fileError("unlock", lockName, closeErr))
	}
	return err
}

// errClosed is the error of a store that is used after Close.
var errClosed = errors.New("state: the store is closed")
