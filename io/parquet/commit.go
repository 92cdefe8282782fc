package parquet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/arrowstream/arrowstream"
)

// With epochs, the files of epoch e are named after it and become visible in
// Commit: ".part-<sink>-<epoch:020>-<i>.parquet.inprogress" loses its dot and
// its ending. The names are all that is needed to do it again: a file that is
// gone under the hidden name has been committed.

// Prepare implements arrowstream.Committer.
func (s *Sink) Prepare(ctx context.Context, e arrowstream.Epoch) ([]byte, error) {
	return nil, s.prepare(ctx, e)
}

// Resume implements arrowstream.Committer: names tell all there is to know.
func (s *Sink) Resume(context.Context, arrowstream.Start, []byte) error { return nil }

func (s *Sink) prepare(ctx context.Context, e arrowstream.Epoch) error {
	if s.single {
		return &arrowstream.Error{Code: "AS1504", Msg: fmt.Sprintf("parquet: %s is one file, which cannot take epochs", s.Path), Hint: "name a directory"}
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	s.epochs = true
	if !s.prepared {
		if err := s.keep(s.prepareTarget()); err != nil {
			return err
		}
	}
	if err := s.keep(s.finishParts()); err != nil {
		return err
	}
	return s.keep(s.stage(e))
}

// stage names the finished files after their epoch. Leftovers of an earlier
// attempt at the epoch are removed first.
func (s *Sink) stage(e arrowstream.Epoch) error {
	left, err := s.hidden(e)
	if err != nil {
		return err
	}
	for _, f := range left {
		if err := os.Remove(f.temp); err != nil {
			return fmt.Errorf("parquet: %w", err)
		}
	}
	files := s.pending
	s.pending = nil
	var staged []stagedFile
	for i, f := range files {
		dir := filepath.Dir(f.temp)
		final := filepath.Join(dir, fmt.Sprintf("%s%06d.parquet", s.epochPrefix(e), i))
		temp := filepath.Join(dir, "."+filepath.Base(final)+".inprogress")
		if err := os.Rename(f.temp, temp); err != nil {
			return fmt.Errorf("parquet: %w", err)
		}
		if err := syncDir(dir); err != nil {
			return err
		}
		staged = append(staged, stagedFile{temp: temp, final: final})
	}
	s.staged[e] = staged
	s.lastOne = max(s.lastOne, e)
	return nil
}

func (s *Sink) epochPrefix(e arrowstream.Epoch) string {
	return fmt.Sprintf("part-%s-%020d-", s.name(), uint64(e))
}

// hidden lists the prepared files of an epoch.
func (s *Sink) hidden(e arrowstream.Epoch) ([]stagedFile, error) {
	var out []stagedFile
	prefix := "." + s.epochPrefix(e)
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !d.IsDir() && strings.HasPrefix(d.Name(), prefix) && strings.HasSuffix(d.Name(), ".inprogress") {
			name := strings.TrimSuffix(strings.TrimPrefix(d.Name(), "."), ".inprogress")
			out = append(out, stagedFile{temp: path, final: filepath.Join(filepath.Dir(path), name)})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	return out, nil
}

// Commit implements arrowstream.Committer. It works as well in a process that
// did not prepare the epoch.
func (s *Sink) Commit(ctx context.Context, e arrowstream.Epoch, _ []byte) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	s.epochs = true
	s.lastOne = max(s.lastOne, e)
	return s.keep(s.publishEpoch(e))
}

func (s *Sink) publishEpoch(e arrowstream.Epoch) error {
	files, ok := s.staged[e]
	if !ok {
		var err error
		if files, err = s.hidden(e); err != nil {
			return err
		}
	}
	delete(s.staged, e)
	return s.publish(files)
}
