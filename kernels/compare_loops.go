package kernels

import (
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// The loops of comparison of texts, by their bytes: they fill bitmaps of offset
// 0 that are clear. Those of numbers are in package simd.

func eqTextVC(out []byte, x columnar.Strings, c string) {
	for i := range x.Len() {
		out[i>>3] |= simd.Bit(x.String(i) == c) << (i & 7)
	}
}

func ltTextVC(out []byte, x columnar.Strings, c string) {
	for i := range x.Len() {
		out[i>>3] |= simd.Bit(x.String(i) < c) << (i & 7)
	}
}

func leTextVC(out []byte, x columnar.Strings, c string) {
	for i := range x.Len() {
		out[i>>3] |= simd.Bit(x.String(i) <= c) << (i & 7)
	}
}

func eqTextVV(out []byte, x, y columnar.Strings) {
	for i := range x.Len() {
		out[i>>3] |= simd.Bit(x.String(i) == y.String(i)) << (i & 7)
	}
}

func ltTextVV(out []byte, x, y columnar.Strings) {
	for i := range x.Len() {
		out[i>>3] |= simd.Bit(x.String(i) < y.String(i)) << (i & 7)
	}
}
