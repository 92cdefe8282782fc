package parquet

import "github.com/arrowstream/arrowstream/columnar"

// spanGap is how many rows that are not wanted are decoded rather than passed
// over: fewer cost less than the way around them.
const spanGap = 64

// span is a run of rows [from, to).
type span struct{ from, to int }

func spanRows(spans []span) int {
	n := 0
	for _, s := range spans {
		n += s.to - s.from
	}
	return n
}

// spansOf are the spans that hold the set bits of keep and no gap of spanGap
// clear ones.
func spansOf(keep columnar.Bitmap) []span {
	var out []span
	for from, to := range keep.Runs() {
		if n := len(out); n > 0 && from-out[n-1].to < spanGap {
			out[n-1].to = to
		} else {
			out = append(out, span{from, to})
		}
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
