package parquet

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"

	"github.com/arrowstream/arrowstream/columnar"
)

// deflater compresses pages. It is used by one goroutine at a time.
type deflater struct {
	codec format.CompressionCodec
	zstd  *zstd.Encoder
	lz4   lz4.Compressor
	gzip  *gzip.Writer
	out   []byte
}

var codecs = map[string]format.CompressionCodec{
	"": format.Zstd, "zstd": format.Zstd, "snappy": format.Snappy, "none": format.Uncompressed, "uncompressed": format.Uncompressed,
	"gzip": format.Gzip, "lz4": format.Lz4Raw, "lz4_raw": format.Lz4Raw,
}

func newDeflater(name string, level int) (*deflater, error) {
	d := &deflater{codec: codecs[name]}
	var err error
	switch d.codec {
	case format.Zstd:
		l := zstd.SpeedFastest
		if level > 0 {
			l = zstd.EncoderLevelFromZstd(level)
		}
		d.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(l), zstd.WithEncoderCRC(false), zstd.WithZeroFrames(true))
	case format.Gzip:
		if level == 0 {
			level = gzip.DefaultCompression
		}
		d.gzip, err = gzip.NewWriterLevel(nil, level)
	}
	return d, err
}

// deflate returns src compressed, valid until the next call.
func (d *deflater) deflate(src []byte) ([]byte, error) {
	switch d.codec {
	case format.Zstd:
		d.out = d.zstd.EncodeAll(src, d.out[:0])
	case format.Snappy:
		d.out = snappy.Encode(d.out[:cap(d.out)], src)
	case format.Lz4Raw:
		d.out = resize(d.out, lz4.CompressBlockBound(len(src)))
		n, err := d.lz4.CompressBlock(src, d.out)
		if err != nil {
			return nil, err
		}
		d.out = d.out[:n]
	case format.Gzip:
		buf := bytes.NewBuffer(d.out[:0])
		d.gzip.Reset(buf)
		if _, err := d.gzip.Write(src); err != nil {
			return nil, err
		}
		if err := d.gzip.Close(); err != nil {
			return nil, err
		}
		d.out = buf.Bytes()
	default:
		return src, nil
	}
	return d.out, nil
}

// deflateSample is how much of a page is compressed to see whether it pays.
const deflateSample = 64 << 10

// useless reports whether compression saves less than a quarter of b, judged by
// its end, which is values, not levels: noise such as probabilities is not worth
// the time of the writer and of every reader.
func (d *deflater) useless(b []byte) (bool, error) {
	b = b[max(0, len(b)-deflateSample):]
	out, err := d.deflate(b)
	return 4*len(out) > 3*len(b), err
}

func (d *deflater) close() error {
	if d.zstd != nil {
		return d.zstd.Close()
	}
	return nil
}

// appendPageHeader appends the thrift bytes of a page header.
func appendPageHeader(b []byte, kind format.PageType, inflated, stored, values int, enc format.Encoding, crc uint32) []byte {
	field := func(delta byte, x int32) {
		b = append(b, delta<<4|5)
		b = binary.AppendUvarint(b, uint64(uint32(x<<1)^uint32(x>>31)))
	}
	field(1, int32(kind))
	field(1, int32(inflated))
	field(1, int32(stored))
	field(1, int32(crc))
	if kind == format.DictionaryPage {
		b = append(b, 3<<4|thriftStruct) // field 7
		field(1, int32(values))
		field(1, int32(enc))
		return append(b, 0, 0)
	}
	b = append(b, 1<<4|thriftStruct) // field 5
	field(1, int32(values))
	field(1, int32(enc))
	field(1, int32(format.RLE))
	field(1, int32(format.RLE))
	return append(b, 0, 0)
}

// appendBitRun appends n bits as a length-prefixed stream of levels of width 1:
// one repeated run when all are set, else one bit-packed run.
func appendBitRun(b []byte, valid columnar.Bitmap) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	if valid.N > 0 {
		if valid.All() || valid.Count() == valid.N {
			b = binary.AppendUvarint(b, uint64(valid.N)<<1)
			b = append(b, 1)
		} else {
			groups := (valid.N + 7) / 8
			b = binary.AppendUvarint(b, uint64(groups)<<1|1)
			at := len(b)
			for w := range valid.Words() {
				b = binary.LittleEndian.AppendUint64(b, valid.Word(w))
			}
			b = b[:at+groups]
		}
	}
	binary.LittleEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}

// appendLevels appends length-prefixed levels up to a greatest one.
func appendLevels(b []byte, levels []uint8, greatest int) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	b = appendHybrid(b, levels, bits.Len(uint(greatest)))
	binary.LittleEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}

// appendHybrid encodes values of width bits: runs of eight and more equal ones
// as repeated runs, the rest bit-packed in groups of eight.
func appendHybrid[T uint8 | int32](b []byte, v []T, width int) []byte {
	if width == 0 {
		return binary.AppendUvarint(b, uint64(len(v))<<1)
	}
	for i := 0; i < len(v); {
		run := 1
		for i+run < len(v) && v[i+run] == v[i] {
			run++
		}
		if run >= 8 || i+run == len(v) {
			b = binary.AppendUvarint(b, uint64(run)<<1)
			for x, n := uint32(v[i]), (width+7)/8; n > 0; n-- {
				b = append(b, byte(x))
				x >>= 8
			}
			i += run
			continue
		}
		// Bit-packed groups up to where eight equal values begin at a group.
		end := i
		for end < len(v) {
			next := min(end+8, len(v))
			if end > i && next-end == 8 && allEqual(v[end:next]) {
				break
			}
			end = next
		}
		b = binary.AppendUvarint(b, uint64((end-i+7)/8)<<1|1)
		b = appendPacked(b, v[i:end], width)
		i = end
	}
	return b
}

func allEqual[T comparable](v []T) bool {
	for _, x := range v[1:] {
		if x != v[0] {
			return false
		}
	}
	return true
}

// appendPacked packs values, the last group filled up with zeros. About 0.7 ns
// a value.
func appendPacked[T uint8 | int32](b []byte, v []T, width int) []byte {
	end := len(b) + (len(v)+7)/8*width
	var acc uint64
	n := 0
	for _, x := range v {
		acc |= uint64(uint32(x)) << n
		if n += width; n >= 32 {
			b = binary.LittleEndian.AppendUint32(b, uint32(acc))
			acc >>= 32
			n -= 32
		}
	}
	b = binary.LittleEndian.AppendUint64(b, acc) // what is left, and zeros
	if len(b) < end {
		b = append(b, make([]byte, end-len(b))...)
	}
	return b[:end]
}
