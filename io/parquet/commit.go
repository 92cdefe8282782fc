package parquet

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/arrowstream/arrowstream"
)

// Resume implements arrowstream.Committer. Files that were open go on: their
// bytes are copied and their row groups known from the notes (note.go).
func (s *Sink) Resume(ctx context.Context, job arrowstream.Start, prepared []byte) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	return s.keep(s.resume(job, prepared))
}

func (s *Sink) resume(job arrowstream.Start, prepared []byte) error {
	saved, err := s.target.Resume(job, prepared)
	if err != nil {
		return err
	}
	defer func() {
		for _, f := range saved {
			_ = f.Close() // it was only read
		}
	}()
	if job.Last == nil {
		return s.checkTarget()
	}
	for _, old := range saved {
		f, err := s.target.Carry(old)
		if err != nil {
			return err
		}
		enc, err := s.encoder()
		if err != nil {
			return err
		}
		p := &part{key: old.Sub, file: &fileWriter{f: f, enc: enc}}
		s.parts[p.key] = p
		last, err := p.file.recall(old, old.Extra)
		if err != nil {
			return &arrowstream.Error{Code: "AS5003", Msg: "parquet: a file with committed rows cannot be gone on with", Err: err}
		}
		p.bucket, p.timed = last.Bucket, last.Timed
	}
	return nil
}

// Conclude implements arrowstream.Concluder.
func (s *Sink) Conclude(_ context.Context, ended bool) error {
	s.target.Conclude(ended)
	return nil
}

// Waiting implements arrowstream.Concluder.
func (s *Sink) Waiting() bool { return s.target.Waiting() }

// Prepare implements arrowstream.Committer. Files that are large or old enough
// are finished; of the others the row group is.
func (s *Sink) Prepare(ctx context.Context, e arrowstream.Epoch) ([]byte, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	token, err := s.prepare(e)
	return token, s.keep(err)
}

func (s *Sink) prepare(e arrowstream.Epoch) ([]byte, error) {
	for _, p := range s.sorted() {
		if s.target.Due(p.file.f) {
			if err := s.finishPart(p); err != nil {
				return nil, err
			}
			continue
		}
		if err := p.file.jot(); err != nil {
			return nil, err
		}
		n := p.file.note
		n.Bucket, n.Timed = p.bucket, p.timed
		var err error
		if p.file.f.Extra, err = json.Marshal(n); err != nil {
			return nil, fmt.Errorf("parquet: %w", err)
		}
	}
	if s.target.Final() {
		if err := s.finishEmpty(); err != nil {
			return nil, err
		}
	}
	return s.target.Prepare(e)
}

// Commit implements arrowstream.Committer. It works as well in a process that
// did not prepare the epoch, and while Write is at work.
func (s *Sink) Commit(_ context.Context, e arrowstream.Epoch, prepared []byte) error {
	return s.target.Commit(e, prepared)
}
