package state

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// open takes a journal up where the last process left it: it finds the segments
// that count, cuts the end of the last one, and begins a new one, as nothing is
// appended to a file that another process has written. What was not known to be
// on the disk is copied: pages of an earlier process may be in memory alone.
// Cost: the last segment and the keys are read.
func (j *journal) open() error {
	fsys := j.folder.FS
	if err := makeDir(fsys, j.dir); err != nil {
		return unusable("make "+j.dir, err)
	}
	for _, dir := range []string{filepath.Dir(j.dir), j.folder.Path} {
		if err := fsys.SyncDir(dir); err != nil {
			return unusable("sync "+dir, err)
		}
	}
	names, err := fsys.List(j.dir)
	if err != nil {
		return unusable("list "+j.dir, err)
	}
	segments := journalChain(names, journalSuffix)
	for _, s := range journalChain(names, keysSuffix) {
		if err := j.loadKeys(s); err != nil {
			return err
		}
	}
	start, copied := int64(0), []frame(nil)
	if n := len(segments); n > 0 {
		last := segments[n-1]
		if start, copied, err = j.takeUp(last); err != nil {
			return err
		}
		if start == last.start {
			segments = segments[:n-1] // all of it is copied
		}
	}
	for i := range segments {
		segments[i].sealed = j.folder.Clock.Now()
	}
	j.chain = segments
	if err := j.begin(start, copied); err != nil {
		return j.log.lost(unusable("begin the journal "+j.dir, err))
	}
	j.read = j.end
	return j.sweep(names)
}

// takeUp reads the segment that a process has written last, keeps its keys, and
// returns what is copied of it.
func (j *journal) takeUp(last span) (start int64, copied []frame, err error) {
	seg, err := j.readFile(last, journalSuffix)
	if err != nil {
		return 0, nil, err
	}
	known := seg.header.base
	for _, f := range seg.frames {
		known = max(known, f.durable)
	}
	var keys []keyed
	at := int64(headerSize)
	start = last.start + known - headerSize
	for _, f := range seg.frames {
		e, seconds, ok := readEntry(f.payload)
		if f.kind != frameEntry || !ok {
			return 0, nil, damaged(j.path(last, journalSuffix), flaw{at, "it is no entry of a journal"}, j.log.commits().lastEpoch())
		}
		if e.Key != "" {
			k := newKeyed(e)
			k.seconds = seconds
			j.keys.add(k)
			keys = append(keys, k)
		}
		if at >= known {
			copied = append(copied, f)
		}
		at += int64(frameHead + len(f.payload) + frameTail)
	}
	if err := j.seal(last, keys); err != nil {
		return 0, nil, j.log.lost(unusable("write the keys of "+j.path(last, journalSuffix), err))
	}
	return start, copied, nil
}

// readFile reads a whole segment, or the keys of one, and refuses what a crash
// cannot have left.
func (j *journal) readFile(s span, suffix string) (seg segment, err error) {
	name := j.path(s, suffix)
	b, err := readFile(j.folder.FS, name, maxSegment)
	if err != nil {
		return seg, unusable("read "+name, err)
	}
	seg, bad := readSegment(b)
	if bad == nil && seg.header.version > formatVersion {
		return seg, version(name, seg.header.version)
	}
	if bad == nil {
		bad = j.log.manifest.owns(seg.header, s)
	}
	if bad != nil {
		return seg, damaged(name, *bad, j.log.commits().lastEpoch())
	}
	return seg, nil
}

// owns compares the header of a segment with its name and the job.
func (m *manifest) owns(h header, s span) *flaw {
	id, _ := m.job()
	switch {
	case h.number != uint64(s.start) || h.incarnation != s.incarnation:
		return &flaw{0, fmt.Sprintf("it is segment %d of incarnation %d", h.number, h.incarnation)}
	case h.job != id:
		return &flaw{0, fmt.Sprintf("it is of the job %x, MANIFEST is of %s", h.job, m.ID)}
	}
	return nil
}

// journalChain are the segments among names that follow each other. A process
// that was fenced may have begun one behind the beginning of a later process's:
// that does not count, as nobody was told that it took anything.
func journalChain(names []string, suffix string) (chain []span) {
	for _, name := range names {
		if start, incarnation, ok := parseName(name, suffix); ok && start <= 1<<62 {
			chain = append(chain, span{start: int64(start), incarnation: incarnation})
		}
	}
	slices.SortFunc(chain, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.incarnation, b.incarnation), cmp.Compare(a.start, b.start))
	})
	if suffix == keysSuffix {
		return chain
	}
	kept := chain[:0]
	for _, s := range chain {
		for len(kept) > 0 && kept[len(kept)-1].start >= s.start {
			kept = kept[:len(kept)-1]
		}
		kept = append(kept, s)
	}
	return kept
}

// sweep removes segments that do not count and what was under construction.
func (j *journal) sweep(names []string) error {
	counts := map[string]bool{}
	for _, s := range j.chain {
		counts[journalFile(s.start, s.incarnation, journalSuffix)] = true
	}
	for _, name := range names {
		_, _, segment := parseName(name, journalSuffix)
		if counts[name] || !segment && !strings.HasSuffix(name, tempSuffix) {
			continue
		}
		if err := removeFile(j.folder.FS, filepath.Join(j.dir, name)); err != nil {
			return unusable("remove "+filepath.Join(j.dir, name), err)
		}
	}
	return nil
}

// closeJournals ends the journals of the log.
func (l *epochLog) closeJournals() error {
	l.journalMu.Lock()
	defer l.journalMu.Unlock()
	var err error
	for _, j := range l.journals {
		err = errors.Join(err, j.close())
	}
	clear(l.journals)
	return err
}
