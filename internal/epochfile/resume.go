package epochfile

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/arrowstream/arrowstream"
)

// Saved is a file that was open at the last commit.
type Saved struct {
	Sub   string
	Rows  int64
	Extra []byte
	// Reader yields the bytes that count.
	*io.SectionReader

	f     *os.File
	entry openEntry
}

// Close gives the old file up.
func (s *Saved) Close() error { return s.f.Close() }

// Resume brings epochs in and returns the files that were open at the last
// commit, for the connector to Carry on and Close. Hidden files of the job that
// were begun after it are removed, those of other jobs are left alone.
func (t *Target) Resume(start arrowstream.Start, prepared []byte) ([]*Saved, error) {
	tok, err := t.decode(prepared)
	if err != nil {
		return nil, err
	}
	t.epochs, t.epoch = true, 1
	t.job = start.ID[:min(8, len(start.ID))]
	if start.Last != nil {
		t.epoch, t.waits = start.Last.Epoch+1, tok.Waits
	}
	if t.cfg.Single != "" && start.Unbounded {
		return nil, &arrowstream.Error{
			Code: "AS1504", Msg: fmt.Sprintf("%s: %s is one file, which is whole when the input has ended, but the input has no end", t.cfg.Connector, filepath.Join(t.cfg.Dir, t.cfg.Single)),
			Hint: "name a directory, with a slash at its end: files in it become visible one after another",
		}
	}
	if err := t.sweep(); err != nil {
		return nil, err
	}
	var saved []*Saved
	for _, o := range tok.Open {
		s, err := t.saved(o)
		if err != nil {
			for _, s := range saved {
				_ = s.Close()
			}
			return nil, err
		}
		saved = append(saved, s)
	}
	return saved, nil
}

// saved opens a file that was open at the last commit.
func (t *Target) saved(o openEntry) (*Saved, error) {
	path := filepath.Join(t.dir(o.Sub), hidden(o.Name))
	f, err := t.cfg.Access.Open(path)
	if err != nil {
		return nil, t.damaged(path, "it cannot be opened", err)
	}
	info, err := f.Stat()
	if err == nil && info.Size() < o.Bytes {
		err = fmt.Errorf("it has %d bytes, %d were committed", info.Size(), o.Bytes)
	}
	if err != nil {
		return nil, errors.Join(t.damaged(path, "it cannot be gone on with", err), f.Close())
	}
	return &Saved{Sub: o.Sub, Rows: o.Rows, Extra: o.Extra, SectionReader: io.NewSectionReader(f, 0, o.Bytes), f: f, entry: o}, nil
}

func (t *Target) damaged(path, what string, err error) error {
	return &arrowstream.Error{Code: "AS5003", Msg: fmt.Sprintf("%s: %s holds committed rows: %s", t.cfg.Connector, path, what), Err: err}
}

// Renew begins the file that goes on with s in this process; the connector
// fills it with the rows of s. Their bytes are compared with their checksum.
func (t *Target) Renew(s *Saved) (*File, error) {
	sum := crc32.New(castagnoli)
	if _, err := io.Copy(sum, io.NewSectionReader(s.f, 0, s.entry.Bytes)); err != nil {
		return nil, t.wrap(err)
	}
	if err := t.check(s, sum.Sum32()); err != nil {
		return nil, err
	}
	return t.renew(s)
}

// Carry is Renew and fills the file with the bytes of s. Its cost is that of a
// copy.
func (t *Target) Carry(s *Saved) (*File, error) {
	f, err := t.renew(s)
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyBuffer(f, s.SectionReader, make([]byte, 1<<20)); err != nil {
		return nil, t.wrap(err)
	}
	return f, t.check(s, f.crc)
}

func (t *Target) renew(s *Saved) (*File, error) {
	f, err := t.Create(s.Sub)
	if err != nil {
		return nil, err
	}
	f.Rows, f.since, f.Extra = s.Rows, s.entry.Since, s.Extra
	t.sight()
	t.drop = append(t.drop, filepath.Join(filepath.FromSlash(s.Sub), hidden(s.entry.Name)))
	return f, nil
}

func (t *Target) check(s *Saved, sum uint32) error {
	if sum == s.entry.CRC {
		return nil
	}
	return t.damaged(s.f.Name(), fmt.Sprintf("their checksum is %08x, not %08x", sum, s.entry.CRC), nil)
}

// sweep removes what was begun after the last commit.
func (t *Target) sweep() error {
	prefix := "part-" + t.job + "-"
	err := t.cfg.Access.WalkDir(t.cfg.Dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		name, secret := strings.CutSuffix(strings.TrimPrefix(d.Name(), "."), t.cfg.Extension+".inprogress")
		rest, ours := strings.CutPrefix(name, prefix)
		digits, _, _ := strings.Cut(rest, "-")
		epoch, bad := strconv.ParseUint(digits, 10, 64)
		if !ours || bad != nil || len(digits) != 20 || arrowstream.Epoch(epoch) < t.epoch {
			return nil
		}
		switch {
		case secret && d.Name()[0] == '.':
			if err := t.step("remove", path); err != nil {
				return err
			}
			return t.cfg.Access.Remove(path)
		case d.Name()[0] != '.' && strings.HasSuffix(d.Name(), t.cfg.Extension):
			return &arrowstream.Error{
				Code: "AS5009", Msg: fmt.Sprintf("%s: %s holds rows of epoch %d of this job, whose state ends at epoch %d", t.cfg.Connector, path, epoch, t.epoch-1),
				Hint: "the state is older than the output: move the files of later epochs away, they are written again",
			}
		}
		return nil
	})
	var known *arrowstream.Error
	if errors.As(err, &known) {
		return err
	}
	return t.wrap(err)
}
