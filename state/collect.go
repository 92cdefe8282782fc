package state

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/failpoint"
)

// expire enters in n the epochs that nothing needs any more when it is committed,
// and the states of others. The caller holds mu.
//
// A commit is needed while it is one of the last RetainCommits and younger than
// RetainAge, while it is the last, while a later one that is kept builds on its
// snapshot or deltas, and while a sink has not published it. A log is built on
// for good: of a commit that only logs need nothing else is kept.
func (l *epochLog) expire(n *entry) {
	x := index{commits: append(slices.Clone(l.index.commits), n)}
	last := len(x.commits) - 1
	first := max(0, last+1-l.retainCommits)
	oldest := l.clock.Now().Add(-l.retainAge).Unix()
	for first < last && x.commits[first].Time < oldest {
		first++
	}
	needed, other := map[*entry][]string{}, map[*entry]bool{}
	for _, p := range l.manifest.Stages {
		links, _ := x.chain(first, p.UID, p.Since)
		log := slices.ContainsFunc(links, link.log)
		for _, k := range links {
			needed[k.entry] = append(needed[k.entry], p.UID)
			other[k.entry] = other[k.entry] || !log
		}
	}
	for _, old := range x.commits[:first] {
		switch {
		case len(l.sinksOf(old)) > 0 || other[old]:
			continue
		case len(needed[old]) == 0:
			n.Dropped = append(n.Dropped, old.epoch)
			continue
		}
		for _, s := range old.States {
			if slices.Contains(needed[old], s.UID) {
				continue
			}
			if n.Thinned == nil {
				n.Thinned = map[arrowstream.Epoch][]string{}
			}
			n.Thinned[old.epoch] = append(n.Thinned[old.epoch], s.UID)
		}
	}
}

// gone are the files of commits that next drops or thins out, and the rows that
// are published: what the log says of them is durable when next is. The caller
// holds mu.
func (l *epochLog) gone(next *entry) (gone []file) {
	for _, n := range l.index.commits {
		drop := slices.Contains(next.Dropped, n.epoch)
		for _, s := range n.States {
			if drop || slices.Contains(next.Thinned[n.epoch], s.UID) {
				gone = slices.AppendSeq(gone, maps.Values(link{n, s}.files()))
			}
		}
		for uid := range n.Outbox {
			if f, ok := n.outbox(uid); ok && !n.collected[uid] && (drop || !n.unpublished[uid]) {
				n.collected[uid] = true
				gone = append(gone, f)
			}
		}
	}
	return gone
}

// remove removes files that no commit names any more, side by side.
func (l *epochLog) remove(gone []file) error {
	if len(gone) > 0 {
		failpoint.Hit(failpoint.CollectBefore)
	}
	var g errgroup.Group
	g.SetLimit(l.parallel)
	for _, f := range gone {
		g.Go(func() error {
			if err := removeFile(l, l.at(f.name)); err != nil {
				return l.fileError("remove", f.name, err)
			}
			failpoint.Hit(failpoint.CollectMiddle)
			return nil
		})
	}
	return g.Wait()
}

// sweep removes what a crash, or a process that was fenced, has left: files that
// no commit names, rows that are published, older segments and what was under
// construction. Files whose names it does not know stay.
func (d Dir) sweep(l *epochLog, segment string) error {
	named := l.named()
	named[segment] = true
	dirs := []string{"", logDir}
	for _, top := range []string{stateDir, outboxDir} {
		subs, err := d.FS.List(d.at(top))
		if err != nil {
			return l.fileError("list", top, err)
		}
		for _, sub := range subs {
			dirs = append(dirs, filepath.Join(top, sub))
		}
	}
	for _, dir := range dirs {
		names, err := d.FS.List(d.at(dir))
		if err != nil {
			continue // a file among the folders; what is not swept harms nobody
		}
		for _, base := range names {
			if name := filepath.Join(dir, base); ours(dir, base) && !named[name] {
				if err := removeFile(d.FS, d.at(name)); err != nil {
					return l.fileError("remove", name, err)
				}
			}
		}
	}
	return nil
}

// named are the files that the commits name. What is published counts as
// collected then.
func (l *epochLog) named() map[string]bool {
	named := map[string]bool{}
	for _, n := range l.index.commits {
		for _, f := range n.files() {
			named[f.name] = true
		}
		for uid := range n.Outbox {
			n.collected[uid] = !n.unpublished[uid]
		}
	}
	return named
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
