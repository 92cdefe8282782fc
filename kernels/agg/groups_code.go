package agg

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// codeCache finds the slots of a dictionary-encoded key by its codes: each
// entry of a dictionary is hashed and looked up at most once, and a row costs
// one access to an array.
type codeCache struct {
	rows   *rowTable
	of     arrow.ArrayData // the dictionary the cache is for; only its identity counts
	hashes []uint64        // per entry
	slot   []uint32        // per entry: slot plus one, 0 if unknown
	code   column[int32]   // per slot: entry plus one, 0 if none leads to it
	null   uint32          // slot of NULL plus one, 0 if unknown
	text   byteValues      // the entries, where they are strings
	buf    []byte
}

func newCodeCache(rows *rowTable) *codeCache {
	return &codeCache{rows: rows, code: column[int32]{mem: rows.mem}}
}

func (c *codeCache) find(d *array.Dictionary, ids []uint32, s *slots) error {
	codes, values, _ := columnar.Dictionary(d)
	if values.Data() != c.of {
		if err := c.reset(values); err != nil {
			return err
		}
	}
	if c.rows.text {
		c.text = newByteValues(values)
		defer func() { c.text = byteValues{} }()
	}
	at := 0
	for lo, hi := range columnar.Validity(d).Runs() {
		for ; at < lo; at++ {
			ids[at] = c.findNull(s)
		}
		for i, code := range codes[lo:hi] {
			slot := c.slot[code]
			if slot == 0 {
				slot = c.findEntry(values, code, s) + 1
			}
			ids[lo+i] = slot - 1
		}
		at = hi
	}
	for ; at < len(ids); at++ {
		ids[at] = c.findNull(s)
	}
	return nil
}

// reset turns to another dictionary.
func (c *codeCache) reset(values arrow.Array) error {
	n := values.Len()
	if cap(c.slot) < n {
		c.slot, c.hashes = make([]uint32, n), make([]uint64, n)
	}
	c.slot, c.hashes = c.slot[:n], c.hashes[:n]
	clear(c.slot)
	clear(c.code.v)
	c.of = nil
	if err := kernels.Hash([]arrow.Array{values}, c.hashes); err != nil {
		return err
	}
	c.of = values.Data()
	return nil
}

// findEntry looks an entry up in the table and remembers its slot.
func (c *codeCache) findEntry(values arrow.Array, code int32, s *slots) uint32 {
	if values.IsNull(int(code)) {
		return c.findNull(s)
	}
	slot := uint32(0)
	if c.rows.text {
		slot = c.rows.findOne(c.hashes[code], c.text.at(int(code)), s)
	} else {
		c.buf = appendValue(c.buf[:0], values, int(code), true)
		slot = c.rows.findOne(c.hashes[code], c.buf, s)
	}
	if slot == NoGroup {
		return slot
	}
	c.code.grow(int(slot) + 1)
	if other := c.code.v[slot]; other != 0 {
		c.slot[other-1] = 0 // the value stands twice in the dictionary: one of them is remembered
	}
	c.slot[code], c.code.v[slot] = slot+1, code+1
	return slot
}

func (c *codeCache) findNull(s *slots) uint32 {
	if c.null == 0 {
		var hash [1]uint64
		null := array.NewNull(1)
		defer null.Release()
		// Hash of a null column cannot be refused.
		_ = kernels.Hash([]arrow.Array{null}, hash[:])
		slot := c.rows.findNull(hash[0], s)
		if slot == NoGroup {
			return slot
		}
		c.null = slot + 1
	}
	return c.null - 1
}

// remove forgets what leads to a slot.
func (c *codeCache) remove(slot uint32) {
	if c.null == slot+1 {
		c.null = 0
	}
	if int(slot) < len(c.code.v) && c.code.v[slot] != 0 {
		if code := c.code.v[slot] - 1; int(code) < len(c.slot) && c.slot[code] == slot+1 {
			c.slot[code] = 0
		}
		c.code.v[slot] = 0
	}
}

func (c *codeCache) bytes() int64 { return c.code.bytes() + 12*int64(cap(c.slot)) }

func (c *codeCache) release() { c.code.release() }
