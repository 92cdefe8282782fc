package state

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/failpoint"
)

// Commit implements [arrowstream.EpochLog]: the files of the epoch and their
// names, side by side, then one frame. Cost: the slowest file, one sync of the
// folders and one of the log.
func (l *epochLog) Commit(ctx context.Context, c arrowstream.Commit, states []arrowstream.StageState) error {
	err := l.commit(ctx, c, states)
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.fail(roomFor(states, err))
	}
	return nil
}

// roomFor adds to the error of a full disk how much an epoch may need: what it
// has in memory, as files are smaller.
func roomFor(states []arrowstream.StageState, err error) error {
	var e *arrowstream.Error
	if !full(err) || !errors.As(err, &e) || e.Hint != "" {
		return err
	}
	n := int64(1 << 20) // outboxes, log and folders
	for _, s := range states {
		for _, p := range s.Log {
			n += p.Bytes()
		}
		for _, b := range s.State {
			for _, c := range b.Columns() {
				n += int64(c.Data().SizeInBytes())
			}
		}
	}
	e.Hint = fmt.Sprintf("the job goes on from its last commit when there is room; the state of an epoch takes up to %d bytes", n)
	return err
}

// full reports whether an error says that there is no room.
func full(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

func (l *epochLog) commit(ctx context.Context, c arrowstream.Commit, states []arrowstream.StageState) error {
	l.mu.Lock()
	err, last := l.err, l.index.lastEpoch()
	l.mu.Unlock()
	if err != nil {
		return err
	}
	if c.Epoch != last+1 {
		return fmt.Errorf("state: epoch %d is to be committed after epoch %d", c.Epoch, last)
	}
	r := newRecord(c, l.clock.Now().Unix())
	if err := l.writeFiles(ctx, c.Epoch, states, r); err != nil {
		return err
	}
	failpoint.Hit(failpoint.StateSynced)
	if err := ctx.Err(); err != nil {
		return err
	}

	n := &entry{epoch: c.Epoch, incarnation: l.incarnation, record: r}
	gone, err := l.enter(n)
	if err != nil {
		return err
	}
	failpoint.Hit(failpoint.CommitAppend)
	if err := l.frames.sync(); err != nil {
		return err
	}
	failpoint.Hit(failpoint.CommitSynced)
	if err := l.frames.check(); err != nil {
		return err
	}
	l.mu.Lock()
	err = l.index.add(n)
	l.mu.Unlock()
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	if err := l.remove(gone); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	return l.frames.roll(&l.index)
}

// enter appends the frame of a commit, and returns the files that nobody needs
// any more when it is durable.
func (l *epochLog) enter(n *entry) (gone []file, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return nil, l.err
	}
	if err := l.frames.check(); err != nil {
		return nil, err
	}
	l.expire(n)
	if n.payload, err = n.encode(); err != nil {
		return nil, fmt.Errorf("state: epoch %d: %w", n.epoch, err)
	}
	return l.gone(n), l.frames.append(frame{kind: frameCommit, epoch: n.epoch, payload: n.payload})
}

// writeFiles writes the states and ends the outboxes of an epoch, makes all of
// them durable and enters them in r.
func (l *epochLog) writeFiles(ctx context.Context, e arrowstream.Epoch, states []arrowstream.StageState, r *record) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(l.parallel)
	var mu sync.Mutex // of r and dirs
	dirs := map[string]bool{}
	enter := func(name string, f fileRecord, in map[string]fileRecord, key string) {
		mu.Lock()
		defer mu.Unlock()
		in[key] = f
		dirs[filepath.Dir(name)] = true
	}
	seen := map[string]bool{}
	for _, s := range states {
		if find(l.manifest.Stages, s.UID) == nil || seen[s.UID] {
			return errors.Join(fmt.Errorf("state: %q is not one of the stages of the job, or twice", s.UID), g.Wait())
		}
		seen[s.UID] = true
		files := make(map[string]fileRecord, len(s.State)+len(s.Log))
		r.States = append(r.States, stateRecord{UID: s.UID, Delta: s.Delta, Files: files})
		for _, part := range slices.Sorted(maps.Keys(s.State)) {
			g.Go(func() error {
				if err := ctx.Err(); err != nil {
					return err
				}
				name := stateFile(s.UID, e, l.incarnation, part, s.Delta)
				f, err := l.writeBatch(name, s.State[part])
				enter(name, f, files, part)
				return err
			})
		}
		for _, part := range slices.Sorted(maps.Keys(s.Log)) {
			g.Go(func() error {
				name := stateFile(s.UID, e, l.incarnation, part, s.Delta)
				f, err := l.writePieces(ctx, name, s.Log[part])
				enter(name, f, files, part)
				return err
			})
		}
	}
	boxes := l.takeBoxes(e)
	if len(boxes) > 0 {
		r.Outbox = make(map[string]fileRecord, len(boxes))
	}
	for _, o := range boxes {
		g.Go(func() error {
			f, err := o.end()
			enter(o.name, f, r.Outbox, o.sink)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	g, _ = errgroup.WithContext(ctx)
	g.SetLimit(l.parallel)
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		g.Go(func() error {
			if err := l.SyncDir(l.at(dir)); err != nil {
				return l.fileError("sync", dir, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// writeBatch writes one batch of a state and makes its contents durable.
func (l *epochLog) writeBatch(name string, b arrowstream.Batch) (fileRecord, error) {
	a, err := createArrows(l, l.at(name), b.Schema(), true)
	if err != nil {
		return fileRecord{}, l.fileError("create", name, err)
	}
	if err := a.add(b); err != nil {
		a.abandon()
		return fileRecord{}, l.fileError("write", name, err)
	}
	return l.endArrows(a, name)
}

// writePieces writes what is added to a log and makes its contents durable.
func (l *epochLog) writePieces(ctx context.Context, name string, p arrowstream.Pieces) (fileRecord, error) {
	a, err := createArrows(l, l.at(name), p.Schema(), true)
	if err != nil {
		return fileRecord{}, l.fileError("create", name, err)
	}
	err = p.Each(func(b arrowstream.Batch) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := a.add(b); err != nil {
			return l.fileError("write", name, err)
		}
		return nil
	})
	if err != nil {
		a.abandon()
		return fileRecord{}, err
	}
	f, err := l.endArrows(a, name)
	f.Pieces = true
	return f, err
}

// endArrows ends a file of batches and makes its contents durable.
func (l *epochLog) endArrows(a *arrowsWriter, name string) (fileRecord, error) {
	f, err := a.finish()
	if err != nil {
		a.abandon()
		return f, l.fileError("write", name, err)
	}
	failpoint.Hit(failpoint.StateWrite)
	if err := a.sync(); err != nil {
		return f, l.fileError("sync", name, err)
	}
	return f, nil
}
