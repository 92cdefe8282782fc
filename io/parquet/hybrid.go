package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/parquet-go/bitpack"

	"github.com/arrowstream/arrowstream/columnar"
)

// slack is how many readable bytes stand behind every page in memory, so that
// wide loads need no tail.
const slack = 64

// bitSlack is how many spare bytes a bitmap that is written to has at its end.
const bitSlack = 16

var errFewValues = errors.New("page holds fewer values than its header says")

// hybrid decodes the RLE / bit-packed hybrid encoding of levels, dictionary
// indices and booleans. It decodes what it is asked for and nothing else, so
// that a run length that lies costs nothing.
type hybrid struct {
	src    []byte // what follows the current run
	width  int    // bits per value
	run    int    // values left of a repeated run
	value  int32  // of the repeated run
	packed []byte // a bit-packed run
	at     int    // next value of the bit-packed run
	left   int    // values left of the bit-packed run
}

// reset starts on src, which has slack bytes of capacity behind it.
func (h *hybrid) reset(src []byte, width int) error {
	if width < 0 || width > 32 {
		return fmt.Errorf("bit width %d is out of range", width)
	}
	*h = hybrid{src: src, width: width}
	return nil
}

// next reads the header of the next run that is not empty.
func (h *hybrid) next() error {
	for h.run == 0 && h.left == 0 {
		x, n := binary.Uvarint(h.src)
		if n <= 0 {
			return errFewValues
		}
		h.src = h.src[n:]
		count := x >> 1
		if count > 1<<31 {
			return fmt.Errorf("run of %d values is too long", count)
		}
		if x&1 == 0 {
			size := (h.width + 7) / 8
			if len(h.src) < size {
				return errFewValues
			}
			var v uint32
			for i := range size {
				v |= uint32(h.src[i]) << (8 * i)
			}
			h.src, h.run, h.value = h.src[size:], int(count), int32(v)
			continue
		}
		// The last group may be cut off where its values end.
		size := int(count) * h.width
		h.left = int(count) * 8
		if size > len(h.src) {
			h.left = 0
			if h.width > 0 {
				h.left = len(h.src) * 8 / h.width
			}
			if h.left == 0 {
				return errFewValues
			}
			size = len(h.src)
		}
		h.packed, h.at, h.src = h.src[:size], 0, h.src[size:]
	}
	return nil
}

// ints decodes len(dst) values.
func (h *hybrid) ints(dst []int32) error {
	for len(dst) > 0 {
		if err := h.next(); err != nil {
			return err
		}
		if h.run > 0 {
			n := min(h.run, len(dst))
			v := h.value
			for i := range dst[:n] {
				dst[i] = v
			}
			h.run -= n
			dst = dst[n:]
			continue
		}
		n := min(h.left, len(dst))
		if full := n &^ 7; h.at&7 == 0 && full > 0 {
			n = full
			h.unpack(dst[:n])
		} else {
			// Part of a group of eight: unpack the group, take what is due.
			var group [8]int32
			first := h.at & 7
			n = min(n, 8-first)
			h.at -= first
			h.unpack(group[:])
			h.at += first
			copy(dst[:n], group[first:])
		}
		h.at += n
		h.left -= n
		dst = dst[n:]
	}
	return nil
}

// unpack decodes whole groups of eight from position at.
func (h *hybrid) unpack(dst []int32) {
	if h.width == 0 {
		clear(dst)
		return
	}
	from := h.at / 8 * h.width
	need := len(dst)/8*h.width + bitpack.PaddingInt32
	in := h.packed[from:]
	if cap(in) >= need {
		bitpack.Unpack(dst, in[:need], uint(h.width))
		return
	}
	padded := make([]byte, need)
	copy(padded, in)
	bitpack.Unpack(dst, padded, uint(h.width))
}

// bytes decodes len(dst) levels.
func (h *hybrid) bytes(dst []uint8) error {
	var block [512]int32
	for len(dst) > 0 {
		if err := h.next(); err != nil {
			return err
		}
		if h.run > 0 {
			n := min(h.run, len(dst))
			v := uint8(h.value)
			for i := range dst[:n] {
				dst[i] = v
			}
			h.run -= n
			dst = dst[n:]
			continue
		}
		n := min(h.left, len(dst), len(block))
		if err := h.ints(block[:n]); err != nil {
			return err
		}
		for i, v := range block[:n] {
			dst[i] = uint8(v)
		}
		dst = dst[n:]
	}
	return nil
}

// bits decodes n values of width 1 into dst from bit off on, where dst is
// clear, and returns how many are set. dst has bitSlack spare bytes at its end.
func (h *hybrid) bits(dst []byte, off, n int) (ones int, err error) {
	for n > 0 {
		if err := h.next(); err != nil {
			return ones, err
		}
		var m int
		if h.run > 0 {
			if m = min(h.run, n); h.value&1 != 0 {
				setBits(dst, off, m)
				ones += m
			}
			h.run -= m
		} else {
			m = min(h.left, n)
			ones += copyBits(dst, off, columnar.Bitmap{Bits: h.packed, Offset: h.at, N: m})
			h.at += m
			h.left -= m
		}
		off += m
		n -= m
	}
	return ones, nil
}

// skip passes over n values.
func (h *hybrid) skip(n int) error {
	for n > 0 {
		if err := h.next(); err != nil {
			return err
		}
		if h.run > 0 {
			m := min(h.run, n)
			h.run -= m
			n -= m
			continue
		}
		m := min(h.left, n)
		h.at += m
		h.left -= m
		n -= m
	}
	return nil
}

// skipBits passes over n values of width 1 and returns how many of them are 1.
func (h *hybrid) skipBits(n int) (ones int, err error) {
	for n > 0 {
		if err := h.next(); err != nil {
			return ones, err
		}
		var m int
		if h.run > 0 {
			m = min(h.run, n)
			ones += m * int(h.value&1)
			h.run -= m
		} else {
			m = min(h.left, n)
			ones += columnar.Bitmap{Bits: h.packed, Offset: h.at, N: m}.Count()
			h.at += m
			h.left -= m
		}
		n -= m
	}
	return ones, nil
}

// skipLevels passes over n levels and returns how many of them are top or
// more.
func (h *hybrid) skipLevels(n, top int) (count int, err error) {
	var block [1024]uint8
	for n > 0 {
		levels := block[:min(len(block), n)]
		if err := h.bytes(levels); err != nil {
			return count, err
		}
		for _, l := range levels {
			if int(l) >= top {
				count++
			}
		}
		n -= len(levels)
	}
	return count, nil
}

// setBits sets bits [off, off+n) of dst, which is clear there.
func setBits(dst []byte, off, n int) {
	copyBits(dst, off, columnar.Bitmap{N: n})
}

// copyBits ORs src into dst from bit off on and returns how many bits of src
// are set. dst has bitSlack spare bytes at its end.
func copyBits(dst []byte, off int, src columnar.Bitmap) (ones int) {
	shift := uint(off & 7)
	for w := range src.Words() {
		x := src.Word(w)
		if x == 0 {
			continue
		}
		ones += bits.OnesCount64(x)
		p := dst[off>>3+8*w:]
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)|x<<shift)
		if shift > 0 {
			p[8] |= byte(x >> (64 - shift))
		}
	}
	return ones
}
