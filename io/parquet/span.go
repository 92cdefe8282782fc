package parquet

import (
	"math/bits"

	"github.com/arrowstream/arrowstream/columnar"
)

// span is a run of rows [from, to).
type span struct{ from, to int }

func spanRows(spans []span) int {
	n := 0
	for _, s := range spans {
		n += s.to - s.from
	}
	return n
}

// spansOf are spans that hold the set bits of keep, one at least. A block of 64
// rows without any ends a span: to decode fewer rows that are not wanted costs
// less than the way around them.
func spansOf(keep columnar.Bitmap) []span {
	var out []span
	open := false
	for w := range keep.Words() {
		x := keep.Word(w)
		if x == 0 {
			open = false
			continue
		}
		if !open {
			out = append(out, span{from: 64*w + bits.TrailingZeros64(x)})
		}
		open = true
		out[len(out)-1].to = 64*w + bits.Len64(x)
	}
	return out
}

// within is the bitmap of the rows of the spans.
func within(keep columnar.Bitmap, spans []span) columnar.Bitmap {
	if len(spans) == 1 {
		return keep.Slice(spans[0].from, spans[0].to)
	}
	n := spanRows(spans)
	out := columnar.Bitmap{Bits: make([]byte, columnar.BitmapBytes(n)+bitSlack), N: n}
	at := 0
	for _, s := range spans {
		copyBits(out.Bits, at, keep.Slice(s.from, s.to))
		at += s.to - s.from
	}
	return out
}
