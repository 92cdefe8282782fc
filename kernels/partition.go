package kernels

import (
	"fmt"
	"math/bits"
	"slices"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// Partitioner splits records by the hash of key columns. It keeps its scratch
// from one record to the next; its zero value is ready.
type Partitioner struct {
	cols   []arrow.Array
	hashes []uint64
}

// Parts returns the rows of each of n parts of b: a row goes to the one that
// the upper bits of the hash of its keys name, so that the lower bits still
// spread the rows of a part over a hash table. Part p of n are the hashes from
// p/n of their range to the next.
//
// Bitmaps, since rows are then moved by [Filter], by whoever needs the part,
// which keeps their order and is faster than [Take] by row numbers. Cost: that
// of [Hash] and, for 2 parts, a third of sorting row numbers by counting; from 8
// parts on about as much. There is no vector form of that scatter: each row waits
// for a position that the row before may have moved.
func (p *Partitioner) Parts(b arrow.Record, keys []int, n int) ([]columnar.Bitmap, error) {
	if n < 1 {
		return nil, fmt.Errorf("kernels: partition: into %d parts", n)
	}
	p.cols = p.cols[:0]
	defer func() { clear(p.cols) }()
	for _, k := range keys {
		if k < 0 || k >= int(b.NumCols()) {
			return nil, fmt.Errorf("kernels: partition: column %d of %d", k, b.NumCols())
		}
		p.cols = append(p.cols, b.Column(k))
	}
	rows := int(b.NumRows())
	p.hashes = slices.Grow(p.hashes[:0], rows)[:rows]
	if err := Hash(p.cols, p.hashes); err != nil {
		return nil, err
	}
	return p.parts(n), nil
}

// compareParts is the number of parts up to which comparing all hashes with the
// end of every part is faster than setting a bit for every row.
const compareParts = 8

// parts sorts the hashes into bitmaps.
func (p *Partitioner) parts(n int) []columnar.Bitmap {
	parts := make([]columnar.Bitmap, n)
	for i := range parts {
		parts[i] = columnar.NewBitmap(len(p.hashes))
	}
	if n <= compareParts {
		p.compare(parts)
		return parts
	}
	for i, h := range p.hashes {
		part, _ := bits.Mul64(h, uint64(n))
		parts[part].Set(i)
	}
	return parts
}

// compare compares the hashes with the upper end of each part but the last, and
// takes from what lies below it what lies in the parts before.
func (p *Partitioner) compare(parts []columnar.Bitmap) {
	n := len(parts)
	const sign = 1 << 63
	for i := range p.hashes {
		p.hashes[i] ^= sign // as signed numbers they have the order of the hashes
	}
	signed := unsafe.Slice((*int64)(unsafe.Pointer(unsafe.SliceData(p.hashes))), len(p.hashes))
	for i := range parts {
		if i == n-1 {
			parts[i].Invert()
			break
		}
		end, rest := bits.Div64(uint64(i+1), 0, uint64(n))
		if rest > 0 {
			end++
		}
		simd.Compare(simd.Lt, parts[i].Bits, signed, []int64{int64(end ^ sign)})
	}
	for i := n - 1; i > 0; i-- {
		for w := range parts[i].Words() {
			parts[i].PutWord(w, parts[i].Word(w)&^parts[i-1].Word(w))
		}
	}
}

// Split splits b into n records, the [Partitioner.Parts]. Rows keep their
// order; parts may be empty. The caller releases them.
func (p *Partitioner) Split(mem memory.Allocator, b arrow.Record, keys []int, n int) ([]arrow.Record, error) {
	rows, err := p.Parts(b, keys, n)
	if err != nil {
		return nil, err
	}
	parts := make([]arrow.Record, 0, n)
	for _, keep := range rows {
		part, err := Filter(mem, b, keep)
		if err != nil {
			for _, p := range parts {
				p.Release()
			}
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}
