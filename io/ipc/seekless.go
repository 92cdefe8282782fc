package ipc

import (
	"errors"
	"io"
)

// seekless makes an output look like a file to the writer of IPC files, which
// only asks where it is.
type seekless struct {
	w  io.Writer
	at *int64
}

func newSeekless(w io.Writer) seekless { return seekless{w, new(int64)} }

// Write implements io.Writer.
func (s seekless) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	*s.at += int64(n)
	return n, err
}

// Seek implements io.Seeker for the current position alone.
func (s seekless) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekCurrent {
		return 0, errors.New("arrow: the output cannot be rewound")
	}
	return *s.at, nil
}
