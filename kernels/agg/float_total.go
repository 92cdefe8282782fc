package agg

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
)

// A finite float64 is an integer times 2^-1074, of at most 2098 bits, and so is
// a sum of them: kept as an integer in two's complement it is exact and does not
// depend on an order (Kulisch, "Computer Arithmetic and Validity", 8: the
// complete register). Since the values of a group are seldom far apart,
// floatTotal has four words of it, from word base on; what does not fit there
// is in a wideTotal beside it. The word above the three that values reach takes
// the carries of 2^63 rows.
type floatTotal struct {
	w    [4]uint64
	n    int64  // values, without nulls
	base int32  // which word of the integer w[0] is
	wide uint32 // the wideTotal of the group plus one
}

const (
	totalWords = 34 // 2098 bits and the carries
	reach      = 3  // words of floatTotal.w that values reach
)

// parts of a finite value: mant * 2^(64*word) in units of 2^-1074, in two words.
func floatParts(x float64) (lo, hi uint64, word int) {
	b := math.Float64bits(x)
	mant, shift := b&(1<<52-1), uint(b>>52&0x7ff)
	if shift > 0 {
		mant |= 1 << 52
		shift--
	}
	return mant << (shift & 63), mant >> (64 - shift&63), int(shift >> 6)
}

// add adds x, or takes it back when by is -1. It reports false when x does not
// fit, and is left alone.
func (c *floatTotal) add(x float64, by int64) bool {
	if x-x != 0 {
		return false // NaN or infinite
	}
	if x == 0 {
		return true
	}
	lo, hi, word := floatParts(x)
	at := word - int(c.base)
	if at < 0 || at > reach-2 {
		if !c.move(word) {
			return false
		}
		at = word - int(c.base)
	}
	if (x < 0) == (by < 0) {
		addWords(c.w[at:], lo, hi)
	} else {
		subWords(c.w[at:], lo, hi)
	}
	return true
}

// move shifts the window so that word and the one after it are in its reach, if
// what is in it allows that.
func (c *floatTotal) move(word int) bool {
	if c.w == [4]uint64{} {
		c.base = int32(word)
		return true
	}
	for int(c.base) < word-(reach-2) {
		if c.w[0] != 0 {
			return false
		}
		c.w = [4]uint64{c.w[1], c.w[2], c.w[3], uint64(int64(c.w[3]) >> 63)}
		c.base++
	}
	for int(c.base) > word {
		// Two words of nothing but sign: the upper one goes, and the other one
		// takes the carries.
		if sign := uint64(int64(c.w[3]) >> 63); c.w[3] != sign || c.w[2] != sign {
			return false
		}
		c.w = [4]uint64{0, c.w[0], c.w[1], c.w[2]}
		c.base--
	}
	return true
}

// addWords adds a number of two words to an integer.
func addWords(w []uint64, lo, hi uint64) {
	var carry uint64
	w[0], carry = bits.Add64(w[0], lo, 0)
	w[1], carry = bits.Add64(w[1], hi, carry)
	for i := 2; carry != 0 && i < len(w); i++ {
		w[i], carry = bits.Add64(w[i], 0, carry)
	}
}

// subWords takes a number of two words from an integer.
func subWords(w []uint64, lo, hi uint64) {
	var borrow uint64
	w[0], borrow = bits.Sub64(w[0], lo, 0)
	w[1], borrow = bits.Sub64(w[1], hi, borrow)
	for i := 2; borrow != 0 && i < len(w); i++ {
		w[i], borrow = bits.Sub64(w[i], 0, borrow)
	}
}

// wideTotal is a whole integer, and what has no place in one.
type wideTotal struct {
	w              [totalWords]uint64
	nan, pinf, inf int64 // NaNs, +Inf, -Inf
	next           uint32
}

func (t *wideTotal) add(x float64, by int64) {
	switch {
	case x != x:
		t.nan += by
	case math.IsInf(x, 1):
		t.pinf += by
	case math.IsInf(x, -1):
		t.inf += by
	default:
		lo, hi, word := floatParts(x)
		if (x < 0) == (by < 0) {
			addWords(t.w[word:], lo, hi)
		} else {
			subWords(t.w[word:], lo, hi)
		}
	}
}

// addNarrow adds what a window holds.
func (t *wideTotal) addNarrow(c *floatTotal) {
	var carry uint64
	sign := uint64(int64(c.w[len(c.w)-1]) >> 63)
	for i := int(c.base); i < totalWords; i++ {
		v := sign
		if k := i - int(c.base); k < len(c.w) {
			v = c.w[k]
		}
		t.w[i], carry = bits.Add64(t.w[i], v, carry)
	}
}

// value is the float64 nearest to the total, ties to even; +0 for nothing.
func (t *wideTotal) value() float64 {
	switch {
	case t.nan > 0 || t.pinf > 0 && t.inf > 0:
		return nan
	case t.pinf > 0:
		return math.Inf(1)
	case t.inf > 0:
		return math.Inf(-1)
	}
	w := t.w
	return roundWords(w[:], 0)
}

// roundWords is the float64 nearest to an integer in units of 2^-1074 that
// begins at word base. It changes w.
func roundWords(w []uint64, base int) float64 {
	sign := 1.0
	if int64(w[len(w)-1]) < 0 {
		sign = -1
		carry := uint64(1)
		for i := range w {
			w[i], carry = bits.Add64(^w[i], 0, carry)
		}
	}
	top := len(w) - 1
	for top >= 0 && w[top] == 0 {
		top--
	}
	if top < 0 {
		return 0
	}
	lead := bits.LeadingZeros64(w[top])
	exp := 64*(base+top) + 63 - lead // of the highest bit
	m, rest := w[top]<<lead, uint64(0)
	if top > 0 {
		m |= w[top-1] >> (64 - lead)
		rest = w[top-1] << lead
		for _, v := range w[:top-1] {
			rest |= v
		}
	}
	if exp <= 52 { // a subnormal, or the smallest of the others
		return sign * math.Ldexp(float64(m>>(63-exp)), -1074)
	}
	const dropped, half = 1<<11 - 1, 1 << 10
	kept, low := m>>11, m&dropped
	if low > half || low == half && (rest != 0 || kept&1 != 0) {
		kept++
	}
	return sign * math.Ldexp(float64(kept), exp-52-1074)
}

// wideTotals are the wideTotals of all groups that have one.
type wideTotals struct {
	cells column[wideTotal]
	free  uint32 // the first free one plus one
}

// of is the wideTotal of c, which gets one.
func (s *wideTotals) of(c *floatTotal) *wideTotal {
	if c.wide == 0 {
		if c.wide = s.free; c.wide != 0 {
			s.free = s.cells.v[c.wide-1].next
		} else {
			s.cells.grow(len(s.cells.v) + 1)
			c.wide = uint32(len(s.cells.v))
		}
		s.cells.v[c.wide-1] = wideTotal{}
	}
	return &s.cells.v[c.wide-1]
}

// drop gives the wideTotal of c back.
func (s *wideTotals) drop(c *floatTotal) {
	if c.wide != 0 {
		s.cells.v[c.wide-1].next = s.free
		s.free, c.wide = c.wide, 0
	}
}

// value is the total of c, rounded.
func (s *wideTotals) value(c *floatTotal) float64 {
	if c.wide == 0 {
		w := c.w
		return roundWords(w[:], int(c.base))
	}
	t := s.cells.v[c.wide-1]
	t.addNarrow(c)
	return t.value()
}

// append writes the total of c: the base and the four words, or all of it.
func (s *wideTotals) append(dst []byte, c *floatTotal) []byte {
	if c.wide == 0 {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(c.base))
		for _, v := range c.w {
			dst = binary.LittleEndian.AppendUint64(dst, v)
		}
		return dst
	}
	t := s.cells.v[c.wide-1]
	t.addNarrow(c)
	for _, v := range t.w {
		dst = binary.LittleEndian.AppendUint64(dst, v)
	}
	for _, v := range []int64{t.nan, t.pinf, t.inf} {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(v))
	}
	return dst
}

const (
	narrowBytes = 4 + 8*4
	wideBytes   = 8 * (totalWords + 3)
)

// merge adds what append wrote to c, of which fresh tells that it was empty.
func (s *wideTotals) merge(c *floatTotal, src []byte, fresh bool) error {
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(src[8*i:]) }
	switch len(src) {
	case narrowBytes:
		other := floatTotal{base: int32(binary.LittleEndian.Uint32(src))}
		if other.base < 0 || other.base >= totalWords {
			return errFloatState
		}
		for i := range other.w {
			other.w[i] = binary.LittleEndian.Uint64(src[4+8*i:])
		}
		if fresh {
			c.w, c.base = other.w, other.base
			return nil
		}
		s.of(c).addNarrow(&other)
	case wideBytes:
		t := s.of(c)
		var carry uint64
		for i := range t.w {
			t.w[i], carry = bits.Add64(t.w[i], word(i), carry)
		}
		t.nan += int64(word(totalWords))
		t.pinf += int64(word(totalWords + 1))
		t.inf += int64(word(totalWords + 2))
	default:
		return errFloatState
	}
	return nil
}

var errFloatState = errors.New("agg: the state of a sum is damaged")
