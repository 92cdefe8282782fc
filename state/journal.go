package state

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/failpoint"
)

// journal keeps what was sent to a source in segments of frames, as the log is
// made of. An offset counts the bytes of all frames since the journal began: a
// segment has the number of its first, so the place of a frame in its file and
// its offset differ by a constant. The segments follow each other without a gap;
// what a segment has behind the beginning of the next is what a crash has left.
//
// There is no goroutine behind it and no timer: whoever needs something on the
// disk syncs it, and what others add meanwhile is what the next one syncs. So
// under load a sync serves everybody, and a lone sender waits for one.
type journal struct {
	log    *epochLog
	folder Dir // of the store
	uid    string
	dir    string // its own folder, with the path of the store
	opts   arrowstream.JournalOptions

	mu      sync.Mutex // of what follows
	chain   []span     // all segments in order, the last is written
	file    File       // of the last segment
	size    int64      // of that file
	end     int64      // offset behind the last entry
	durable int64      // offset up to which all is on the disk
	read    int64      // offset up to which was read
	syncing bool
	waiting bool          // somebody waits for changed
	changed chan struct{} // closed and replaced when something has moved
	keys    *keyTable
	added   []keyed // keys of the last segment
	files   []keyFile
	err     error // the first error, which ends everything

	cursor cursor // of Read alone
}

var _ arrowstream.Journal = (*journal)(nil)

// span is a segment of a journal: the offsets from start to that of the next.
type span struct {
	start       int64
	incarnation uint64
	sealed      time.Time // when it was known to have ended; zero for the last
}

// The payload of an entry, little-endian:
//
//	seconds since 1970 u32 | length of the key u16 | key | data
const entryHead = 6

// maxUnsynced is how much an Append without Sync may leave to a crash.
const maxUnsynced = 1 << 20

func appendEntry(dst []byte, e arrowstream.JournalEntry, seconds uint32) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, seconds)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(e.Key)))
	dst = append(dst, e.Key...)
	return append(dst, e.Data...)
}

// readEntry takes an entry from the payload of a frame.
func readEntry(b []byte) (e arrowstream.JournalEntry, seconds uint32, ok bool) {
	if len(b) < entryHead || len(b)-entryHead < int(binary.LittleEndian.Uint16(b[4:])) {
		return e, 0, false
	}
	n := entryHead + int(binary.LittleEndian.Uint16(b[4:]))
	return arrowstream.JournalEntry{Key: string(b[entryHead:n]), Data: b[n:]}, binary.LittleEndian.Uint32(b), true
}

// Journal implements [arrowstream.Journaling].
func (l *epochLog) Journal(source string, o arrowstream.JournalOptions) (arrowstream.Journal, int64, error) {
	l.journalMu.Lock()
	defer l.journalMu.Unlock()
	j, err := l.journal(source, o)
	if err != nil {
		return nil, 0, err
	}
	if err := j.open(); err != nil {
		return nil, 0, err
	}
	l.journals[source] = j
	return j, j.chain[0].start, nil
}

// journal is the journal of a source, which is not open yet.
func (l *epochLog) journal(source string, o arrowstream.JournalOptions) (*journal, error) {
	if find(l.manifest.Sources, source) == nil {
		return nil, fmt.Errorf("state: the job has no source %q", source)
	}
	if l.folder == nil {
		return nil, &arrowstream.Error{Code: "AS1504", Msg: "a journal is kept in a folder, and the state of the job is in a bucket", Hint: "name a folder with --state"}
	}
	if l.journals[source] != nil {
		return nil, fmt.Errorf("state: the journal of %s is open", source)
	}
	o.KeyAge = cmp.Or(o.KeyAge, 24*time.Hour)
	o.MaxKeys = cmp.Or(o.MaxKeys, 1_000_000)
	o.Backlog = cmp.Or(o.Backlog, 256<<20)
	return &journal{
		log: l, folder: *l.folder, uid: source, dir: l.folder.at(journalPath(source)), opts: o,
		changed: make(chan struct{}), keys: newKeyTable(o.KeyAge, o.MaxKeys),
	}, nil
}

// Append implements [arrowstream.Journal].
func (j *journal) Append(ctx context.Context, e arrowstream.JournalEntry) (int64, error) {
	if len(e.Data) > arrowstream.MaxJournalEntry || len(e.Key) > arrowstream.MaxJournalKey {
		return 0, fmt.Errorf("state: an entry of %d bytes with a key of %d is too long for a journal", len(e.Data), len(e.Key))
	}
	k := newKeyed(e)
	j.mu.Lock()
	defer j.mu.Unlock()
	for {
		if j.err != nil {
			return 0, j.err
		}
		now := j.folder.Clock.Now()
		k.seconds = uint32(now.Unix())
		if e.Key != "" {
			switch j.keys.look(k) {
			case keyKnown:
				return j.end, nil
			case keyOther:
				return 0, arrowstream.ErrKeyReused
			}
		}
		var err error
		switch {
		case j.end-j.read >= j.opts.Backlog:
			err = j.wait(ctx)
		case j.end-j.durable >= maxUnsynced, j.size >= j.folder.SegmentBytes && j.durable < j.end:
			err = j.sync(ctx, j.end)
		case j.size >= j.folder.SegmentBytes:
			err = j.roll()
		default:
			return j.append(e, k)
		}
		if err != nil {
			return 0, err
		}
	}
}

// append writes an entry; the caller holds mu.
func (j *journal) append(e arrowstream.JournalEntry, k keyed) (int64, error) {
	last := j.chain[len(j.chain)-1]
	f := frame{
		kind: frameEntry, incarnation: j.log.incarnation, durable: headerSize + j.durable - last.start,
		payload: appendEntry(make([]byte, 0, entryHead+len(e.Key)+len(e.Data)), e, k.seconds),
	}
	b := appendFrame(make([]byte, 0, frameHead+len(f.payload)+frameTail), f, uint64(last.start), j.size)
	if _, err := j.file.Write(b); err != nil {
		return 0, j.fail("write", err)
	}
	failpoint.Hit(failpoint.JournalAppend)
	j.size += int64(len(b))
	j.end += int64(len(b))
	if e.Key != "" {
		j.keys.add(k)
		j.added = append(j.added, k)
	}
	j.wake()
	return j.end, nil
}

// Sync implements [arrowstream.Journal].
func (j *journal) Sync(ctx context.Context, end int64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.sync(ctx, end)
}

// sync makes everything before end durable, or waits for one who does. The
// caller holds mu, which is free meanwhile. A process that was fenced learns it
// here: whoever has taken over later finds what is on the disk now.
func (j *journal) sync(ctx context.Context, end int64) error {
	for {
		switch {
		case j.err != nil:
			return j.err
		case j.durable >= end:
			return nil
		case j.syncing:
			if err := j.wait(ctx); err != nil {
				return err
			}
			continue
		}
		j.syncing = true
		f, upTo := j.file, j.end
		j.mu.Unlock()
		err := f.Sync()
		var fenced error
		if err == nil {
			fenced = checkIncarnation(j.folder.FS, j.folder.Path, j.log.incarnation)
		}
		j.mu.Lock()
		j.syncing = false
		switch {
		case j.err != nil:
		case err != nil:
			_ = j.fail("sync", err)
		case fenced != nil:
			j.err = fenced
		default:
			failpoint.Hit(failpoint.JournalSynced)
			j.durable = upTo
		}
		j.wake()
	}
}

// wait waits until something has moved. The caller holds mu, which is free
// meanwhile.
func (j *journal) wait(ctx context.Context) error {
	moved := j.changed
	j.waiting = true
	j.mu.Unlock()
	defer j.mu.Lock()
	select {
	case <-moved:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wake tells those who wait that something has moved. The caller holds mu.
func (j *journal) wake() {
	if j.waiting {
		close(j.changed)
		j.changed, j.waiting = make(chan struct{}), false
	}
}

// fail keeps the first error of the file system, which ends the job as any
// other of the store does. The caller holds mu.
func (j *journal) fail(what string, err error) error {
	if j.err == nil {
		name := filepath.Join(journalPath(j.uid), journalFile(j.chain[len(j.chain)-1].start, j.log.incarnation, journalSuffix))
		j.err = j.log.lost(j.log.fileError(what, name, err))
	}
	j.wake()
	return j.err
}

// roll begins the next segment. Everything is on the disk, and nobody syncs.
func (j *journal) roll() error {
	failpoint.Hit(failpoint.JournalRoll)
	last := &j.chain[len(j.chain)-1]
	old := j.file
	if err := j.seal(*last, j.added); err != nil {
		return j.fail("write the keys of", err)
	}
	last.sealed = j.folder.Clock.Now()
	j.added = j.added[:0]
	if err := j.begin(j.end, nil); err != nil {
		return j.fail("begin", err)
	}
	if err := old.Close(); err != nil {
		return j.fail("close", err)
	}
	return nil
}

// begin makes a segment with frames that are copied from an older one. It gets
// its name when it is on the disk.
func (j *journal) begin(start int64, copied []frame) error {
	id, err := j.log.manifest.job()
	if err != nil {
		return err
	}
	size := int64(headerSize)
	for _, f := range copied {
		size += int64(frameHead + len(f.payload) + frameTail)
	}
	b := appendHeader(make([]byte, 0, size), header{
		version: j.log.manifest.MinReaderVersion, job: id, number: uint64(start), incarnation: j.log.incarnation, base: size,
	})
	for _, f := range copied {
		f.incarnation, f.durable = j.log.incarnation, 0
		b = appendFrame(b, f, uint64(start), int64(len(b)))
	}
	fsys := j.folder.FS
	name := filepath.Join(j.dir, journalFile(start, j.log.incarnation, journalSuffix))
	f, err := fsys.Create(name + tempSuffix)
	if err != nil {
		return err
	}
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = fsys.Rename(name+tempSuffix, name)
	}
	if err == nil {
		err = fsys.SyncDir(j.dir)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	j.chain = append(j.chain, span{start: start, incarnation: j.log.incarnation})
	j.file, j.size = f, size
	j.end = start + size - headerSize
	j.durable = j.end
	return nil
}

// Release implements [arrowstream.Journal]: it removes segments that were read
// and have been kept for long enough.
func (j *journal) Release(before int64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return j.err
	}
	oldest := j.folder.Clock.Now().Add(-j.opts.Retention)
	removed := false
	for len(j.chain) > 1 && j.chain[1].start <= before && !j.chain[0].sealed.After(oldest) {
		if err := removeFile(j.folder.FS, j.path(j.chain[0], journalSuffix)); err != nil {
			return j.fail("remove what is before", err)
		}
		j.chain = j.chain[1:]
		removed = true
	}
	if removed {
		if err := j.forgetKeys(); err != nil {
			return j.fail("remove keys before", err)
		}
	}
	return nil
}

func (j *journal) path(s span, suffix string) string {
	return filepath.Join(j.dir, journalFile(s.start, s.incarnation, suffix))
}

// close ends the journal; what was added without Sync is made durable.
func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.sync(context.Background(), j.end)
	if j.err != nil {
		err = nil // it was told
	}
	if j.err == nil {
		j.err = errClosed
	}
	j.wake()
	return errors.Join(err, j.file.Close(), j.cursor.close())
}
