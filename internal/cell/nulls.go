package cell

import (
	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
)

// AppendNulls appends n nulls, all at once where the type allows.
func (c *Column) AppendNulls(n int) {
	switch {
	case n <= 0:
		return
	case c.ID == arrow.STRUCT:
		for _, k := range c.Kids {
			k.AppendNulls(n)
		}
	case c.ID == arrow.STRING || c.ID == arrow.BINARY:
		c.off.reserve(4 * n)
		at := int32(c.data.n)
		to := columnar.AsValues[int32](c.off.p[c.off.n : c.off.n+4*n])
		for i := range to {
			to[i] = at
		}
		c.off.n += 4 * n
	case c.width > 0:
		c.data.reserve(c.width * n)
		clear(c.data.p[c.data.n : c.data.n+c.width*n])
		c.data.n += c.width * n
	default:
		for range n {
			c.AppendNull()
		}
		return
	}
	c.clearBits(n)
	c.nulls += n
	c.n += n
}

// clearBits marks the n rows behind the last one as null.
func (c *Column) clearBits(n int) {
	c.keepValidity()
	size := ((c.n+n)/64 + 1) * 8
	if size > c.valid.n {
		c.valid.reserve(size - c.valid.n)
		clear(c.valid.p[c.valid.n:size])
		c.valid.n = size
	}
	i, end := c.n, c.n+n
	for ; i < end && i&7 != 0; i++ {
		c.valid.p[i>>3] &^= 1 << (i & 7)
	}
	if i+8 <= end {
		clear(c.valid.p[i>>3 : end>>3])
		i = end &^ 7
	}
	for ; i < end; i++ {
		c.valid.p[i>>3] &^= 1 << (i & 7)
	}
}

// keepValidity starts the validity bitmap: all rows so far are valid.
func (c *Column) keepValidity() {
	if c.valid.p != nil {
		return
	}
	size := (c.n/64 + 1) * 8
	c.valid.reserve(size)
	for i := range size {
		c.valid.p[i] = 0xFF
	}
	c.valid.n = size
}
