package state

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
)

// found is look for a store that has to be there.
func (s Bucket) found(ctx context.Context) (*chainRead, error) {
	r, err := s.look(ctx)
	if err == nil && r.manifest == nil {
		err = fmt.Errorf("state: %s: %w", s.URL, ErrNone)
	}
	return r, err
}

// Inspect is that of a [Dir].
func (s Bucket) Inspect(ctx context.Context) (*Info, error) {
	s = s.withDefaults()
	r, err := s.found(ctx)
	if err != nil {
		return nil, err
	}
	info := r.manifest.info(s.URL, &r.index, r.incarnation)
	names := map[string]bool{}
	err = s.Objects.List(ctx, savepointsDir+"/", func(name string, _ int64) bool {
		name, _, _ = strings.Cut(strings.TrimPrefix(name, savepointsDir+"/"), "/")
		names[name] = true
		return true
	})
	if err != nil {
		return nil, unusable("list "+s.at(savepointsDir), err)
	}
	for name := range names {
		info.Savepoints = append(info.Savepoints, name)
	}
	slices.Sort(info.Savepoints)
	return info, nil
}

// States is that of a [Dir].
func (s Bucket) States(ctx context.Context, uid string, mem memory.Allocator) iter.Seq2[StateBatch, error] {
	return func(yield func(StateBatch, error) bool) {
		s := s.withDefaults()
		r, err := s.found(ctx)
		if err != nil {
			yield(StateBatch{}, err)
			return
		}
		s.store(nil).states(r.manifest, &r.index, uid, mem, yield)
	}
}

// Verify is that of a [Dir].
func (s Bucket) Verify(ctx context.Context) (*Checked, error) {
	s = s.withDefaults()
	ls, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	r, err := s.read(ctx, ls)
	if err != nil {
		return nil, err
	}
	if r.manifest == nil {
		return nil, fmt.Errorf("state: %s: %w", s.URL, ErrNone)
	}
	return s.store(nil).verifyAll(ctx, &r.index)
}

// Diff is that of a [Dir].
func (s Bucket) Diff(ctx context.Context, job arrowstream.Job) (Diff, error) {
	s = s.withDefaults()
	r, err := s.found(ctx)
	if err != nil {
		return Diff{}, err
	}
	m, err := newManifest(job, 0)
	if err != nil {
		return Diff{}, err
	}
	return compare(r.manifest, m), nil
}

// Savepoint keeps the last commit under a name: below savepoints, a store
// complete in itself, whose objects are copies. A job goes on from it, or from a
// copy of it, by its URL. The head is written last, so that an attempt that is
// cut short is no store; one that a job at work disturbs is an error.
func (s Bucket) Savepoint(ctx context.Context, name string) (url string, e arrowstream.Epoch, err error) {
	s = s.withDefaults()
	if name == "" || escape(name) != name {
		return "", 0, fmt.Errorf("state: %q cannot be the name of a savepoint: use letters, digits, - and _", name)
	}
	prefix := savepointsDir + "/" + name + "/"
	to := s
	to.URL, to.Objects = s.URL+"/"+strings.TrimSuffix(prefix, "/"), below{s.Objects, prefix}
	r, err := s.found(ctx)
	if err != nil {
		return "", 0, err
	}
	if r.last() == nil {
		return "", 0, fmt.Errorf("state: %s has no commit yet", s.URL)
	}
	x := r.needed(r.manifest)
	for _, n := range x.commits {
		for _, f := range n.files() {
			b, err := getObject(ctx, s.Objects, f.name, f.Bytes)
			if err == nil {
				err = to.Objects.Put(ctx, f.name, b, false)
			}
			if err != nil {
				return "", 0, unusable("copy "+s.at(f.name), err)
			}
		}
	}
	log := &objectLog{bucket: to, manifest: r.manifest.upgraded(), incarnation: r.incarnation}
	taken, err := log.begin(ctx, 1, &x)
	if err == nil && taken != nil {
		err = errors.New("state: there is a savepoint " + to.URL + " already")
	}
	return to.URL, x.lastEpoch(), err
}
