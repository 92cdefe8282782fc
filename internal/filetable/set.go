package filetable

import (
	"bytes"
	"errors"
	"io"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/files"
	"github.com/arrowstream/arrowstream/internal/glob"
)

// sampleBytes bounds what columns are inferred from.
const sampleBytes = 1 << 20

// Set is the files of a source, in order, or stdin.
type Set struct {
	kind   Kind
	access *arrowstream.Access
	names  []string
	stdin  io.Reader
	ahead  *files.Input // stdin, opened to look at its beginning
}

// Find returns the files that path names: a file, a directory, of which those
// with one of the extensions count, a pattern, or - for stdin.
func (k Kind) Find(a *arrowstream.Access, path string, stdin io.Reader, extensions ...string) (*Set, error) {
	s := &Set{kind: k, access: a, names: []string{files.Stdin}, stdin: stdin}
	if path != files.Stdin {
		var err error
		if s.names, err = glob.Expand(a, path, extensions...); err != nil {
			return nil, k.NoInput(err)
		}
	}
	return s, nil
}

// Live reports whether the set is stdin, which cannot be read twice.
func (s *Set) Live() bool { return len(s.names) > 0 && s.names[0] == files.Stdin }

func (s *Set) open(name string) (*files.Input, error) {
	in, err := files.Open(s.access, name, s.stdin)
	if err != nil {
		return nil, s.kind.NoInput(err)
	}
	return in, nil
}

// Each shows the beginning of each file to look until that is done. What is
// read of stdin will be read again by the partition. An error of look without
// a code means that the input tells no columns.
func (s *Set) Each(look func(in *files.Input) (done bool, err error)) error {
	for _, name := range s.names {
		in, err := s.open(name)
		if err != nil {
			return err
		}
		if s.Live() {
			in.Mark()
		}
		done, err := look(in)
		var known *arrowstream.Error
		if err != nil && !errors.As(err, &known) {
			err = &arrowstream.Error{Code: s.kind.Input, Msg: s.kind.Name + ": no columns", Err: err}
		}
		if s.Live() && err == nil {
			in.Reset()
			s.ahead = in
		} else {
			err = errors.Join(err, in.Close())
		}
		if done || err != nil {
			return err
		}
	}
	return nil
}

// Sample shows up to 1 MiB of text from the beginning of each file to look,
// until that is done; eof says that it is all of the file. A stream that is
// still being written is not waited for once it has shown that many lines.
func (s *Set) Sample(lines int, look func(name string, text []byte, eof bool) (done bool, err error)) error {
	return s.Each(func(in *files.Input) (bool, error) {
		win := files.NewWindow(in)
		for len(win.Data()) < sampleBytes && !win.EOF() {
			if err := win.More(); err != nil && !win.EOF() {
				return false, s.kind.read(in, err)
			}
			if !in.Ready() && bytes.Count(win.Data(), []byte{'\n'}) >= lines {
				break
			}
		}
		return look(in.Name, win.Data()[byteOrderMark(win.Data()):], win.EOF())
	})
}

// byteOrderMark is the length of the mark that data begins with.
func byteOrderMark(data []byte) int {
	if bytes.HasPrefix(data, []byte("\xEF\xBB\xBF")) {
		return 3
	}
	return 0
}
