package state

import (
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/failpoint"
)

// open takes a locked folder up. Until the incarnation is raised it only reads,
// so that a store which is refused stays as it was.
func (d Dir) open(ctx context.Context, lock File, job arrowstream.Job) (*epochLog, error) {
	failpoint.Hit(failpoint.RecoverOpen)
	old, err := d.readManifest()
	if err != nil {
		return nil, err
	}
	before, err := d.readLog(old, nil)
	if err != nil {
		return nil, err
	}
	m, err := newManifest(job, before.lastEpoch())
	if err != nil {
		return nil, err
	}
	rewrite := old == nil
	if old != nil {
		if err := compare(old, m).refuse(d.Path, d.AllowNewState, d.AllowDropState); err != nil {
			return nil, err
		}
		m.inherit(old)
		rewrite = !reflect.DeepEqual(m, old)
	} else {
		id := newID()
		m.ID = hex.EncodeToString(id[:])
	}
	if err := d.store().present(&before.index, d.at(before.name), m); err != nil {
		return nil, err
	}
	incarnation, err := readIncarnation(d.FS, d.Path)
	if err != nil {
		return nil, err
	}
	if incarnation == 0 && old != nil {
		return nil, damaged(d.at(incarnationName), flaw{-1, "it is missing"}, before.lastEpoch())
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}

	// From here on earlier processes are fenced. What they committed until now
	// counts, so the log is read again.
	incarnation = max(incarnation, before.incarnation) + 1
	if err := writeIncarnation(d.FS, d.Path, incarnation); err != nil {
		return nil, err
	}
	if err := d.sign(lock, incarnation); err != nil {
		return nil, err
	}
	after, err := d.readLog(old, before)
	if err != nil {
		return nil, err
	}
	if err := d.prepare(m); err != nil {
		return nil, err
	}
	if old != nil && !sameSources(old, m) {
		after.plans = nil
	}
	log := &segmentLog{dir: d, lock: lock, manifest: m, incarnation: incarnation, rewound: after.rewound}
	l := &epochLog{
		store: d.store(), frames: log, folder: &d, manifest: m, incarnation: incarnation, index: after.index,
		boxes: map[boxKey]*outbox{}, journals: map[string]*journal{},
	}
	if err := log.begin(after.number+1, &l.index); err != nil {
		return nil, err
	}
	failpoint.Hit(failpoint.RecoverLog)
	if rewrite {
		err = d.writeManifest(m)
	}
	if err == nil {
		err = d.sweep(l, segmentFile(log.number, incarnation))
	}
	if err != nil {
		return nil, errors.Join(err, log.log.Close())
	}
	l.start = l.whatIsLeft()
	return l, nil
}

// readManifest is nil if there is none: then the store is new.
func (d Dir) readManifest() (*manifest, error) {
	name := d.at(manifestName)
	b, err := readFile(d.FS, name, maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, unusable("read "+name, err)
	}
	m, err := parseManifest(b)
	if err != nil {
		return nil, damaged(name, flaw{-1, err.Error()}, d.newestWhole())
	}
	if m.MinReaderVersion > formatVersion {
		return nil, version(name, m.FormatVersion)
	}
	return m, nil
}

// inherit takes over what stays with the store: the identity, the format, and
// since when there are the parts that it has already.
func (m *manifest) inherit(old *manifest) {
	m.ID, m.Engine, m.FormatVersion, m.MinReaderVersion = old.ID, old.Engine, old.FormatVersion, old.MinReaderVersion
	for _, l := range []struct{ to, from []part }{{m.Stages, old.Stages}, {m.Sources, old.Sources}, {m.Sinks, old.Sinks}} {
		for i := range l.to {
			if q := find(l.from, l.to[i].UID); q != nil {
				l.to[i].Since = q.Since
			}
		}
	}
}

// prepare makes the folders and the reserve.
func (d Dir) prepare(m *manifest) error {
	dirs := []string{logDir, stateDir, outboxDir}
	for _, p := range m.Stages {
		dirs = append(dirs, stagePath(p.UID))
	}
	for _, p := range m.Sinks {
		dirs = append(dirs, outboxPath(p.UID))
	}
	for _, name := range dirs {
		if err := makeDir(d.FS, d.at(name)); err != nil {
			return unusable("make "+d.at(name), err)
		}
	}
	// Folders that exist may have been made by a process that did not live to
	// sync them, so all are synced. Those further up may be of others, who do
	// not let this process look into them.
	for _, name := range []string{d.at(stateDir), d.at(outboxDir), d.Path, filepath.Dir(d.Path)} {
		if err := d.FS.SyncDir(name); err != nil {
			return unusable("sync "+name, err)
		}
	}
	for dir := filepath.Dir(d.Path); dir != filepath.Dir(dir); {
		dir = filepath.Dir(dir)
		_ = d.FS.SyncDir(dir)
	}
	name := d.at(reserveName)
	if size, err := d.FS.Size(name); d.Reserve > 0 && (err != nil || size < d.Reserve) {
		// Neither zeros nor a pattern: some file systems store those in no room.
		b := make([]byte, d.Reserve)
		x := uint64(0x9E3779B97F4A7C15)
		for i := range b {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			b[i] = byte(x)
		}
		if err := writeFile(d.FS, name, b); err != nil {
			return unusable("write "+name, err)
		}
	}
	return nil
}

// whatIsLeft is what the runtime begins with.
func (l *epochLog) whatIsLeft() arrowstream.Start {
	s := arrowstream.Start{ID: l.manifest.ID, Incarnation: l.incarnation, Plan: l.index.ahead()}
	if n := l.index.last(); n != nil {
		c := n.commit(n.epoch)
		s.Last = &c
	}
	for _, n := range l.index.commits {
		for _, uid := range l.sinksOf(n) {
			s.Unpublished = append(s.Unpublished, arrowstream.Unpublished{Sink: uid, Commit: n.commit(n.epoch)})
		}
	}
	return s
}

// sinksOf are the sinks of the job that have still to publish a commit.
func (l *epochLog) sinksOf(n *entry) []string {
	var uids []string
	for uid := range n.unpublished {
		if p := find(l.manifest.Sinks, uid); p != nil && n.epoch > p.Since {
			uids = append(uids, uid)
		}
	}
	slices.Sort(uids)
	return uids
}
