package parquet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
)

// part is a file being written, one per k=v directory.
type part struct {
	key    string // path of the k=v directories, "" without
	file   *fileWriter
	used   int64
	bucket int64 // interval of the event time, for rolling
	timed  bool
}

// stagedFile is a finished file and the name it will get.
type stagedFile struct{ temp, final string }

// writeTo writes rows to the file of a directory. times are the event times of
// the rows, needed when files roll by them.
func (s *Sink) writeTo(key string, b arrow.Record, cols []arrow.Array, times []int64) error {
	rec := array.NewRecord(s.schema.arrow, cols, b.NumRows())
	defer rec.Release()
	if s.RollInterval > 0 && times == nil {
		times = eventMicros(b.Column(s.event), nil)
	}
	n := int(rec.NumRows())
	for from := 0; from < n; {
		p, err := s.open(key)
		if err != nil {
			return err
		}
		to := n
		if times != nil {
			to = from + p.sameBucket(times[from:n], s.RollInterval.Microseconds())
		}
		if to == from {
			if err := s.finishPart(p); err != nil {
				return err
			}
			continue
		}
		if to, err = s.writeSome(p, rec, from, to); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// writeSome writes some rows: up to a multiple of pageStep, so that sizes are
// looked at after the same rows however these come in batches. It ends the row
// group and the file when they are full. It returns the row after the last written.
func (s *Sink) writeSome(p *part, rec arrow.Record, from, to int) (int, error) {
	w := p.file
	groupRows := s.RowGroupRows
	if groupRows == 0 {
		groupRows = defaultGroupRows
	}
	limit := groupRows - w.enc.rows
	if s.RollRows > 0 {
		limit = int(min(int64(limit), s.RollRows-w.rows))
	}
	to = min(to, from+limit, from+pageStep-w.enc.rows%pageStep)
	if err := w.write(rec, from, to); err != nil {
		return 0, err
	}
	if w.enc.rows >= groupRows || w.enc.rows%pageStep == 0 && w.enc.bytes() >= maxGroupBytes {
		if err := w.endGroup(); err != nil {
			return 0, err
		}
		if s.RollSize > 0 && w.offset >= s.RollSize {
			return to, s.finishPart(p)
		}
	}
	if s.RollRows > 0 && w.rows >= s.RollRows {
		return to, s.finishPart(p)
	}
	return to, nil
}

// sameBucket is how many of the rows belong to the interval of the file. Late
// rows, and rows without event time, stay in it.
func (p *part) sameBucket(times []int64, interval int64) int {
	for i, t := range times {
		if t == noTime {
			continue
		}
		bucket := columnar.FloorDiv(t, interval)
		if !p.timed {
			p.timed, p.bucket = true, bucket
		}
		if bucket > p.bucket {
			return i
		}
	}
	return len(times)
}

// open returns the file that rows of a directory go to.
func (s *Sink) open(key string) (*part, error) {
	s.used++
	if p, ok := s.parts[key]; ok {
		p.used = s.used
		return p, nil
	}
	limit := s.MaxOpen
	if limit == 0 {
		limit = 64
	}
	if len(s.parts) >= limit {
		if err := s.finishPart(s.oldest()); err != nil {
			return nil, err
		}
	}
	dir := filepath.Join(s.dir, filepath.FromSlash(key))
	if key != "" {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("parquet: %w", err)
		}
	}
	seq, err := s.nextSeq(dir)
	if err != nil {
		return nil, err
	}
	enc, err := s.encoder()
	if err != nil {
		return nil, err
	}
	w, err := createFile(filepath.Join(dir, fmt.Sprintf(".part-%s-%06d.parquet.inprogress", s.name(), seq)), enc)
	if err != nil {
		s.encoders = append(s.encoders, enc)
		if w != nil {
			err = errors.Join(err, w.abandon())
		}
		return nil, err
	}
	p := &part{key: key, file: w, used: s.used}
	s.parts[key] = p
	return p, nil
}

func (s *Sink) encoder() (*encoder, error) {
	if n := len(s.encoders); n > 0 {
		e := s.encoders[n-1]
		s.encoders = s.encoders[:n-1]
		return e, nil
	}
	return newEncoder(s.schema, s.Compression, s.CompressionLevel)
}

// oldest is the part that was not used for the longest time.
func (s *Sink) oldest() *part {
	var out *part
	for _, p := range s.parts {
		if out == nil || p.used < out.used {
			out = p
		}
	}
	return out
}

var unsafeName = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// name is the name of the sink as part of file names.
func (s *Sink) name() string {
	n := strings.Trim(unsafeName.ReplaceAllString(s.env.Name, "_"), "._")
	if n == "" {
		return "0"
	}
	return n
}

// nextSeq is a number that no file of a directory has.
func (s *Sink) nextSeq(dir string) (int, error) {
	if _, ok := s.seq[dir]; !ok {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return 0, fmt.Errorf("parquet: %w", err)
		}
		prefix := "part-" + s.name() + "-"
		for _, e := range entries {
			rest, ok := strings.CutPrefix(e.Name(), prefix)
			if !ok {
				continue
			}
			digits, _, _ := strings.Cut(rest, ".")
			if n, err := strconv.Atoi(digits); err == nil {
				s.seq[dir] = max(s.seq[dir], n)
			}
		}
	}
	s.seq[dir]++
	return s.seq[dir], nil
}

// finishPart makes the file of a part whole and durable; it stays hidden unless
// files become visible one by one.
func (s *Sink) finishPart(p *part) error {
	delete(s.parts, p.key)
	s.encoders = append(s.encoders, p.file.enc)
	temp := p.file.f.Name()
	if err := p.file.finish(); err != nil {
		p.file.enc.reset()
		return errors.Join(err, os.Remove(temp))
	}
	final := filepath.Join(filepath.Dir(temp), strings.TrimSuffix(strings.TrimPrefix(filepath.Base(temp), "."), ".inprogress"))
	if s.single {
		final = s.Path
	}
	s.pending = append(s.pending, stagedFile{temp: temp, final: final})
	if s.epochs || s.single {
		return nil
	}
	return s.publishPending()
}

// finishParts finishes all parts, in the order of their directories.
func (s *Sink) finishParts() error {
	var keys []string
	for k := range s.parts {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		if err := s.finishPart(s.parts[k]); err != nil {
			return err
		}
	}
	return nil
}

// publishPending gives the finished files their names. The files they replace
// go just before.
func (s *Sink) publishPending() error {
	files := s.pending
	s.pending = nil
	return s.publish(files)
}

func (s *Sink) publish(files []stagedFile) error {
	for _, old := range s.old {
		if err := os.Remove(old); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("parquet: %w", err)
		}
	}
	s.old = nil
	dirs := map[string]bool{}
	for _, f := range files {
		if err := os.Rename(f.temp, f.final); err != nil {
			return fmt.Errorf("parquet: %w", err)
		}
		dirs[filepath.Dir(f.final)] = true
		s.made++
	}
	var sorted []string
	for d := range dirs {
		sorted = append(sorted, d)
	}
	slices.Sort(sorted)
	for _, d := range sorted {
		if err := syncDir(d); err != nil {
			return err
		}
	}
	return nil
}
