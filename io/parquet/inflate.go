package parquet

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

// zstdDecoders holds decoders that write into the space they are given, slack
// included, and no further.
var zstdDecoders = sync.Pool{New: func() any {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderLowmem(true))
	if err != nil {
		return err
	}
	return d
}}

// inflate decompresses src into dst, which has exactly the size that the page
// header promised: more or less is an error. No codec allocates by what src
// claims.
func inflate(codec format.CompressionCodec, dst, src []byte) error {
	n := 0
	var err error
	switch codec {
	case format.Uncompressed:
		if len(src) > len(dst) {
			return sizeError(codec, len(src), len(dst))
		}
		n = copy(dst, src)
	case format.Snappy:
		if n, err = snappy.DecodedLen(src); err == nil && n == len(dst) {
			_, err = snappy.Decode(dst, src)
		}
	case format.Zstd:
		if len(dst) == 0 {
			break
		}
		switch d := zstdDecoders.Get().(type) {
		case error:
			err = d
		case *zstd.Decoder:
			var out []byte
			// With room behind the end the decoder takes its fast path.
			out, err = d.DecodeAll(src, dst[:0:min(cap(dst), len(dst)+slack)])
			zstdDecoders.Put(d)
			n = len(out)
		}
	case format.Gzip:
		n, err = inflateStream(dst, func() (io.Reader, error) { return gzip.NewReader(bytes.NewReader(src)) })
	case format.Lz4Raw:
		n, err = lz4.UncompressBlock(src, dst)
	case format.Brotli:
		n, err = inflateStream(dst, func() (io.Reader, error) { return brotli.NewReader(bytes.NewReader(src)), nil })
	default:
		return fmt.Errorf("compression %s is not supported (write the file with zstd, snappy or none)", codec)
	}
	if err != nil {
		return fmt.Errorf("decompress %s: %w", codec, err)
	}
	if n != len(dst) {
		return sizeError(codec, n, len(dst))
	}
	return nil
}

func sizeError(codec format.CompressionCodec, got, want int) error {
	return fmt.Errorf("decompress %s: %d bytes where the page header says %d", codec, got, want)
}

func inflateStream(dst []byte, open func() (io.Reader, error)) (int, error) {
	r, err := open()
	if err != nil {
		return 0, err
	}
	n, err := io.ReadFull(r, dst)
	if err != nil {
		return n, err
	}
	var more [1]byte
	if extra, _ := r.Read(more[:]); extra > 0 {
		return n + 1, nil
	}
	return n, nil
}
