package kernels

// shortCopy is the longest run of bytes that is copied as one block.
const shortCopy = 32

// copyText copies src[from:to] to dst[at:], where there is room for it. A short
// run is copied as a block of fixed size when both sides have so many bytes,
// without a call: what is written behind the run belongs to the next one. From
// one slice to the other directly it would be a call, since they may overlap.
func copyText(dst []byte, at int, src []byte, from, to int) {
	if to-from <= shortCopy && at+shortCopy <= len(dst) && from+shortCopy <= len(src) {
		block := *(*[shortCopy]byte)(src[from:])
		*(*[shortCopy]byte)(dst[at:]) = block
		return
	}
	copy(dst[at:], src[from:to])
}
