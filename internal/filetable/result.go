package filetable

import (
	"fmt"
	"io"

	"github.com/arrowstream/arrowstream/internal/files"
)

// Result is the file of a sink, or stdout. It is begun at the first Open,
// Write or Flush and gets its name at Close, unless Abort was called.
type Result struct {
	Kind   Kind
	Path   string
	Stdout io.Writer // nil is that of the process
	// Begin and End, if set, write what stands in front of the rows and behind.
	Begin, End func() error

	out    *files.Output
	buf    []byte
	failed bool
}

// Open begins the file, once.
func (r *Result) Open() error {
	if r.out != nil {
		return nil
	}
	out, err := files.Create(r.Path, r.Stdout)
	if err != nil {
		return fmt.Errorf("%s: %w", r.Kind.Name, err)
	}
	r.out = out
	if r.Begin == nil {
		return nil
	}
	return r.wrap("write", r.Begin())
}

func (r *Result) wrap(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %s %s: %w", r.Kind.Name, what, r.Path, err)
	}
	return nil
}

// Write implements io.Writer; the file must be open. Errors are those of the
// system as they are.
func (r *Result) Write(p []byte) (int, error) { return r.out.Write(p) }

// Lines writes n lines; line appends one without its end.
func (r *Result) Lines(n int, line func(to []byte, i int) []byte) error {
	if err := r.Open(); err != nil {
		return err
	}
	buf := r.buf[:0]
	for i := range n {
		buf = append(line(buf, i), '\n')
		if len(buf) > 64<<10 || i == n-1 {
			if _, err := r.out.Write(buf); err != nil {
				return r.wrap("write", err)
			}
			buf = buf[:0]
		}
	}
	r.buf = buf
	return nil
}

// Flush shows what was written, if this is stdout.
func (r *Result) Flush() error {
	if err := r.Open(); err != nil {
		return err
	}
	return r.wrap("write", r.out.Flush())
}

// Abort removes what was written.
func (r *Result) Abort() {
	r.failed = true
	if r.out != nil {
		_ = r.out.Abort()
	}
}

// Close publishes the file, also one without rows; a Result that was never
// given a path has none.
func (r *Result) Close() error {
	if r.failed || r.Path == "" {
		return nil
	}
	if err := r.Open(); err != nil {
		r.Abort()
		return err
	}
	if r.End != nil {
		if err := r.End(); err != nil {
			r.Abort()
			return r.wrap("finish", err)
		}
	}
	return r.wrap("finish", r.out.Commit())
}
