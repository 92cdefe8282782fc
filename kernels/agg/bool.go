package agg

import "github.com/apache/arrow/go/v17/arrow"

// bool_and is the least of the booleans, bool_or the greatest.
func bindBoolAnd(f *Function, args []arrow.DataType) (*Spec, error) { return bindBool(f, args, false) }

func bindBoolOr(f *Function, args []arrow.DataType) (*Spec, error) { return bindBool(f, args, true) }

func bindBool(f *Function, args []arrow.DataType, or bool) (*Spec, error) {
	if err := f.arity(args, 1); err != nil {
		return nil, err
	}
	if args[0].ID() != arrow.BOOL {
		return nil, f.refuse(args[0], "a boolean")
	}
	return bindExtreme(f, args, or)
}
