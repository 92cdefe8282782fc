package stage

import (
	"math/bits"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/kernels"
)

// rowStore keeps rows by number, until they are dropped. The rows stand in
// chunks of columns: those that come together make one, and eight chunks of about
// one size are merged into one without the rows that have been dropped, so that a
// row is copied log8 of the rows times. Numbers of dropped rows are given out
// again.
type rowStore struct {
	mem    memory.Allocator
	chunks []rowChunk
	places []rowPlace // by number
	free   []uint32
	live   int
}

type rowChunk struct {
	rows    arrow.Record
	numbers []uint32 // of its rows, noRow for those that have been dropped
	live    int
}

type rowPlace struct{ chunk, row uint32 }

const noRow = ^uint32(0)

// add keeps rows, which are borrowed, and returns their numbers.
func (s *rowStore) add(rows arrow.Record) []uint32 {
	n := int(rows.NumRows())
	if n == 0 {
		return nil
	}
	rows.Retain()
	c := rowChunk{rows: rows, numbers: make([]uint32, n), live: n}
	for i := range c.numbers {
		if k := len(s.free); k > 0 {
			c.numbers[i] = s.free[k-1]
			s.free = s.free[:k-1]
		} else {
			c.numbers[i] = uint32(len(s.places))
			s.places = append(s.places, rowPlace{})
		}
		s.places[c.numbers[i]] = rowPlace{uint32(len(s.chunks)), uint32(i)}
	}
	s.chunks = append(s.chunks, c)
	s.live += n
	return append([]uint32{}, c.numbers...)
}

// drop forgets rows.
func (s *rowStore) drop(numbers []uint32) {
	for _, k := range numbers {
		p := s.places[k]
		c := &s.chunks[p.chunk]
		c.numbers[p.row] = noRow
		c.live--
	}
	s.free = append(s.free, numbers...)
	s.live -= len(numbers)
}

// at is the record that holds a row, and its place in it.
func (s *rowStore) at(number uint32) (arrow.Record, int) {
	p := s.places[number]
	return s.chunks[p.chunk].rows, int(p.row)
}

// take returns rows in the given order; the caller releases them. None of them
// is not allowed.
func (s *rowStore) take(numbers []uint32) (arrow.Record, error) {
	idx := make([][]int32, len(s.chunks))
	for _, k := range numbers {
		p := s.places[k]
		idx[p.chunk] = append(idx[p.chunk], int32(p.row))
	}
	var parts []arrow.Record
	defer func() {
		for _, p := range parts {
			p.Release()
		}
	}()
	next, total := make([]int32, len(s.chunks)), int32(0)
	for c, rows := range idx {
		next[c] = total
		if total += int32(len(rows)); len(rows) == 0 {
			continue
		}
		part, err := kernels.TakeRecord(s.mem, s.chunks[c].rows, rows)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	if len(parts) == 1 {
		parts[0].Retain()
		return parts[0], nil
	}
	all, err := kernels.Concat(s.mem, parts)
	if err != nil {
		return nil, err
	}
	defer all.Release()
	order, same := make([]int32, len(numbers)), true
	for i, k := range numbers {
		c := s.places[k].chunk
		order[i] = next[c]
		same = same && next[c] == int32(i)
		next[c]++
	}
	if same {
		all.Retain()
		return all, nil
	}
	return kernels.TakeRecord(s.mem, all, order)
}

// tidy merges the last chunks when there are many of about one size, and rewrites
// those that are mostly dropped rows.
func (s *rowStore) tidy() error {
	for {
		n := len(s.chunks)
		from := n
		for from > 0 && s.chunks[from-1].class() <= s.chunks[n-1].class() {
			from--
		}
		if n-from < mergedChunks {
			break
		}
		if err := s.merge(from, n); err != nil {
			return err
		}
	}
	for i := len(s.chunks) - 1; i >= 0; i-- {
		if c := s.chunks[i]; c.live == 0 || len(c.numbers) > minChunk && c.live < len(c.numbers)/2 {
			if err := s.merge(i, i+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// class is the size of a chunk in powers of eight.
func (c *rowChunk) class() int { return bits.Len(uint(c.live/minChunk)) / 3 }

const mergedChunks = 8

const minChunk = 1 << 10 // rows

// merge makes one chunk of those from i to before j, without dropped rows.
func (s *rowStore) merge(i, j int) error {
	var numbers []uint32
	for _, c := range s.chunks[i:j] {
		for _, k := range c.numbers {
			if k != noRow {
				numbers = append(numbers, k)
			}
		}
	}
	var merged []rowChunk
	if len(numbers) > 0 {
		rows, err := s.take(numbers)
		if err != nil {
			return err
		}
		merged = []rowChunk{{rows: rows, numbers: numbers, live: len(numbers)}}
	}
	for _, c := range s.chunks[i:j] {
		c.rows.Release()
	}
	was := len(s.chunks)
	s.chunks = slices.Replace(s.chunks, i, j, merged...)
	to := len(s.chunks)
	if to == was {
		to = i + 1 // the others stand where they stood
	}
	for c := i; c < to; c++ {
		for row, k := range s.chunks[c].numbers {
			if k != noRow {
				s.places[k] = rowPlace{uint32(c), uint32(row)}
			}
		}
	}
	return nil
}

// bytes is what the store holds on the Go heap, besides its columns.
func (s *rowStore) bytes() int64 {
	n := 8*cap(s.places) + 4*cap(s.free)
	for _, c := range s.chunks {
		n += 4 * cap(c.numbers)
	}
	return int64(n)
}

// size is the memory of the columns, at most.
func (s *rowStore) size() (n int64) {
	for _, c := range s.chunks {
		for _, col := range c.rows.Columns() {
			n += int64(col.Data().SizeInBytes())
		}
	}
	return n
}

func (s *rowStore) release() {
	for _, c := range s.chunks {
		c.rows.Release()
	}
	*s = rowStore{mem: s.mem}
}
