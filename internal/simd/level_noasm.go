//go:build purego || !amd64

package simd

func setLevel(l Level) { active = l }

func detect() Level { return Go }
