package state

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/arrowstream/arrowstream"
)

// chainRead is the log of a bucket as it was found.
type chainRead struct {
	index
	manifest    *manifest // nil for a new store
	incarnation uint64
	head        uint64
	next        uint64  // the object that comes next
	bytes       []byte  // of the segment
	ends        []int64 // where the objects end in it
}

// add takes in the next object.
func (r *chainRead) add(b []byte) {
	r.bytes = append(r.bytes, b...)
	r.ends = append(r.ends, int64(len(r.bytes)))
	r.next++
}

// listing is what is in the store: the objects of the log in order, and the
// sizes of states and outboxes.
type listing struct {
	log   []uint64
	long  map[uint64]bool // those that do more than fence
	files map[string]int64
}

// witness finds the file of the latest epoch: see [Dir] for how far files are
// ahead of the log.
func (ls *listing) witness() (w witness, ok bool) {
	for name := range ls.files {
		ahead := arrowstream.Epoch(1)
		if strings.HasPrefix(name, outboxDir) {
			ahead = 2
		}
		if e, _, ok := parseName(path.Base(name), arrowsSuffix); ok && arrowstream.Epoch(e) > w.epoch+ahead {
			w = witness{epoch: arrowstream.Epoch(e) - ahead, name: name}
		}
	}
	return w, w.epoch > 0
}

// list lists the log first: what its objects name was written before them, and
// so is there when states and outboxes are listed.
func (s Bucket) list(ctx context.Context) (*listing, error) {
	ls := &listing{files: map[string]int64{}, long: map[uint64]bool{}}
	err := s.Objects.List(ctx, logDir+"/", func(name string, size int64) bool {
		if n, ok := parseLogObject(name); ok {
			ls.log = append(ls.log, n)
			ls.long[n] = size > headerSize
		}
		return true
	})
	for _, dir := range []string{stateDir, outboxDir} {
		if err == nil {
			err = s.Objects.List(ctx, dir+"/", func(name string, size int64) bool {
				ls.files[name] = size
				return true
			})
		}
	}
	if err != nil {
		return nil, unusable("list "+s.URL, err)
	}
	slices.Sort(ls.log)
	return ls, nil
}

// look reads the log and checks that what it names is there. Another process may
// be at work meanwhile: what it removes, the log does not name any more, so all
// is read again when the log has grown.
func (s Bucket) look(ctx context.Context) (*chainRead, error) {
	next := uint64(0)
	for {
		ls, err := s.list(ctx)
		if err != nil {
			return nil, err
		}
		r, err := s.read(ctx, ls)
		if err == nil && r.manifest != nil {
			err = s.store(ls.files).present(&r.index, s.at(logDir), r.manifest)
		}
		if err == nil || !isDamage(err) {
			return r, err
		}
		top := uint64(1)
		if len(ls.log) > 0 {
			top = ls.log[len(ls.log)-1] + 1
		}
		if top == next {
			return nil, err // it is the same again
		}
		next = top
	}
}

// isDamage reports whether an error says that something is not what was written.
func isDamage(err error) bool {
	var d *Damage
	return errors.As(err, &d)
}

// read reads the newest head and what follows it.
func (s Bucket) read(ctx context.Context, ls *listing) (*chainRead, error) {
	if len(ls.log) == 0 {
		if w, ok := ls.witness(); ok {
			return nil, damaged(s.at(logDir), flaw{-1, "it has no objects, but there is " + w.name}, 0)
		}
		return &chainRead{next: 1}, nil
	}
	// Back from the end to the newest head, a handful of objects at a time.
	var parts [][]byte
	end := len(ls.log)
	for head := false; !head; {
		begin := max(0, end-4*s.Parallel)
		if begin == end {
			return nil, damaged(s.at(logObject(ls.log[0])), flaw{0, "it is not the head of a segment, and there is none before it"}, 0)
		}
		more, err := s.fetch(ctx, ls.log[begin:end])
		if err != nil {
			return nil, err
		}
		if k := lastHead(more); k >= 0 {
			more, begin, head = more[k:], begin+k, true
		}
		parts, end = append(more, parts...), begin
	}
	r := &chainRead{head: ls.log[end], next: ls.log[end]}
	for i, b := range parts {
		if n := ls.log[end+i]; n != r.next {
			return nil, damaged(s.at(logObject(r.next)), flaw{-1, "it is missing"}, s.wholeOf(r))
		}
		r.add(b)
	}
	if err := s.parse(r); err != nil {
		return nil, err
	}
	if w, ok := ls.witness(); ok && r.lastEpoch() < w.epoch {
		return nil, damaged(s.at(logObject(r.next-1)), flaw{-1, fmt.Sprintf("the log ends with epoch %d, but there is %s", r.lastEpoch(), w.name)}, s.wholeOf(r))
	}
	return r, nil
}

// parse takes the frames of what was read.
func (s Bucket) parse(r *chainRead) error {
	at := func(offset int64) (string, int64) {
		i, _ := slices.BinarySearch(r.ends, offset+1)
		i = min(i, len(r.ends)-1)
		if i > 0 {
			offset -= r.ends[i-1]
		}
		return s.at(logObject(r.head + uint64(i))), offset
	}
	seg, bad := readSegment(r.bytes)
	if bad == nil && seg.header.version > formatVersion {
		name, _ := at(0)
		return version(name, seg.header.version)
	}
	if bad == nil && seg.header.number != r.head {
		bad = &flaw{0, fmt.Sprintf("it is object %d of a log", seg.header.number)}
	}
	if bad == nil {
		if r.manifest, bad = headManifest(seg); bad == nil {
			r.index, r.incarnation = index{}, seg.header.incarnation
			bad = r.take(seg.frames)
		}
	}
	if bad == nil && seg.end != int64(len(r.bytes)) {
		bad = &flaw{seg.end, "what follows is not a frame"}
	}
	if bad == nil {
		return nil
	}
	name, offset := at(max(0, bad.at))
	return damaged(name, flaw{offset, bad.reason}, s.store(nil).newestWhole(&r.index))
}

// take applies frames in order.
func (x *index) take(frames []frame) *flaw {
	for _, f := range frames {
		if err := x.apply(f); err != nil {
			return &flaw{0, err.Error()}
		}
	}
	return nil
}

// headManifest is the manifest in the OPEN frame of a segment.
func headManifest(seg segment) (*manifest, *flaw) {
	if len(seg.frames) == 0 || seg.frames[0].kind != frameOpen {
		return nil, &flaw{headerSize, "it does not say who has opened the store"}
	}
	var o opened
	if err := json.Unmarshal(seg.frames[0].payload, &o); err != nil {
		return nil, &flaw{headerSize, err.Error()}
	}
	m, err := decodeManifest(o.Manifest)
	if err != nil {
		return nil, &flaw{headerSize, err.Error()}
	}
	if id, _ := m.job(); id != seg.header.job {
		return nil, &flaw{0, "header and manifest are of different jobs"}
	}
	return m, nil
}

func (s Bucket) wholeOf(r *chainRead) arrowstream.Epoch {
	_ = s.parse(r) // as far as it goes
	return s.store(nil).newestWhole(&r.index)
}

// lastHead is the last of some objects that is the head of a segment, -1 for
// none. Those that only fence do not count.
func lastHead(parts [][]byte) int {
	for i := len(parts) - 1; i >= 0; i-- {
		if len(parts[i]) > headerSize && bytes.HasPrefix(parts[i], magic[:]) {
			return i
		}
	}
	return -1
}

// fetch reads objects of the log, side by side. One that is gone is damage: the
// caller looks again.
func (s Bucket) fetch(ctx context.Context, numbers []uint64) ([][]byte, error) {
	parts := make([][]byte, len(numbers))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(s.Parallel)
	for i, n := range numbers {
		g.Go(func() error {
			b, err := getObject(ctx, s.Objects, logObject(n), maxSegment)
			parts[i] = b
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return damaged(s.at(logObject(n)), flaw{-1, "it is missing"}, 0)
			case err != nil:
				return unusable("read "+s.at(logObject(n)), err)
			}
			return nil
		})
	}
	return parts, g.Wait()
}
