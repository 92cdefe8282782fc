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
