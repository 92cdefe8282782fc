package simd

// The twins of comparison. Eight rows make a byte without a branch, about
// 0.75 ns/row; the rows left over go into the lowest bits of a last byte.

// lastBits is byte n of out for the last rows, at most 7, of which b says what
// holds.
func lastBits(out []byte, n, rows int, b byte, flip uint64) {
	if rows > 0 {
		out[n] = (b ^ byte(flip)) & (1<<rows - 1)
	}
}

// eqConstGo is x = c; c is not NaN.
func eqConstGo[T Fixed](out []byte, x []T, c T, flip uint64) {
	n := len(x) / 8
	for i := range n {
		p := (*[8]T)(x[8*i:])
		out[i] = byte(flip) ^ (Bit(p[0] == c) | Bit(p[1] == c)<<1 | Bit(p[2] == c)<<2 | Bit(p[3] == c)<<3 |
			Bit(p[4] == c)<<4 | Bit(p[5] == c)<<5 | Bit(p[6] == c)<<6 | Bit(p[7] == c)<<7)
	}
	var last byte
	for i, v := range x[8*n:] {
		last |= Bit(v == c) << i
	}
	lastBits(out, n, len(x)&7, last, flip)
}

// ltConstGo is x < c; c is not NaN.
func ltConstGo[T Fixed](out []byte, x []T, c T, flip uint64) {
	n := len(x) / 8
	for i := range n {
		p := (*[8]T)(x[8*i:])
		out[i] = byte(flip) ^ (Bit(p[0] < c) | Bit(p[1] < c)<<1 | Bit(p[2] < c)<<2 | Bit(p[3] < c)<<3 |
			Bit(p[4] < c)<<4 | Bit(p[5] < c)<<5 | Bit(p[6] < c)<<6 | Bit(p[7] < c)<<7)
	}
	var last byte
	for i, v := range x[8*n:] {
		last |= Bit(v < c) << i
	}
	lastBits(out, n, len(x)&7, last, flip)
}

// leConstGo is x <= c; c is not NaN.
func leConstGo[T Fixed](out []byte, x []T, c T, flip uint64) {
	n := len(x) / 8
	for i := range n {
		p := (*[8]T)(x[8*i:])
		out[i] = byte(flip) ^ (Bit(p[0] <= c) | Bit(p[1] <= c)<<1 | Bit(p[2] <= c)<<2 | Bit(p[3] <= c)<<3 |
			Bit(p[4] <= c)<<4 | Bit(p[5] <= c)<<5 | Bit(p[6] <= c)<<6 | Bit(p[7] <= c)<<7)
	}
	var last byte
	for i, v := range x[8*n:] {
		last |= Bit(v <= c) << i
	}
	lastBits(out, n, len(x)&7, last, flip)
}

// eq adds NaN = NaN; of integers only the first comparison is left.
func eq[T Fixed](a, b T) byte { return Bit(a == b) | Bit(a != a)&Bit(b != b) }

// lt adds that every number is less than NaN.
func lt[T Fixed](a, b T) byte { return Bit(!(a >= b)) & Bit(a == a) }

func eqGo[T Fixed](out []byte, x, y []T, flip uint64) {
	n := len(x) / 8
	for i := range n {
		p, q := (*[8]T)(x[8*i:]), (*[8]T)(y[8*i:])
		out[i] = byte(flip) ^ (eq(p[0], q[0]) | eq(p[1], q[1])<<1 | eq(p[2], q[2])<<2 | eq(p[3], q[3])<<3 |
			eq(p[4], q[4])<<4 | eq(p[5], q[5])<<5 | eq(p[6], q[6])<<6 | eq(p[7], q[7])<<7)
	}
	var last byte
	for i, v := range x[8*n:] {
		last |= eq(v, y[8*n+i]) << i
	}
	lastBits(out, n, len(x)&7, last, flip)
}

func ltGo[T Fixed](out []byte, x, y []T, flip uint64) {
	n := len(x) / 8
	for i := range n {
		p, q := (*[8]T)(x[8*i:]), (*[8]T)(y[8*i:])
		out[i] = byte(flip) ^ (lt(p[0], q[0]) | lt(p[1], q[1])<<1 | lt(p[2], q[2])<<2 | lt(p[3], q[3])<<3 |
			lt(p[4], q[4])<<4 | lt(p[5], q[5])<<5 | lt(p[6], q[6])<<6 | lt(p[7], q[7])<<7)
	}
	var last byte
	for i, v := range x[8*n:] {
		last |= lt(v, y[8*n+i]) << i
	}
	lastBits(out, n, len(x)&7, last, flip)
}
