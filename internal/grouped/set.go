package grouped

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

// Set holds one accumulator for each aggregate of a plan. It is used by one
// goroutine at a time.
type Set struct {
	plan *Plan
	mem  memory.Allocator
	accs []agg.Accumulator // one for each aggregate
	own  []agg.Accumulator // those with a state of their own

	args []arrow.Array // of the batch in Update
	call []arrow.Array
}

// NewSet returns the accumulators of p without slots.
func (p *Plan) NewSet(mem memory.Allocator) *Set {
	s := &Set{plan: p, mem: mem, args: make([]arrow.Array, len(p.args))}
	for _, a := range p.aggs {
		if a.shares >= 0 {
			s.accs = append(s.accs, a.spec.Share(s.accs[a.shares]))
			continue
		}
		acc := a.spec.New(mem)
		s.accs, s.own = append(s.accs, acc), append(s.own, acc)
	}
	return s
}

// Update adds the rows of b: row i to slot slots[i], or all to slot 0 when
// slots is nil. n is the number of slots there are.
func (s *Set) Update(b arrow.Record, slots []uint32, n int) error {
	defer s.clear()
	if err := s.evaluate(b); err != nil {
		return err
	}
	return s.add(first(b), slots, n, false)
}

// first is a column of b, which tells the number of rows.
func first(b arrow.Record) arrow.Array {
	if b.NumCols() == 0 {
		return nil
	}
	return b.Column(0)
}

// Args are the arguments of the aggregates for the rows of b, which the caller
// releases.
func (s *Set) Args(b arrow.Record) ([]arrow.Array, error) {
	args := s.args
	defer func() { s.args = make([]arrow.Array, len(args)) }()
	if err := s.evaluate(b); err != nil {
		Release(args)
		return nil, err
	}
	return args, nil
}

// Add is Update for arguments that stand apart, and slots that are there.
func (s *Set) Add(args []arrow.Array, slots []uint32, n int) error {
	copy(s.args, args)
	defer clear(s.args)
	return s.add(nil, slots, n, false)
}

// add adds rows, or takes them back; rows is any column of them.
func (s *Set) add(rows arrow.Array, slots []uint32, n int, back bool) error {
	for i, a := range s.plan.aggs {
		if a.shares >= 0 {
			continue
		}
		call := s.call[:0]
		for _, at := range a.in {
			call = append(call, s.args[at])
		}
		if len(call) == 0 && slots == nil {
			// count(*) of ungrouped rows takes the number of rows from a column.
			if rows == nil {
				continue
			}
			call = append(call, rows)
		}
		s.call = call
		do := s.accs[i].Update
		if back {
			do = s.accs[i].(agg.Retractable).Retract
		}
		if err := do(slots, n, call...); err != nil {
			return Error("aggregate "+s.plan.fields[i].Name, err)
		}
	}
	return nil
}

func (s *Set) evaluate(b arrow.Record) error {
	if i, err := s.plan.list.Eval(s.mem, b, s.args); err != nil {
		a := s.plan.args[i]
		return arrowstream.NameRow(b, Failed(a.source, "", err), func(row arrow.Record) error { return a.check(s.mem, row) })
	}
	return nil
}

// Check is the error of the first argument that cannot be computed for the rows
// of b.
func (p *Plan) Check(mem memory.Allocator, b arrow.Record) error {
	for _, a := range p.args {
		if !a.bound.Fails() {
			continue
		}
		if err := a.check(mem, b); err != nil {
			return err
		}
	}
	return nil
}

// check computes the argument and forgets it.
func (a *argument) check(mem memory.Allocator, b arrow.Record) error {
	col, err := a.bound.Eval(mem, b)
	if err != nil {
		return Failed(a.source, "", err)
	}
	col.Release()
	return nil
}

func (s *Set) clear() {
	Release(s.args)
	clear(s.args)
	clear(s.call)
}

// Merge adds states, columns as State returns them, row i to slot slots[i].
func (s *Set) Merge(slots []uint32, n int, state []arrow.Array) error {
	for i, a := range s.plan.aggs {
		if a.shares < 0 {
			if err := s.accs[i].Merge(slots, n, state[:a.states]...); err != nil {
				return Error("aggregate "+s.plan.fields[i].Name, err)
			}
		}
		state = state[a.states:]
	}
	return nil
}

// State returns the states of slots in that order; the caller releases them.
// No slots give columns without rows.
func (s *Set) State(slots []uint32) ([]arrow.Array, error) {
	out := make([]arrow.Array, 0, len(s.plan.states))
	for i := range s.plan.aggs {
		cols, err := s.accs[i].State(notNil(slots))
		if err != nil {
			Release(out)
			return nil, Error("aggregate "+s.plan.fields[i].Name, err)
		}
		out = append(out, cols...)
	}
	return out, nil
}

// Final returns the results of slots in that order; the caller releases them. An
// error shows the first slot that has no result, as key says of its place in
// slots; nil if there are no keys.
func (s *Set) Final(slots []uint32, key func(i int) string) ([]arrow.Array, error) {
	out := make([]arrow.Array, 0, len(s.plan.fields))
	for i := range s.plan.aggs {
		col, err := s.accs[i].Final(notNil(slots))
		if err != nil {
			Release(out)
			return nil, s.failed(i, slots, key)
		}
		out = append(out, col)
	}
	return out, nil
}

// failed is the error of the first of slots for which aggregate i has none but an
// error.
func (s *Set) failed(i int, slots []uint32, key func(i int) string) error {
	name := s.plan.fields[i].Name
	for at := range slots {
		col, err := s.accs[i].Final(slots[at : at+1])
		if err == nil {
			col.Release()
			continue
		}
		err = of(name, Error("aggregate "+name, err))
		if coded, ok := err.(*arrowstream.Error); ok && key != nil {
			if text := key(at); text != "" {
				coded.Msg += " (group " + text + ")"
			}
		}
		return err
	}
	return fmt.Errorf("aggregate %s: it fails for groups together", name)
}

// Reset puts slots back into their initial state.
func (s *Set) Reset(slots []uint32) {
	if len(slots) == 0 {
		return
	}
	for _, a := range s.own {
		a.Reset(slots)
	}
}

// Bytes is the memory held.
func (s *Set) Bytes() int64 {
	var n int64
	for _, a := range s.own {
		n += a.Bytes()
	}
	return n
}

// Release frees everything.
func (s *Set) Release() {
	for _, a := range s.own {
		a.Release()
	}
	s.accs, s.own = nil, nil
}

// notNil keeps "no slots" apart from nil, which stands for all of them.
func notNil(slots []uint32) []uint32 {
	if slots == nil {
		return []uint32{}
	}
	return slots
}

// Release releases the arrays that are there.
func Release(arrays []arrow.Array) {
	for _, a := range arrays {
		if a != nil {
			a.Release()
		}
	}
}
