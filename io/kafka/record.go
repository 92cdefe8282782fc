package kafka

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/protocol"
)

// headerBytes is the size of the header of a record batch of version 2, with
// the length of the record set before it.
const headerBytes = 4 + 61

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// recordBatch collects records of one partition in the wire format
// (KIP-98, record batch version 2).
type recordBatch struct {
	partition  int
	count      int
	first, max int64 // timestamps, milliseconds
	born       int64 // when the first record was added, nanoseconds of the sink's clock
	buf        []byte
}

// identity is what tells a broker which producer made a batch: it takes a batch
// once, however often it is sent, and hides it until the transaction ends.
type identity struct {
	producer int64
	epoch    int16
	sequence int32 // of the first record, for each partition from 0
}

// anonymous is a batch without an identity.
var anonymous = identity{producer: -1, epoch: -1, sequence: -1}

// noHeaders is what stands in a record for its headers when there are none.
var noHeaders = []byte{0}

func (b *recordBatch) reset() {
	*b = recordBatch{partition: b.partition, buf: append(b.buf[:0], make([]byte, headerBytes)...)}
}

// add appends a record; a nil key or value is a null, headers are as they stand
// in the record: their number, then lengths and texts.
func (b *recordBatch) add(millis int64, key, value, headers []byte) {
	if b.count == 0 {
		b.first, b.max = millis, millis
	}
	b.max = max(b.max, millis)
	var head [1 + 4*binary.MaxVarintLen64]byte
	h := append(head[:0], 0) // attributes
	h = binary.AppendVarint(h, millis-b.first)
	h = binary.AppendVarint(h, int64(b.count))
	h = binary.AppendVarint(h, length(key))
	size := len(h) + len(key) + varintBytes(length(value)) + len(value) + len(headers)
	b.buf = binary.AppendVarint(b.buf, int64(size))
	b.buf = append(append(b.buf, h...), key...)
	b.buf = append(binary.AppendVarint(b.buf, length(value)), value...)
	b.buf = append(b.buf, headers...)
	b.count++
}

func length(b []byte) int64 {
	if b == nil {
		return -1
	}
	return int64(len(b))
}

func varintBytes(x int64) int {
	var b [binary.MaxVarintLen64]byte
	return binary.PutVarint(b[:], x)
}

// seal compresses the records, completes the header and returns the record set
// as it goes into a produce request. A batch with an identity is part of a
// transaction.
func (b *recordBatch) seal(c compress.Compression, id identity) ([]byte, error) {
	out := b.buf
	if codec := c.Codec(); codec != nil {
		var packed bytes.Buffer
		packed.Grow(headerBytes + len(b.buf)/2)
		packed.Write(b.buf[:headerBytes])
		w := codec.NewWriter(&packed)
		if _, err := w.Write(b.buf[headerBytes:]); err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		out = packed.Bytes()
	}
	attributes := protocol.Attributes(c)
	if id != anonymous {
		attributes |= protocol.Transactional
	}
	be := binary.BigEndian
	be.PutUint32(out, uint32(len(out)-4))
	h := out[4:]
	be.PutUint64(h, 0)                     // base offset
	be.PutUint32(h[8:], uint32(len(h)-12)) // length of what follows
	be.PutUint32(h[12:], 0xffffffff)       // leader epoch
	h[16] = 2                              // version
	be.PutUint16(h[21:], uint16(attributes))
	be.PutUint32(h[23:], uint32(b.count-1)) // last offset delta
	be.PutUint64(h[27:], uint64(b.first))   // first timestamp
	be.PutUint64(h[35:], uint64(b.max))     // last timestamp
	be.PutUint64(h[43:], uint64(id.producer))
	be.PutUint16(h[51:], uint16(id.epoch))
	be.PutUint32(h[53:], uint32(id.sequence))
	be.PutUint32(h[57:], uint32(b.count)) // records
	be.PutUint32(h[17:], crc32.Checksum(h[21:], castagnoli))
	return out, nil
}
