package files

import "io"

// Window is a part of an input that is in memory: a scanner looks at
// [Window.Data], asks for more when a row is not complete, and moves on.
type Window struct {
	r      io.Reader
	buf    []byte
	start  int
	end    int
	eof    bool
	err    error
	offset int64 // of Data in the input
}

// NewWindow returns a window on r, which begins with what was read before.
func NewWindow(r io.Reader) *Window { return &Window{r: r} }

// Data is what is in memory, valid until More.
func (w *Window) Data() []byte { return w.buf[w.start:w.end] }

// Offset is the number of bytes in front of Data.
func (w *Window) Offset() int64 { return w.offset }

// EOF reports whether Data reaches the end of the input.
func (w *Window) EOF() bool { return w.eof }

// Advance moves n bytes on.
func (w *Window) Advance(n int) {
	w.start += n
	w.offset += int64(n)
}

// More reads more behind Data, which may move. At the end of the input it
// returns io.EOF.
func (w *Window) More() error {
	if w.eof {
		return io.EOF
	}
	if w.err != nil {
		return w.err
	}
	if w.start > 0 {
		w.end = copy(w.buf, w.buf[w.start:w.end])
		w.start = 0
	}
	if free := len(w.buf) - w.end; free < len(w.buf)/2 || free < 64<<10 {
		grown := make([]byte, max(2*len(w.buf), 256<<10))
		copy(grown, w.buf[:w.end])
		w.buf = grown
	}
	for range 100 {
		n, err := w.r.Read(w.buf[w.end:])
		w.end += n
		switch {
		case err == io.EOF:
			w.eof = true
			if n == 0 {
				return io.EOF
			}
			return nil
		case err != nil:
			w.err = err
			if n > 0 {
				return nil
			}
			return err
		case n > 0:
			return nil
		}
	}
	return io.ErrNoProgress
}
