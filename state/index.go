package state

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/arrowstream/arrowstream"
)

// index is what the log says: the commits that are kept, in order.
type index struct {
	commits []*entry
	plans   []plan // of epochs that are not committed, in order
}

// entry is one commit.
type entry struct {
	epoch       arrowstream.Epoch
	incarnation uint64
	payload     []byte
	*record
	items []byte // how it was cut into ticks, if that is recorded
	// unpublished are the sinks that have still to publish it.
	unpublished map[string]bool
	// collected are those whose rows have been removed.
	collected map[string]bool
}

// apply takes in a frame of the log.
func (x *index) apply(f frame) error {
	switch f.kind {
	case framePlan:
		x.plan(f.epoch, f.incarnation, f.payload)
	case frameCommit:
		r, err := decodeRecord(f.payload)
		if err != nil {
			return err
		}
		return x.add(&entry{epoch: f.epoch, incarnation: f.incarnation, payload: slices.Clone(f.payload), record: r})
	case framePublished:
		x.published(string(f.payload), f.epoch)
	}
	return nil
}

// add takes in a commit, and lets go of those that it drops and of states that
// it thins out.
func (x *index) add(n *entry) error {
	if last := x.lastEpoch(); n.epoch <= last {
		return fmt.Errorf("epoch %d is committed after epoch %d", n.epoch, last)
	}
	n.unpublished, n.collected = map[string]bool{}, map[string]bool{}
	for uid := range n.Sinks {
		n.unpublished[uid] = true
	}
	kept := make([]*entry, 0, len(x.commits)+1)
	for _, old := range x.commits {
		if slices.Contains(n.Dropped, old.epoch) {
			continue
		}
		if uids := n.Thinned[old.epoch]; len(uids) > 0 {
			var err error
			if old, err = old.without(uids); err != nil {
				return err
			}
		}
		kept = append(kept, old)
	}
	x.commits = append(kept, n)
	x.planned(n)
	return nil
}

// without is n less the states of some stages; n stays as it is for those who
// have it.
func (n *entry) without(uids []string) (*entry, error) {
	r, m := *n.record, *n
	r.States = slices.DeleteFunc(slices.Clone(r.States), func(s stateRecord) bool { return slices.Contains(uids, s.UID) })
	r.Partial, m.record = true, &r
	var err error
	m.payload, err = r.encode()
	return &m, err
}

// published takes in that a sink has published an epoch, and reports whether
// that is news.
func (x *index) published(sink string, e arrowstream.Epoch) bool {
	n := x.find(e)
	if n == nil || !n.unpublished[sink] {
		return false
	}
	delete(n.unpublished, sink)
	return true
}

func (x *index) find(e arrowstream.Epoch) *entry {
	i, ok := slices.BinarySearchFunc(x.commits, e, func(n *entry, e arrowstream.Epoch) int {
		return cmp.Compare(n.epoch, e)
	})
	if !ok {
		return nil
	}
	return x.commits[i]
}

func (x *index) last() *entry {
	if len(x.commits) == 0 {
		return nil
	}
	return x.commits[len(x.commits)-1]
}

func (x *index) lastEpoch() arrowstream.Epoch {
	if n := x.last(); n != nil {
		return n.epoch
	}
	return 0
}

// link is one file set of a chain.
type link struct {
	*entry
	state stateRecord
}

// chain is what the state of a stage at commit i consists of, oldest first: a
// snapshot and the deltas since. Commits up to the epoch since are of another
// stage that had the UID. whole is false if the snapshot is missing.
func (x *index) chain(i int, uid string, since arrowstream.Epoch) (links []link, whole bool) {
	for ; i >= 0 && x.commits[i].epoch > since; i-- {
		n := x.commits[i]
		k := slices.IndexFunc(n.States, func(s stateRecord) bool { return s.UID == uid })
		if k < 0 {
			continue
		}
		links = append(links, link{n, n.States[k]})
		if !n.States[k].Delta {
			slices.Reverse(links)
			return links, true
		}
	}
	slices.Reverse(links)
	return links, len(links) == 0
}

// uids are the stages with state up to commit i.
func (x *index) uids(i int) []string {
	set := map[string]bool{}
	for _, n := range x.commits[:i+1] {
		for _, s := range n.States {
			set[s.UID] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// file is a file that a commit names.
type file struct {
	name string // relative to the store
	fileRecord
}

// files are the files of a link, by the name of the batch.
func (l link) files() map[string]file {
	m := make(map[string]file, len(l.state.Files))
	for part, f := range l.state.Files {
		m[part] = file{stateFile(l.state.UID, l.epoch, l.incarnation, part, l.state.Delta), f}
	}
	return m
}

// log reports whether a link adds to a log.
func (l link) log() bool {
	for _, f := range l.state.Files {
		if f.Pieces {
			return true
		}
	}
	return false
}

// outbox is the file of the rows of a sink, if there is one.
func (n *entry) outbox(sink string) (file, bool) {
	f, ok := n.Outbox[sink]
	return file{outboxFile(sink, n.epoch, n.incarnation), f}, ok
}

// stateFiles are the files of all stages.
func (n *entry) stateFiles() (list []file) {
	for _, s := range n.States {
		for _, f := range (link{n, s}).files() {
			list = append(list, f)
		}
	}
	return list
}

// waiting are the files of rows that have still to be published.
func (n *entry) waiting() (list []file) {
	for uid := range n.unpublished {
		if f, ok := n.outbox(uid); ok {
			list = append(list, f)
		}
	}
	return list
}

// files are those that have to be there.
func (n *entry) files() []file { return append(n.stateFiles(), n.waiting()...) }

// frames are the frames that make the commit, its record and what was published of it.
func (n *entry) frames() []frame {
	fs := planFrames(n.epoch, n.incarnation, n.items)
	fs = append(fs, frame{kind: frameCommit, epoch: n.epoch, incarnation: n.incarnation, payload: n.payload})
	for _, uid := range slices.Sorted(maps.Keys(n.Sinks)) {
		if !n.unpublished[uid] {
			fs = append(fs, frame{kind: framePublished, epoch: n.epoch, incarnation: n.incarnation, payload: []byte(uid)})
		}
	}
	return fs
}
