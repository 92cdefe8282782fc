package agg

import (
	"iter"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

// chains keeps a list of values per group, in the order in which they were
// added, as links in one column. Links of groups that are reset are reused.
type chains[T any] struct {
	links column[link[T]]
	heads column[chain]
	free  uint32 // first of the free links plus one
}

type link[T any] struct {
	v    T
	next uint32 // link plus one, 0 at the end
}

type chain struct {
	first, last uint32 // links plus one
	n           uint32
}

func newChains[T any](mem memory.Allocator) chains[T] {
	return chains[T]{links: column[link[T]]{mem: mem}, heads: column[chain]{mem: mem}}
}

func (c *chains[T]) grow(n int) { c.heads.grow(n) }
func (c *chains[T]) len() int   { return len(c.heads.v) }

// push adds v to the end of the list of a group.
func (c *chains[T]) push(group uint32, v T) {
	at := c.free
	if at != 0 {
		c.free = c.links.v[at-1].next
	} else {
		c.links.grow(len(c.links.v) + 1)
		at = uint32(len(c.links.v))
	}
	c.links.v[at-1] = link[T]{v: v}
	h := &c.heads.v[group]
	if h.n == 0 {
		h.first = at
	} else {
		c.links.v[h.last-1].next = at
	}
	h.last = at
	h.n++
}

// of yields the values of a group in order.
func (c *chains[T]) of(group uint32) iter.Seq[T] {
	return func(yield func(T) bool) {
		if int(group) >= len(c.heads.v) {
			return
		}
		for at := c.heads.v[group].first; at != 0; at = c.links.v[at-1].next {
			if !yield(c.links.v[at-1].v) {
				return
			}
		}
	}
}

// count is the number of values of a group.
func (c *chains[T]) count(group uint32) int { return int(c.heads.v[group].n) }

// some is the bitmap of the groups that have values, and the number of the others.
func (c *chains[T]) some(mem memory.Allocator, groups []uint32) (valid *validity, nulls int) {
	valid = newValid(mem, len(groups))
	for i, g := range groups {
		if c.count(g) == 0 {
			valid.bits.Clear(i)
			nulls++
		}
	}
	return valid, nulls
}

// total is the number of values of groups together.
func (c *chains[T]) total(groups []uint32) int {
	n := 0
	for _, g := range groups {
		n += c.count(g)
	}
	return n
}

// reset empties the lists of groups, of all when nil.
func (c *chains[T]) reset(groups []uint32) {
	if groups == nil {
		clear(c.heads.v)
		c.links.v, c.free = c.links.v[:0], 0
		return
	}
	for _, g := range groups {
		if int(g) >= len(c.heads.v) || c.heads.v[g].n == 0 {
			continue
		}
		h := c.heads.v[g]
		c.links.v[h.last-1].next = c.free
		c.free = h.first
		c.heads.v[g] = chain{}
	}
}

func (c *chains[T]) bytes() int64 { return c.links.bytes() + c.heads.bytes() }

func (c *chains[T]) release() {
	c.links.release()
	c.heads.release()
}
