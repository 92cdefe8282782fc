package udf

import (
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/kernels"
)

// Options are what a function may say about itself.
type Options struct {
	// Params are the names of the arguments in messages and in DESCRIBE FUNCTION;
	// default arg1, arg2 ...
	Params []string
	// Doc is one line for DESCRIBE FUNCTION.
	Doc string
	// Volatile: equal arguments may give different results, such as random
	// numbers. Results are then not those of a replay.
	Volatile bool
}

// Function is a function that a script can call.
type Function = kernels.Function

// Scalar1 makes a function of one argument. NULL gives NULL without a call,
// unless A is a sql.Null; see [Value]. The name must not be that of a function
// of the engine.
//
// Cost: the call, 2 to 3 ns around it for numbers, a copy of the texts of a
// batch for strings.
func Scalar1[A, R Value](name string, f func(A) R, o Options) (*Function, error) {
	return Try1(name, func(a A) (R, error) { return f(a), nil }, o)
}

// Scalar2 is [Scalar1] for two arguments.
func Scalar2[A, B, R Value](name string, f func(A, B) R, o Options) (*Function, error) {
	return Try2(name, func(a A, b B) (R, error) { return f(a, b), nil }, o)
}

// Scalar3 is [Scalar1] for three arguments.
func Scalar3[A, B, C, R Value](name string, f func(A, B, C) R, o Options) (*Function, error) {
	return Try3(name, func(a A, b B, c C) (R, error) { return f(a, b, c), nil }, o)
}

// Scalar4 is [Scalar1] for four arguments.
func Scalar4[A, B, C, D, R Value](name string, f func(A, B, C, D) R, o Options) (*Function, error) {
	return Try4(name, func(a A, b B, c C, d D) (R, error) { return f(a, b, c, d), nil }, o)
}

// Try1 is [Scalar1] for a function that can fail.
func Try1[A, R Value](name string, f func(A) (R, error), o Options) (*Function, error) {
	ca := codecOf[A]()
	return scalar(name, o, []traits{ca.traits}, codecOf[R](), func(args []kernels.Datum) (func(int) (R, error), error) {
		a, err := readArg(ca, args[0])
		return func(i int) (R, error) { return f(a.at(i)) }, err
	})
}

// Try2 is [Try1] for two arguments.
func Try2[A, B, R Value](name string, f func(A, B) (R, error), o Options) (*Function, error) {
	ca, cb := codecOf[A](), codecOf[B]()
	return scalar(name, o, []traits{ca.traits, cb.traits}, codecOf[R](), func(args []kernels.Datum) (func(int) (R, error), error) {
		a, err1 := readArg(ca, args[0])
		b, err2 := readArg(cb, args[1])
		return func(i int) (R, error) { return f(a.at(i), b.at(i)) }, errors.Join(err1, err2)
	})
}

// Try3 is [Try1] for three arguments.
func Try3[A, B, C, R Value](name string, f func(A, B, C) (R, error), o Options) (*Function, error) {
	ca, cb, cc := codecOf[A](), codecOf[B](), codecOf[C]()
	return scalar(name, o, []traits{ca.traits, cb.traits, cc.traits}, codecOf[R](), func(args []kernels.Datum) (func(int) (R, error), error) {
		a, err1 := readArg(ca, args[0])
		b, err2 := readArg(cb, args[1])
		c, err3 := readArg(cc, args[2])
		return func(i int) (R, error) { return f(a.at(i), b.at(i), c.at(i)) }, errors.Join(err1, err2, err3)
	})
}

// Try4 is [Try1] for four arguments.
func Try4[A, B, C, D, R Value](name string, f func(A, B, C, D) (R, error), o Options) (*Function, error) {
	ca, cb, cc, cd := codecOf[A](), codecOf[B](), codecOf[C](), codecOf[D]()
	return scalar(name, o, []traits{ca.traits, cb.traits, cc.traits, cd.traits}, codecOf[R](), func(args []kernels.Datum) (func(int) (R, error), error) {
		a, err1 := readArg(ca, args[0])
		b, err2 := readArg(cb, args[1])
		c, err3 := readArg(cc, args[2])
		d, err4 := readArg(cd, args[3])
		return func(i int) (R, error) { return f(a.at(i), b.at(i), c.at(i), d.at(i)) }, errors.Join(err1, err2, err3, err4)
	})
}

// argument is an argument of a call as Go values: one of a row, or one for all.
type argument[T any] struct {
	values []T
	mask   int // 0 for a constant, so that i&mask finds its value
}

func (a *argument[T]) at(i int) T { return a.values[i&a.mask] }

func readArg[T any](c codec[T], d kernels.Datum) (*argument[T], error) {
	a := &argument[T]{mask: -1}
	if d.Const {
		a.mask = 0
	}
	var err error
	a.values, err = c.read(d.Array)
	return a, err
}

// scalar makes the function that calls what open returns for each row in which
// no argument is NULL that cannot be.
func scalar[R any](name string, o Options, args []traits, out codec[R], open func([]kernels.Datum) (func(int) (R, error), error)) (*Function, error) {
	d := kernels.Declaration{Name: name, Params: o.Params, Doc: o.Doc, Volatile: o.Volatile, Out: out.typ}
	if out.null {
		d.Nulls = kernels.NullPossible
	}
	for _, t := range args {
		d.Args = append(d.Args, t.typ)
		if t.null {
			d.Nulls = kernels.NullPossible
		}
	}
	d.Kernel = func(mem memory.Allocator, n int, data []kernels.Datum) (arrow.Array, error) {
		valid := needed(args, data, n)
		call, err := open(data)
		if err != nil {
			return nil, failed(name, err)
		}
		col := out.column(mem, n)
		defer col.close()
		rows := col.values
		if valid.All() {
			for i := range rows {
				if rows[i], err = call(i); err != nil {
					return nil, failed(name, err)
				}
			}
		} else {
			for i := range valid.Ones() {
				if rows[i], err = call(i); err != nil {
					return nil, failed(name, err)
				}
			}
		}
		a, err := col.finish(valid)
		if err != nil {
			return nil, failed(name, err)
		}
		return a, nil
	}
	return d.Function()
}

// failed is the error of a function.
func failed(name string, err error) error {
	var own *kernels.Error
	if errors.As(err, &own) {
		return err
	}
	return &kernels.Error{Code: kernels.CodeUser, Msg: fmt.Sprintf("function %s: %v", name, err)}
}
