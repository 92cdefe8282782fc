// Package zstdframe looks at zstd frames before a decoder does that allocates
// by what they ask for. Floor 0.
//
// The decoder of github.com/klauspost/compress allows a window of 512 MiB and
// allocates it for a frame of a few bytes. The libraries for Arrow IPC and Kafka
// make their decoders themselves and set no other limit.
package zstdframe

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// Window is what a decoder should support at least, by RFC 8878, section
// 3.1.1.1.2; all levels but the ultra ones keep to it.
const Window = 8 << 20

var errShort = errors.New("zstd: a frame is cut off")

// Check walks the frames of b, block by block without decompressing them, and
// says no to windows beyond most bytes and to frames without an end. It costs a
// few nanoseconds per block of up to 128 KiB.
func Check(b []byte, most uint64) error {
	for len(b) > 0 {
		var h zstd.Header
		if err := h.Decode(b); err != nil {
			return fmt.Errorf("zstd: %w", err)
		}
		n := h.HeaderSize
		if h.Skippable {
			n += int(h.SkippableSize)
		} else {
			window := h.WindowSize
			if h.SingleSegment {
				window = h.FrameContentSize
			}
			if window > most {
				return fmt.Errorf("zstd: a window of %d bytes, at most %d are given", window, most)
			}
			var err error
			if n, err = blocks(b, n); err != nil {
				return err
			}
			if h.HasCheckSum {
				n += 4
			}
		}
		if n < 1 || n > len(b) {
			return errShort
		}
		b = b[n:]
	}
	return nil
}

// blocks is where the blocks that begin at n end.
func blocks(b []byte, n int) (int, error) {
	const repeated = 1 // a block of one byte, its size is that of the result
	for last := false; !last; {
		if n+3 > len(b) {
			return 0, errShort
		}
		head := uint32(b[n]) | uint32(b[n+1])<<8 | uint32(b[n+2])<<16
		last = head&1 != 0
		size := int(head >> 3)
		if head>>1&3 == repeated {
			size = 1
		}
		n += 3 + size
	}
	return n, nil
}
