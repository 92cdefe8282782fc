package simd

import "fmt"

// sameLength panics unless two arguments of the function called name have the
// same length.
func sameLength(name string, n, m int) {
	if n != m {
		panic(fmt.Sprintf("simd: %s: lengths %d and %d", name, n, m))
	}
}

// enoughBits panics unless bits has n bits.
func enoughBits(name string, bits []byte, n int) {
	if len(bits) < bytesOf(n) {
		panic(fmt.Sprintf("simd: %s: %d bytes of bits for %d rows", name, len(bits), n))
	}
}

// bytesOf is the number of bytes that hold n bits.
func bytesOf(n int) int { return (n + 7) / 8 }
