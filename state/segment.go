package state

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A segment begins with a header of 64 bytes, little-endian:
//
//	magic [8]byte | version u32 | 0 u32 | job [16]byte | number u64 | incarnation u64 | base u64 | 0 u32 | crc32c u32
//
// A segment is complete in itself: what of older ones is still needed is copied
// to its beginning, and it gets its name when that, base bytes with the header,
// is on the disk. Older segments are then removed. So the segment of the
// highest incarnation, and among these of the highest number, is the log, and
// damage in its base is never the work of a crash. The version is the least that
// a reader must know.
type header struct {
	version     uint32
	job         [16]byte
	number      uint64
	incarnation uint64
	base        int64
}

const (
	headerSize = 64
	// maxSegment bounds what is read into memory. Segments are closed at 64 MiB;
	// a base of a hundred commits of 16 MiB is the longest there can be.
	maxSegment = 2 << 30
)

var magic = [8]byte{'A', 'R', 'R', 'O', 'W', 'L', 'O', 'G'}

func appendHeader(dst []byte, h header) []byte {
	start := len(dst)
	dst = append(dst, magic[:]...)
	dst = binary.LittleEndian.AppendUint32(dst, h.version)
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	dst = append(dst, h.job[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, h.number)
	dst = binary.LittleEndian.AppendUint64(dst, h.incarnation)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(h.base))
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	return binary.LittleEndian.AppendUint32(dst, crc32.Update(0, castagnoli, dst[start:]))
}

func readHeader(b []byte) (h header, ok bool) {
	if len(b) < headerSize || [8]byte(b) != magic || crc32.Update(0, castagnoli, b[:headerSize-4]) != binary.LittleEndian.Uint32(b[headerSize-4:]) {
		return header{}, false
	}
	base := binary.LittleEndian.Uint64(b[48:])
	h = header{
		version:     binary.LittleEndian.Uint32(b[8:]),
		job:         [16]byte(b[16:]),
		number:      binary.LittleEndian.Uint64(b[32:]),
		incarnation: binary.LittleEndian.Uint64(b[40:]),
		base:        int64(base),
	}
	return h, base >= headerSize && base <= maxSegment
}

// segment is a segment as read.
type segment struct {
	header header
	frames []frame
	// end is where the frames end; what follows is what a crash has left.
	end int64
}

// flaw is a place in a file at which it is not what was written.
type flaw struct {
	at     int64
	reason string
}

// readSegment takes the frames of a segment, whose bytes the frames refer to.
// A torn end is left out. It is told from damage, which is a flaw, by what was
// known to be on the disk: the base, and what the durable field of any later
// frame says. A frame with a bad one before a good one is no proof: pages that
// were not synced reach the disk in any order. The search for later frames
// looks at every byte; what it may sum up is bounded, beyond that the end is
// taken for damage.
func readSegment(b []byte) (s segment, bad *flaw) {
	h, ok := readHeader(b)
	if !ok {
		return s, &flaw{0, "the header is not valid"}
	}
	s.header = h
	s.end = headerSize
	if h.version > formatVersion {
		return s, nil // the caller refuses
	}
	for s.end < int64(len(b)) {
		f, size := readFrame(b[s.end:], h.number, s.end)
		if size == 0 {
			break
		}
		s.frames = append(s.frames, f)
		s.end += int64(size)
	}
	if s.end < h.base {
		return s, &flaw{s.end, fmt.Sprintf("the first %d bytes were on the disk", h.base)}
	}
	budget := 16*int64(len(b)) + 64<<20
	for at := s.end + 1; at < int64(len(b)); at++ {
		size := frameSize(b[at:], at)
		if size == 0 {
			continue
		}
		if budget -= int64(size); budget < 0 {
			return s, &flaw{s.end, "what follows looks like too many frames"}
		}
		if f, _ := readFrame(b[at:], h.number, at); f.durable > s.end {
			return s, &flaw{s.end, fmt.Sprintf("a frame at byte %d says that %d bytes were on the disk", at, f.durable)}
		}
	}
	return s, nil
}
