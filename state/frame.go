package state

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/arrowstream/arrowstream"
)

// Kinds of frames.
const (
	frameOpen      = 1 // a process begins; payload: JSON, see opened
	framePlan      = 2 // before ticks are processed; payload: what they consist of
	frameCommit    = 3 // an epoch happens; payload: JSON, see record
	framePublished = 4 // a sink has made an epoch visible; payload: its UID
	frameSavepoint = 5 // a savepoint was made; payload: its name
	frameClose     = 6 // a process ends as it should
	frameEntry     = 7 // of a journal: an entry, see appendEntry
	frameKeys      = 8 // of a file of keys, see keyTable
)

// frame is one entry of the log. On disk, little-endian:
//
//	len u32 | kind u8 | flags u8 | epoch u64 | incarnation u64 | durable u64 | payload | crc32c u32
//
// len counts the payload. The sum covers everything before it and is seeded
// with the number of the segment and the offset in it, so that a frame is
// valid only where it was written. durable is how much of the segment the
// writer knew to be on the disk when it wrote the frame.
type frame struct {
	kind        byte
	flags       byte
	epoch       arrowstream.Epoch
	incarnation uint64
	durable     int64
	payload     []byte // of the log as read; copied by whoever keeps it
}

const (
	frameHead  = 30
	frameTail  = 4
	maxPayload = 16 << 20
)

// seed is where the sum of a frame at an offset of a segment starts.
func seed(segment uint64, at int64) uint32 {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], segment)
	binary.LittleEndian.PutUint64(b[8:], uint64(at))
	return crc32.Update(0, castagnoli, b[:])
}

// appendFrame adds f, which will stand at the offset at of a segment, to dst.
func appendFrame(dst []byte, f frame, segment uint64, at int64) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(f.payload)))
	dst = append(dst, f.kind, f.flags)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(f.epoch))
	dst = binary.LittleEndian.AppendUint64(dst, f.incarnation)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(f.durable))
	dst = append(dst, f.payload...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Update(seed(segment, at), castagnoli, dst[start:]))
}

// frameSize is how many bytes the frame at the start of b claims to have, 0 if
// what stands there cannot be a frame at offset at: the cheap part of the test,
// which never looks beyond the head.
func frameSize(b []byte, at int64) int {
	if len(b) < frameHead+frameTail {
		return 0
	}
	n := binary.LittleEndian.Uint32(b)
	kind, flags := b[4], b[5]
	durable := binary.LittleEndian.Uint64(b[22:])
	if n > maxPayload || int(n) > len(b)-frameHead-frameTail || kind < frameOpen || kind > frameKeys || flags != 0 || durable > uint64(at) {
		return 0
	}
	return frameHead + int(n) + frameTail
}

// readFrame takes the frame at the start of b, which is at the offset at of a
// segment. size is 0 if there is none.
func readFrame(b []byte, segment uint64, at int64) (f frame, size int) {
	size = frameSize(b, at)
	if size == 0 || crc32.Update(seed(segment, at), castagnoli, b[:size-frameTail]) != binary.LittleEndian.Uint32(b[size-frameTail:]) {
		return frame{}, 0
	}
	return frame{
		kind:        b[4],
		flags:       b[5],
		epoch:       arrowstream.Epoch(binary.LittleEndian.Uint64(b[6:])),
		incarnation: binary.LittleEndian.Uint64(b[14:]),
		durable:     int64(binary.LittleEndian.Uint64(b[22:])),
		payload:     b[frameHead : size-frameTail : size-frameTail],
	}, size
}
