//go:build !purego

package simd

import "github.com/klauspost/cpuid/v2"

// The guards ask these two, which follow active.
var (
	hasAVX2   = active >= AVX2
	hasAVX512 = active >= AVX512
)

func setLevel(l Level) { active, hasAVX2, hasAVX512 = l, l >= AVX2, l >= AVX512 }

// detect asks for the features that are used; cpuid also looks whether the
// operating system saves the registers.
func detect() Level {
	switch c := cpuid.CPU; {
	case !c.Supports(cpuid.AVX2, cpuid.FMA3, cpuid.BMI2, cpuid.POPCNT):
		return Go
	case !c.Supports(cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512DQ, cpuid.AVX512VL, cpuid.AVX512CD):
		return AVX2
	}
	return AVX512
}
