package filetable

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/epochfile"
	"github.com/arrowstream/arrowstream/internal/files"
)

// Result is the files of a sink: one file, or stdout, or those in a directory,
// which is a Path that ends in a slash or leads to one. One file is begun at
// the first Open, Write or Flush, those of a directory at the first row, and
// gets its name at Close, unless Abort was called, or with its epoch, see
// epochs.go.
type Result struct {
	Kind   Kind
	Path   string
	Stdout io.Writer           // nil is that of the process
	Access *arrowstream.Access // what may be reached
	// Sink is the name of the sink, and Extension that of the files in a
	// directory: ".csv".
	Sink, Extension string
	// RollSize and RollAge are when a file of a directory is full; zero is the
	// default.
	RollSize int64
	RollAge  time.Duration
	// Begin and End, if set, write what stands in front of the rows of a file
	// and behind.
	Begin, End func() error
	// Carry, if set, writes the rows that stand in r, the beginning of a file,
	// to a new one that has begun. If not, its bytes are copied.
	Carry func(r io.Reader) error
	// Clock and Before are for tests, see epochfile.
	Clock  arrowstream.Clock
	Before func(op, path string) error

	out    *files.Output     // one file, without epochs
	target *epochfile.Target // with epochs, and for directories
	file   *epochfile.File   // in target, open
	pack   *files.Packer     // in front of file
	buf    []byte
	failed bool
}

// directory reports whether the path is that of a directory.
func (r *Result) directory() bool {
	info, err := r.Access.Stat(r.Path)
	return strings.HasSuffix(r.Path, "/") || err == nil && info.IsDir()
}

// begin makes the target if one is needed.
func (r *Result) begin(epochs bool) {
	if r.target != nil || files.IsStream(r.Access, r.Path) || !epochs && !r.directory() {
		return
	}
	c := epochfile.Config{
		Connector: r.Kind.Name, Sink: r.Sink, Dir: r.Path, Extension: r.Extension,
		RollSize: r.RollSize, RollAge: r.RollAge, Access: r.Access, Clock: r.Clock, Before: r.Before,
	}
	if !r.directory() {
		path := r.Access.Resolve(filepath.Clean(r.Path)) // a link stays one
		c.Dir, c.Single = filepath.Dir(path), filepath.Base(path)
		c.Extension = files.Extension(path)
		if z := files.Compression(path); z != "" {
			c.Extension += "." + z
		}
	}
	r.target = epochfile.New(c)
}

// Open begins a file if none is open.
func (r *Result) Open() error {
	if r.begin(false); r.target != nil {
		return r.create()
	}
	if r.out != nil {
		return nil
	}
	out, err := files.Create(r.Access, r.Path, r.Stdout)
	if err != nil {
		return fmt.Errorf("%s: %w", r.Kind.Name, err)
	}
	r.out = out
	return r.head()
}

// head writes what stands in front of the rows.
func (r *Result) head() error {
	if r.Begin == nil {
		return nil
	}
	return r.wrap("write", r.Begin())
}

// create begins a file of the target if none is open.
func (r *Result) create() error {
	if r.file != nil {
		return nil
	}
	f, err := r.target.Create("")
	if err != nil {
		return err
	}
	r.attach(f)
	if err := r.pack.Begin(); err != nil {
		return r.wrap("write", err)
	}
	return r.head()
}

func (r *Result) attach(f *epochfile.File) {
	r.file, r.pack = f, files.NewPacker(f, strings.TrimSuffix(f.Path(), ".inprogress"), 256<<10)
}

// finish ends the open file.
func (r *Result) finish() error {
	if r.End != nil {
		if err := r.End(); err != nil {
			return r.wrap("finish", err)
		}
	}
	if err := r.pack.Cut(); err != nil {
		return r.wrap("finish", err)
	}
	f := r.file
	r.file, r.pack = nil, nil
	if err := f.Finish(); err != nil || r.target.Epochs() {
		return err
	}
	return r.target.Publish()
}

func (r *Result) wrap(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %s %s: %w", r.Kind.Name, what, r.Path, err)
	}
	return nil
}

// Write implements io.Writer; a file must be open. Errors are those of the
// system as they are.
func (r *Result) Write(p []byte) (int, error) {
	if r.pack != nil {
		return r.pack.Write(p)
	}
	return r.out.Write(p)
}

// Rows says that n rows were written, and ends a file that is full.
func (r *Result) Rows(n int) error {
	if r.file == nil {
		return nil
	}
	r.file.Rows += int64(n)
	if r.full(0) {
		return r.finish()
	}
	return nil
}

// full reports whether the open file has its size with more bytes.
func (r *Result) full(more int) bool {
	if r.file == nil {
		return false
	}
	size := r.target.RollSize()
	return size > 0 && r.file.Size()+int64(r.pack.Buffered()+more) >= size
}

// Lines writes n lines; line appends one without its end. Where files end does
// not depend on how the lines come in calls.
func (r *Result) Lines(n int, line func(to []byte, i int) []byte) error {
	if n == 0 && r.target != nil {
		return nil
	}
	if err := r.Open(); err != nil {
		return err
	}
	buf, from := r.buf[:0], 0
	for i := range n {
		if err := r.Open(); err != nil { // the last was full
			return err
		}
		buf = append(line(buf, i), '\n')
		if len(buf) > 64<<10 || i == n-1 || r.full(len(buf)) {
			if _, err := r.Write(buf); err != nil {
				return r.wrap("write", err)
			}
			if err := r.Rows(i + 1 - from); err != nil {
				return err
			}
			buf, from = buf[:0], i+1
		}
	}
	r.buf = buf
	return nil
}

// Flush shows what was written, if this is stdout.
func (r *Result) Flush() error {
	if r.begin(false); r.target != nil {
		return nil
	}
	if err := r.Open(); err != nil {
		return err
	}
	return r.wrap("write", r.out.Flush())
}

// Abort removes what was written; with epochs the next run decides about it.
func (r *Result) Abort() {
	r.failed = true
	if r.out != nil {
		_ = r.out.Abort()
	}
	if r.pack != nil {
		r.pack.Abandon()
		r.file, r.pack = nil, nil
	}
	if r.target != nil {
		r.target.Abort()
	}
}

// Close publishes the file, also one without rows; a Result that was never
// given a path has none. With epochs, what is visible is for Commit to say.
func (r *Result) Close() error {
	if r.failed || r.Path == "" {
		return nil
	}
	r.begin(false)
	var err error
	switch {
	case r.target == nil:
		return r.closeOne()
	case r.target.Epochs():
		r.Abort()
		return nil
	case r.file != nil:
		err = r.finish()
	default:
		err = r.finishEmpty()
	}
	if err != nil {
		r.Abort()
	}
	return err
}

// finishEmpty makes a file without rows if there would be no file at all.
func (r *Result) finishEmpty() error {
	if !r.target.WantsEmpty() {
		return nil
	}
	if err := r.create(); err != nil {
		return err
	}
	return r.finish()
}

func (r *Result) closeOne() error {
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
