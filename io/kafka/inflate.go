package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/snappy"
	"github.com/segmentio/kafka-go/compress"

	"github.com/arrowstream/arrowstream/internal/zstdframe"
)

const (
	// inflatedFree and inflatedMost bound what a compressed batch becomes: 64
	// MiB and 32 times its length. Producers bound a batch to max.request.size
	// before compression, by default 1 MiB. maxInflated bounds all of them.
	inflatedFree = 64 << 20
	inflatedMost = 32
	maxInflated  = 512 << 20
)

// inflate appends the records of a compressed batch to data.
func (c *chunk) inflate(codec compress.Compression, from, to int) (start, end int, err error) {
	k := codec.Codec()
	if k == nil {
		return 0, 0, fmt.Errorf("%w: compression %d", errCorrupt, codec)
	}
	most := int64(min(inflatedFree+inflatedMost*(to-from), maxInflated-len(c.data)))
	switch codec {
	case compress.Zstd:
		err = zstdframe.Check(c.data[from:to], zstdframe.Window)
	case compress.Snappy:
		err = checkSnappy(c.data[from:to], most)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("%w: %s: %w", errCorrupt, codec, err)
	}
	r := k.NewReader(bytes.NewReader(c.data[from:to]))
	defer r.Close()
	start = len(c.data)
	w := appender{c.data}
	n, err := io.Copy(&w, io.LimitReader(r, most+1))
	c.data = w.b
	if err != nil {
		return 0, 0, fmt.Errorf("%w: %s: %w", errCorrupt, codec, err)
	}
	if n > most {
		return 0, 0, fmt.Errorf("%w: %d bytes are more than %d after decompression", errCorrupt, to-from, most)
	}
	return start, len(c.data), nil
}

type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) { a.b = append(a.b, p...); return len(p), nil }

// xerial is how a stream of snappy blocks begins, 16 bytes with two versions.
// Each block stands behind its length; without it all is one block.
const xerial = "\x82SNAPPY\x00"

// checkSnappy adds up what the blocks of b claim to become: the codec allocates
// by that, and by the lengths of blocks.
func checkSnappy(b []byte, most int64) error {
	block := func(b []byte) error {
		n, err := snappy.DecodedLen(b)
		if most -= int64(n); err == nil && most < 0 {
			err = errors.New("it claims to become far more than it is")
		}
		return err
	}
	if len(b) == 0 {
		return nil
	}
	if !bytes.HasPrefix(b, []byte(xerial)) {
		return block(b)
	}
	for b = b[min(16, len(b)):]; len(b) > 0; {
		if len(b) < 4 || int64(binary.BigEndian.Uint32(b)) > int64(len(b)-4) {
			return errors.New("a block is cut off")
		}
		n := int(binary.BigEndian.Uint32(b))
		if err := block(b[4:][:n]); err != nil {
			return err
		}
		b = b[4+n:]
	}
	return nil
}
