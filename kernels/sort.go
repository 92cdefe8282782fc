package kernels

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
)

// SortKey is one key of an order. NullsLast puts NULLs at the end whatever the
// direction; SQL's default, NULL lowest, is NullsLast == Desc.
type SortKey struct {
	Col       arrow.Array
	Desc      bool
	NullsLast bool
}

// SortRowBytes is about what SortIndices takes per row while it sorts: the row
// number, the word, and both of them twice while words are moved.
const SortRowBytes = 4 + 8 + 2*16

// SortIndices returns the row numbers 0 to n-1 in the order of the keys, the
// first key first, in the sense of [Compare]. Rows that are equal in all keys
// stay in their order.
//
// The rows are sorted by one word per row that has the order of the first key;
// stretches of equal words are then sorted by the whole key if a word does not
// tell all of it, and stretches of equal keys by the next key. Strings take one
// word after the other, from where they differ.
func SortIndices(keys []SortKey, n int) ([]int32, error) {
	if n > math.MaxInt32 {
		return nil, fmt.Errorf("kernels: sort: %d rows are too many: use smaller batches", n)
	}
	if err := checkKeys(keys, n); err != nil {
		return nil, err
	}
	idx := make([]int32, n)
	for i := range idx {
		idx[i] = int32(i)
	}
	s := sorter{keys: keys}
	s.sort(idx, 0)
	return idx, nil
}

// checkKeys checks that every key has an order and n rows.
func checkKeys(keys []SortKey, n int) error {
	for _, k := range keys {
		if k.Col.Len() != n {
			return fmt.Errorf("kernels: sort: a key of %d rows, want %d", k.Col.Len(), n)
		}
		if !Ordered(k.Col.DataType()) {
			return errorf(CodeTypes, "cannot sort by a column of type %s", SQLName(k.Col.DataType()))
		}
	}
	return nil
}

// ranked is a row and the word it is sorted by.
type ranked struct {
	rank uint64
	row  int32
}

type sorter struct {
	keys    []SortKey
	items   []ranked
	scratch []ranked
	ranks   []*ranker // per key, made when needed
}

// sort orders idx, ascending row numbers that are equal in the keys before k,
// by the keys from k on.
func (s *sorter) sort(idx []int32, k int) {
	if len(idx) < 2 || k == len(s.keys) {
		return
	}
	if s.ranks == nil {
		s.ranks = make([]*ranker, len(s.keys))
	}
	if s.ranks[k] == nil {
		s.ranks[k] = newSortRanker(s.keys[k])
	}
	r := s.ranks[k]
	values, nulls := idx, idx[:0]
	if !r.valid.All() {
		values, nulls = splitNulls(idx, r.valid, s.keys[k].NullsLast)
	}
	s.sort(nulls, k+1)
	if len(values) < 2 {
		return
	}

	if len(s.items) < len(values) {
		s.items = make([]ranked, len(values))
	}
	if r.text != nil {
		s.sortText(values, k, 0)
		return
	}
	items := s.items[:len(values)]
	for i, row := range values {
		items[i] = ranked{rank: r.rank(row), row: row}
	}
	s.sortRanked(items)
	for i := range items {
		values[i] = items[i].row
	}
	if r.exact && k+1 == len(s.keys) {
		return
	}
	// The words of this level are needed no more once its ties are known.
	for lo, hi := range ties(tieMarks(items)) {
		if r.exact {
			s.sort(values[lo:hi], k+1)
		} else {
			s.sortWhole(values[lo:hi], k)
		}
	}
}

// sortWhole orders rows by comparing the values of key k, and ties by the keys
// after it.
func (s *sorter) sortWhole(idx []int32, k int) {
	key := s.keys[k]
	slices.SortFunc(idx, func(i, j int32) int {
		c := Compare(key.Col, int(i), key.Col, int(j))
		if key.Desc {
			c = -c
		}
		if c == 0 {
			c = cmp.Compare(i, j)
		}
		return c
	})
	same := columnar.NewBitmap(len(idx))
	for i := 1; i < len(idx); i++ {
		if Compare(key.Col, int(idx[i-1]), key.Col, int(idx[i])) == 0 {
			same.Set(i)
		}
	}
	for lo, hi := range ties(same) {
		s.sort(idx[lo:hi], k+1)
	}
}

// tieMarks marks the items whose word is that of the item before.
func tieMarks(items []ranked) columnar.Bitmap {
	same := columnar.NewBitmap(len(items))
	for i := 1; i < len(items); i++ {
		if items[i].rank == items[i-1].rank {
			same.Set(i)
		}
	}
	return same
}

// ties yields the stretches of two or more equal rows.
func ties(same columnar.Bitmap) func(yield func(int, int) bool) {
	return func(yield func(int, int) bool) {
		for lo, hi := range same.Runs() {
			if !yield(lo-1, hi) {
				return
			}
		}
	}
}

// splitNulls moves the nulls to one end of idx, keeping the order in both parts.
func splitNulls(idx []int32, valid columnar.Bitmap, last bool) (values, nulls []int32) {
	var away []int32
	n := 0
	for _, row := range idx {
		if valid.Get(int(row)) {
			idx[n] = row
			n++
		} else {
			away = append(away, row)
		}
	}
	if last {
		copy(idx[n:], away)
		return idx[:n], idx[n:]
	}
	copy(idx[len(away):], idx[:n])
	copy(idx, away)
	return idx[len(away):], idx[:len(away)]
}

// sortRanked sorts by rank, stable, since the rows come in ascending: by as
// many bits, from the highest one that differs, as tell nearly all of that many
// rows apart, and then the few that are equal in them among themselves.
func (s *sorter) sortRanked(items []ranked) {
	if len(items) < 512 {
		slices.SortFunc(items, func(a, b ranked) int {
			return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.row, b.row))
		})
		return
	}
	every, some := ^uint64(0), uint64(0)
	for _, it := range items {
		every &= it.rank
		some |= it.rank
	}
	top := bits.Len64(every ^ some) // ranks differ below this bit
	passes := (min(top, bits.Len(uint(len(items)))+4) + 7) / 8
	low := max(0, top-8*passes)
	s.sortBytes(items, low, passes)
	if low == 0 {
		return
	}
	for len(items) > 0 {
		n := 1
		for n < len(items) && items[n].rank>>low == items[0].rank>>low {
			n++
		}
		if n > 1 {
			s.sortTied(items[:n])
		}
		items = items[n:]
	}
}

// sortTied sorts rows that are equal in their upper bits.
func (s *sorter) sortTied(items []ranked) {
	if len(items) > 16 {
		s.sortRanked(items)
		return
	}
	for i := 1; i < len(items); i++ {
		it, k := items[i], i
		for ; k > 0 && items[k-1].rank > it.rank; k-- {
			items[k] = items[k-1]
		}
		items[k] = it
	}
}

// sortBytes sorts by bytes of the rank above bit low, from the lowest up.
func (s *sorter) sortBytes(items []ranked, low, passes int) {
	if len(s.scratch) < len(items) {
		s.scratch = make([]ranked, len(items))
	}
	var counts [8][256]int32
	for _, it := range items {
		rank := it.rank >> low
		for b := range passes {
			counts[b&7][byte(rank>>(8*b))]++
		}
	}
	from, to := items, s.scratch[:len(items)]
	for b := range passes {
		c, shift := &counts[b&7], low+8*b
		if c[byte(items[0].rank>>shift)] == int32(len(items)) {
			continue
		}
		at := int32(0)
		for i, n := range c {
			c[i] = at
			at += n
		}
		for _, it := range from {
			p := &c[byte(it.rank>>(shift&63))]
			to[*p] = it
			*p++
		}
		from, to = to, from
	}
	if len(items) > 0 && &from[0] != &items[0] {
		copy(items, from)
	}
}

// ranker turns the values of a key into words whose order is that of the
// values, as far as a word can tell; exact when equal words mean equal values.
type ranker struct {
	valid columnar.Bitmap
	exact bool
	words []uint64 // per row, or per dictionary entry
	codes []int32  // dictionary
	flip  uint64   // all ones for descending

	text *columnar.Strings // instead of words: the values, per row or entry
}

func (r *ranker) rank(row int32) uint64 {
	if r.codes != nil {
		row = r.codes[row]
	}
	return r.words[row] ^ r.flip
}

func newRanker(key SortKey) *ranker {
	r, a := readKey(key)
	r.words = make([]uint64, a.Len())
	r.exact = rankWords(a, r.words)
	return r
}

// newSortRanker is newRanker, with the strings themselves where they are the key.
func newSortRanker(key SortKey) *ranker {
	r, a := readKey(key)
	switch a.DataType().ID() {
	case arrow.STRING, arrow.BINARY, arrow.LARGE_STRING, arrow.LARGE_BINARY:
		text := columnar.StringsOf(a)
		r.text = &text
		return r
	}
	return newRanker(key)
}

// readKey is a ranker without words, and the column they come from.
func readKey(key SortKey) (*ranker, arrow.Array) {
	r := &ranker{valid: nullAware(key.Col)}
	if key.Desc {
		r.flip = ^uint64(0)
	}
	a := key.Col
	if codes, values, ok := columnar.Dictionary(a); ok {
		r.codes, a = codes, values
	}
	for {
		x, ok := a.(array.ExtensionArray)
		if !ok {
			return r, a
		}
		a = x.Storage()
	}
}

// nullAware is the validity of a, where a code of a null entry is null too.
func nullAware(a arrow.Array) columnar.Bitmap {
	valid := columnar.Validity(a)
	codes, values, ok := columnar.Dictionary(a)
	if !ok || values.NullN() == 0 {
		return valid
	}
	entries, out := columnar.Validity(values), columnar.NewBitmap(a.Len())
	for i, c := range codes {
		if valid.Get(i) && entries.Get(int(c)) {
			out.Set(i)
		}
	}
	return out
}

const signBit = 1 << 63

// rankWords fills words, zero at first, and reports whether they are exact.
// Slots of nulls get any word.
func rankWords(a arrow.Array, words []uint64) bool {
	switch a.DataType().ID() {
	case arrow.NULL:
	case arrow.BOOL:
		for i := range columnar.Bools(a).Ones() {
			words[i] = 1
		}
	case arrow.INT8:
		rankInts(slots[int8](a), words)
	case arrow.INT16:
		rankInts(slots[int16](a), words)
	case arrow.INT32, arrow.DATE32, arrow.TIME32, arrow.INTERVAL_MONTHS:
		rankInts(slots[int32](a), words)
	case arrow.INT64, arrow.DATE64, arrow.TIME64, arrow.TIMESTAMP, arrow.DURATION:
		rankInts(slots[int64](a), words)
	case arrow.UINT8:
		rankInts(slots[uint8](a), words)
	case arrow.UINT16:
		rankInts(slots[uint16](a), words)
	case arrow.UINT32:
		rankInts(slots[uint32](a), words)
	case arrow.UINT64:
		copy(words, slots[uint64](a))
	case arrow.FLOAT32:
		rankFloats(slots[float32](a), words)
	case arrow.FLOAT64:
		rankFloats(slots[float64](a), words)
	case arrow.DECIMAL128:
		for i, v := range slots[wide128](a) {
			words[i] = v[1] ^ signBit
		}
		return false
	case arrow.STRING, arrow.BINARY, arrow.LARGE_STRING, arrow.LARGE_BINARY:
		text := columnar.StringsOf(a)
		for i := range words {
			words[i] = prefix(text.Bytes(i))
		}
		return false
	default:
		return false
	}
	return true
}

func rankInts[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32](vals []T, words []uint64) {
	for i, v := range vals {
		words[i] = uint64(int64(v)) ^ signBit
	}
}

// rankFloats orders by sign and magnitude, with one zero and one NaN on top.
func rankFloats[T float32 | float64](vals []T, words []uint64) {
	for i, v := range vals {
		x := math.Float64bits(float64(v) + 0)
		x ^= uint64(int64(x)>>63) | signBit // all bits of negative numbers, the sign of others
		if v != v {
			x = ^uint64(0)
		}
		words[i] = x
	}
}

// prefix is the first 8 bytes of b, most significant first, padded with zero.
func prefix(b []byte) uint64 {
	if len(b) >= 8 {
		b = b[:8]
		return uint64(b[7]) | uint64(b[6])<<8 | uint64(b[5])<<16 | uint64(b[4])<<24 |
			uint64(b[3])<<32 | uint64(b[2])<<40 | uint64(b[1])<<48 | uint64(b[0])<<56
	}
	var x uint64
	for i, c := range b {
		x |= uint64(c) << (56 - 8*i)
	}
	return x
}
