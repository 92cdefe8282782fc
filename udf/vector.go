package udf

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/kernels"
)

// Columns computes a column of n rows out of columns of n rows. It borrows args
// and returns a column that is its caller's; to return one of args it retains
// it. Memory comes from mem, and nothing of it may be kept. Columns may be
// slices: look at values through their methods or package columnar. Several
// goroutines call it at the same time.
type Columns func(mem memory.Allocator, n int, args []arrow.Array) (arrow.Array, error)

// Vector makes a function of columns of the types args, whose result has the
// type out. NULLs are its business; constants come as columns of one value.
//
// Cost: the call, and a column for each constant.
func Vector(name string, args []arrow.DataType, out arrow.DataType, f Columns, o Options) (*Function, error) {
	d := kernels.Declaration{Name: name, Params: o.Params, Doc: o.Doc, Args: args, Out: out, Nulls: kernels.NullPossible, Volatile: o.Volatile}
	d.Kernel = func(mem memory.Allocator, n int, data []kernels.Datum) (arrow.Array, error) {
		columns := make([]arrow.Array, len(data))
		for i, c := range data {
			all := c.Array
			if c.Const {
				var err error
				if all, err = kernels.Repeat(mem, c.Array, n); err != nil {
					return nil, err
				}
				defer all.Release()
			}
			// Parts of an expression are columns of types of their own.
			columns[i] = array.MakeFromData(all.Data())
			defer columns[i].Release()
		}
		a, err := f(mem, n, columns)
		if err != nil {
			err = failed(name, err)
		}
		return a, err
	}
	return d.Function()
}
