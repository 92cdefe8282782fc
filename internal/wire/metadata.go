package wire

import (
	"encoding/binary"
	"fmt"
)

// Field numbers of the tables in Arrow's Message.fbs and Schema.fbs.
const (
	messageHeaderType, messageHeader, messageBodyLength = 1, 2, 3

	schemaFields, schemaMetadata = 1, 2

	fieldTypeType, fieldType, fieldDictionary, fieldChildren, fieldMetadata = 2, 3, 4, 5, 6

	batchLength, batchNodes, batchBuffers, batchCompression, batchVariadic = 0, 1, 2, 3, 4

	dictionaryData = 1
)

// Values of the union MessageHeader and of the union Type.
const (
	headerSchema, headerDictionary, headerBatch = 1, 2, 3

	typeList, typeUnion, typeFixedSizeBinary, typeFixedSizeList, typeMap = 12, 14, 15, 16, 17
	typeLargeList, typeRunEndEncoded, typeListView, typeLargeListView    = 21, 22, 25, 26
)

// checkMessage walks the metadata of a message and returns the length of its
// body. Afterwards no count, offset or nesting in it can make a decoder ask
// for more than the message holds.
func checkMessage(meta []byte, l Limits) (bodyLen int64, err error) {
	w := &walker{b: meta}
	m := w.root()
	bodyLen = m.int64At(messageBodyLength)
	if bodyLen < 0 || bodyLen > l.Body {
		w.fail("a message body of %d bytes is above the limit of %d", bodyLen, l.Body)
	}
	kind := m.byteAt(messageHeaderType, 0)
	header, ok := m.sub(messageHeader)
	if !ok {
		w.fail("message without header")
	}
	switch kind {
	case headerSchema:
		c := schemaCheck{w: w, fields: l.Fields}
		c.keyValues(header, schemaMetadata)
		c.children(header, schemaFields, l.Depth)
	case headerBatch:
		checkBatch(header, bodyLen, l)
	case headerDictionary:
		data, ok := header.sub(dictionaryData)
		if !ok {
			w.fail("dictionary without data")
		}
		checkBatch(data, bodyLen, l)
	default:
		w.fail("message of kind %d", kind)
	}
	return bodyLen, w.err
}

// checkBatch checks the lengths and places in a record batch header.
func checkBatch(t table, bodyLen int64, l Limits) {
	w := t.w
	rows := t.int64At(batchLength)
	if rows < 0 || rows > l.Rows {
		w.fail("a batch of %d rows is above the limit of %d", rows, l.Rows)
	}
	nodes, n := t.vector(batchNodes, 16)
	for i := range n {
		length, nulls := w.i64(nodes+16*i), w.i64(nodes+16*i+8)
		if length < 0 || length > 8*l.Body || nulls < 0 || nulls > length {
			w.fail("column of length %d with %d nulls", length, nulls)
			return
		}
	}
	buffers, nb := t.vector(batchBuffers, 16)
	for i := range nb {
		offset, length := w.i64(buffers+16*i), w.i64(buffers+16*i+8)
		if offset < 0 || length < 0 || offset > bodyLen || length > bodyLen-offset {
			w.fail("buffer at %d of %d bytes in a body of %d", offset, length, bodyLen)
			return
		}
	}
	if c, ok := t.sub(batchCompression); ok && (c.byteAt(0, 0) > 1 || c.byteAt(1, 0) != 0) {
		w.fail("unknown compression")
	}
	counts, nv := t.vector(batchVariadic, 8)
	for i := range nv {
		if c := w.i64(counts + 8*i); c < 0 || c > int64(nb) {
			w.fail("%d data buffers of %d", c, nb)
			return
		}
	}
}

// A compressed body becomes at most inflatedFree bytes, or inflatedMost times as
// much as it is; never more than a body that is not compressed may have.
const (
	inflatedFree = 64 << 20
	inflatedMost = 1000
)

// checkInflated adds up what the buffers of a compressed body claim to become.
// The metadata has passed checkMessage.
func checkInflated(meta, body []byte, l Limits) error {
	w := &walker{b: meta}
	m := w.root()
	batch, _ := m.sub(messageHeader)
	if m.byteAt(messageHeaderType, 0) == headerDictionary {
		batch, _ = batch.sub(dictionaryData)
	} else if m.byteAt(messageHeaderType, 0) != headerBatch {
		return nil
	}
	if _, ok := batch.sub(batchCompression); !ok {
		return nil
	}
	most := min(max(inflatedFree, inflatedMost*int64(len(body))), l.Body)
	var total int64
	buffers, n := batch.vector(batchBuffers, 16)
	for i := range n {
		at, length := w.i64(buffers+16*i), w.i64(buffers+16*i+8)
		if length < 8 {
			continue
		}
		claim := int64(binary.LittleEndian.Uint64(body[at:]))
		if claim == notCompressed {
			claim = length - 8
		}
		if claim < 0 || claim > most-total {
			return fmt.Errorf("%w: a compressed body of %d bytes claims to become more than %d", ErrMalformed, len(body), most)
		}
		total += claim
	}
	return w.err
}

// notCompressed is the claim of a buffer that is stored as it is.
const notCompressed = -1

// schemaCheck walks the fields of a schema.
type schemaCheck struct {
	w      *walker
	fields int // how many more there may be
}

func (c *schemaCheck) children(t table, field, depth int) int {
	start, n := t.vector(field, 4)
	if n > 0 && depth == 0 {
		c.w.fail("types are nested too deep")
		return n
	}
	for i := range n {
		if c.w.err != nil {
			return n
		}
		if c.fields--; c.fields < 0 {
			c.w.fail("too many fields")
			return n
		}
		c.field(c.w.table(c.w.follow(start+4*i)), depth-1)
	}
	return n
}

// field checks one field: the decoder indexes children by what the type
// promises, and allocates what type ids and widths claim.
func (c *schemaCheck) field(t table, depth int) {
	c.keyValues(t, fieldMetadata)
	kids := c.children(t, fieldChildren, depth)
	kind := t.byteAt(fieldTypeType, 0)
	want := kids
	switch kind {
	case typeList, typeFixedSizeList, typeMap, typeLargeList, typeListView, typeLargeListView:
		want = 1
	case typeRunEndEncoded:
		want = 2
	}
	if kind == 0 || kind > typeLargeListView || kids != want {
		c.w.fail("field of type %d with %d children", kind, kids)
	}
	typ, ok := t.sub(fieldType)
	if !ok {
		c.w.fail("field without type")
		return
	}
	switch kind {
	case typeFixedSizeBinary, typeFixedSizeList:
		if p := typ.field(0); p != 0 && int32(c.w.u32(p)) < 0 {
			c.w.fail("negative width")
		}
	case typeUnion:
		if _, n := typ.vector(1, 4); n != 0 && n != kids {
			c.w.fail("union of %d types with %d ids", kids, n)
		}
	}
}

// keyValues checks a vector of key-value tables.
func (c *schemaCheck) keyValues(t table, field int) {
	start, n := t.vector(field, 4)
	for i := range n {
		kv := c.w.table(c.w.follow(start + 4*i))
		kv.vector(0, 1)
		kv.vector(1, 1)
		if c.w.err != nil {
			return
		}
	}
}
