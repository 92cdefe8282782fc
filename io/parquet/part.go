package parquet

import (
	"maps"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/hive"
)

// part is a file being written, one per k=v directory.
type part struct {
	key    string // path of the k=v directories, "" without
	file   *fileWriter
	used   int64
	bucket int64 // interval of the event time, for rolling
	timed  bool
}

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
		limit = int(min(int64(limit), s.RollRows-w.f.Rows))
	}
	to = min(to, from+limit, from+pageStep-w.enc.rows%pageStep)
	if err := w.write(rec, from, to); err != nil {
		return 0, err
	}
	if w.enc.rows >= groupRows || w.enc.rows%pageStep == 0 && w.enc.bytes() >= maxGroupBytes {
		if err := w.endGroup(); err != nil {
			return 0, err
		}
		if size := s.target.RollSize(); size > 0 && w.f.Size() >= size {
			return to, s.finishPart(p)
		}
	}
	if s.RollRows > 0 && w.f.Rows >= s.RollRows {
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
		limit = hive.DefaultMaxOpen
	}
	if len(s.parts) >= limit {
		if err := s.finishPart(s.oldest()); err != nil {
			return nil, err
		}
	}
	enc, err := s.encoder()
	if err != nil {
		return nil, err
	}
	f, err := s.target.Create(key)
	if err != nil {
		s.encoders = append(s.encoders, enc)
		return nil, err
	}
	w, err := createFile(f, enc)
	if err != nil {
		s.encoders = append(s.encoders, enc)
		f.Abandon()
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

// finishPart makes the file of a part whole and durable; it becomes visible at
// once without epochs, unless it is the only one.
func (s *Sink) finishPart(p *part) error {
	if err := p.file.finish(); err != nil {
		return err // the part stays for Abort
	}
	delete(s.parts, p.key)
	s.encoders = append(s.encoders, p.file.enc)
	if s.target.Epochs() || s.single {
		return nil
	}
	return s.target.Publish()
}

// sorted lists the parts in the order of their directories.
func (s *Sink) sorted() []*part {
	var parts []*part
	for _, key := range slices.Sorted(maps.Keys(s.parts)) {
		parts = append(parts, s.parts[key])
	}
	return parts
}

// finishEmpty makes a file without rows if there would be no file at all.
func (s *Sink) finishEmpty() error {
	if len(s.Partition) > 0 || !s.target.WantsEmpty() {
		return nil
	}
	p, err := s.open("")
	if err != nil {
		return err
	}
	return s.finishPart(p)
}
