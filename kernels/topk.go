package kernels

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
)

// TopK returns the first k of the n row numbers that [SortIndices] would
// return, in that order, without sorting the rest: a heap holds the best k rows
// seen, and a row that is not better than the worst of them by the word of its
// first key costs one comparison.
func TopK(keys []SortKey, n, k int) ([]int32, error) {
	if k < 0 {
		return nil, fmt.Errorf("kernels: top-k: k is %d", k)
	}
	if n > math.MaxInt32 {
		return nil, fmt.Errorf("kernels: top-k: %d rows are too many: use smaller batches", n)
	}
	if k >= n || len(keys) == 0 || k > n/4 {
		idx, err := SortIndices(keys, n)
		return idx[:min(k, len(idx))], err
	}
	if err := checkKeys(keys, n); err != nil || k == 0 {
		return nil, err
	}
	t := topHeap{keys: keys, rows: make([]ranked, 0, k)}
	blocks := newRankBlocks(keys[0])
	var words [512]uint64
	for lo := 0; lo < n; lo += len(words) {
		block := words[:min(len(words), n-lo)]
		blocks.fill(block, lo)
		for i, rank := range block {
			it := ranked{rank: rank, row: int32(lo + i)}
			switch {
			case len(t.rows) < k:
				t.rows = append(t.rows, it)
				t.up(len(t.rows) - 1)
			case rank <= t.rows[0].rank && t.compare(it, t.rows[0]) < 0:
				t.rows[0] = it
				t.down(0)
			}
		}
	}
	slices.SortFunc(t.rows, t.compare)
	idx := make([]int32, len(t.rows))
	for i, it := range t.rows {
		idx[i] = it.row
	}
	return idx, nil
}

// rankBlocks computes the words of a key block by block, NULLs included: they
// get the least or the greatest word, which values may have too, so that ties
// must be told apart by the keys themselves.
type rankBlocks struct {
	key   SortKey
	valid columnar.Bitmap
	whole *ranker // dictionaries: the words of the entries
	null  uint64
	flip  uint64
}

func newRankBlocks(key SortKey) *rankBlocks {
	r := &rankBlocks{key: key, valid: nullAware(key.Col)}
	if key.NullsLast {
		r.null = ^uint64(0)
	}
	if key.Desc {
		r.flip = ^uint64(0)
	}
	if kind, _ := layoutOf(key.Col.DataType()); kind == layoutDictionary || kind == layoutExtension {
		r.whole = newRanker(key)
	}
	return r
}

// fill stores the words of the rows from lo on.
func (r *rankBlocks) fill(out []uint64, lo int) {
	if r.whole != nil {
		for i := range out {
			out[i] = r.null
			if r.valid.Get(lo + i) {
				out[i] = r.whole.rank(int32(lo + i))
			}
		}
		return
	}
	clear(out)
	part := array.NewSlice(r.key.Col, int64(lo), int64(lo+len(out)))
	defer part.Release()
	rankWords(part, out)
	for i := range out {
		out[i] ^= r.flip
	}
	if r.valid.All() {
		return
	}
	for i := range out {
		if !r.valid.Get(lo + i) {
			out[i] = r.null
		}
	}
}

// topHeap is a binary heap with the worst row on top.
type topHeap struct {
	keys []SortKey
	rows []ranked
}

// compare orders rows by all keys, then by row number.
func (t *topHeap) compare(a, b ranked) int {
	if a.rank != b.rank {
		return cmp.Compare(a.rank, b.rank)
	}
	return cmp.Or(compareRows(t.keys, a.row, b.row), cmp.Compare(a.row, b.row))
}

// compareRows is the order of two rows under the keys.
func compareRows(keys []SortKey, i, j int32) int {
	for _, k := range keys {
		c := Compare(k.Col, int(i), k.Col, int(j))
		if c == 0 {
			continue
		}
		switch {
		case valueIsNull(k.Col, int(i)) || valueIsNull(k.Col, int(j)): // c is -1 when i is the null
			if k.NullsLast {
				return -c
			}
			return c
		case k.Desc:
			return -c
		}
		return c
	}
	return 0
}

func (t *topHeap) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if t.compare(t.rows[i], t.rows[parent]) <= 0 {
			return
		}
		t.rows[i], t.rows[parent] = t.rows[parent], t.rows[i]
		i = parent
	}
}

func (t *topHeap) down(i int) {
	for {
		worst := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < len(t.rows) && t.compare(t.rows[child], t.rows[worst]) > 0 {
				worst = child
			}
		}
		if worst == i {
			return
		}
		t.rows[i], t.rows[worst] = t.rows[worst], t.rows[i]
		i = worst
	}
}
