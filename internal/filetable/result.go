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
	"github.com/arrowstream/arrowstream/internal/hive"
)

// Result is the files of a sink: one file, or stdout, or those in a directory,
// which is a Path that ends in a slash or leads to one. One file is begun at
// the first Open, Write or Flush, those of a directory at the first row, and
// gets its name at Close, unless Abort was called, or with its epoch, see
// epochs.go. Below the directory there may be folders, see folders.go.
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
	// Folders says that lines go to k=v folders below Path, which is then a
	// directory, and MaxOpen how many of them have an open file at most, by
	// default [hive.DefaultMaxOpen].
	Folders bool
	MaxOpen int
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
	part   *part             // in target, that is written to
	parts  map[string]*part  // by folder, all that are open
	used   int64             // counts how often part was changed
	buf    []byte
	failed bool
}

// directory reports whether the path is that of a directory.
func (r *Result) directory() bool {
	info, err := r.Access.Stat(r.Path)
	return r.Folders || strings.HasSuffix(r.Path, "/") || err == nil && info.IsDir()
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
		return r.enter("")
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

func (r *Result) wrap(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %s %s: %w", r.Kind.Name, what, r.Path, err)
	}
	return nil
}

// Write implements io.Writer; a file must be open. Errors are those of the
// system as they are.
func (r *Result) Write(p []byte) (int, error) {
	if r.part != nil {
		return r.part.pack.Write(p)
	}
	return r.out.Write(p)
}

// Rows says that n rows were written, and ends a file that is full.
func (r *Result) Rows(n int) error {
	if r.part == nil {
		return nil
	}
	r.part.file.Rows += int64(n)
	if r.full(0) {
		return r.finish(r.part)
	}
	return nil
}

// full reports whether the open file has its size with more bytes.
func (r *Result) full(more int) bool {
	if r.part == nil {
		return false
	}
	size := r.target.RollSize()
	return size > 0 && r.part.file.Size()+int64(r.part.pack.Buffered()+more) >= size
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
	return r.lines(hive.Run{To: n}, line)
}

// lines writes the lines of a run.
func (r *Result) lines(run hive.Run, line func(to []byte, i int) []byte) error {
	buf, from := r.buf[:0], run.From
	for i := run.From; i < run.To; i++ {
		if r.part == nil && r.target != nil { // the last was full
			if err := r.enter(run.Dir); err != nil {
				return err
			}
		}
		buf = append(line(buf, i), '\n')
		if len(buf) > 64<<10 || i == run.To-1 || r.full(len(buf)) {
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
	for _, p := range r.parts {
		p.pack.Abandon()
	}
	r.part, r.parts = nil, nil
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
	case len(r.parts) > 0:
		err = r.finishAll()
	default:
		err = r.finishEmpty()
	}
	if err != nil {
		r.Abort()
	}
	return err
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
