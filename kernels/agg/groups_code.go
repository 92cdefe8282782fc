package agg

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// codeTable is a keyTable for one column that may come dictionary-encoded. It
// keeps the slots of the entries of the last dictionary: an entry is looked up
// once, and a row costs one access to an array. Plain values go straight to the
// table of values.
type codeTable struct {
	mem    memory.Allocator
	values keyTable

	of    arrow.ArrayData // the dictionary in use; only its identity counts
	long  arrow.ArrayData // the last dictionary that was too long for its batch
	slot  []uint32        // per entry: slot plus one, 0 if unknown
	next  []int32         // per entry: the one before it that has the same slot, plus one
	entry column[int32]   // per slot: the last entry that has it, plus one
	null  uint32          // slot of NULL plus one, 0 if unknown

	asked []int32 // entries to look up, -1 for NULL
	found []uint32
}

// asking marks an entry that a batch has come upon.
const asking = ^uint32(0)

func newCodeTable(mem memory.Allocator, values keyTable) *codeTable {
	return &codeTable{mem: mem, values: values, entry: column[int32]{mem: mem}}
}

func (c *codeTable) find(keys []arrow.Array, ids []uint32, s *slots) error {
	d, ok := keys[0].(*array.Dictionary)
	if !ok {
		return c.values.find(keys, ids, s)
	}
	codes, values, _ := columnar.Dictionary(d)
	valid := columnar.Validity(d)
	if values.Data() != c.of {
		if values.Data() != c.long && values.Len() > max(4*len(ids), 1024) {
			c.long = values.Data()
			return c.findPlain(codes, values, valid, ids, s)
		}
		if err := c.reset(values); err != nil {
			return err
		}
	}
	if c.known(codes, valid, ids) {
		return nil
	}
	c.ask(codes, valid)
	if err := c.answer(values, s); err != nil {
		return err
	}
	c.known(codes, valid, ids)
	return nil
}

// known stores the slots of the rows and reports whether all of them are known;
// those that are not have NoGroup.
func (c *codeTable) known(codes []int32, valid columnar.Bitmap, ids []uint32) bool {
	all, at := true, 0
	for lo, hi := range valid.Runs() {
		all = c.nulls(ids[at:lo]) && all
		least, slot := NoGroup, c.slot
		out := ids[lo:hi]
		for i, code := range codes[lo:hi] {
			id := slot[code]
			out[i] = id - 1
			least = min(least, id)
		}
		all, at = all && least != 0, hi
	}
	return c.nulls(ids[at:]) && all
}

// nulls is known for rows that are NULL.
func (c *codeTable) nulls(ids []uint32) bool {
	for i := range ids {
		ids[i] = c.null - 1
	}
	return len(ids) == 0 || c.null != 0
}

// findPlain is the way of a dictionary that is much longer than the column, the
// first time it comes.
func (c *codeTable) findPlain(codes []int32, values arrow.Array, valid columnar.Bitmap, ids []uint32, s *slots) error {
	c.asked = append(c.asked[:0], codes...)
	for i := range c.asked {
		if !valid.Get(i) {
			c.asked[i] = -1
		}
	}
	plain, err := kernels.Take(c.mem, values, c.asked)
	if err != nil {
		return err
	}
	defer plain.Release()
	return c.values.find([]arrow.Array{plain}, ids, s)
}

// reset turns to another dictionary. Which of its entries have slots is asked
// for all of them at once: pieces of a file have a dictionary each, with much
// the same entries.
func (c *codeTable) reset(values arrow.Array) error {
	n := values.Len()
	if cap(c.slot) < n {
		c.slot, c.next = make([]uint32, n), make([]int32, n)
	}
	c.slot, c.next = c.slot[:n], c.next[:n]
	clear(c.entry.v)
	c.of = nil
	if err := c.values.find([]arrow.Array{values}, c.slot, nil); err != nil {
		return err
	}
	c.of = values.Data()
	for code, slot := range c.slot {
		c.slot[code] = 0
		if slot != NoGroup && values.IsValid(code) {
			c.lead(int32(code), slot+1)
		}
	}
	return nil
}

// lead makes an entry lead to a slot, given plus one.
func (c *codeTable) lead(code int32, slot uint32) {
	c.slot[code] = slot
	c.entry.grow(int(slot))
	c.next[code] = c.entry.v[slot-1]
	c.entry.v[slot-1] = code + 1
}

// ask collects the entries of the batch that are not known, in the order of
// their first rows, so that new keys get their slots in that order.
func (c *codeTable) ask(codes []int32, valid columnar.Bitmap) {
	c.asked = c.asked[:0]
	slot := c.slot
	at := 0
	null := func(to int) {
		if at < to && c.null == 0 {
			c.null = asking
			c.asked = append(c.asked, -1)
		}
	}
	for lo, hi := range valid.Runs() {
		null(lo)
		for _, code := range codes[lo:hi] {
			if slot[code] == 0 {
				slot[code] = asking
				c.asked = append(c.asked, code)
			}
		}
		at = hi
	}
	null(len(codes))
}

// answer looks the collected entries up.
func (c *codeTable) answer(values arrow.Array, s *slots) error {
	if len(c.asked) == 0 {
		return nil
	}
	if cap(c.found) < len(c.asked) {
		c.found = make([]uint32, len(c.asked))
	}
	c.found = c.found[:len(c.asked)]
	some, err := kernels.Take(c.mem, values, c.asked)
	if err == nil {
		defer some.Release()
		err = c.values.find([]arrow.Array{some}, c.found, s)
	}
	if err != nil {
		c.of, c.null = nil, 0
		return err
	}
	for i, code := range c.asked {
		slot := c.found[i] + 1 // 0 for NoGroup
		if code < 0 {
			c.null = slot
			continue
		}
		if c.slot[code] = slot; slot != 0 {
			c.lead(code, slot)
		}
	}
	return nil
}

// remove takes a key out and forgets the entries that lead to it.
func (c *codeTable) remove(slot uint32) {
	if c.null == slot+1 {
		c.null = 0
	}
	if int(slot) < len(c.entry.v) {
		for e := c.entry.v[slot]; e != 0; e = c.next[e-1] {
			c.slot[e-1] = 0
		}
		c.entry.v[slot] = 0
	}
	c.values.remove(slot)
}

func (c *codeTable) columns(slots []uint32) ([]arrow.Array, error) { return c.values.columns(slots) }

func (c *codeTable) reserve(n int, s *slots) { c.values.reserve(n, s) }

func (c *codeTable) bytes() int64 {
	return c.values.bytes() + c.entry.bytes() + 8*int64(cap(c.slot)) + 4*int64(cap(c.asked)+cap(c.found))
}

func (c *codeTable) release() {
	c.values.release()
	c.entry.release()
}
