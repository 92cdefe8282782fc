package kernels

import "github.com/arrowstream/arrowstream/columnar"

// The loops of comparison of texts, by their bytes: they fill bitmaps of offset
// 0 that are clear. Those of numbers are in package simd.

// bit is 1 for true. The compiler makes it a conditional set.
func bit(b bool) byte {
	var x byte
	if b {
		x = 1
	}
	return x
}

func eqTextVC(out []byte, x columnar.Strings, c string) {
	for i := range x.Len() {
		out[i>>3] |= bit(x.String(i) == c) << (i & 7)
	}
}

func ltTextVC(out []byte, x columnar.Strings, c string) {
	for i := range x.Len() {
		out[i>>3] |= bit(x.String(i) < c) << (i & 7)
	}
}

func leTextVC(out []byte, x columnar.Strings, c string) {
	for i := range x.Len() {
		out[i>>3] |= bit(x.String(i) <= c) << (i & 7)
	}
}

func eqTextVV(out []byte, x, y columnar.Strings) {
	for i := range x.Len() {
		out[i>>3] |= bit(x.String(i) == y.String(i)) << (i & 7)
	}
}

func ltTextVV(out []byte, x, y columnar.Strings) {
	for i := range x.Len() {
		out[i>>3] |= bit(x.String(i) < y.String(i)) << (i & 7)
	}
}
