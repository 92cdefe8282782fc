package state

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/failpoint"
)

// expired are the epochs that nothing needs any more when n is committed. The
// caller holds mu.
//
// A commit is needed while it is one of the last RetainCommits and younger than
// RetainAge, while it is the last, while a later one that is kept builds on its
// snapshot or deltas, and while a sink has not published it.
func (l *epochLog) expired(n *entry) (epochs []arrowstream.Epoch) {
	x := index{append(slices.Clone(l.index.commits), n)}
	last := len(x.commits) - 1
	first := max(0, last+1-l.dir.RetainCommits)
	oldest := l.dir.Clock.Now().Add(-l.dir.RetainAge).Unix()
	for first < last && x.commits[first].Time < oldest {
		first++
	}
	needed := map[*entry]bool{}
	for _, p := range l.manifest.Stages {
		links, _ := x.chain(first, p.UID, p.Since)
		for _, k := range links {
			needed[k.entry] = true
		}
	}
	for _, old := range x.commits[:first] {
		if !needed[old] && len(l.sinksOf(old)) == 0 {
			epochs = append(epochs, old.epoch)
		}
	}
	return epochs
}

// collect removes the files of commits that the log has dropped, and rows that
// are published. Both are on the disk, as the log was synced. The caller holds
// mu.
func (l *epochLog) collect(dropped []*entry) error {
	var gone []file
	for _, n := range dropped {
		gone = append(gone, n.stateFiles()...)
		clear(n.unpublished)
	}
	for _, n := range slices.Concat(dropped, l.index.commits) {
		for uid := range n.Outbox {
			if f, ok := n.outbox(uid); ok && !n.collected[uid] && !n.unpublished[uid] {
				n.collected[uid] = true
				gone = append(gone, f)
			}
		}
	}
	if len(gone) > 0 {
		failpoint.Hit(failpoint.CollectBefore)
	}
	for _, f := range gone {
		if err := removeFile(l.dir.FS, l.dir.at(f.name)); err != nil {
			return l.fileError("remove", f.name, err)
		}
		failpoint.Hit(failpoint.CollectMiddle)
	}
	return nil
}

// sweep removes what a crash, or a process that was fenced, has left: files that
// no commit names, rows that are published, older segments and what was under
// construction. Files whose names it does not know stay.
func (l *epochLog) sweep() error {
	named := map[string]bool{segmentFile(l.number, l.incarnation): true}
	for _, n := range l.index.commits {
		for _, f := range n.files() {
			named[f.name] = true
		}
		for uid := range n.Outbox {
			n.collected[uid] = !n.unpublished[uid]
		}
	}
	dirs := []string{"", logDir}
	for _, top := range []string{stateDir, outboxDir} {
		subs, err := l.dir.FS.List(l.dir.at(top))
		if err != nil {
			return l.fileError("list", top, err)
		}
		for _, sub := range subs {
			dirs = append(dirs, filepath.Join(top, sub))
		}
	}
	for _, dir := range dirs {
		names, err := l.dir.FS.List(l.dir.at(dir))
		if err != nil {
			continue // a file among the folders; what is not swept harms nobody
		}
		for _, base := range names {
			if name := filepath.Join(dir, base); ours(dir, base) && !named[name] {
				if err := removeFile(l.dir.FS, l.dir.at(name)); err != nil {
					return l.fileError("remove", name, err)
				}
			}
		}
	}
	return nil
}

// ours reports whether a file may be swept, by its name.
func ours(dir, base string) bool {
	switch {
	case strings.HasSuffix(base, tempSuffix):
		return dir == "" || dir == logDir
	case dir == "":
		return false
	case dir == logDir:
		_, _, ok := parseName(base, segmentSuffix)
		return ok
	}
	_, _, ok := parseName(base, arrowsSuffix)
	return ok
}
