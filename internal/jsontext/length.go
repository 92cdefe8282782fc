package jsontext

// ArrayLength is the number of elements of b, one JSON array; ok is false for any
// other text.
func ArrayLength(b []byte) (n int, ok bool) {
	s := scanner{b: b}
	if s.space() != '[' {
		return 0, false
	}
	s.i++
	if s.space() == ']' {
		s.i++
		return 0, s.end() == nil
	}
	for done := false; !done; {
		err := s.skip(1)
		if err == nil {
			done, err = s.next(']')
		}
		if err != nil {
			return 0, false
		}
		n++
	}
	return n, s.end() == nil
}
