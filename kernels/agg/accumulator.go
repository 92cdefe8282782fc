package agg

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/kernels"
)

// Accumulator is the state of one aggregate for all groups. Groups are
// numbered from 0 without gaps; a group that was never updated, or never heard
// of, is in its initial state. It is used by one goroutine at a time.
type Accumulator interface {
	// Update adds the rows of args, which are borrowed and have the types of
	// [Spec.Args]: row i to group groups[i]. n is the number of groups so far,
	// greater than every element of groups. groups nil adds all rows to group
	// 0. Rows are taken in order; NULLs are skipped, except by count(*).
	Update(groups []uint32, n int, args ...arrow.Array) error
	// Merge adds the states of other accumulators, columns as State returns
	// them, row i to group groups[i]; what is merged came after what is there.
	// Merging into groups in their initial state restores them exactly.
	Merge(groups []uint32, n int, state ...arrow.Array) error
	// State returns the state of the given groups, in that order, in columns
	// of the types [Spec.StateTypes]; nil means all groups so far. The caller
	// releases them. The state itself does not change.
	State(groups []uint32) ([]arrow.Array, error)
	// Final returns the result for the given groups, in that order, as a
	// column of type [Spec.Out]; nil means all groups so far. The caller
	// releases it. The state does not change. A total outside the range of the
	// type is a *kernels.Error with kernels.CodeOverflow.
	Final(groups []uint32) (arrow.Array, error)
	// Reset puts groups back into their initial state, nil all of them.
	Reset(groups []uint32)
	// Bytes is the memory held, in bytes.
	Bytes() int64
	// Release frees everything; the accumulator is not used again.
	Release()
}

// Spec is an aggregate bound to argument types.
type Spec struct {
	// Args are the types the arguments must be cast to before Update. Where
	// one is a dictionary type, plain values of its value type do as well.
	Args []arrow.DataType
	// Out is the type of the result.
	Out arrow.DataType
	// Nullable tells whether the result may be NULL.
	Nullable bool
	// StateTypes are the types of the columns of State and Merge.
	StateTypes []arrow.DataType
	// New returns an accumulator without groups.
	New func(mem memory.Allocator) Accumulator
	// State names what the state holds, "" for a state like no other's. Over the
	// same arguments, aggregates of equal State hold equal states, as sum and
	// avg do: then Share returns one whose Final reads the state of another.
	// Of the two only the other one is updated, merged, reset and released.
	State string
	Share func(of Accumulator) Accumulator
	// Merge tells that the states of consecutive stretches of rows can be
	// merged: panes of windows and partial aggregates may be used.
	Merge bool
	// OrderFree tells that the result does not depend on the order of rows and
	// merges, to the bit.
	OrderFree bool
	// Slide computes frames that move along rows: the result of frame i is that
	// of the rows lo[i] to hi[i]-1 of args. Neither lo nor hi descends, and lo[i]
	// is at most hi[i]. A row costs the same for every length of the frames. It
	// is nil for functions that cannot take rows back. Sums of floats are exact
	// until they are rounded once.
	Slide func(mem memory.Allocator, lo, hi []int32, args ...arrow.Array) (arrow.Array, error)

	// retract is what [Spec.Retractable] returns, nil for the general way.
	retract func() (*Spec, error)
}

// Function is one aggregate function.
type Function struct {
	Name    string   // lower case
	Aliases []string // other names, lower case
	Usage   string   // "sum(x)", for messages and lists of functions
	bind    func(f *Function, args []arrow.DataType) (*Spec, error)
	// distinct tells what DISTINCT means for the function.
	distinct distinctness
}

// distinctness says what DISTINCT does to an aggregate.
type distinctness int

const (
	distinctRefused distinctness = iota
	distinctApplies              // counts each value of a group once
	distinctIgnored              // changes nothing: min, max, bool_and ...
)

// Find returns the function with the given name or alias, in any case.
func Find(name string) (*Function, bool) {
	name = strings.ToLower(name)
	for i := range functions {
		f := &functions[i]
		if f.Name == name {
			return f, true
		}
		for _, a := range f.Aliases {
			if a == name {
				return f, true
			}
		}
	}
	return nil, false
}

// Names are the names of all functions without their aliases, in the order of
// the table.
func Names() []string {
	names := make([]string, len(functions))
	for i, f := range functions {
		names[i] = f.Name
	}
	return names
}

// Bind types the function: it checks the number and the types of the arguments
// and returns what they must be cast to, the result type and how to make an
// accumulator. distinct asks for f(DISTINCT x). Errors are *kernels.Error with
// kernels.CodeFunction.
//
// There is no FILTER here: the caller passes arguments that are NULL where the
// condition does not hold, see [Mask]; count(*) FILTER (WHERE c) is count_if(c).
func (f *Function) Bind(args []arrow.DataType, distinct bool) (*Spec, error) {
	spec, err := f.bind(f, args)
	if err != nil || !distinct || f.distinct == distinctIgnored {
		return spec, err
	}
	if f.distinct == distinctRefused {
		return nil, refusal("%s does not take DISTINCT", f.Name)
	}
	if f.Name == "listagg" && len(args) == 2 {
		return bindDistinctList(spec)
	}
	if len(args) != 1 {
		return nil, refusal("%s with DISTINCT takes one argument, not %d", f.Name, len(args))
	}
	return bindDistinct(spec)
}

// arity is the error for a wrong number of arguments.
func (f *Function) arity(args []arrow.DataType, want int) error {
	if len(args) == want {
		return nil
	}
	return refusal("%s: want %s, got %d arguments", f.Name, f.Usage, len(args))
}

// numbers is the error for arguments that are not so many numbers.
func (f *Function) numbers(args []arrow.DataType, want int) error {
	if err := f.arity(args, want); err != nil {
		return err
	}
	for _, t := range args {
		if !numeric(t) {
			return f.refuse(t, "a number")
		}
	}
	return nil
}

// refuse is the error for an argument of a type that does not fit.
func (f *Function) refuse(t arrow.DataType, want string) error {
	e := &kernels.Error{Code: kernels.CodeFunction, Msg: fmt.Sprintf("%s of %s: want %s", f.Name, kernels.SQLName(t), want)}
	if Plain(t).ID() == arrow.STRING && strings.Contains(want, "number") {
		e.Hint = "CAST the text AS DOUBLE; TRY_CAST gives NULL where it is no number"
	}
	return e
}

func refusal(format string, args ...any) error {
	return &kernels.Error{Code: kernels.CodeFunction, Msg: fmt.Sprintf(format, args...)}
}

func overflow(format string, args ...any) error {
	return &kernels.Error{Code: kernels.CodeOverflow, Msg: fmt.Sprintf(format, args...)}
}
