package limits

import (
	"syscall"
	"unsafe"
)

// hugePages is memory for n numbers at a multiple of 2 MiB.
func hugePages(n int) []float64 {
	const page = 2 << 20
	size := (8*n/page + 2) * page
	raw, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return make([]float64, n)
	}
	skip := int(-uintptr(unsafe.Pointer(&raw[0])) % page)
	raw = raw[skip:]
	_ = syscall.Madvise(raw, syscall.MADV_HUGEPAGE) // a system without them has small pages
	return unsafe.Slice((*float64)(unsafe.Pointer(&raw[0])), n)
}
