package arrowstream

import "sort"

// span is a run of rows as a partition has read them: the good ones are a
// batch, nil if there is none, the bad ones stand between them. Places, ticks
// and budgets count both, so that where a tick ends does not depend on the
// batches, and a restart leaves out neither.
type span struct {
	batch Batch
	bad   []Rejected
}

func (s span) len() int {
	if s.batch == nil {
		return len(s.bad)
	}
	return int(s.batch.NumRows()) + len(s.bad)
}

// badIn is how many of the first i rows are bad.
func (s span) badIn(i int) int {
	return sort.Search(len(s.bad), func(k int) bool { return s.bad[k].Before+k >= i })
}

// skip is how many of the rows are in front of a place. Those are its good rows
// with the bad ones between them, and of the bad ones behind these as many as
// are missing: none if the last run has left them out without handing them out.
func (s span) skip(at place) int {
	good := int(min(at.rows, int64(s.len()-len(s.bad))))
	bad := 0
	for _, b := range s.bad {
		if b.Before > good || b.Before == good && int64(good) == at.rows && int64(bad) >= at.bad {
			break
		}
		bad++
	}
	return good + bad
}

// bits is the size of the rows [i, j), validity aside.
func (s span) bits(i, j int) (sum int64) {
	from, to := s.badIn(i), s.badIn(j)
	for _, b := range s.bad[from:to] {
		sum += 8 * int64(len(b.Raw))
	}
	if s.batch != nil {
		sum += rowBits(s.batch, i-from, j-to)
	}
	return sum
}

// slice is the rows [i, j), to be released beside s.
func (s span) slice(i, j int) span {
	from, to := s.badIn(i), s.badIn(j)
	var out span
	if good := i - from; s.batch != nil && j-to > good {
		out.batch = s.batch.NewSlice(int64(good), int64(j-to))
	}
	for _, b := range s.bad[from:to] {
		b.Before -= i - from
		out.bad = append(out.bad, b)
	}
	return out
}

func (s span) release() {
	if s.batch != nil {
		s.batch.Release()
	}
}
