package state

import (
	"errors"
	"maps"
	"slices"

	"github.com/arrowstream/arrowstream"
)

// The record of an epoch is the payloads of its PLAN frames, one after the other.
// They come before its COMMIT frame, of the same incarnation, and belong to the
// commit from then on: they stay as long as it does, and move into a new segment
// with it. They are not synced: what of them is not on the disk when a process is
// killed is of an epoch that has not happened.

// plan is the record of an epoch that is not committed.
type plan struct {
	incarnation uint64
	items       []byte
}

// plan takes in a part of a record. The latest process that has worked on an epoch
// is the one that counts.
func (x *index) plan(e arrowstream.Epoch, incarnation uint64, items []byte) {
	if x.plans == nil {
		x.plans = map[arrowstream.Epoch]*plan{}
	}
	p := x.plans[e]
	if p == nil || p.incarnation != incarnation {
		p = &plan{incarnation: incarnation}
		x.plans[e] = p
	}
	p.items = append(p.items, items...)
}

// planned gives n its record, and lets go of what cannot be used any more: of
// other processes, whose epochs were cut anew from here on.
func (x *index) planned(n *entry) {
	if p := x.plans[n.epoch]; p != nil && p.incarnation == n.incarnation {
		n.items = p.items
	}
	maps.DeleteFunc(x.plans, func(e arrowstream.Epoch, p *plan) bool {
		return e <= n.epoch || p.incarnation != n.incarnation
	})
}

// planFrames are the frames of a record.
func planFrames(e arrowstream.Epoch, incarnation uint64, items []byte) (fs []frame) {
	for part := range slices.Chunk(items, 1<<20) {
		fs = append(fs, frame{kind: framePlan, epoch: e, incarnation: incarnation, payload: part})
	}
	return fs
}

// ahead is the record of the epochs behind the last commit, as far as one process
// has come with them.
func (x *index) ahead() (items []byte) {
	first := x.plans[x.lastEpoch()+1]
	for e := x.lastEpoch() + 1; x.plans[e] != nil && x.plans[e].incarnation == first.incarnation; e++ {
		items = append(items, x.plans[e].items...)
	}
	return items
}

// Plan implements [arrowstream.Recorder]. Cost in a folder: one write of 34 bytes
// and the items; in a bucket they are written with the commit.
func (l *epochLog) Plan(e arrowstream.Epoch, items []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	for _, f := range planFrames(e, l.incarnation, items) {
		if err := l.frames.append(f); err != nil {
			return l.fail(err)
		}
	}
	l.index.plan(e, l.incarnation, items)
	return nil
}

// sameSources reports whether partitions have the numbers in a record that they
// have in the record of another program.
func sameSources(a, b *manifest) bool {
	return slices.EqualFunc(a.Sources, b.Sources, func(p, q part) bool { return p.UID == q.UID })
}

var errNoBegin = errors.New("no commit is kept that the recorded epochs begin with")

// recorded finds the longest run of recorded epochs up to an epoch, the last one
// if it is 0. from is the commit at which it begins, nil for the beginning of the
// job.
func (x *index) recorded(m *manifest, to arrowstream.Epoch) (from *entry, items []byte, err error) {
	last := x.last()
	if to > 0 {
		last = x.find(to)
	}
	if last == nil || len(last.items) == 0 {
		return nil, nil, errors.New("the epoch is not recorded")
	}
	end := slices.Index(x.commits, last)
	i := end
	for i > 0 && len(x.commits[i-1].items) > 0 && x.commits[i-1].epoch == x.commits[i].epoch-1 {
		i--
	}
	since := arrowstream.Epoch(0)
	for _, p := range slices.Concat(m.Stages, m.Sources) {
		since = max(since, p.Since)
	}
	switch {
	case x.commits[i].epoch == 1 && since == 0:
	case i > 0 && x.commits[i-1].epoch == x.commits[i].epoch-1:
		from = x.commits[i-1]
	default:
		from = x.commits[i]
		i++
	}
	for ; from != nil && (from.epoch < since || !x.complete(m, from)); i++ {
		if i > end {
			return nil, nil, errNoBegin
		}
		from = x.commits[i]
	}
	if i > end {
		return nil, nil, errNoBegin
	}
	for _, n := range x.commits[i : end+1] {
		items = append(items, n.items...)
	}
	return from, items, nil
}

// complete reports whether the log names all of the state at a commit.
func (x *index) complete(m *manifest, n *entry) bool {
	for _, p := range m.Stages {
		if _, whole := x.chain(slices.Index(x.commits, n), p.UID, p.Since); !whole {
			return false
		}
	}
	return true
}
