package mlkernels

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// Class numbers that are none: of a NULL or NaN, and of a value that has not
// been looked up or was not seen before.
const (
	noClass = -1 - iota
	unseenClass
)

// classIDs gives classes numbers in the order in which they first occur. A
// class is a number (bool counts as 0 and 1) or a text.
type classIDs struct {
	numbers map[float64]int
	texts   map[string]int
	names   []string

	small [256]int32 // class number + 1 of -128 to 127, 0 for none
	short [64]shortText
}

func newClassIDs() classIDs { return classIDs{numbers: map[float64]int{}, texts: map[string]int{}} }

// findNumber is the class of v, unseenClass if it has none yet.
func (c *classIDs) findNumber(v float64) int32 {
	if k := int64(v); uint64(k+128) < 256 && float64(k) == v {
		if id := c.small[k+128]; id > 0 {
			return id - 1
		}
		return unseenClass
	}
	if v != v {
		return noClass
	}
	if k, ok := c.numbers[v]; ok {
		return int32(k)
	}
	return unseenClass
}

// number is the class of v, a new one if it has none yet.
func (c *classIDs) number(v float64, isBool bool) int32 {
	id := c.findNumber(v)
	if id != unseenClass {
		return id
	}
	v += 0
	id = int32(len(c.names))
	name := strconv.FormatFloat(v, 'g', -1, 64)
	if isBool {
		name = strconv.FormatBool(v != 0)
	}
	c.names = append(c.names, name)
	c.setNumber(v, id)
	return id
}

func (c *classIDs) setNumber(v float64, id int32) {
	c.numbers[v] = int(id)
	if k := int64(v); uint64(k+128) < 256 && float64(k) == v {
		c.small[k+128] = id + 1
	}
}

// findText is the class of s, unseenClass if it has none yet. For up to eight
// bytes, with eight bytes of memory behind s, it compares one number: the
// lengths of texts are as hard to predict as the classes themselves.
func (c *classIDs) findText(s []byte) int32 {
	if cap(s) < 8 || len(s) > 8 {
		if k, ok := c.texts[string(s)]; ok {
			return int32(k)
		}
		return unseenClass
	}
	key := binary.LittleEndian.Uint64(s[:8]) & (1<<(8*len(s)) - 1)
	slot := &c.short[(key^key>>7^key>>29+uint64(len(s)))&63]
	if slot.key == key && int(slot.size) == len(s) && slot.id > 0 {
		return slot.id - 1
	}
	k, ok := c.texts[string(s)]
	if !ok {
		return unseenClass
	}
	*slot = shortText{key, int32(len(s)), int32(k) + 1}
	return int32(k)
}

// shortText is a text of at most eight bytes and its class number + 1.
type shortText struct {
	key      uint64
	size, id int32
}

// text is the class of s, a new one if it has none yet.
func (c *classIDs) text(s []byte) int32 {
	id := c.findText(s)
	if id == unseenClass {
		name := string(s)
		id = int32(len(c.names))
		c.texts[name] = int(id)
		c.names = append(c.names, name)
	}
	return id
}

// ordered are the class numbers in ascending order of the classes.
func (c *classIDs) ordered() []int {
	out := make([]int, len(c.names))
	for k := range out {
		out[k] = k
	}
	value := make([]float64, len(c.names))
	for v, k := range c.numbers {
		value[k] = v
	}
	sortBy(out, func(a, b int) bool {
		if len(c.texts) > 0 {
			return c.names[a] < c.names[b]
		}
		return value[a] < value[b]
	})
	return out
}

// positive is the class precision and recall are of, -1 for the mean over
// classes, a number past the last class for one that did not occur.
func (c *classIDs) positive(declared string) int {
	if declared != "" {
		for k, name := range c.names {
			if strings.EqualFold(name, declared) {
				return k
			}
		}
		return len(c.names)
	}
	if k, ok := c.numbers[1]; ok && c.within(0, 1) || ok && c.within(-1, 1) {
		return k
	}
	if len(c.texts) == 0 && len(c.names) == 1 && (c.within(0, 1) || c.within(-1, 1)) {
		return len(c.names)
	}
	if order := c.ordered(); len(order) == 2 {
		return order[1]
	}
	return -1
}

func (c *classIDs) within(a, b float64) bool {
	for v := range c.numbers {
		if v != a && v != b {
			return false
		}
	}
	return len(c.texts) == 0
}

func (c *classIDs) save(w *stateWriter) {
	w.texts(c.names)
	value := make([]float64, len(c.names))
	kind := make([]int64, len(c.names))
	for v, k := range c.numbers {
		value[k], kind[k] = v, 1
	}
	w.floats(value)
	w.ints(kind)
}

func (c *classIDs) load(r *stateReader) {
	c.names = r.texts()
	value, kind := r.floats(), r.ints()
	if len(value) != len(c.names) || len(kind) != len(c.names) {
		r.fail()
		return
	}
	for k, name := range c.names {
		if kind[k] == 1 {
			c.setNumber(value[k], int32(k))
		} else {
			c.texts[name] = k
		}
	}
}
