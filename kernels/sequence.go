package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// sequenceKernel is SEQUENCE(from, to[, step]): from, from + step ... up to to,
// which is part of it if it is met. Without a step it is 1, or -1 if to is below
// from; of dates the step counts days.
func sequenceKernel[T int32 | int64](elem arrow.DataType) Kernel {
	t := arrow.ListOf(elem)
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		from, to := columnar.Values[T](args[0].Array), columnar.Values[T](args[1].Array)
		mf, mt := args[0].mask(), args[1].mask()
		valid := strict(mem, n, args...)
		ends := make([]int32, n+1)
		total := int64(0)
		step := func(i int) int64 {
			switch {
			case len(args) == 3:
				return intsOf(args[2]).at(i)
			case to[i&mt] < from[i&mf]:
				return -1
			}
			return 1
		}
		for i := range n {
			if valid.get(i) {
				a, b, by := int64(from[i&mf]), int64(to[i&mt]), step(i)
				count, ok := seriesLength(a, b, by)
				if !ok {
					valid.release()
					return nil, errorf(CodeValue, "sequence: from %d to %d by 0", a, b)
				}
				if total += int64(min(count, maxSequence)); count >= maxSequence || total > maxSequence {
					valid.release()
					return nil, &Error{Code: CodeValue, Msg: "sequence: more than 16777216 elements in a batch", Hint: "read GENERATE_SERIES in FROM"}
				}
			}
			ends[i+1] = int32(total)
		}
		buf, out := fixed[T](mem, int(total))
		for i := range n {
			if ends[i] == ends[i+1] {
				continue
			}
			v, by := from[i&mf], T(step(i))
			for k := ends[i]; k < ends[i+1]; k++ {
				out[k] = v
				v += by
			}
		}
		values := finish(elem, noNulls(mem, int(total)), buf)
		defer values.Release()
		return newList(mem, t, valid, ends, values), nil
	}
}

// maxSequence bounds the elements of all lists of a batch.
const maxSequence = 1 << 24

// seriesLength is the number of values from a to b by a step; ok is false for a
// step of 0. It is 1<<64 - 1 also for one more.
func seriesLength(a, b, step int64) (n uint64, ok bool) {
	switch {
	case step == 0:
		return 0, false
	case step > 0 && a > b, step < 0 && a < b:
		return 0, true
	case step > 0:
		n = (uint64(b) - uint64(a)) / uint64(step)
	default:
		n = (uint64(a) - uint64(b)) / -uint64(step)
	}
	return max(n, n+1), true
}

func bindSequence(f *Function, args []Arg) (*Binding, error) {
	x, y := Logical(args[0].Type), Logical(args[1].Type)
	if len(args) == 3 && !accepts(args[2], int64Type) {
		return nil, f.mismatch(args)
	}
	switch {
	case (isDate(x) || isNull(x)) && (isDate(y) || isNull(y)) && !(isNull(x) && isNull(y)):
		b := &Binding{Args: []arrow.DataType{dateType, dateType, int64Type}[:len(args)], Out: arrow.ListOf(dateType), Fails: true, Kernel: sequenceKernel[int32](dateType)}
		return b, nil
	case accepts(args[0], int64Type) && accepts(args[1], int64Type):
		b := &Binding{Args: same(int64Type, len(args)), Out: arrow.ListOf(int64Type), Fails: true, Kernel: sequenceKernel[int64](int64Type)}
		return b, nil
	}
	return nil, f.mismatch(args)
}
