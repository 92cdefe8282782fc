package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// journalFiles are the segments and the keys of the journal of a source, as far
// as they count; none if there is no journal.
func (d Dir) journalFiles(uid string) (segments, keys []span, err error) {
	names, err := d.FS.List(d.at(journalPath(uid)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, unusable("list "+d.at(journalPath(uid)), err)
	}
	return journalChain(names, journalSuffix), journalChain(names, keysSuffix), nil
}

// verifyJournal reads the journal of a source and adds what it finds to c.
func (d Dir) verifyJournal(ctx context.Context, m *manifest, uid string, c *Checked) error {
	segments, keys, err := d.journalFiles(uid)
	if err != nil {
		return err
	}
	j := &journal{log: &epochLog{manifest: m}, folder: d, uid: uid, dir: d.at(journalPath(uid))}
	look := func(s span, suffix string, until int64) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		c.Files++
		seg, err := j.readFile(s, suffix)
		var bad *Damage
		if err != nil && !errors.As(err, &bad) {
			return err
		}
		c.Bytes += seg.end
		if bad == nil && s.start+seg.end-headerSize < until {
			bad = &Damage{File: j.path(s, suffix), Offset: seg.end, Reason: fmt.Sprintf("the next segment begins at byte %d", until)}
		}
		if bad != nil {
			c.Damaged = append(c.Damaged, bad)
		}
		return nil
	}
	for i, s := range segments {
		until := s.start
		if i+1 < len(segments) {
			until = segments[i+1].start
		}
		if err := look(s, journalSuffix, until); err != nil {
			return err
		}
	}
	for _, s := range keys {
		if err := look(s, keysSuffix, 0); err != nil {
			return err
		}
	}
	return nil
}

// linkJournals gives the journals of d to the store at to: nothing is appended
// to these files any more, as the job is not at work and its next process begins
// new ones.
func (d Dir) linkJournals(ctx context.Context, to Dir, m *manifest) error {
	for _, p := range m.Sources {
		segments, keys, err := d.journalFiles(p.UID)
		if err != nil {
			return err
		}
		if len(segments) == 0 {
			continue
		}
		dir := journalPath(p.UID)
		if err := makeDir(d.FS, to.at(dir)); err != nil {
			return unusable("make "+to.at(dir), err)
		}
		link := func(list []span, suffix string) error {
			for _, s := range list {
				if err := ctx.Err(); err != nil {
					return err
				}
				name := filepath.Join(dir, journalFile(s.start, s.incarnation, suffix))
				if err := d.FS.Link(d.at(name), to.at(name)); err != nil {
					return unusable("link "+d.at(name), err)
				}
			}
			return nil
		}
		if err := errors.Join(link(segments, journalSuffix), link(keys, keysSuffix)); err != nil {
			return err
		}
		for _, name := range []string{dir, journalDir} {
			if err := d.FS.SyncDir(to.at(name)); err != nil {
				return unusable("sync "+to.at(name), err)
			}
		}
	}
	return nil
}
