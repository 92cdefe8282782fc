package state

import (
	"bytes"
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

// plan is what one process has recorded of an epoch that is not committed.
type plan struct {
	epoch       arrowstream.Epoch
	incarnation uint64
	items       []byte
}

// plan takes in a part of a record.
func (x *index) plan(e arrowstream.Epoch, incarnation uint64, items []byte) {
	i := slices.IndexFunc(x.plans, func(p plan) bool { return p.epoch == e && p.incarnation == incarnation })
	if i < 0 {
		i = len(x.plans)
		x.plans = append(x.plans, plan{epoch: e, incarnation: incarnation})
	}
	x.plans[i].items = append(x.plans[i].items, items...)
}

// planned gives n its record, and lets go of what cannot be used any more: of
// other processes, whose epochs were cut anew from here on.
func (x *index) planned(n *entry) {
	x.plans = slices.DeleteFunc(x.plans, func(p plan) bool {
		if p.epoch == n.epoch && p.incarnation == n.incarnation {
			n.items = p.items
		}
		return p.epoch <= n.epoch || p.incarnation != n.incarnation
	})
}

// planFrames are the frames of a record.
func planFrames(e arrowstream.Epoch, incarnation uint64, items []byte) (fs []frame) {
	for part := range slices.Chunk(items, 1<<20) {
		fs = append(fs, frame{kind: framePlan, epoch: e, incarnation: incarnation, payload: part})
	}
	return fs
}

// ahead is the record behind the last commit. The latest process counts: it has
// executed again what the one before had, and if it did not live to do all of
// that, the rest is still to be done.
func (x *index) ahead() []byte {
	by := map[uint64][]byte{}
	for _, p := range x.plans {
		by[p.incarnation] = append(by[p.incarnation], p.items...)
	}
	var items []byte
	for _, i := range slices.Backward(slices.Sorted(maps.Keys(by))) {
		if bytes.HasPrefix(by[i], items) {
			items = by[i]
		}
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
	if n.Partial {
		return false
	}
	for _, p := range m.Stages {
		if _, whole := x.chain(slices.Index(x.commits, n), p.UID, p.Since); !whole {
			return false
		}
	}
	return true
}
