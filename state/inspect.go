package state

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
)

// Info is what a store holds, for humans.
type Info struct {
	Path          string       `json:"path"`
	ID            string       `json:"id"`
	Name          string       `json:"name"`
	Engine        string       `json:"engine"`
	FormatVersion uint32       `json:"format_version"`
	Incarnation   uint64       `json:"incarnation"`
	Program       string       `json:"program"`
	Stages        []PartInfo   `json:"stages"`
	Sources       []PartInfo   `json:"sources"`
	Sinks         []PartInfo   `json:"sinks"`
	Commits       []CommitInfo `json:"commits"`
	Savepoints    []string     `json:"savepoints"`
}

// PartInfo is a part of the job.
type PartInfo struct {
	UID    string `json:"uid"`
	Kind   string `json:"kind"`
	Fields string `json:"fields"` // the schema in one line
	// Of a stage: the epoch of its snapshot, 0 if it has none, the deltas since,
	// and the rows and bytes of all of them.
	Snapshot arrowstream.Epoch `json:"snapshot,omitempty"`
	Deltas   int               `json:"deltas,omitempty"`
	Rows     int64             `json:"rows,omitempty"`
	Bytes    int64             `json:"bytes,omitempty"`
	// Of a sink: how many epochs it has still to publish.
	Unpublished int `json:"unpublished,omitempty"`
}

// CommitInfo is a commit that is kept.
type CommitInfo struct {
	Epoch       arrowstream.Epoch `json:"epoch"`
	Incarnation uint64            `json:"incarnation"`
	Time        time.Time         `json:"time"`
	Finished    bool              `json:"finished,omitempty"`
	Bytes       int64             `json:"bytes"` // of states and outboxes
	Unpublished []string          `json:"unpublished,omitempty"`
}

// ErrNone is the error of a folder that is no store.
var ErrNone = errors.New("the folder holds no state")

// look reads a store that another process may be at work on.
func (d Dir) look() (m *manifest, r *logRead, err error) {
	// The segment that was found may be gone when it is read, as a new one has
	// taken its place.
	for range 5 {
		if m, err = d.readManifest(); err != nil {
			return nil, nil, err
		}
		if m == nil {
			return nil, nil, fmt.Errorf("state: %s: %w", d.Path, ErrNone)
		}
		if r, err = d.readLog(m, nil); !errors.Is(err, fs.ErrNotExist) {
			return m, r, err
		}
	}
	return nil, nil, err
}

// Inspect tells what a store holds. It changes nothing, and the job may be at
// work meanwhile.
func (d Dir) Inspect() (*Info, error) {
	d = d.withDefaults()
	m, r, err := d.look()
	if err != nil {
		return nil, err
	}
	incarnation, err := readIncarnation(d.FS, d.Path)
	if err != nil {
		return nil, err
	}
	info := m.info(d.Path, &r.index, incarnation)
	names, err := d.FS.List(d.at(savepointsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, unusable("list "+d.at(savepointsDir), err)
	}
	info.Savepoints = slices.DeleteFunc(names, func(name string) bool { return filepath.Ext(name) == tempSuffix })
	slices.Sort(info.Savepoints)
	return info, nil
}

// info is what a manifest and the log say.
func (m *manifest) info(path string, r *index, incarnation uint64) *Info {
	info := &Info{
		Path: path, ID: m.ID, Name: m.Name, Engine: m.Engine, FormatVersion: m.FormatVersion, Incarnation: incarnation,
		Program: m.Program,
	}
	for _, p := range m.Stages {
		info.Stages = append(info.Stages, stageInfo(r, p))
	}
	for _, p := range m.Sources {
		info.Sources = append(info.Sources, PartInfo{UID: p.UID, Kind: p.Kind, Fields: p.Fields})
	}
	for _, p := range m.Sinks {
		s := PartInfo{UID: p.UID, Kind: p.Kind, Fields: p.Fields}
		for _, n := range r.commits {
			if n.unpublished[p.UID] && n.epoch > p.Since {
				s.Unpublished++
			}
		}
		info.Sinks = append(info.Sinks, s)
	}
	for _, n := range r.commits {
		c := CommitInfo{
			Epoch: n.epoch, Incarnation: n.incarnation, Time: time.Unix(n.Time, 0).UTC(), Finished: n.Finished,
			Unpublished: slices.Sorted(maps.Keys(n.unpublished)),
		}
		for _, s := range n.States {
			for _, f := range s.Files {
				c.Bytes += f.Bytes
			}
		}
		for _, f := range n.Outbox {
			c.Bytes += f.Bytes
		}
		info.Commits = append(info.Commits, c)
	}
	return info
}

func stageInfo(r *index, p part) PartInfo {
	s := PartInfo{UID: p.UID, Kind: p.Kind, Fields: p.Fields}
	links, _ := r.chain(len(r.commits)-1, p.UID, p.Since)
	for _, k := range links {
		if k.state.Delta {
			s.Deltas++
		} else {
			s.Snapshot = k.epoch
		}
		for _, f := range k.state.Files {
			s.Rows += f.Rows
			s.Bytes += f.Bytes
		}
	}
	return s
}

// StateBatch is one batch of the state of a stage.
type StateBatch struct {
	Name  string
	Epoch arrowstream.Epoch
	Delta bool
	Batch arrowstream.Batch // owned by the caller
}

// States yields what a stage remembers at the last commit: the batches of its
// snapshot and of the deltas since, in order of epochs and names.
func (d Dir) States(uid string, mem memory.Allocator) iter.Seq2[StateBatch, error] {
	return func(yield func(StateBatch, error) bool) {
		d := d.withDefaults()
		m, r, err := d.look()
		if err != nil {
			yield(StateBatch{}, err)
			return
		}
		d.store().states(m, &r.index, uid, mem, yield)
	}
}

// states yields the batches of a stage at the last commit.
func (s store) states(m *manifest, x *index, uid string, mem memory.Allocator, yield func(StateBatch, error) bool) {
	p := find(m.Stages, uid)
	if p == nil {
		yield(StateBatch{}, fmt.Errorf("state: %s has no stage %q", s.path, uid))
		return
	}
	links, _ := x.chain(len(x.commits)-1, uid, p.Since)
	for _, k := range links {
		files := k.files()
		for _, name := range slices.Sorted(maps.Keys(files)) {
			more := true
			err := s.readBatches(x, files[name], mem, func(b arrowstream.Batch) bool {
				more = yield(StateBatch{Name: name, Epoch: k.epoch, Delta: k.state.Delta, Batch: b}, nil)
				return more
			})
			if err != nil && more {
				yield(StateBatch{}, err)
			}
			if err != nil || !more {
				return
			}
		}
	}
}

// Diff tells how a job differs from that of the store. It changes nothing.
func (d Dir) Diff(job arrowstream.Job) (Diff, error) {
	d = d.withDefaults()
	old, err := d.readManifest()
	if err != nil {
		return Diff{}, err
	}
	if old == nil {
		return Diff{}, fmt.Errorf("state: %s: %w", d.Path, ErrNone)
	}
	m, err := newManifest(job, 0)
	if err != nil {
		return Diff{}, err
	}
	return compare(old, m), nil
}
