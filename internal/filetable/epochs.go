package filetable

import (
	"errors"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/epochfile"
)

// With epochs a file is hidden until it is full, old enough or the input has
// ended; see epochfile. Streams take epochs too, but their rows are out as soon
// as they are written, so that a crash repeats some.

// Resume is that of [arrowstream.Committer].
func (r *Result) Resume(job arrowstream.Start, prepared []byte) error {
	if r.begin(true); r.target == nil {
		return nil
	}
	saved, err := r.target.Resume(job, prepared)
	if err != nil {
		return err
	}
	for _, s := range saved {
		err = errors.Join(err, r.carry(s), s.Close())
	}
	return err
}

// carry goes on with a file that was open at the last commit.
func (r *Result) carry(s *epochfile.Saved) error {
	if r.Carry == nil {
		f, err := r.target.Carry(s)
		if err == nil {
			r.attach(f)
		}
		return err
	}
	f, err := r.target.Renew(s)
	if err != nil {
		return err
	}
	r.attach(f)
	if err := r.head(); err != nil {
		return err
	}
	return r.wrap("go on with", r.Carry(s))
}

// Conclude is that of [arrowstream.Concluder].
func (r *Result) Conclude(ended bool) {
	if r.target != nil {
		r.target.Conclude(ended)
	}
}

// Waiting is that of [arrowstream.Concluder].
func (r *Result) Waiting() bool { return r.target != nil && r.target.Waiting() }

// Prepare is that of [arrowstream.Committer].
func (r *Result) Prepare(e arrowstream.Epoch) ([]byte, error) {
	if r.target == nil {
		return nil, r.Flush()
	}
	for _, p := range r.sorted() {
		var err error
		if r.target.Due(p.file) {
			err = r.finish(p)
		} else {
			err = r.wrap("write", p.pack.Cut())
		}
		if err != nil {
			return nil, err
		}
	}
	if r.target.Final() {
		if err := r.finishEmpty(); err != nil {
			return nil, err
		}
	}
	return r.target.Prepare(e)
}

// Commit is that of [arrowstream.Committer].
func (r *Result) Commit(e arrowstream.Epoch, prepared []byte) error {
	if r.target == nil {
		return nil
	}
	return r.target.Commit(e, prepared)
}
