package kernels

// shortCopy is the longest run of bytes that is copied as one block.
const shortCopy = 32

// copyText copies src[from:to] to dst[at:], where there is room for it. A short
// run is copied as a block of fixed size when both sides have so many bytes,
// without a call: what is written behind the run belongs to the next one.
func copyText(dst []byte, at int, src []byte, from, to int) {
	if to-from <= shortCopy && at+shortCopy <= len(dst) && from+shortCopy <= len(src) {
		*(*[shortCopy]byte)(dst[at:]) = *(*[shortCopy]byte)(src[from:])
		return
	}
	copy(dst[at:], src[from:to])
}
