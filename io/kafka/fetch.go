package kafka

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"

	"github.com/arrowstream/arrowstream/internal/safe"
)

// errCorrupt marks an answer of a broker that cannot be what was asked for.
var errCorrupt = errors.New("corrupt answer")

const (
	// maxAnswer bounds an answer beyond the bytes asked for: a broker sends at
	// least one whole batch, however large.
	maxAnswer = 256 << 20
	// keptChunk is what the memory of a chunk may be without being used.
	keptChunk = 64 << 10
)

// record is one message of a chunk: its key and value are slices of the
// chunk's data; a negative length is a null.
type record struct {
	offset, millis   int64
	keyAt, valueAt   int
	keyLen, valueLen int
}

// chunk is what one fetch brought. data is the answer as it came, followed by
// what was compressed in it; the memory is used again after the rows were
// decoded, unless chunks have become much smaller.
type chunk struct {
	records []record
	data    []byte
	need    int   // about the length of the longest data of late
	next    int64 // offset of the next fetch
	end     int64 // offset after what can be read by now
	err     error
}

// reset makes the chunk ready for the next fetch. A job that has caught up with a
// backlog fetches a few rows at a time: after a dozen of those it gives back the
// megabytes that it had needed before. Chunks of mixed sizes keep them.
func (c *chunk) reset() {
	need := max(len(c.data), c.need-c.need/8)
	if cap(c.data) > max(keptChunk, 4*need) {
		c.records, c.data = nil, nil
	}
	*c = chunk{records: c.records[:0], data: c.data[:0], need: need}
}

func (c *chunk) key(r *record) []byte {
	if r.keyLen < 0 {
		return nil
	}
	return c.data[r.keyAt : r.keyAt+r.keyLen : r.keyAt+r.keyLen]
}

func (c *chunk) value(r *record) []byte {
	if r.valueLen < 0 {
		return nil
	}
	return c.data[r.valueAt : r.valueAt+r.valueLen : r.valueAt+r.valueLen]
}

// fetch asks the leader of p once for rows from offset on; it waits up to
// maxWait for the first. The chunk is empty when there were none.
func (c *client) fetch(ctx context.Context, p place, offset int64, maxBytes int32, maxWait time.Duration, into *chunk) error {
	f, err := c.ask(ctx, p, offset, maxBytes, maxWait, into)
	if err != nil {
		return err
	}
	return into.parse(f, offset)
}

// ask sends a fetch and puts the answer into a chunk as it came.
func (c *client) ask(ctx context.Context, p place, offset int64, maxBytes int32, maxWait time.Duration, into *chunk) (*fetched, error) {
	into.reset()
	into.next = offset
	x := &exchange{limit: int(maxBytes) + maxAnswer, buf: into.data, Request: &fetch.Request{
		ReplicaID: -1, MaxWaitTime: int32(maxWait.Milliseconds()), MinBytes: 1, MaxBytes: maxBytes,
		IsolationLevel: int8(c.isolation), SessionID: -1, SessionEpoch: -1,
		Topics: []fetch.RequestTopic{{Topic: p.topic, Partitions: []fetch.RequestPartition{{
			Partition: int32(p.partition), CurrentLeaderEpoch: -1, FetchOffset: offset, LogStartOffset: -1, PartitionMaxBytes: maxBytes,
		}}}},
	}}
	// Should the call end early, the connection may still write to the buffer.
	into.data = nil
	answer, err := c.transport.RoundTrip(ctx, c.addr, x)
	if err != nil {
		return nil, err
	}
	f := answer.(*fetched)
	if f.code != 0 {
		return nil, kafkago.Error(f.code)
	}
	into.end, into.data = f.high, f.block
	if c.isolation == kafkago.ReadCommitted && f.stable >= 0 {
		into.end = f.stable
	}
	return f, nil
}

// parse lists the records at or after offset, except those of control batches
// and of aborted transactions.
func (c *chunk) parse(f *fetched, offset int64) error {
	aborted := map[int64]bool{} // producers inside an aborted transaction
	pending := f.aborted
	return c.batches(f, offset, func(b batchHeader, from, to int) error {
		pending = begun(pending, b.base, aborted)
		switch {
		case b.attributes.Control():
			if marker(c.data[from:to]) == abortMarker {
				delete(aborted, b.producer)
			}
		case b.attributes.Transactional() && aborted[b.producer]:
		default:
			return c.batch(b, from, to, offset)
		}
		return nil
	})
}

// batches checks the batches of an answer and visits each with the place of its
// records in data. Messages of before Kafka 0.11 are listed at once.
func (c *chunk) batches(f *fetched, offset int64, visit func(b batchHeader, from, to int) error) error {
	const header = 61
	batches := 0
	for at, end := f.recordsAt, f.recordsAt+len(f.records); end-at > 17; batches++ {
		// The header is read from the block itself: data may move.
		h := f.block[at:end]
		size := int(int32(binary.BigEndian.Uint32(h[8:]))) + 12
		if size < 17 {
			return fmt.Errorf("%w: batch of %d bytes", errCorrupt, size)
		}
		if size > len(h) {
			break // the broker cuts the last batch where the answer is full
		}
		h = h[:size]
		if h[16] < 2 {
			if err := c.legacy(h, offset); err != nil {
				return err
			}
			at += size
			continue
		}
		if h[16] > 2 || size < header {
			return fmt.Errorf("%w: batch of version %d with %d bytes", errCorrupt, h[16], size)
		}
		if crc32.Checksum(h[21:], castagnoli) != binary.BigEndian.Uint32(h[17:]) {
			return fmt.Errorf("%w: checksum of the batch at offset %d", errCorrupt, binary.BigEndian.Uint64(h))
		}
		b := batchHeader{
			base: int64(binary.BigEndian.Uint64(h)), attributes: protocol.Attributes(binary.BigEndian.Uint16(h[21:])),
			first: int64(binary.BigEndian.Uint64(h[27:])), last: int64(binary.BigEndian.Uint64(h[35:])), count: int(int32(binary.BigEndian.Uint32(h[57:]))),
			producer: int64(binary.BigEndian.Uint64(h[43:])),
		}
		if err := visit(b, at+header, at+size); err != nil {
			return fmt.Errorf("%w (batch at offset %d)", err, b.base)
		}
		c.next = max(c.next, b.base+int64(int32(binary.BigEndian.Uint32(h[23:])))+1)
		at += size
	}
	if batches > 0 && c.next <= offset {
		return fmt.Errorf("%w: batches before offset %d", errCorrupt, offset)
	}
	return nil
}

// batchHeader is what of the header of a record batch its records need.
type batchHeader struct {
	base, first, last int64 // offset; timestamps
	attributes        protocol.Attributes
	count             int
	producer          int64
}

// logAppendTime marks a batch whose records all have the time at which the
// broker took it.
const logAppendTime protocol.Attributes = 1 << 3

// batch lists the records between two positions of data.
func (c *chunk) batch(b batchHeader, from, to int, offset int64) error {
	if codec := b.attributes.Compression(); codec != compress.None {
		var err error
		if from, to, err = c.inflate(codec, from, to); err != nil {
			return err
		}
	}
	data := c.data[:to]
	if b.count < 0 || b.count > to-from {
		return fmt.Errorf("%w: %d records in %d bytes", errCorrupt, b.count, to-from)
	}
	at := from
	for range b.count {
		size, ok := varint(data, &at)
		if !ok || size < 1 || size > int64(to-at) {
			return fmt.Errorf("%w: record of %d bytes", errCorrupt, size)
		}
		end := at + int(size)
		body := data[:end]
		at++ // attributes
		millis, ok1 := varint(body, &at)
		delta, ok2 := varint(body, &at)
		r := record{offset: b.base + delta, millis: b.first + millis}
		if b.attributes&logAppendTime != 0 {
			r.millis = b.last
		}
		ok3 := field(body, &at, &r.keyAt, &r.keyLen) && field(body, &at, &r.valueAt, &r.valueLen)
		if !ok1 || !ok2 || !ok3 {
			return fmt.Errorf("%w: record at offset %d", errCorrupt, r.offset)
		}
		at = end // headers are not looked at
		if r.offset >= offset {
			c.records = append(c.records, r)
		}
	}
	return nil
}

// varint reads a zigzag number at *at.
func varint(b []byte, at *int) (int64, bool) {
	if *at < len(b) && b[*at] < 0x80 { // one byte
		u := b[*at]
		*at++
		return int64(u>>1) ^ -int64(u&1), true
	}
	x, n := binary.Varint(b[min(*at, len(b)):])
	*at += max(n, 0)
	return x, n > 0
}

// field reads the length of a key or value and steps over it.
func field(b []byte, at, start, length *int) bool {
	n, ok := varint(b, at)
	if !ok || n < -1 || n > int64(len(b)-*at) {
		return false
	}
	*start, *length = *at, int(n)
	*at += max(int(n), 0)
	return true
}

// begun moves the aborted transactions that started at or before an offset
// from pending into the set of producers; a broker sends pending in any order.
func begun(pending []abortedTransaction, offset int64, aborted map[int64]bool) []abortedTransaction {
	var rest []abortedTransaction
	for _, t := range pending {
		if t.first <= offset {
			aborted[t.producer] = true
		} else {
			rest = append(rest, t)
		}
	}
	return rest
}

// What the record of a control batch says about the transaction of its producer.
const (
	noMarker     = -1
	abortMarker  = 0
	commitMarker = 1
)

// marker reads the record of a control batch: its key is a version and a type.
func marker(records []byte) int {
	at := 0
	if _, ok := varint(records, &at); !ok {
		return noMarker
	}
	at++ // attributes
	_, ok1 := varint(records, &at)
	_, ok2 := varint(records, &at)
	var start, n int
	if !ok1 || !ok2 || !field(records, &at, &start, &n) || n < 4 {
		return noMarker
	}
	return int(binary.BigEndian.Uint16(records[start+2:]))
}

// legacy reads messages in a format of before Kafka 0.11 with the client
// library.
func (c *chunk) legacy(set []byte, offset int64) error {
	var size [4]byte
	binary.BigEndian.PutUint32(size[:], uint32(min(len(set), math.MaxInt32)))
	err := safe.Do("kafka", "", func() error {
		var rs protocol.RecordSet
		if _, err := rs.ReadFrom(bytes.NewReader(append(size[:], set...))); err != nil || rs.Records == nil {
			return err
		}
		for {
			r, err := rs.Records.ReadRecord()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			rec := record{offset: r.Offset, millis: r.Time.UnixMilli()}
			if rec.keyAt, rec.keyLen, err = c.copy(r.Key); err == nil {
				rec.valueAt, rec.valueLen, err = c.copy(r.Value)
			}
			if err != nil {
				return err
			}
			c.next = max(c.next, r.Offset+1)
			if r.Offset >= offset {
				c.records = append(c.records, rec)
			}
		}
	})
	if err != nil {
		return fmt.Errorf("%w: %w", errCorrupt, err)
	}
	return nil
}

func (c *chunk) copy(b protocol.Bytes) (at, n int, err error) {
	at = len(c.data)
	if b == nil {
		return at, -1, nil
	}
	defer b.Close()
	value, err := protocol.ReadAll(b)
	c.data = append(c.data, value...)
	return at, len(value), err
}
