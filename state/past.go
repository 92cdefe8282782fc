package state

import (
	"context"
	"errors"
	"fmt"

	"github.com/arrowstream/arrowstream"
)

// Past is the store as it was: a run of its job repeats what is recorded up to the
// epoch to, the last one if that is 0, from the oldest commit with which that is
// possible. Nothing in the folder is changed, and the job may be at work.
func (d Dir) Past(to arrowstream.Epoch) arrowstream.StateStore {
	d = d.withDefaults()
	return past{d.Path, to, func(context.Context) (*epochLog, error) {
		m, r, err := d.look()
		if err != nil {
			return nil, err
		}
		return &epochLog{store: d.store(), folder: &d, manifest: m, index: r.index, journals: map[string]*journal{}}, nil
	}}
}

// Past is that of a [Dir].
func (s Bucket) Past(to arrowstream.Epoch) arrowstream.StateStore {
	s = s.withDefaults()
	return past{s.URL, to, func(ctx context.Context) (*epochLog, error) {
		r, err := s.found(ctx)
		if err != nil {
			return nil, err
		}
		return &epochLog{store: s.store(nil), manifest: r.manifest, index: r.index}, nil
	}}
}

// past is a store that is only read.
type past struct {
	path string
	to   arrowstream.Epoch
	read func(context.Context) (*epochLog, error)
}

// Open implements [arrowstream.StateStore]. The job may write to other places.
func (p past) Open(ctx context.Context, job arrowstream.Job) (arrowstream.EpochLog, error) {
	l, err := p.read(ctx)
	if err != nil {
		return nil, err
	}
	job.Sinks = nil
	m, err := newManifest(job, 0)
	if err != nil {
		return nil, err
	}
	old := *l.manifest
	old.Sinks = nil
	if err := compare(&old, m).refuse(p.path, false, false); err != nil {
		return nil, err
	}
	if !sameSources(&old, m) {
		return nil, fmt.Errorf("state: the program reads the sources of %s in another order", p.path)
	}
	from, items, err := l.index.recorded(l.manifest, p.to)
	if err != nil {
		return nil, &arrowstream.Error{
			Code: "AS5005", Msg: "state: " + p.path, Err: err,
			Hint: "SET job.NAME.record = true, or --record, keeps a record; --retain N keeps more of it",
		}
	}
	l.start = arrowstream.Start{ID: l.manifest.ID, Plan: items, Past: true}
	for i, n := range l.index.commits {
		if n == from {
			c := n.commit(n.epoch)
			l.start.Last = &c
			l.index.commits = l.index.commits[:i+1]
		}
	}
	if from == nil {
		l.index.commits = nil
	}
	return pastLog{l}, nil
}

// pastLog reads states, and writes nothing.
type pastLog struct{ *epochLog }

var errPast = errors.New("state: the past cannot be written")

// Outbox implements [arrowstream.EpochLog]; nobody asks for one.
func (pastLog) Outbox(string, arrowstream.Epoch) arrowstream.Outbox { return nil }

// Commit implements [arrowstream.EpochLog].
func (pastLog) Commit(context.Context, arrowstream.Commit, []arrowstream.StageState) error {
	return errPast
}

// Published implements [arrowstream.EpochLog].
func (pastLog) Published(string, arrowstream.Epoch) error { return errPast }

// Plan implements [arrowstream.Recorder].
func (pastLog) Plan(arrowstream.Epoch, []byte) error { return errPast }

// Journal implements [arrowstream.Journaling]: the journal as far as it is there.
func (l pastLog) Journal(source string, o arrowstream.JournalOptions) (arrowstream.Journal, int64, error) {
	j, err := l.journal(source, o)
	if err != nil {
		return nil, 0, err
	}
	names, err := j.folder.FS.List(j.dir)
	if err != nil {
		return nil, 0, unusable("list "+j.dir, err)
	}
	if j.chain = journalChain(names, journalSuffix); len(j.chain) == 0 {
		return nil, 0, damaged(j.dir, flaw{-1, "it has no segment"}, 0)
	}
	last := j.chain[len(j.chain)-1]
	seg, err := j.readFile(last, journalSuffix)
	if err != nil {
		return nil, 0, err
	}
	j.end = last.start + seg.end - headerSize
	j.durable = j.end
	l.journals[source] = j
	return pastJournal{j}, j.chain[0].start, nil
}

// Close implements [arrowstream.EpochLog].
func (l pastLog) Close() error {
	var err error
	for _, j := range l.journals {
		err = errors.Join(err, j.cursor.close())
	}
	return err
}

// pastJournal is a journal that is only read.
type pastJournal struct{ *journal }

// Append implements [arrowstream.Journal].
func (pastJournal) Append(context.Context, arrowstream.JournalEntry) (int64, error) {
	return 0, errPast
}

// Sync implements [arrowstream.Journal]: there is nothing to sync.
func (pastJournal) Sync(context.Context, int64) error { return nil }

// Release implements [arrowstream.Journal]: everything stays.
func (pastJournal) Release(int64) error { return nil }
