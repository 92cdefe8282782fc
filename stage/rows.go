package stage

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/kernels"
)

// rowStore keeps rows by number, until they are dropped. The rows stand in
// chunks of columns: those that come together make one, and small chunks are
// merged into larger ones without the rows that have been dropped, so that there
// are about log2 of the rows of them and a row is copied as often. Numbers of
// dropped rows are given out again.
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
	order := make([]int32, len(numbers))
	for i, k := range numbers {
		c := s.places[k].chunk
		order[i] = next[c]
		next[c]++
	}
	return kernels.TakeRecord(s.mem, all, order)
}

// tidy merges chunks, from the end, while the one before is less than twice as
// large, and rewrites those that are mostly dropped rows.
func (s *rowStore) tidy() error {
	for n := len(s.chunks); n > 0; n = len(s.chunks) {
		last := &s.chunks[n-1]
		if n > 1 && s.chunks[n-2].live < 2*last.live+minChunk {
			if err := s.merge(n - 2); err != nil {
				return err
			}
			continue
		}
		break
	}
	for i := 0; i < len(s.chunks); i++ {
		if c := s.chunks[i]; len(c.numbers) > minChunk && c.live < len(c.numbers)/2 {
			if err := s.merge(i); err != nil {
				return err
			}
		}
	}
	return nil
}

const minChunk = 1 << 10 // rows

// merge makes one chunk of chunk i and, if there is one, the next, without dropped
// rows.
func (s *rowStore) merge(i int) error {
	two := s.chunks[i:min(i+2, len(s.chunks))]
	var numbers []uint32
	for _, c := range two {
		for _, k := range c.numbers {
			if k != noRow {
				numbers = append(numbers, k)
			}
		}
	}
	merged := rowChunk{numbers: numbers, live: len(numbers)}
	if len(numbers) > 0 {
		var err error
		if merged.rows, err = s.take(numbers); err != nil {
			return err
		}
	}
	for _, c := range two {
		c.rows.Release()
	}
	rest := append([]rowChunk{}, s.chunks[i+len(two):]...)
	s.chunks = s.chunks[:i]
	if len(numbers) > 0 {
		s.chunks = append(s.chunks, merged)
	}
	s.chunks = append(s.chunks, rest...)
	for c := i; c < len(s.chunks); c++ {
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

// project is b with some of its columns, under schema.
func project(b arrow.Record, schema *arrow.Schema, columns []int) arrow.Record {
	cols := make([]arrow.Array, len(columns))
	for i, c := range columns {
		cols[i] = b.Column(c)
	}
	return array.NewRecord(schema, cols, b.NumRows())
}
