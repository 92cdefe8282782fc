package state

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/arrowstream/arrowstream"
)

// objectLog is the log of a [Bucket].
type objectLog struct {
	bucket      Bucket
	manifest    *manifest
	incarnation uint64
	first       uint64 // the object that fences earlier processes

	syncing sync.Mutex // one object is written after the other

	mu      sync.Mutex // of what follows
	head    uint64     // the object that the segment begins with
	next    uint64     // the object that comes next
	size    int64      // of the segment, with what is pending
	durable int64      // of it, what is written
	pending []byte     // frames for the next object
	begun   time.Time
}

var _ frameLog = (*objectLog)(nil)

// logObject is the name of object n of the log.
func logObject(n uint64) string { return fmt.Sprintf("%s/%020d", logDir, n) }

// parseLogObject is the number of an object of the log.
func parseLogObject(name string) (n uint64, ok bool) {
	digits, ok := strings.CutPrefix(name, logDir+"/")
	if !ok || len(digits) != 20 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && n > 0
}

// begin writes a head with the commits of x as object n. taken is what is there
// already, of another process.
func (l *objectLog) begin(ctx context.Context, n uint64, x *index) (taken []byte, err error) {
	now := l.bucket.Clock.Now()
	m, err := json.Marshal(l.manifest)
	if err != nil {
		return nil, err
	}
	nonce := newID()
	payload, err := json.Marshal(opened{
		Engine: engine(), Time: now.Unix(), Holder: l.bucket.holder(l.incarnation), Nonce: hex.EncodeToString(nonce[:]), Manifest: m,
	})
	if err != nil {
		return nil, err
	}
	if len(payload) > maxPayload {
		return nil, fmt.Errorf("state: the description of the job has %d bytes, more than the %d allowed", len(payload), maxPayload)
	}
	b, err := newSegment(l.manifest, payload, x, n, l.incarnation)
	if err != nil {
		return nil, err
	}
	taken, err = putFresh(ctx, l.bucket.Objects, logObject(n), b)
	if err != nil {
		return nil, unusable("write "+l.bucket.at(logObject(n)), err)
	}
	if taken != nil {
		return taken, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.head, l.next, l.pending, l.begun = n, n+1, nil, now
	l.size, l.durable = int64(len(b)), int64(len(b))
	return nil, nil
}

// check implements frameLog: sync finds out.
func (l *objectLog) check() error { return nil }

// taken implements frameLog: whoever takes over writes the object that this
// process would write next.
func (l *objectLog) taken() error {
	l.syncing.Lock() // a write of its own is not one of another process
	defer l.syncing.Unlock()
	l.mu.Lock()
	n := l.next
	l.mu.Unlock()
	_, err := l.bucket.Objects.Size(context.Background(), logObject(n))
	switch {
	case err == nil:
		return arrowstream.ErrFenced
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return unusable("look at "+l.bucket.at(logObject(n)), err)
}

// append implements frameLog: the frame waits for the next object.
func (l *objectLog) append(f frame) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.incarnation, f.durable = l.incarnation, l.durable
	before := len(l.pending)
	l.pending = appendFrame(l.pending, f, l.head, l.size)
	l.size += int64(len(l.pending) - before)
	return nil
}

// sync implements frameLog: it writes what is pending as the next object, and is
// ErrFenced if another process has written that.
func (l *objectLog) sync() error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.mu.Lock()
	n, b := l.next, bytes.Clone(l.pending)
	l.mu.Unlock()
	if len(b) == 0 {
		return nil
	}
	taken, err := putFresh(context.Background(), l.bucket.Objects, logObject(n), b)
	if err != nil {
		return unusable("write "+l.bucket.at(logObject(n)), err)
	}
	if taken != nil {
		return arrowstream.ErrFenced
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next, l.pending, l.durable = n+1, l.pending[len(b):], l.durable+int64(len(b))
	return nil
}

// roll implements frameLog.
func (l *objectLog) roll(x *index) error {
	if l.next-l.head < uint64(l.bucket.SegmentObjects) && l.bucket.Clock.Now().Sub(l.begun) < 24*time.Hour {
		return nil
	}
	head, next := l.head, l.next
	taken, err := l.begin(context.Background(), next, x)
	if err != nil {
		return err
	}
	if taken != nil {
		return arrowstream.ErrFenced
	}
	var cut, old []uint64
	for n := head; n < next; n++ {
		if n == l.first {
			cut = append(cut, n)
		} else {
			old = append(old, n)
		}
	}
	return l.bucket.retire(cut, old)
}

// retire takes objects of the log out that do not count any more, side by side.
// Of those to cut, heads keep their header, so that nobody writes them again.
func (s Bucket) retire(cut, old []uint64) error {
	var g errgroup.Group
	g.SetLimit(s.Parallel)
	for _, n := range cut {
		g.Go(func() error { return s.cut(n) })
	}
	for _, n := range old {
		g.Go(func() error { return s.drop(logObject(n)) })
	}
	return g.Wait()
}

func (s Bucket) cut(n uint64) error {
	name := logObject(n)
	b, err := getObject(context.Background(), s.Objects, name, maxSegment)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // somebody has been faster
	case err == nil && !bytes.HasPrefix(b, magic[:]):
		return s.drop(name)
	case err == nil && len(b) > headerSize:
		err = s.Objects.Put(context.Background(), name, b[:headerSize], false)
	}
	if err != nil {
		return unusable("cut "+s.at(name), err)
	}
	return nil
}

func (s Bucket) drop(name string) error {
	if err := s.Objects.Delete(context.Background(), name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unusable("remove "+s.at(name), err)
	}
	return nil
}

// sweep removes what does not count any more: the segment before, which r has
// read, what a crash has left of older ones, files that no commit names and rows
// that are published. Objects whose names it does not know stay.
func (s Bucket) sweep(ctx context.Context, l *epochLog, r *chainRead) error {
	ls, err := s.list(ctx)
	if err != nil {
		return err
	}
	var cut, old []uint64
	for _, n := range ls.log {
		switch {
		case n >= r.next || !ls.long[n]:
		case n > r.head:
			old = append(old, n)
		default:
			cut = append(cut, n)
		}
	}
	if err := s.retire(cut, old); err != nil {
		return err
	}
	named := l.named()
	var g errgroup.Group
	g.SetLimit(s.Parallel)
	for name := range ls.files {
		if _, _, ok := parseName(path.Base(name), arrowsSuffix); ok && !named[name] {
			g.Go(func() error { return s.drop(name) })
		}
	}
	return g.Wait()
}

// lastWord implements frameLog: a bucket is not full.
func (l *objectLog) lastWord() {}

// Close implements frameLog. There is nothing to give back.
func (l *objectLog) Close() error { return nil }
