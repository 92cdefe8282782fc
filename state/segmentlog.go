package state

import (
	"encoding/json"
	"errors"
	"sync"
	"time"
)

// segmentLog is the log of a [Dir]: a file that grows.
type segmentLog struct {
	dir         Dir
	lock        File // held as long as the log is open; nil for a savepoint
	manifest    *manifest
	incarnation uint64
	rewound     uint64 // see opened

	mu      sync.Mutex // of what follows
	log     File
	number  uint64 // of the segment
	base    int64  // how much of it was copied from the one before
	size    int64  // of the segment
	durable int64  // how much of it is on the disk
	begun   time.Time
}

var _ frameLog = (*segmentLog)(nil)

// begin starts a new segment with what is kept of the log. It is given its name
// when it is on the disk, so that it is there as a whole or not at all.
func (l *segmentLog) begin(number uint64, x *index) error {
	d := l.dir
	now := d.Clock.Now()
	payload, err := json.Marshal(opened{Engine: engine(), Time: now.Unix(), Rewound: l.rewound})
	if err != nil {
		return err
	}
	b, err := newSegment(l.manifest, payload, x, number, l.incarnation)
	if err != nil {
		return err
	}
	size := int64(len(b))

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
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log, l.number, l.base, l.size, l.durable, l.begun = f, number, size, size, size, now
	return nil
}

// check implements frameLog.
func (l *segmentLog) check() error {
	return checkIncarnation(l.dir.FS, l.dir.Path, l.incarnation)
}

// taken implements frameLog.
func (l *segmentLog) taken() error { return l.check() }

// append implements frameLog: it writes the frame to the file.
func (l *segmentLog) append(f frame) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.incarnation, f.durable = l.incarnation, l.durable
	b := appendFrame(nil, f, l.number, l.size)
	n, err := l.log.Write(b)
	l.size += int64(n)
	if err != nil {
		return l.fileError("write", segmentFile(l.number, l.incarnation), err)
	}
	return nil
}

// sync implements frameLog. Whoever has taken over since the first look reads
// the log after raising the incarnation: unless it is raised now, the frames are
// seen by it.
func (l *segmentLog) sync() error {
	l.mu.Lock()
	log, size := l.log, l.size
	l.mu.Unlock()
	if err := log.Sync(); err != nil {
		return l.fileError("sync", segmentFile(l.number, l.incarnation), err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.durable = size
	return nil
}

// roll implements frameLog. A segment is at least twice what it began with, so
// that commits which are kept for long are not copied again and again.
func (l *segmentLog) roll(x *index) error {
	if l.size < max(l.dir.SegmentBytes, 2*l.base) && l.dir.Clock.Now().Sub(l.begun) < 24*time.Hour {
		return nil
	}
	old, number := l.log, l.number
	if err := l.begin(number+1, x); err != nil {
		return err
	}
	err := errors.Join(old.Close(), removeFile(l.dir.FS, l.dir.at(segmentFile(number, l.incarnation))))
	if err != nil {
		return l.fileError("remove", segmentFile(number, l.incarnation), err)
	}
	return nil
}

// lastWord implements frameLog: a full disk gets its reserve back.
func (l *segmentLog) lastWord() {
	if removeFile(l.dir.FS, l.dir.at(reserveName)) == nil && l.append(frame{kind: frameClose}) == nil {
		_ = l.sync() // the error to tell is the first
	}
}

// Close implements frameLog.
func (l *segmentLog) Close() error {
	err := l.log.Close()
	if closeErr := l.lock.Close(); closeErr != nil {
		err = errors.Join(err, l.fileError("unlock", lockName, closeErr))
	}
	return err
}

func (l *segmentLog) fileError(what, name string, err error) error {
	return unusable(what+" "+l.dir.at(name), err)
}
