package state

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/arrowstream/arrowstream"
)

// logRead is the log as it was found.
type logRead struct {
	index
	number      uint64 // the highest of a segment
	incarnation uint64 // the highest of a segment
	rewound     uint64 // see opened
	name        string // of the segment that counts, "" if there is none
	end         int64  // where its frames end
	size        int64
}

// segments lists the segments, the one that counts last.
func (d Dir) segments() ([]string, error) {
	type id struct{ incarnation, number uint64 }
	ids := map[string]id{}
	names, err := d.FS.List(d.at(logDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, unusable("list "+d.at(logDir), err)
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		number, incarnation, ok := parseName(name, segmentSuffix)
		ids[name] = id{incarnation, number}
		return !ok
	})
	slices.SortFunc(names, func(a, b string) int {
		return slices.Compare([]uint64{ids[a].incarnation, ids[a].number}, []uint64{ids[b].incarnation, ids[b].number})
	})
	return names, nil
}

// readLog reads the segment that counts and refuses what a crash cannot have
// left. It changes nothing. m is nil if there is no MANIFEST, and known what was
// read before, if anything: a segment only grows, so one of the same name and
// length is not read again.
func (d Dir) readLog(m *manifest, known *logRead) (*logRead, error) {
	w := d.witnesses(m)
	names, err := d.segments()
	if err != nil {
		return nil, err
	}
	r := &logRead{}
	for _, name := range names {
		number, incarnation, _ := parseName(name, segmentSuffix)
		r.number, r.incarnation = max(r.number, number), max(r.incarnation, incarnation)
	}
	if len(names) == 0 {
		if m != nil {
			return nil, damaged(d.at(logDir), flaw{-1, "it has no segment"}, 0)
		}
		return r, nil
	}
	number, incarnation, _ := parseName(names[len(names)-1], segmentSuffix)
	r.name = segmentFile(number, incarnation)
	file := d.at(r.name)
	if known != nil && known.name == r.name {
		if size, err := d.FS.Size(file); err == nil && size == known.size {
			return known, nil
		}
	}
	b, err := readFile(d.FS, file, maxSegment)
	if err != nil {
		return nil, unusable("read "+file, err)
	}
	s, bad := readSegment(b)
	if bad == nil && s.header.version > formatVersion {
		return nil, version(file, s.header.version)
	}
	if bad == nil && (s.header.number != number || s.header.incarnation != incarnation) {
		bad = &flaw{0, fmt.Sprintf("it is segment %d of incarnation %d", s.header.number, s.header.incarnation)}
	}
	for _, f := range s.frames {
		if f.kind == frameOpen {
			var o opened
			if json.Unmarshal(f.payload, &o) == nil {
				r.rewound = o.Rewound
			}
		}
		if bad != nil && bad.at == 0 {
			break
		}
		if err := r.apply(f); err != nil {
			bad = &flaw{s.end, err.Error()}
			break
		}
	}
	if bad == nil {
		bad = belongs(m, r, s, w)
	}
	if bad != nil {
		return nil, damaged(file, *bad, d.store().newestWhole(&r.index))
	}
	r.end, r.size = s.end, int64(len(b))
	return r, nil
}

// belongs compares a log with the rest of the store: its job, and that it does
// not end before an epoch that must have been committed.
func belongs(m *manifest, r *logRead, s segment, all []witness) *flaw {
	if m == nil {
		// The manifest is written before the first epoch can begin.
		if r.last() != nil {
			return &flaw{0, "it has commits, but MANIFEST is missing"}
		}
		return nil
	}
	if id, _ := m.job(); id != s.header.job {
		return &flaw{0, fmt.Sprintf("it is of the job %x, MANIFEST is of %s", s.header.job, m.ID)}
	}
	for _, w := range all {
		// What is older than a rewind may be of epochs that it has dropped.
		if last := r.lastEpoch(); last < w.epoch && w.incarnation >= r.rewound {
			return &flaw{s.end, fmt.Sprintf("it ends with epoch %d, but there is %s", last, w.name)}
		}
	}
	return nil
}

// witness is a file that was written when an epoch had been committed.
type witness struct {
	epoch       arrowstream.Epoch
	incarnation uint64
	name        string
}

// witnesses finds the files of stages and sinks, of late epochs first. It looks
// before the log is read, as a job at work goes on.
func (d Dir) witnesses(m *manifest) (all []witness) {
	if m == nil {
		return nil
	}
	// Files of an epoch are written when the epoch before is committed, rows
	// that wait for publication while the epoch before is being committed.
	for _, l := range []struct {
		parts []part
		dir   func(string) string
		ahead arrowstream.Epoch
	}{{m.Stages, stagePath, 1}, {m.Sinks, outboxPath, 2}} {
		for _, p := range l.parts {
			names, err := d.FS.List(d.at(l.dir(p.UID)))
			if err != nil {
				continue // it is made later, or fails then
			}
			for _, name := range names {
				if e, incarnation, ok := parseName(name, arrowsSuffix); ok && arrowstream.Epoch(e) > l.ahead {
					all = append(all, witness{arrowstream.Epoch(e) - l.ahead, incarnation, name})
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b witness) int { return cmp.Compare(b.epoch, a.epoch) })
	return all
}

// newestWhole is the newest epoch of the log of which everything is there, for
// the text of an error: it finds what it can.
func (d Dir) newestWhole() arrowstream.Epoch {
	names, err := d.segments()
	if err != nil || len(names) == 0 {
		return 0
	}
	number, incarnation, _ := parseName(names[len(names)-1], segmentSuffix)
	b, err := readFile(d.FS, d.at(segmentFile(number, incarnation)), maxSegment)
	if err != nil {
		return 0
	}
	var x index
	s, _ := readSegment(b)
	for _, f := range s.frames {
		if x.apply(f) != nil {
			break
		}
	}
	return d.store().newestWhole(&x)
}
