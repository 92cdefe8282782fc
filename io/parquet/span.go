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

// spanGap is how many blocks of 64 rows without a wanted one end a span: to
// decode fewer costs less than the way around them.
const spanGap = 4

// spansOf are spans that hold the set bits of keep, of which there is one at
// least.
func spansOf(keep columnar.Bitmap) []span {
	var out []span
	gap := spanGap
	for w := range keep.Words() {
		x := keep.Word(w)
		if x == 0 {
			gap++
			continue
		}
		if gap >= spanGap {
			out = append(out, span{from: 64*w + bits.TrailingZeros64(x)})
		}
		gap = 0
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
