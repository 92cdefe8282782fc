package kernels

import "encoding/binary"

// sortText orders rows whose strings of key k are equal in their first depth
// bytes: by words of the bytes that follow what all of them share, then each
// stretch of equal words by what follows those. Cost: a radix sort per 7 bytes
// in which rows differ.
func (s *sorter) sortText(idx []int32, k, depth int) {
	r := s.ranks[k]
	depth = r.shared(idx, depth)
	items := s.items[:len(idx)]
	for i, row := range idx {
		items[i] = ranked{rank: textWord(r.bytes(row)[depth:]) ^ r.flip, row: row}
	}
	s.sortRanked(items)
	for i := range items {
		idx[i] = items[i].row
	}
	for lo, hi := range ties(tieMarks(items)) {
		if len(r.bytes(idx[lo])) > depth+wordText {
			s.sortText(idx[lo:hi], k, depth+wordText)
		} else {
			s.sort(idx[lo:hi], k+1)
		}
	}
}

// bytes is the string of a row.
func (r *ranker) bytes(row int32) []byte {
	if r.codes != nil {
		row = r.codes[row]
	}
	return r.text.Bytes(int(row))
}

// shared is the number of bytes that the strings of all rows begin with, at
// least depth.
func (r *ranker) shared(idx []int32, depth int) int {
	first := r.bytes(idx[0])
	n := len(first)
	for _, row := range idx[1:] {
		b := r.bytes(row)
		n = min(n, len(b))
		i := depth
		for i < n && b[i] == first[i] {
			i++
		}
		if n = i; n == depth {
			break
		}
	}
	return n
}

// wordText is the number of bytes of a string that a word tells.
const wordText = 7

// textWord has the order of strings as far as their first 7 bytes and their
// length up to 8 tell it: words of strings of up to 7 bytes are equal only when
// the strings are, zero bytes included.
func textWord(b []byte) uint64 {
	if len(b) >= 8 {
		return binary.BigEndian.Uint64(b)&^0xff | 8
	}
	x := uint64(len(b))
	for i, c := range b {
		x |= uint64(c) << (56 - 8*i)
	}
	return x
}
