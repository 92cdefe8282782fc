package state

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/arrowstream/arrowstream"
)

// Dir is a store in a folder, which one process at a time may have open. The
// folder is made if need be.
type Dir struct {
	Path string

	// AllowNewState lets a job go on that has stages or sinks which the one in
	// the folder had not: they begin with nothing.
	AllowNewState bool
	// AllowDropState lets a job go on that has less stages or sinks: what they
	// remembered, and what they had to publish, is forgotten.
	AllowDropState bool

	// RetainCommits and RetainAge say how far back the store can be taken: as
	// many commits (default 100), less those that are older (default 24 h).
	// What the last commit and the sinks need is kept in any case.
	RetainCommits int
	RetainAge     time.Duration
	// SegmentBytes is the size at which the log is begun anew (default 64 MiB);
	// it also is after a day.
	SegmentBytes int64
	// Reserve is the room set aside for the last word on a full disk (default
	// 16 MiB, negative for none).
	Reserve int64
	// Parallel is how many files are written and synced at once (default 8).
	Parallel int

	// FS is the file system (default OS) and Clock the time of the commits.
	FS    FS
	Clock arrowstream.Clock
}

var _ arrowstream.StateStore = Dir{}

func (d Dir) withDefaults() Dir {
	d.RetainCommits = max(1, cmp.Or(d.RetainCommits, 100))
	d.RetainAge = cmp.Or(d.RetainAge, 24*time.Hour)
	d.SegmentBytes = min(max(0, cmp.Or(d.SegmentBytes, 64<<20)), maxSegment/4)
	d.Reserve = max(0, cmp.Or(d.Reserve, 16<<20))
	d.Parallel = max(1, cmp.Or(d.Parallel, 8))
	if d.FS == nil {
		d.FS = OS{}
	}
	if d.Clock == nil {
		d.Clock = arrowstream.SystemClock{}
	}
	return d
}

// store is d as the other stores see it.
func (d Dir) store() store {
	return store{files: d.FS, path: filepath.Clean(d.Path), retainCommits: d.RetainCommits, retainAge: d.RetainAge, parallel: d.Parallel, clock: d.Clock}
}

// at is the path of a file of the store.
func (d Dir) at(name string) string { return filepath.Join(d.Path, name) }

// Open implements [arrowstream.StateStore]. Errors have the codes AS5002 (in
// use), AS5003 (damaged), AS5004 (of a later version), AS5007 (the file system
// fails) and AS5008 (of another program).
func (d Dir) Open(ctx context.Context, job arrowstream.Job) (arrowstream.EpochLog, error) {
	d = d.withDefaults()
	if d.Path == "" {
		return nil, errors.New("state: no folder is given")
	}
	lock, err := d.lock()
	if err != nil {
		return nil, err
	}
	l, err := d.open(ctx, lock, job)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return l, nil
}

// holder is what LOCK tells humans.
type holder struct {
	PID         int       `json:"pid"`
	Host        string    `json:"host"`
	Incarnation uint64    `json:"incarnation,omitempty"`
	Started     time.Time `json:"started"`
}

// lock takes the folder for this process.
func (d Dir) lock() (File, error) {
	if err := makeDir(d.FS, d.Path); err != nil {
		return nil, unusable("make "+d.Path, err)
	}
	name := d.at(lockName)
	lock, err := d.FS.Lock(name)
	if errors.Is(err, ErrLocked) {
		return nil, d.inUse()
	}
	if err != nil {
		return nil, unusable("lock "+name, err)
	}
	return lock, nil
}

func (d Dir) inUse() error {
	by := "another process"
	var h holder
	if b, err := readFile(d.FS, d.at(lockName), 1<<16); err == nil && json.Unmarshal(b, &h) == nil && h.PID != 0 {
		by = fmt.Sprintf("process %d on %s since %s", h.PID, h.Host, h.Started.UTC().Format(time.DateTime))
	}
	return &arrowstream.Error{
		Code: "AS5002", Msg: "state: " + d.Path + " is in use by " + by,
		Hint: "stop that process, or give this job a folder of its own", Err: ErrLocked,
	}
}

// sign writes into the lock who holds it.
func (d Dir) sign(lock File, incarnation uint64) error {
	host, _ := os.Hostname()
	b, err := json.Marshal(holder{PID: os.Getpid(), Host: host, Incarnation: incarnation, Started: d.Clock.Now().UTC().Truncate(time.Second)})
	if err == nil {
		_, err = lock.Write(append(b, '\n'))
	}
	if err != nil {
		return unusable("write "+d.at(lockName), err)
	}
	return nil
}
