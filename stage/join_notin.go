package stage

import (
	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels"
)

// notIn is what NOT IN (SELECT ...) makes of NULL: nothing is not in a list that
// has one, NULL is not in an empty list only. It is the part of an anti join that
// does not depend on matches.
type notIn struct {
	on    bool
	rows  int64 // of the right input
	nulls int64 // those of them whose key is NULL
}

// listState is how the right input as a whole decides.
type listState int

const (
	listEmpty   listState = iota // every left row passes
	listPlain                    // those pass that have a key and no match
	listHasNull                  // none passes
)

func (l *notIn) state() listState {
	switch {
	case l.rows == 0:
		return listEmpty
	case l.nulls == 0:
		return listPlain
	}
	return listHasNull
}

// passes reports whether a left row passes.
func (s listState) passes(null, matched bool) bool {
	return s == listEmpty || s == listPlain && !null && !matched
}

// checkNotIn refuses what NOT IN does not say.
func (j *HashJoin) checkNotIn() error {
	if j.NullAware && (j.Kind != AntiJoin || len(j.LeftKeys) != 1 || len(j.plan.strict) != 1 || j.Where != nil) {
		return planError("AS1103", "join: NOT IN of several columns, or with a further condition", "write NOT EXISTS")
	}
	j.list.on = j.NullAware
	return nil
}

// nullKey reports whether the key of row i of b, of the given input, is NULL.
func (j *HashJoin) nullKey(input int, b arrowstream.Batch, i int) bool {
	return b.Column(j.plan.inputs[input].keys[0]).IsNull(i)
}

// listRow is what follows from right row i being added to the list or taken from
// it, beside what follows from its matches: those are taken back, or come again,
// in [HashJoin.match] if the list was plain before.
func (j *HashJoin) listRow(i int, null bool) {
	by := int64(1)
	if j.takesBack(i) {
		by = -1
	}
	was := j.list.state()
	j.list.rows += by
	if null {
		j.list.nulls += by
	}
	is := j.list.state()
	r := j.sides[0].rows
	if was == is || !j.updates || r == nil {
		return
	}
	for _, n := range r.order {
		key := r.records[n].Column(j.plan.inputs[0].keys[0])
		for k, slot := range r.chunks[n].slots {
			at := kernels.Place{Chunk: n, Row: uint32(k)}
			if r.rows[slot].place != at {
				continue
			}
			row := r.rows[slot]
			passed, passes := was.passes(key.IsNull(k), row.matches > 0), is.passes(key.IsNull(k), row.matches > 0)
			if passed != passes {
				j.put(-1, at, passed)
			}
		}
	}
}
