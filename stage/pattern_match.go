package stage

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/grouped"
)

// matcher is the search in the rows of a key, which are numbered from 0. It is
// at one first row at a time; runs are the ways in which a match from there can
// go on, the preferred ones first. Only where it began is part of a checkpoint:
// the runs follow from the rows since.
type matcher struct {
	count   int64 // rows of the key
	start   int64 // where a match would begin
	began   int64 // time of that row, if it has come
	next    int64 // the row to look at
	number  int64 // matches so far
	runs    []matchRun
	history []matchStep // of runs, which share what they have in common
	lasts   []int32     // by step of history and aggregate that goes on: the last step with a row of it, plus 1
	aggs    []patRun    // aggregates that go on
	best    int32       // last row, in history plus 1, of what wins unless a run before it ends too
}

// matchRun is at an instruction that takes a row; last is its last row, in
// history plus 1.
type matchRun struct{ pc, last int32 }

// matchStep is a row that a variable took, and the one before it, in history
// plus 1.
type matchStep struct {
	row    int64
	v      int32
	before int32
}

// open reports whether there are rows in which a match may begin.
func (m *matcher) open() bool { return m.start < m.count }

// restart looks for a match from a row on.
func (m *matcher) restart(row int64) {
	m.start, m.next, m.best = row, row, 0
	m.runs, m.history = m.runs[:0], m.history[:0]
	if !m.open() {
		m.runs, m.history, m.lasts = nil, nil, nil
	}
}

func (m *matcher) bytes() int64 {
	return int64(8*cap(m.runs)+16*cap(m.history)+4*cap(m.lasts)+112*cap(m.aggs)) + 120
}

// maxRuns bounds the ways to match that are open for a key.
const maxRuns = 1 << 16

// search goes through the rows of a part, of which those from next on are new
// to it. Nothing follows when ended; settled tells that the watermark stands at
// the mark.
func (p *Pattern) search(i int, ended, settled bool) error {
	part := &p.tick.parts[i]
	m := &p.state[part.slot]
	base := m.count - int64(part.to-part.from) // number of the row at from
	time := func(row int64) int64 {
		return p.hand.times[p.tick.rows[part.from+int32(row-base)]]
	}
	for m.open() {
		if m.next == m.start {
			m.began = time(m.start)
			p.nextStamp()
			p.follow(m, p.prog.entry, 0)
		}
		for m.next < m.count && len(m.runs) > 0 {
			if p.within > 0 && time(m.next)-m.began >= p.within {
				m.runs = m.runs[:0]
				break
			}
			if err := p.step(i, m, part.from+int32(m.next-base)); err != nil {
				return err
			}
			m.next++
		}
		if len(m.runs) > 0 && !ended && (!settled || p.within == 0 || p.mark-m.began < p.within) {
			return nil
		}
		from := m.start + 1
		if m.best > 0 {
			var err error
			if from, err = p.found(i, m, base); err != nil {
				return err
			}
		}
		p.dropRuns(part.slot)
		m.restart(from)
	}
	return nil
}

// step gives the row at place to the runs of m.
func (p *Pattern) step(i int, m *matcher, place int32) error {
	runs := append(p.hand.runs[:0], m.runs...)
	p.hand.runs = runs
	m.runs = m.runs[:0]
	holds := p.hand.masks[p.tick.rows[place]]
	p.nextStamp()
	for _, r := range runs {
		in := p.prog.code[r.pc]
		ok := holds>>in.v&1 != 0
		if p.past>>in.v&1 != 0 {
			var err error
			if ok, err = p.holds(i, m, r, place, in.v); err != nil {
				return err
			}
		}
		if !ok {
			continue
		}
		if p.past != 0 {
			p.nextStamp() // runs at the same place differ in what they took
		}
		m.history = append(m.history, matchStep{row: m.next, v: int32(in.v), before: r.last})
		p.took(m)
		if p.follow(m, in.a, int32(len(m.history))) {
			return nil // what is left is preferred less
		}
		if len(m.runs) > maxRuns {
			return planError("AS1409", fmt.Sprintf("pattern: more than %d ways to match are open for a key", maxRuns), "let fewer variables fit the same rows")
		}
	}
	return nil
}

// nextStamp forgets which instructions have been reached.
func (p *Pattern) nextStamp() {
	if len(p.hand.seen) < len(p.prog.code) {
		p.hand.seen = make([]uint64, len(p.prog.code))
	}
	p.hand.stamp++
}

// follow adds the runs from pc on, in the order of preference, unless a run
// before is there already. It reports whether the pattern ends, which makes
// last the best, and then leaves out what is preferred less.
func (p *Pattern) follow(m *matcher, pc, last int32) bool {
	stack := append(p.hand.stack[:0], pc)
	for len(stack) > 0 {
		pc, stack = stack[len(stack)-1], stack[:len(stack)-1]
		if p.hand.seen[pc] == p.hand.stamp {
			continue
		}
		p.hand.seen[pc] = p.hand.stamp
		switch in := p.prog.code[pc]; in.op {
		case opTake:
			m.runs = append(m.runs, matchRun{pc, last})
		case opSplit:
			stack = append(stack, in.b, in.a)
		default:
			m.best = last
			p.hand.stack = stack
			return true
		}
	}
	p.hand.stack = stack
	return false
}

// holds evaluates the condition of v, which looks at the match so far, for the
// row at place as the next one of r.
func (p *Pattern) holds(i int, m *matcher, r matchRun, place int32, v int) (bool, error) {
	s, steps := p.conds[v], p.hand.steps[:0]
	if s.walks {
		steps = p.steps(steps, m, r.last, place-int32(m.next-m.start))
	}
	steps = append(steps, patStep{place, int32(v)})
	p.hand.steps = steps
	view := [1]patView{{part: int32(i), steps: steps, number: m.number + 1}}
	aggs := make(map[int][]arrow.Array)
	for _, ref := range s.refs {
		if ref.kind == refAgg && aggs[ref.group] == nil {
			var err error
			if aggs[ref.group], err = p.aggregated(p.aggs[ref.group], i, m, r.last, place, v); err != nil {
				releaseColumns(aggs)
				return false, err
			}
		}
	}
	rec, err := p.look(s, view[:], aggs)
	if err != nil {
		return false, err
	}
	defer rec.Release()
	rows, err := s.exprs[0].Select(p.mem, rec)
	if err != nil {
		return false, grouped.Failed(s.source[0], "", err)
	}
	return rows.Get(0), nil
}

// steps appends the rows of a match that ends with last; first is the place of
// its first row.
func (p *Pattern) steps(dst []patStep, m *matcher, last, first int32) []patStep {
	for ; last > 0; last = m.history[last-1].before {
		s := m.history[last-1]
		dst = append(dst, patStep{first + int32(s.row-m.start), s.v})
	}
	for a, b := 0, len(dst)-1; a < b; a, b = a+1, b-1 {
		dst[a], dst[b] = dst[b], dst[a]
	}
	return dst
}

// found notes the best match and returns the row at which the search goes on.
func (p *Pattern) found(i int, m *matcher, base int64) (int64, error) {
	part := &p.tick.parts[i]
	steps := p.steps(nil, m, m.best, part.from+int32(m.start-base))
	m.number++
	p.hand.matches = append(p.hand.matches, patView{part: int32(i), steps: steps, number: m.number})
	row := int64(-1)
	switch p.Skip.To {
	case SkipPastLastRow:
		return m.start + int64(len(steps)), nil
	case SkipToNextRow:
		return m.start + 1, nil
	case SkipToFirst:
		for k := len(steps) - 1; k >= 0; k-- {
			if int(steps[k].v) == p.skipTo {
				row = m.start + int64(k)
			}
		}
	default:
		for k, s := range steps {
			if int(s.v) == p.skipTo {
				row = m.start + int64(k)
			}
		}
	}
	if row <= m.start {
		msg := "pattern: after a match no row of " + p.Skip.Var + " to skip to"
		if row == m.start {
			msg = "pattern: the row of " + p.Skip.Var + " to skip to is the first one of the match"
		}
		return 0, &arrowstream.DataError{Err: &arrowstream.Error{Code: "AS4009", Msg: msg, Hint: "skip past the last row or to the next row"}}
	}
	return row, nil
}
