package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// magic stands at both ends of an IPC file.
var magic = []byte("ARROW1")

// Messages returns the message stream inside r, which holds an IPC file or an
// IPC stream, recognised by its first bytes, and whether it is a file. With
// size >= 0, r is a file of that size whose end is at hand as well (see
// io.ReaderAt): then both magics are checked and reading ends before the
// footer, else it ends at the end-of-stream marker.
func Messages(r io.Reader, at io.ReaderAt, size int64) (stream io.Reader, isFile bool, err error) {
	head := make([]byte, 8)
	n, err := io.ReadFull(r, head)
	if err == io.EOF {
		return nil, false, fmt.Errorf("%w: no data", ErrMalformed)
	}
	if err != nil && err != io.ErrUnexpectedEOF {
		return nil, false, err
	}
	if !bytes.HasPrefix(head[:n], magic) {
		return io.MultiReader(bytes.NewReader(head[:n]), r), false, nil
	}
	if n < 8 {
		return nil, true, fmt.Errorf("%w: file of %d bytes", ErrMalformed, n)
	}
	if at == nil || size < 0 {
		return r, true, nil
	}
	tail := make([]byte, 10)
	if size < 18 {
		return nil, true, fmt.Errorf("%w: file of %d bytes", ErrMalformed, size)
	}
	if _, err := at.ReadAt(tail, size-10); err != nil {
		return nil, true, err
	}
	footer := int64(int32(binary.LittleEndian.Uint32(tail)))
	if !bytes.Equal(tail[4:], magic) || footer < 0 || footer > size-18 {
		return nil, true, fmt.Errorf("%w: the file has no footer; it may be cut short", ErrMalformed)
	}
	return io.LimitReader(r, size-18-footer), true, nil
}
