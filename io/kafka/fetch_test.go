package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/arrowstream/arrowstream/internal/hostiletest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

// answer is a fetch answer of version 11 with the given record set, without
// its length.
func answer(records []byte, aborted ...abortedTransaction) []byte {
	be := binary.BigEndian
	b := make([]byte, 10)           // throttle, error, session
	b = be.AppendUint32(b, 1)       // topics
	b = append(b, 0, 1, 't')        //
	b = be.AppendUint32(b, 1)       // partitions
	b = append(b, 0, 0, 0, 0, 0, 0) // number, error
	b = be.AppendUint64(b, 100)     // high watermark
	b = be.AppendUint64(b, 90)      // last stable offset
	b = be.AppendUint64(b, 3)       // log start
	b = be.AppendUint32(b, uint32(len(aborted)))
	for _, a := range aborted {
		b = be.AppendUint64(be.AppendUint64(b, uint64(a.producer)), uint64(a.first))
	}
	b = be.AppendUint32(b, 0xffffffff) // preferred replica
	b = be.AppendUint32(b, uint32(len(records)))
	return append(b, records...)
}

// batchOf is a record batch of values, keys "k".
func batchOf(base int64, codec compress.Compression, values ...string) []byte {
	var b recordBatch
	b.reset()
	for i, v := range values {
		b.add(1000+int64(i), []byte("k"), []byte(v), noHeaders)
	}
	set, err := b.seal(codec, anonymous)
	if err != nil {
		panic(err)
	}
	set = bytes.Clone(set[4:])
	binary.BigEndian.PutUint64(set, uint64(base))
	return set
}

// parsed is what a chunk makes of an answer: "offset=value" in order.
func parsed(block []byte, offset int64) (string, *chunk, error) {
	f, err := parseFetch(block, 11)
	if err != nil {
		return "", nil, err
	}
	c := &chunk{data: f.block, next: offset}
	err = c.parse(f, offset)
	var out []string
	for i := range c.records {
		r := &c.records[i]
		out = append(out, fmt.Sprintf("%d=%s", r.offset, c.value(r)))
	}
	return strings.Join(out, " "), c, err
}

func TestParse(t *testing.T) {
	long := strings.Repeat("long ", 1000)
	for _, codec := range []compress.Compression{compress.None, compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd} {
		set := slices.Concat(batchOf(5, codec, "a", "b"), batchOf(7, compress.None, ""), batchOf(10, codec, long, "d"))
		got, c, err := parsed(answer(set), 6)
		if err != nil || got != "6=b 7= 10="+long+" 11=d" || c.next != 12 {
			t.Errorf("%s: %.60q next %d, %v", codec, got, c.next, err)
		}
		if r := &c.records[3]; r.millis != 1001 || string(c.key(r)) != "k" {
			t.Errorf("%s: %+v", codec, *r)
		}
		// The last batch is cut where the answer is full.
		if got, c, err = parsed(answer(set[:len(set)-1]), 5); err != nil || got != "5=a 6=b 7=" || c.next != 8 {
			t.Errorf("%s: %q next %d, %v", codec, got, c.next, err)
		}
	}
	f, err := parseFetch(answer(nil), 11)
	if err != nil || f.high != 100 || f.stable != 90 || f.first != 3 {
		t.Error(f, err)
	}
	if got, c, err := parsed(answer(nil), 8); got != "" || c.next != 8 || err != nil {
		t.Error(got, err)
	}
}

func TestParseLegacy(t *testing.T) {
	for _, codec := range []protocol.Attributes{0, protocol.Gzip} {
		var buf bytes.Buffer
		rs := protocol.RecordSet{Version: 1, Attributes: codec, Records: protocol.NewRecordReader(
			protocol.Record{Time: time.UnixMilli(5), Value: protocol.NewBytes([]byte("old"))},
			protocol.Record{Time: time.UnixMilli(6), Key: protocol.NewBytes([]byte("k")), Value: protocol.NewBytes([]byte("older"))},
		)}
		if _, err := rs.WriteTo(&buf); err != nil {
			t.Fatal(err)
		}
		_, c, err := parsed(answer(buf.Bytes()[4:]), 0)
		if err != nil {
			t.Fatal(err)
		}
		var values []string
		for i := range c.records {
			values = append(values, string(c.value(&c.records[i])))
		}
		iotest.EqualRows(t, values, []string{"old", "older"})
	}
}

func TestParseHostile(t *testing.T) {
	good := batchOf(5, compress.None, "a", "b")
	change := func(at int, with byte) []byte {
		b := bytes.Clone(good)
		b[at] = with
		binary.BigEndian.PutUint32(b[17:], checksum(b))
		return b
	}
	wrongSum := bytes.Clone(good)
	wrongSum[len(wrongSum)-2] ^= 1
	for name, set := range map[string][]byte{
		"checksum": wrongSum, "count": change(57, 0x7f), "negative count": change(57, 0xff), "negative size": change(8, 0xff), "version": change(16, 3),
		"codec": change(22, 7), "record size": change(61, 0x7f), "key size": change(65, 0x7e), "offsets before": batchOf(1, compress.None, "x"),
	} {
		if got, _, err := parsed(answer(set), 5); !errors.Is(err, errCorrupt) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if retriable(fmt.Errorf("x: %w", errCorrupt)) || !retriable(kafkago.LeaderNotAvailable) || retriable(kafkago.TopicAuthorizationFailed) {
		t.Error("retriable")
	}
}

// A batch that becomes far more than it is ends in an error before that.
// TestChunkMemory follows the memory of a chunk through fetches: one that is
// large now and then keeps it, one that has become small gives it back, with what
// lists its records.
func TestChunkMemory(t *testing.T) {
	c := &chunk{}
	fetch := func(size int) {
		c.reset()
		if cap(c.data) < size {
			c.data = make([]byte, 0, size)
		}
		c.data, c.records = c.data[:size], append(c.records, make([]record, size/100)...)
	}
	for range 100 {
		for _, size := range []int{4 << 20, 100, 100, 100, 100, 0, 0} {
			fetch(size)
			if cap(c.data) != 4<<20 {
				t.Fatalf("%d bytes are kept", cap(c.data))
			}
		}
	}
	for range 20 {
		fetch(1000)
	}
	if cap(c.data) > keptChunk || cap(c.records) > keptChunk/100 {
		t.Errorf("%d bytes and %d records are kept", cap(c.data), cap(c.records))
	}
}

func TestFetchBomb(t *testing.T) {
	bomb := answer(batchOf(5, compress.Zstd, strings.Repeat("x", inflatedFree+1<<20)))
	if len(bomb) > 1<<20 {
		t.Fatalf("%d bytes", len(bomb))
	}
	if _, _, err := parsed(bomb, 5); !errors.Is(err, errCorrupt) || !strings.Contains(err.Error(), "after decompression") {
		t.Error(err)
	}
	if _, c, err := parsed(answer(batchOf(5, compress.Zstd, strings.Repeat("x", 32<<20))), 5); err != nil || len(c.records) != 1 {
		t.Error(err)
	}
}

// The codecs allocate by what a batch claims: it is looked at before.
func TestFetchClaims(t *testing.T) {
	claims := func(codec compress.Compression, payload string) []byte {
		b := append(batchOf(5, codec, "x")[:61:61], payload...)
		binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
		binary.BigEndian.PutUint32(b[17:], checksum(b))
		return answer(b)
	}
	const head = xerial + "\x00\x00\x00\x01\x00\x00\x00\x01"
	for name, block := range map[string][]byte{
		"snappy, a block of 4 GiB":      claims(compress.Snappy, head+"\xff\xff\xff\xf0abc"),
		"snappy, becomes 4 GiB":         claims(compress.Snappy, "\xff\xff\xff\xff\x0fabc"),
		"snappy, a block becomes 4 GiB": claims(compress.Snappy, head+"\x00\x00\x00\x08\xff\xff\xff\xff\x0fabc"),
		"snappy, nothing":               claims(compress.Snappy, head[:10]),
		"zstd, a window of 512 MiB":     claims(compress.Zstd, "\x28\xb5\x2f\xfd\x00\x98\x09\x00\x00x"),
		"lz4, a frame of 8 EiB":         claims(compress.Lz4, "\x04\x22\x4d\x18\x7c\x70\xff\xff\xff\xff\xff\xff\xff\x7f\x00\xff\xff\xff\x7f"),
		"gzip, nothing behind a header": claims(compress.Gzip, "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"),
	} {
		hostiletest.Within(t, len(block), func() {
			if got, _, err := parsed(block, 5); !errors.Is(err, errCorrupt) && !strings.Contains(name, "nothing") {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		})
	}
}

// FuzzFetch feeds mutated answers, with checksums put right so that the
// mutations get through.
func FuzzFetch(f *testing.F) {
	f.Add(answer(batchOf(5, compress.None, "a", "b")), false)
	f.Add(answer(slices.Concat(batchOf(5, compress.Gzip, "a"), batchOf(6, compress.Lz4, "b")), abortedTransaction{1, 5}), true)
	f.Add(answer(slices.Concat(batchOf(5, compress.Zstd, "a"), batchOf(6, compress.Snappy, "b"))), true)
	f.Fuzz(func(t *testing.T, block []byte, fix bool) {
		hostiletest.Within(t, len(block), func() {
			for version := int16(4); version <= 11; version++ {
				block := bytes.Clone(block)
				fetched, err := parseFetch(block, version)
				if err != nil {
					continue
				}
				if set := fetched.records; fix && len(set) > 61 {
					if n := int(int32(binary.BigEndian.Uint32(set[8:]))) + 12; n > 61 && n <= len(set) {
						binary.BigEndian.PutUint32(set[17:], checksum(set[:n]))
					}
				}
				c := &chunk{data: fetched.block, next: 5}
				if err := c.parse(fetched, 5); err == nil && len(fetched.records) > 17 && c.next < 5 {
					t.Fatal("moved back")
				}
				for i := range c.records {
					_, _ = c.key(&c.records[i]), c.value(&c.records[i])
				}
			}
		})
	})
}

// checksum is the one a batch should carry.
func checksum(batch []byte) uint32 { return crc32.Checksum(batch[21:], castagnoli) }
