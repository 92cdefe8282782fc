package mlkernels

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/arrowstream/arrowstream"
)

// A model file is magic, format version, body, checksum (CRC-32C of all before
// it). The body is written by stateWriter: the description of the model, the
// fingerprint (features with kinds and lengths, label and classes), the
// counters, the state of the learner. A model with a transformation has it behind
// the description, in version 3; one without is the same in version 2.
const (
	magic            = "ASMODEL\x00"
	formatVersion    = 2
	transformVersion = 3
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// MarshalBinary is the whole model as the bytes of a model file.
func (m *Model) MarshalBinary() ([]byte, error) {
	if m.enc == nil {
		return nil, &arrowstream.Error{Code: "AS7015", Msg: "the model has not been bound to its columns"}
	}
	w := &stateWriter{buf: []byte(magic)}
	if m.spec.Transform == "" {
		w.int(formatVersion)
	} else {
		w.int(transformVersion)
	}
	w.text(m.spec.Type)
	if m.spec.save(w); m.spec.Transform != "" {
		w.text(m.spec.Transform)
	}
	w.bool(m.labels != nil)
	if m.labels != nil {
		m.labels.save(w)
	}
	m.enc.save(w)
	w.ints([]int64{m.count.Seen, m.count.Scored, m.count.Unscored, m.count.Skipped, m.count.Learned})
	w.bool(m.bound)
	if m.bound {
		state, err := m.learner.MarshalBinary()
		if err != nil {
			return nil, err
		}
		w.bytes(state)
	}
	sum := checksum(w.buf)
	return append(w.buf, sum[:]...), nil
}

// checksum is the CRC-32C of data, little-endian.
func checksum(data []byte) (sum [4]byte) {
	binary.LittleEndian.PutUint32(sum[:], crc32.Checksum(data, castagnoli))
	return sum
}

// UnmarshalModel is the inverse of MarshalBinary.
func UnmarshalModel(data []byte) (*Model, error) {
	if len(data) < len(magic)+5 || string(data[:len(magic)]) != magic {
		return nil, &arrowstream.Error{Code: "AS7030", Msg: "not a model file", Hint: "models are written by mlkernels.Save and CREATE MODEL"}
	}
	r := &stateReader{buf: data[len(magic) : len(data)-4]}
	version := r.int()
	if r.err == nil && version != formatVersion && version != transformVersion {
		return nil, &arrowstream.Error{Code: "AS7031", Msg: fmt.Sprintf("the model file has format version %d, this program reads versions %d and %d", version, formatVersion, transformVersion), Hint: "read it with the version that wrote it, or train again"}
	}
	if checksum(data[:len(data)-4]) != [4]byte(data[len(data)-4:]) {
		return nil, &arrowstream.Error{Code: "AS7032", Msg: "the model file is damaged: its checksum does not match"}
	}
	spec := Spec{Type: r.text()}
	if spec.load(r); version == transformVersion {
		spec.Transform = r.text()
	}
	if r.err != nil {
		return nil, r.err
	}
	m, err := NewModel(spec)
	if err != nil {
		return nil, err
	}
	if r.bool() {
		m.labels = &labels{task: m.kind.Task, skip: spec.UnknownClass == "skip"}
		m.labels.load(r)
	}
	m.enc = newEncoder(&m.spec)
	m.enc.load(r)
	count := r.ints()
	if r.err != nil || len(count) != 5 || m.kind.Task != Clustering && m.labels == nil {
		return nil, errors.Join(errState, r.err)
	}
	m.count = Counters{Seen: count[0], Scored: count[1], Unscored: count[2], Skipped: count[3], Learned: count[4]}
	if bound := r.bool(); bound {
		state := r.bytes()
		if int64(len(state)) < m.leastState() {
			return nil, errState
		}
		if err := m.bindLearner(); err != nil {
			return nil, err
		}
		if err := m.learner.UnmarshalBinary(state); err != nil {
			return nil, err
		}
	}
	return m, r.close()
}

// leastState is the least length of the state of the learner, so that a
// damaged file does not ask for memory it cannot fill.
func (m *Model) leastState() int64 {
	dense, width := m.enc.shape()
	if k, ok := m.learner.(*kmeans); ok {
		return 8 * int64(dense) * int64(k.k)
	}
	if m.kind.Task == Classification && m.labels.discover {
		return 0
	}
	return 8 * int64(dense+width)
}

func (s *Spec) save(w *stateWriter) {
	w.texts(s.Features)
	for _, t := range []string{s.Label, s.Weight, string(s.Policy), s.UnknownClass, s.Encoding} {
		w.text(t)
	}
	w.texts(s.Classes)
	w.bool(s.DiscoverClasses)
	for _, n := range []int64{int64(s.HashBuckets), int64(s.MaxCategories), int64(s.Seed), int64(s.PublishEvery)} {
		w.int(n)
	}
	w.int(int64(len(s.Options)))
	for _, k := range slices.Sorted(maps.Keys(s.Options)) {
		w.text(k)
		w.text(s.Options[k])
	}
}

func (s *Spec) load(r *stateReader) {
	s.Features = r.texts()
	s.Label, s.Weight, s.Policy, s.UnknownClass, s.Encoding = r.text(), r.text(), Policy(r.text()), r.text(), r.text()
	s.Classes = r.texts()
	s.DiscoverClasses = r.bool()
	s.HashBuckets, s.MaxCategories, s.Seed, s.PublishEvery = int(r.int()), int(r.int()), uint64(r.int()), time.Duration(r.int())
	s.Options = map[string]string{}
	for range r.length(2) {
		k := r.text()
		s.Options[k] = r.text()
	}
}

// Save writes a model file, which a may forbid. It appears under its name whole
// or not at all.
func Save(a *arrowstream.Access, path string, m *Model) (err error) {
	data, err := m.MarshalBinary()
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := a.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("mlkernels: save %s: %w", path, err)
	}
	f, err := a.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("mlkernels: save %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			a.Remove(f.Name())
			err = fmt.Errorf("mlkernels: save %s: %w", path, err)
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = a.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := a.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Load reads a model file, which a may forbid.
func Load(a *arrowstream.Access, path string) (*Model, error) {
	data, err := a.ReadFile(path)
	if no := arrowstream.Refused(err); no != nil {
		return nil, no
	}
	if err != nil {
		return nil, &arrowstream.Error{Code: "AS7033", Msg: fmt.Sprintf("model %q", path), Err: err}
	}
	m, err := UnmarshalModel(data)
	if err != nil {
		return nil, fmt.Errorf("mlkernels: load %s: %w", path, err)
	}
	return m, nil
}
