package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/arrowstream/arrowstream"
)

// Savepoint keeps the last commit of a store, whose job is not at work, under a
// name: in a folder of its own below savepoints, a store complete in itself. Its
// files are hard links, which cost no room and stay when the job goes on. It
// has the format of this program. A job goes on from a copy of the folder.
func (d Dir) Savepoint(ctx context.Context, name string) (path string, e arrowstream.Epoch, err error) {
	d = d.withDefaults()
	if name == "" || escape(name) != name || filepath.Ext(name) == tempSuffix {
		return "", 0, fmt.Errorf("state: %q cannot be the name of a savepoint: use letters, digits, - and _", name)
	}
	path = d.at(filepath.Join(savepointsDir, name))
	err = d.locked(func(m *manifest) error {
		r, err := d.readLog(m, nil)
		if err != nil {
			return err
		}
		if r.last() == nil {
			return fmt.Errorf("state: %s has no commit yet", d.Path)
		}
		if err := d.store().present(&r.index, d.at(r.name), m); err != nil {
			return err
		}
		if _, err := d.FS.List(path); !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(fmt.Errorf("state: there is a savepoint %s already", path), err)
		}
		e = r.lastEpoch()
		return d.copyTo(ctx, path, m, r)
	})
	return path, e, err
}

// Upgrade raises the format of a store, whose job is not at work, to that of
// this program. Older programs cannot open it then.
func (d Dir) Upgrade() (from, to uint32, err error) {
	d = d.withDefaults()
	err = d.locked(func(m *manifest) error {
		from, to = m.FormatVersion, formatVersion
		if from == to {
			return nil
		}
		return d.writeManifest(m.upgraded())
	})
	return from, to, err
}

// upgraded is m in the format of this program.
func (m *manifest) upgraded() *manifest {
	n := *m
	n.FormatVersion, n.MinReaderVersion = formatVersion, formatVersion
	return &n
}

func (d Dir) writeManifest(m *manifest) error {
	b, err := m.encode()
	if err != nil {
		return err
	}
	if err := replaceFile(d.FS, d.at(manifestName), b); err != nil {
		return unusable("write "+d.at(manifestName), err)
	}
	return nil
}

// locked calls f with the manifest of a store while no job can open it.
func (d Dir) locked(f func(*manifest) error) (err error) {
	m, err := d.readManifest()
	if err != nil {
		return err
	}
	if m == nil {
		return fmt.Errorf("state: %s: %w", d.Path, ErrNone)
	}
	lock, err := d.lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := d.sign(lock, 0); err != nil {
		return err
	}
	if m, err = d.readManifest(); err != nil {
		return err
	}
	return f(m)
}

// copyTo makes a store at path of what the last commit of r and the sinks need.
// It gets its name when all of it is on the disk.
func (d Dir) copyTo(ctx context.Context, path string, m *manifest, r *logRead) error {
	temp := path + tempSuffix
	if err := removeTree(d.FS, temp); err != nil {
		return unusable("remove "+temp, err)
	}
	to := d
	to.Path, to.Reserve = temp, 0
	m = m.upgraded()
	if err := to.prepare(m); err != nil {
		return err
	}
	incarnation, err := readIncarnation(d.FS, d.Path)
	if err != nil {
		return err
	}
	log := &segmentLog{dir: to, manifest: m, incarnation: incarnation}
	x := r.needed(m)
	dirs := map[string]bool{to.at(stateDir): true, to.at(outboxDir): true}
	for _, n := range x.commits {
		for _, f := range n.files() {
			if err := ctx.Err(); err != nil {
				return err
			}
			dir := filepath.Dir(to.at(f.name))
			dirs[dir] = true
			if err := makeDir(d.FS, dir); err != nil {
				return unusable("make "+dir, err)
			}
			if err := d.FS.Link(d.at(f.name), to.at(f.name)); err != nil {
				return unusable("link "+d.at(f.name), err)
			}
		}
	}
	for dir := range dirs {
		if err := d.FS.SyncDir(dir); err != nil {
			return unusable("sync "+dir, err)
		}
	}
	if err := d.linkJournals(ctx, to, m); err != nil {
		return err
	}
	if err := writeIncarnation(d.FS, temp, incarnation); err != nil {
		return err
	}
	if err := log.begin(1, &x); err != nil {
		return err
	}
	if err := log.log.Close(); err != nil {
		return unusable("close "+temp, err)
	}
	if err := to.writeManifest(m); err != nil {
		return err
	}
	if err := d.FS.Rename(temp, path); err != nil {
		return unusable("rename "+temp, err)
	}
	if err := d.FS.SyncDir(filepath.Dir(path)); err != nil {
		return unusable("sync "+filepath.Dir(path), err)
	}
	return nil
}

// needed are the commits that the last one and the sinks of m build on.
func (x *index) needed(m *manifest) index {
	keep := map[*entry]bool{x.last(): true}
	for _, p := range m.Stages {
		links, _ := x.chain(len(x.commits)-1, p.UID, p.Since)
		for _, k := range links {
			keep[k.entry] = true
		}
	}
	var y index
	for _, n := range x.commits {
		for _, p := range m.Sinks {
			keep[n] = keep[n] || n.unpublished[p.UID] && n.epoch > p.Since
		}
		if keep[n] {
			y.commits = append(y.commits, n)
		}
	}
	return y
}

// removeTree removes a folder with everything below it.
func removeTree(fsys FS, path string) error {
	err := removeFile(fsys, path)
	if err == nil {
		return nil
	}
	names, listErr := fsys.List(path)
	if listErr != nil || len(names) == 0 {
		return errors.Join(err, listErr)
	}
	for _, name := range names {
		if err := removeTree(fsys, filepath.Join(path, name)); err != nil {
			return err
		}
	}
	return removeFile(fsys, path)
}
