package agg

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// wordKey tells whether keys of type t fit a word of 64 bits.
func wordKey(t arrow.DataType) bool {
	if t.ID() == arrow.BOOL {
		return true
	}
	switch fixedWidth(t) {
	case 1, 2, 4, 8:
		return t.ID() != arrow.FIXED_SIZE_BINARY && t.ID() != arrow.FLOAT16
	}
	return false
}

// wordTable is a keyTable for one key column of at most 64 bits.
type wordTable struct {
	t     arrow.DataType
	mem   memory.Allocator
	index wordIndex
	block [wordBlock]uint64
}

func newWordTable(mem memory.Allocator, t arrow.DataType) *wordTable {
	ordered := t.ID() != arrow.FLOAT32 && t.ID() != arrow.FLOAT64
	return &wordTable{t: t, mem: mem, index: newWordIndex(mem, ordered)}
}

func (w *wordTable) find(keys []arrow.Array, ids []uint32, s *slots) error {
	valid := columnar.Validity(keys[0])
	for lo := 0; lo < len(ids); lo += wordBlock {
		part := ids[lo:min(lo+wordBlock, len(ids))]
		words := wordsOf(keys[0], lo, w.block[:len(part)])
		if valid.All() {
			w.findWords(words, part, s)
			continue
		}
		at := 0
		for from, to := range valid.Slice(lo, lo+len(part)).Runs() {
			w.findNulls(part[at:from], s)
			w.findWords(words[from:to], part[from:to], s)
			at = to
		}
		w.findNulls(part[at:], s)
	}
	return nil
}

func (w *wordTable) findWords(words []uint64, ids []uint32, s *slots) {
	if s == nil {
		w.index.lookup(words, ids)
	} else {
		w.index.insert(words, ids, s)
	}
}

func (w *wordTable) findNulls(ids []uint32, s *slots) {
	for i := range ids {
		ids[i] = w.index.findNull(s)
	}
}

func (w *wordTable) remove(slot uint32) { w.index.remove(slot) }

func (w *wordTable) columns(slots []uint32) ([]arrow.Array, error) {
	words := make([]uint64, len(slots))
	var nulls []int
	for i, slot := range slots {
		words[i] = w.index.keys.v[slot]
		if w.index.null == slot+1 {
			nulls = append(nulls, i)
		}
	}
	return []arrow.Array{wordArray(w.mem, w.t, words, nulls)}, nil
}

func (w *wordTable) reserve(n int, s *slots) { w.index.reserve(n, s) }

func (w *wordTable) bytes() int64 { return w.index.bytes() }

func (w *wordTable) release() { w.index.release() }

// wordArray builds a column of type t out of its words, as wordsOf made them;
// the rows nulls are NULL.
func wordArray(mem memory.Allocator, t arrow.DataType, words []uint64, nulls []int) arrow.Array {
	if t.ID() == arrow.BOOL {
		vals := make([]uint8, len(words))
		for i, x := range words {
			vals[i] = uint8(x)
		}
		for _, i := range nulls {
			vals[i] = 2
		}
		return boolArray(mem, vals)
	}
	switch fixedWidth(t) {
	case 1:
		return narrow[uint8](mem, t, words, nulls)
	case 2:
		return narrow[uint16](mem, t, words, nulls)
	case 4:
		return narrow[uint32](mem, t, words, nulls)
	}
	return narrow[uint64](mem, t, words, nulls)
}

func narrow[T uint8 | uint16 | uint32 | uint64](mem memory.Allocator, t arrow.DataType, words []uint64, nulls []int) arrow.Array {
	out := newResult[T](mem, len(words))
	for i, x := range words {
		out.v[i] = T(x)
	}
	for _, i := range nulls {
		out.v[i] = 0
		out.null(i)
	}
	return out.array(t)
}

// wordsOf are rows of a from lo on as words, as many as scratch has: integers
// with their sign, floats with one NaN and one zero. They stand in scratch, or
// are a view where the column holds words already.
func wordsOf(a arrow.Array, lo int, scratch []uint64) []uint64 {
	out := scratch
	switch a.DataType().ID() {
	case arrow.BOOL:
		b := columnar.Bools(a)
		for i := range out {
			out[i] = 0
			if b.Get(lo + i) {
				out[i] = 1
			}
		}
		return out
	case arrow.FLOAT32:
		for i, v := range columnar.Values[float32](a)[lo : lo+len(out)] {
			if v != v {
				v = float32(nan)
			}
			out[i] = uint64(math.Float32bits(v + 0))
		}
		return out
	case arrow.FLOAT64:
		simd.FloatKeys(out, columnar.Values[float64](a)[lo:lo+len(out)])
		return out
	case arrow.UINT8:
		return widen(columnar.Values[uint8](a)[lo:], out)
	case arrow.UINT16:
		return widen(columnar.Values[uint16](a)[lo:], out)
	case arrow.UINT32:
		return widen(columnar.Values[uint32](a)[lo:], out)
	}
	switch fixedWidth(a.DataType()) {
	case 1:
		return widen(columnar.Values[int8](a)[lo:], out)
	case 2:
		return widen(columnar.Values[int16](a)[lo:], out)
	case 4:
		return widen(columnar.Values[int32](a)[lo:], out)
	}
	return columnar.Values[uint64](a)[lo : lo+len(out)]
}

func widen[T int8 | int16 | int32 | uint8 | uint16 | uint32](vals []T, out []uint64) []uint64 {
	vals = vals[:len(out)]
	for i := range out {
		out[i] = uint64(int64(vals[i]))
	}
	return out
}
