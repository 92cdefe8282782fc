package state

import (
	"context"
	"errors"
	"io/fs"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// Checked is what Verify has found.
type Checked struct {
	Commits int
	Files   int
	Bytes   int64
	// Last is the last commit, and Whole the newest of which everything is
	// there: the same if the store is in order.
	Last, Whole arrowstream.Epoch
	// Torn is how many bytes at the end of the log a crash has left: they are
	// cut when the store is opened.
	Torn int64
	// Damaged are the files that are not what was written.
	Damaged []*Damage
}

// Verify reads everything that a commit names, and the journals. Damage of a file is reported in
// the result; damage of the log or the manifest, which hides the rest, is the
// error. It changes nothing, and the job should not be at work meanwhile.
func (d Dir) Verify(ctx context.Context) (*Checked, error) {
	d = d.withDefaults()
	m, r, err := d.look()
	if err != nil {
		return nil, err
	}
	if _, err := readIncarnation(d.FS, d.Path); err != nil {
		return nil, err
	}
	c, err := d.store().verifyAll(ctx, &r.index)
	if err != nil {
		return nil, err
	}
	c.Torn = r.size - r.end
	for _, p := range m.Sources {
		if err := d.verifyJournal(ctx, m, p.UID, c); err != nil {
			return nil, err
		}
	}
	for _, bad := range c.Damaged {
		bad.Whole = c.Whole
	}
	return c, nil
}

// verifyAll reads every file that a commit of x names.
func (s store) verifyAll(ctx context.Context, r *index) (*Checked, error) {
	c := &Checked{Commits: len(r.commits), Last: r.lastEpoch()}
	good := map[string]bool{}
	check := func(f file) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		c.Files++
		c.Bytes += f.Bytes
		bad, err := s.check(f)
		if err != nil {
			return err
		}
		if bad != nil {
			c.Damaged = append(c.Damaged, &Damage{File: s.at(f.name), Offset: bad.at, Reason: bad.reason})
		}
		good[f.name] = bad == nil
		return nil
	}
	for _, n := range r.commits {
		for _, f := range n.files() {
			if err := check(f); err != nil {
				return nil, err
			}
		}
	}
	for i := len(r.commits) - 1; i >= 0 && c.Whole == 0; i-- {
		if r.whole(i, func(f file) bool { return good[f.name] }) {
			c.Whole = r.commits[i].epoch
		}
	}
	for _, bad := range c.Damaged {
		bad.Whole = c.Whole
	}
	return c, nil
}

// check reads and decodes a file.
func (s store) check(f file) (*flaw, error) {
	bad, err := verify(s, s.at(f.name), f.fileRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return &flaw{-1, "it is missing"}, nil
	}
	if err == nil && bad == nil {
		bad, err = readArrows(s, s.at(f.name), f.fileRecord, columnar.Pool, func(b arrowstream.Batch) bool {
			b.Release()
			return true
		})
	}
	if err != nil {
		return nil, unusable("read "+s.at(f.name), err)
	}
	return bad, nil
}
