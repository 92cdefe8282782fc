package kafka

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// exchange is a fetch whose answer is read here, as one block: the client
// library would take the records apart one by one, with several allocations
// for each. It asks for one partition.
type exchange struct {
	*fetch.Request
	version int16
	buf     []byte // for the answer; belongs to the connection during the call
	limit   int
}

// fetched is the answer to an exchange.
type fetched struct {
	code         int16
	high, stable int64 // offset after the last row, and after the last not in an open transaction
	first        int64 // offset of the oldest row
	aborted      []abortedTransaction
	records      []byte
	recordsAt    int    // where records begin in block
	block        []byte // the whole answer
}

type abortedTransaction struct{ producer, first int64 }

// ApiKey implements protocol.Message.
func (*fetched) ApiKey() protocol.ApiKey { return protocol.Fetch }

// Required implements protocol.RawExchanger; it is told the versions that the
// client and the broker have in common.
func (x *exchange) Required(versions map[protocol.ApiKey]int16) bool {
	x.version = versions[protocol.Fetch]
	return true
}

// RawExchange implements protocol.RawExchanger.
func (x *exchange) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if x.version < 4 || x.version > 11 {
		return nil, fmt.Errorf("%w: the broker speaks version %d of Fetch, 4 is needed (Kafka 0.11)", errCorrupt, x.version)
	}
	const id = 1 // a connection carries one request at a time
	if err := protocol.WriteRequest(rw, x.version, id, "arrowstream", x.Request); err != nil {
		return nil, err
	}
	var head [8]byte
	if _, err := io.ReadFull(rw, head[:]); err != nil {
		return nil, err
	}
	size := int(int32(binary.BigEndian.Uint32(head[:]))) - 4
	if size < 0 || size > x.limit || binary.BigEndian.Uint32(head[4:]) != id {
		return nil, fmt.Errorf("%w: %d bytes for request %d", errCorrupt, size, binary.BigEndian.Uint32(head[4:]))
	}
	if cap(x.buf) < size {
		x.buf = make([]byte, size+size/4)
	}
	x.buf = x.buf[:size]
	if _, err := io.ReadFull(rw, x.buf); err != nil {
		return nil, err
	}
	return parseFetch(x.buf, x.version)
}

// parseFetch reads the answer of version 4 to 11 to a fetch of one partition.
func parseFetch(block []byte, version int16) (*fetched, error) {
	c := cursor{b: block}
	c.skip(4) // throttle time
	f := &fetched{block: block}
	if version >= 7 {
		f.code = int16(c.u16())
		c.skip(4) // session
	}
	if f.code != 0 {
		return f, nil
	}
	if topics := c.u32(); topics != 1 && c.err == nil {
		return nil, fmt.Errorf("%w: %d topics", errCorrupt, int32(topics))
	}
	c.skip(int(c.u16())) // name
	if partitions := c.u32(); partitions != 1 && c.err == nil {
		return nil, fmt.Errorf("%w: %d partitions", errCorrupt, int32(partitions))
	}
	c.skip(4) // number
	f.code = int16(c.u16())
	f.high = c.i64()
	f.stable = c.i64()
	if version >= 5 {
		f.first = c.i64()
	}
	if n := int(int32(c.u32())); n > 0 {
		if n > (len(block)-c.at)/16 {
			return nil, fmt.Errorf("%w: %d aborted transactions", errCorrupt, n)
		}
		for range n {
			f.aborted = append(f.aborted, abortedTransaction{c.i64(), c.i64()})
		}
	}
	if version >= 11 {
		c.skip(4) // preferred replica
	}
	if n := int(int32(c.u32())); n > 0 {
		f.recordsAt = c.at
		f.records = c.take(n)
	}
	return f, c.err
}

// cursor reads big-endian values; the first error sticks.
type cursor struct {
	b   []byte
	at  int
	err error
}

func (c *cursor) take(n int) []byte {
	if c.err != nil || n < 0 || n > len(c.b)-c.at {
		if c.err == nil {
			c.err = fmt.Errorf("%w: cut short at byte %d", errCorrupt, c.at)
		}
		return nil
	}
	c.at += n
	return c.b[c.at-n : c.at]
}

func (c *cursor) skip(n int) { c.take(n) }

func (c *cursor) u16() uint16 {
	if b := c.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if b := c.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) i64() int64 {
	if b := c.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

var (
	_ protocol.RawExchanger  = (*exchange)(nil)
	_ protocol.BrokerMessage = (*exchange)(nil)
)
