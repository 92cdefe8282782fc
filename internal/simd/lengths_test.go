package simd

import (
	"fmt"
	"testing"
)

// panics are calls with lengths that do not fit, of every exported function
// that takes more than one slice.
var panics = []struct {
	want string
	call func()
}{
	{"simd: SumFloat64Valid: 1 bytes of bits for 9 rows", func() { SumFloat64Valid(new([32]float64), make([]float64, 9), make([]byte, 1)) }},
	{"simd: SumFloat32Valid: 1 bytes of bits for 9 rows", func() { SumFloat32Valid(new([32]float64), make([]float32, 9), make([]byte, 1)) }},
	{"simd: SumInt32Valid: 0 bytes of bits for 9 rows", func() { SumInt32Valid(make([]int32, 9), nil) }},
	{"simd: SumInt64Valid: 0 bytes of bits for 9 rows", func() { SumInt64Valid(make([]int64, 9), nil) }},
	{"simd: SumUint64Valid: 0 bytes of bits for 9 rows", func() { SumUint64Valid(make([]uint64, 9), nil) }},
	{"simd: MinValid: 1 bytes of bits for 9 rows", func() { MinValid(make([]int32, 9), make([]byte, 1)) }},
	{"simd: MaxValid: 1 bytes of bits for 9 rows", func() { MaxValid(make([]float64, 9), make([]byte, 1)) }},
	{"simd: Compare: lengths 3 and 4", func() { Compare(Lt, make([]byte, 1), make([]int64, 3), make([]int64, 4)) }},
	{"simd: Compare: 0 bytes of bits for 3 rows", func() { Compare(Lt, nil, make([]int64, 3), make([]int64, 1)) }},
	{"simd: And: lengths 3 and 4", func() { And(make([]byte, 3), make([]byte, 3), make([]byte, 4)) }},
	{"simd: Or: lengths 4 and 3", func() { Or(make([]byte, 4), make([]byte, 3), make([]byte, 3)) }},
	{"simd: AndNot: lengths 3 and 4", func() { AndNot(make([]byte, 3), make([]byte, 3), make([]byte, 4)) }},
	{"simd: Not: lengths 3 and 4", func() { Not(make([]byte, 3), make([]byte, 4)) }},
	{"simd: Count: 1 bytes of bits for 9 rows", func() { Count(make([]byte, 1), 9) }},
	{"simd: Shift: 1 bytes of bits for 9 rows", func() { Shift(make([]byte, 2), make([]byte, 1), 1, 8) }},
	{"simd: Arith: lengths 3 and 4", func() { Arith(Add, make([]int64, 3), make([]int64, 4), make([]int64, 3)) }},
	{"simd: Arith: lengths 3 and 0", func() { Arith(Add, make([]int64, 3), make([]int64, 1), nil) }},
	{"simd: Arith: division of integers", func() { Arith(Div, make([]int64, 3), make([]int64, 3), make([]int64, 3)) }},
	{"simd: MulAdd: lengths 3 and 4", func() { MulAdd(make([]float64, 3), make([]float64, 3), make([]float64, 3), make([]float64, 4)) }},
	{"simd: FMA: lengths 3 and 2", func() { FMA(make([]float64, 3), make([]float64, 3), make([]float64, 2), make([]float64, 3)) }},
}

func TestLengthsThatDoNotFitPanic(t *testing.T) {
	for _, p := range panics {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != p.want {
					t.Errorf("panic is %q, want %q", got, p.want)
				}
			}()
			p.call()
		}()
	}
}
