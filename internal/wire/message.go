package wire

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// continuation is the marker before the length of a message.
const continuation = 0xFFFFFFFF

// messages reads the messages of an IPC stream; their lengths are all checked
// against the limits before they are believed. A stream that ends between two
// messages, with or without the end-of-stream marker, ends with io.EOF; one
// that ends inside a message with io.ErrUnexpectedEOF. A message is valid until
// the next call.
type messages struct {
	r      io.Reader
	limits Limits
	offset int64 // bytes read so far
	start  int64 // offset of the message returned last
	head   [8]byte
	body   scratch
	msg    *ipc.Message
	refs   atomic.Int64
}

func newMessages(r io.Reader, l Limits) *messages {
	l = l.withDefaults()
	m := &messages{r: r, limits: l, body: scratch{mem: l.Allocator}}
	m.refs.Store(1)
	return m
}

// Message implements ipc.MessageReader.
func (m *messages) Message() (*ipc.Message, error) {
	m.drop()
	m.start = m.offset
	n, err := m.length()
	if err != nil {
		return nil, err
	}
	if n < 8 || n > m.limits.Metadata {
		return nil, fmt.Errorf("%w: metadata of %d bytes at offset %d (limit %d)", ErrMalformed, n, m.start, m.limits.Metadata)
	}
	// The metadata outlives the message: schemas and batches refer to it. It
	// grows as bytes arrive, so that a short input cannot ask for its claim.
	meta := scratch{}
	if err := m.fill(&meta, n); err != nil {
		return nil, err
	}
	bodyLen, err := checkMessage(meta.b, m.limits)
	if err != nil {
		return nil, fmt.Errorf("message at offset %d: %w", m.start, err)
	}
	if err := m.fill(&m.body, bodyLen); err != nil {
		return nil, err
	}
	if err := checkInflated(meta.b, m.body.b, m.limits); err != nil {
		return nil, fmt.Errorf("message at offset %d: %w", m.start, err)
	}
	m.msg = ipc.NewMessage(memory.NewBufferBytes(meta.b), memory.NewBufferBytes(m.body.b[:bodyLen]))
	return m.msg, nil
}

// length reads the prefix of a message, with or without continuation marker.
func (m *messages) length() (int64, error) {
	if err := m.full(m.head[:4]); err != nil {
		return 0, err
	}
	n := binary.LittleEndian.Uint32(m.head[:4])
	if n == continuation {
		if err := m.full(m.head[4:]); err != nil {
			return 0, unexpected(err)
		}
		n = binary.LittleEndian.Uint32(m.head[4:])
	}
	if n == 0 {
		return 0, io.EOF
	}
	return int64(n), nil
}

func (m *messages) full(p []byte) error {
	n, err := io.ReadFull(m.r, p)
	m.offset += int64(n)
	return err
}

// fill reads n bytes into s, in steps that double.
func (m *messages) fill(s *scratch, n int64) error {
	s.b = s.b[:0]
	for int64(len(s.b)) < n {
		step := min(n-int64(len(s.b)), max(64<<10, int64(len(s.b))))
		if int64(len(s.block)) >= n {
			step = n - int64(len(s.b))
		}
		p := s.extend(int(step))
		if err := m.full(p); err != nil {
			return fmt.Errorf("message at offset %d: %w", m.start, unexpected(err))
		}
	}
	return nil
}

// Retain implements ipc.MessageReader.
func (m *messages) Retain() { m.refs.Add(1) }

// Release implements ipc.MessageReader.
func (m *messages) Release() {
	if m.refs.Add(-1) == 0 {
		m.drop()
		m.body.free()
	}
}

func (m *messages) drop() {
	if m.msg != nil {
		m.msg.Release()
		m.msg = nil
	}
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// scratch is a byte buffer that is used again for every message.
type scratch struct {
	mem   memory.Allocator // nil: the Go heap
	block []byte           // what the allocator gave
	b     []byte           // the used part of block
}

// extend grows the buffer by n bytes and returns them.
func (s *scratch) extend(n int) []byte {
	old := len(s.b)
	if want := old + n; want > len(s.block) {
		want = max(want, 2*len(s.block))
		var grown []byte
		if s.mem == nil {
			grown = make([]byte, want)
		} else {
			grown = s.mem.Allocate(want)
		}
		copy(grown, s.b)
		s.free()
		s.block = grown
	}
	s.b = s.block[:old+n]
	return s.b[old:]
}

func (s *scratch) free() {
	if s.mem != nil && s.block != nil {
		s.mem.Free(s.block)
	}
	s.block, s.b = nil, nil
}
