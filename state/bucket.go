package state

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/failpoint"
)

// Bucket is a store in an object store, which has no locks, no renames and no
// files that grow, but writes an object as a whole, and, when asked to, only if
// nobody has written it before. On that the store rests:
//
//	log/N         the log, cut into objects 1, 2, 3 ...: see below
//	state/UID/    as in a [Dir]
//	outbox/UID/   as in a [Dir]
//
// The bytes of a segment of a Dir are here a chain of objects. The first, its
// head, holds the header, who has opened the store, the manifest and the commits
// that are kept; every later one holds a COMMIT frame behind the PUBLISHED
// frames since the commit before. Whoever writes the next object of the chain
// does so only if there is none: that is the commit point and the fence at once.
//
// A process that opens the store writes a head as the next object of the chain.
// So the process before finds, in the place where its next commit has to be,
// the head of another incarnation, and stops with [arrowstream.ErrFenced]: what
// it committed until then was read by the new one, and it can commit nothing any
// more. There is no lock, so a second process is not refused, it takes over; of
// two that start at once one is refused (AS5002). An answer that is lost says
// nothing about the object, so the one that is there is read: it is this
// process's own or another's, and never both, as a head has a random number in it
// and other objects have the incarnation.
//
// The fence must not be taken down: the object at the place where an old process
// would go on is never removed. When a newer head counts, the older heads are
// cut to their header of 64 bytes and stay, and the other objects of the chain
// are removed. So a process that sleeps for a year is fenced as well; a store
// grows by 64 bytes per start. What is read is the newest head and the objects
// from it on, which have no gap and no torn end: everything else is damage.
type Bucket struct {
	// Objects is the bucket, and URL its name in errors.
	Objects Objects
	URL     string

	// The rest is as in a [Dir].
	AllowNewState  bool
	AllowDropState bool
	RetainCommits  int
	RetainAge      time.Duration
	// SegmentObjects is the length at which the log is begun anew (default 256
	// objects): so many are read at a start.
	SegmentObjects int
	// Parallel is how many objects are written or read at once (default 16).
	Parallel int
	Clock    arrowstream.Clock
}

var _ arrowstream.StateStore = Bucket{}

func (s Bucket) withDefaults() Bucket {
	s.RetainCommits = max(1, cmp.Or(s.RetainCommits, 100))
	s.RetainAge = cmp.Or(s.RetainAge, 24*time.Hour)
	s.SegmentObjects = max(2, cmp.Or(s.SegmentObjects, 256))
	s.Parallel = max(1, cmp.Or(s.Parallel, 16))
	if s.Clock == nil {
		s.Clock = arrowstream.SystemClock{}
	}
	return s
}

// store is s as the other stores see it; known are sizes from a listing.
func (s Bucket) store(known map[string]int64) store {
	return store{
		files: objectFiles{s.Objects, s.URL, known}, path: s.URL,
		retainCommits: s.RetainCommits, retainAge: s.RetainAge, parallel: s.Parallel, clock: s.Clock,
	}
}

// at is the name of an object in errors.
func (s Bucket) at(name string) string { return s.URL + "/" + name }

// Open implements [arrowstream.StateStore]. Errors have the codes AS5002 (another
// process has opened the store at the same moment), AS5003 (damaged), AS5004 (of
// a later version), AS5007 (the bucket fails, or does not keep two processes from
// writing the same object) and AS5008 (of another program).
func (s Bucket) Open(ctx context.Context, job arrowstream.Job) (arrowstream.EpochLog, error) {
	s = s.withDefaults()
	failpoint.Hit(failpoint.RecoverOpen)
	r, err := s.look(ctx)
	if err != nil {
		return nil, err
	}
	if r.manifest == nil {
		if err := s.probe(ctx); err != nil {
			return nil, err
		}
	}
	for {
		taken, l, err := s.take(ctx, job, r)
		if taken == nil {
			if err != nil {
				return nil, err
			}
			failpoint.Hit(failpoint.RecoverLog)
			if err := s.sweep(ctx, l, r); err != nil {
				return nil, err
			}
			l.start = l.whatIsLeft()
			return l, nil
		}
		// The process before is still at work: what it has committed counts.
		if bytes.HasPrefix(taken, magic[:]) {
			return nil, s.inUse(taken)
		}
		r.add(taken)
		if err := s.parse(r); err != nil {
			return nil, err
		}
	}
}

// take writes the head that fences earlier processes. taken is what another
// process has written in its place.
func (s Bucket) take(ctx context.Context, job arrowstream.Job, r *chainRead) (taken []byte, l *epochLog, err error) {
	m, err := newManifest(job, r.lastEpoch())
	if err != nil {
		return nil, nil, err
	}
	if r.manifest != nil {
		if err := compare(r.manifest, m).refuse(s.URL, s.AllowNewState, s.AllowDropState); err != nil {
			return nil, nil, err
		}
		m.inherit(r.manifest)
		if !sameSources(r.manifest, m) {
			r.plans = nil
		}
	} else {
		id := newID()
		m.ID = hex.EncodeToString(id[:])
	}
	log := &objectLog{bucket: s, manifest: m, incarnation: r.incarnation + 1, first: r.next}
	l = &epochLog{
		store: s.store(nil), frames: log, manifest: m, incarnation: log.incarnation, index: r.index, boxes: map[boxKey]*outbox{},
	}
	taken, err = log.begin(ctx, r.next, &l.index)
	return taken, l, err
}

// inUse is the error of a process that has lost a race for the store.
func (s Bucket) inUse(head []byte) error {
	by := "another process"
	if seg, bad := readSegment(head); bad == nil && len(seg.frames) > 0 {
		var o opened
		if json.Unmarshal(seg.frames[0].payload, &o) == nil && o.Holder != nil {
			by = fmt.Sprintf("process %d on %s", o.Holder.PID, o.Holder.Host)
		}
	}
	return &arrowstream.Error{
		Code: "AS5002", Msg: fmt.Sprintf("state: %s was taken by %s at the same moment", s.URL, by),
		Hint: "start one process per job, or give this job a prefix of its own",
	}
}

// holder is who this process is.
func (s Bucket) holder(incarnation uint64) *holder {
	host, _ := os.Hostname()
	return &holder{PID: os.Getpid(), Host: host, Incarnation: incarnation, Started: s.Clock.Now().UTC().Truncate(time.Second)}
}

// probe finds out whether the bucket keeps an object from being written twice:
// servers that do not know the condition ignore it.
func (s Bucket) probe(ctx context.Context) error {
	id := newID()
	name := "probe-" + hex.EncodeToString(id[:])
	err := s.Objects.Put(ctx, name, id[:8], true)
	if err == nil {
		err = s.Objects.Put(ctx, name, id[8:], true)
	}
	removeErr := removeFile(objectFiles{s.Objects, s.URL, nil}, s.at(name))
	switch {
	case errors.Is(err, fs.ErrExist):
		if removeErr != nil {
			return unusable("remove "+s.at(name), removeErr)
		}
		return nil
	case err != nil:
		return unusable("write "+s.at(name), err)
	}
	return &arrowstream.Error{
		Code: "AS5007", Msg: "state: " + s.URL + " wrote an object twice that was to be written once",
		Hint: "the server does not know conditional writes (If-None-Match), without which two processes could both go on with the job; use another server or a folder",
	}
}
