package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go/format"
)

// errShort says that a thrift structure goes on behind the bytes at hand.
var errShort = errors.New("thrift structure is cut off")

const (
	maxThriftDepth = 32
	maxThriftItems = 1 << 20
)

// Types of the thrift compact protocol.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
)

// compact walks bytes of the thrift compact protocol without decoding them.
// It allocates nothing, so that a count or a length that lies costs nothing.
type compact struct {
	b     []byte
	i     int
	items int // list elements seen so far
}

// scanFooter checks that b starts with one whole thrift struct whose nesting,
// counts and lengths are in bounds, and returns its length.
func scanFooter(b []byte) (int, error) {
	c := compact{b: b}
	err := c.skip(thriftStruct, 0)
	return c.i, err
}

func (c *compact) byte() (byte, error) {
	if c.i >= len(c.b) {
		return 0, errShort
	}
	c.i++
	return c.b[c.i-1], nil
}

func (c *compact) uvarint() (uint64, error) {
	x, n := binary.Uvarint(c.b[c.i:])
	switch {
	case n == 0:
		return 0, errShort
	case n < 0:
		return 0, fmt.Errorf("thrift number at byte %d is longer than 64 bits", c.i)
	}
	c.i += n
	return x, nil
}

func (c *compact) varint() (int64, error) {
	x, err := c.uvarint()
	return int64(x>>1) ^ -int64(x&1), err
}

// int32 reads a number that must fit 32 bits.
func (c *compact) int32() (int32, error) {
	x, err := c.varint()
	if err == nil && x != int64(int32(x)) {
		return 0, fmt.Errorf("thrift number %d does not fit 32 bits", x)
	}
	return int32(x), err
}

// field reads a field header; last is the id of the field before. Type 0 ends
// the struct.
func (c *compact) field(last int) (id int, typ byte, err error) {
	h, err := c.byte()
	if err != nil || h == 0 {
		return 0, 0, err
	}
	typ = h & 15
	if delta := int(h >> 4); delta != 0 {
		return last + delta, typ, nil
	}
	x, err := c.varint()
	return int(int16(x)), typ, err
}

// skip walks over one value of a type.
func (c *compact) skip(typ byte, depth int) error {
	if depth > maxThriftDepth {
		return fmt.Errorf("thrift structure is nested deeper than %d", maxThriftDepth)
	}
	switch typ {
	case thriftTrue, thriftFalse:
		return nil
	case thriftByte:
		return c.advance(1)
	case 4, 5, 6:
		_, err := c.uvarint()
		return err
	case thriftDouble:
		return c.advance(8)
	case thriftBinary:
		n, err := c.uvarint()
		if err != nil {
			return err
		}
		return c.advance(n)
	case thriftList, thriftSet:
		return c.skipList(depth)
	case thriftMap:
		n, err := c.uvarint()
		if err != nil || n == 0 {
			return err
		}
		types, err := c.byte()
		if err != nil {
			return err
		}
		if err := c.count(n); err != nil {
			return err
		}
		for range n {
			if err := c.element(types>>4, depth); err != nil {
				return err
			}
			if err := c.element(types&15, depth); err != nil {
				return err
			}
		}
		return nil
	case thriftStruct:
		for last := 0; ; {
			id, typ, err := c.field(last)
			if err != nil || typ == 0 {
				return err
			}
			if err := c.skip(typ, depth+1); err != nil {
				return err
			}
			last = id
		}
	}
	return fmt.Errorf("thrift type %d at byte %d is unknown", typ, c.i)
}

func (c *compact) skipList(depth int) error {
	h, err := c.byte()
	if err != nil {
		return err
	}
	n := uint64(h >> 4)
	if n == 15 {
		if n, err = c.uvarint(); err != nil {
			return err
		}
	}
	if err := c.count(n); err != nil {
		return err
	}
	for range n {
		if err := c.element(h&15, depth); err != nil {
			return err
		}
	}
	return nil
}

// element skips one element of a list; booleans take a byte there.
func (c *compact) element(typ byte, depth int) error {
	if typ == thriftTrue || typ == thriftFalse {
		return c.advance(1)
	}
	return c.skip(typ, depth+1)
}

// count checks a number of elements, each of which takes a byte at least.
func (c *compact) count(n uint64) error {
	if n > uint64(len(c.b)-c.i) {
		return errShort
	}
	if c.items += int(n); c.items > maxThriftItems {
		return fmt.Errorf("thrift structure has more than %d list elements", maxThriftItems)
	}
	return nil
}

func (c *compact) advance(n uint64) error {
	if n > uint64(len(c.b)-c.i) {
		return errShort
	}
	c.i += int(n)
	return nil
}

// pageHeader is what the reader needs of a page header.
type pageHeader struct {
	kind         format.PageType
	inflated     int32 // bytes of the page without compression, levels included
	stored       int32 // bytes of the page in the file
	crc          uint32
	hasCRC       bool
	values       int32 // values, nulls included
	encoding     format.Encoding
	defEncoding  format.Encoding
	repEncoding  format.Encoding
	defBytes     int32 // data page v2
	repBytes     int32 // data page v2
	uncompressed bool  // data page v2: not compressed although the chunk is
	stats        pageStats
}

// pageStats are the statistics in a page header. The values stand in the bytes
// of the header.
type pageStats struct {
	low, high []byte // nil if unknown
	nulls     int64
}

// readPageHeader decodes the page header at the start of b and returns its
// length. The error is errShort when b is too short to hold it.
func readPageHeader(b []byte) (pageHeader, int, error) {
	c := compact{b: b}
	h := pageHeader{kind: -1, values: -1}
	for last := 0; ; {
		id, typ, err := c.field(last)
		if err != nil {
			return h, 0, err
		}
		if typ == 0 {
			break
		}
		last = id
		var x int32
		switch {
		case id <= 4 && typ == 5:
			if x, err = c.int32(); err != nil {
				return h, 0, err
			}
			switch id {
			case 1:
				h.kind = format.PageType(x)
			case 2:
				h.inflated = x
			case 3:
				h.stored = x
			case 4:
				h.crc, h.hasCRC = uint32(x), true
			}
		case (id == 5 || id == 7 || id == 8) && typ == thriftStruct:
			err = c.dataHeader(&h, id)
		default:
			err = c.skip(typ, 1)
		}
		if err != nil {
			return h, 0, err
		}
	}
	for _, x := range []int32{h.inflated, h.stored, h.defBytes, h.repBytes} {
		if x < 0 {
			return h, 0, fmt.Errorf("page header holds the negative size %d", x)
		}
	}
	if h.values < 0 && h.kind != format.IndexPage {
		return h, 0, fmt.Errorf("page header of type %d says no valid number of values", h.kind)
	}
	return h, c.i, nil
}

// dataHeader decodes the struct in field id of a page header: 5 data page, 7
// dictionary page, 8 data page v2.
func (c *compact) dataHeader(h *pageHeader, id int) error {
	match := map[int]format.PageType{5: format.DataPage, 7: format.DictionaryPage, 8: format.DataPageV2}[id] == h.kind
	for last := 0; ; {
		field, typ, err := c.field(last)
		if err != nil || typ == 0 {
			return err
		}
		last = field
		if id == 8 && field == 7 && match {
			h.uncompressed = typ == thriftFalse
		}
		if match && typ == thriftStruct && (id == 5 && field == 5 || id == 8 && field == 8) {
			if err := c.statistics(&h.stats); err != nil {
				return err
			}
			continue
		}
		if typ != 5 {
			if err := c.skip(typ, 2); err != nil {
				return err
			}
			continue
		}
		x, err := c.int32()
		if err != nil {
			return err
		}
		if !match {
			continue
		}
		switch {
		case field == 1:
			h.values = x
		case field == 2 && id != 8, field == 4 && id == 8:
			h.encoding = format.Encoding(x)
		case field == 3 && id == 5:
			h.defEncoding = format.Encoding(x)
		case field == 4 && id == 5:
			h.repEncoding = format.Encoding(x)
		case field == 5 && id == 8:
			h.defBytes = x
		case field == 6 && id == 8:
			h.repBytes = x
		}
	}
}

// statistics decodes the statistics of a page. The bounds of older files, whose
// order was not defined, are left out.
func (c *compact) statistics(s *pageStats) error {
	for last := 0; ; {
		field, typ, err := c.field(last)
		if err != nil || typ == 0 {
			return err
		}
		last = field
		switch {
		case field == 3 && typ == 6:
			s.nulls, err = c.varint()
		case field == 5 && typ == thriftBinary:
			s.high, err = c.binary()
		case field == 6 && typ == thriftBinary:
			s.low, err = c.binary()
		default:
			err = c.skip(typ, 3)
		}
		if err != nil {
			return err
		}
	}
}

// binary returns a length-prefixed value, not nil, without a copy.
func (c *compact) binary() ([]byte, error) {
	n, err := c.uvarint()
	if err != nil {
		return nil, err
	}
	from := c.i
	if err := c.advance(n); err != nil {
		return nil, err
	}
	return c.b[from:c.i:c.i], nil
}
