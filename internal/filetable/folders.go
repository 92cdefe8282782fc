package filetable

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/epochfile"
	"github.com/arrowstream/arrowstream/internal/files"
	"github.com/arrowstream/arrowstream/internal/hive"
)

// Fold makes the named columns of in folders below Path and returns them; nil if
// there are no names. One file with one of the extensions has no folders.
func (r *Result) Fold(in *arrow.Schema, names []string, extensions ...string) (*hive.Keys, error) {
	if r.MaxOpen < 0 {
		return nil, r.Kind.BadOption("option %q cannot be negative", "max-open")
	}
	if len(names) == 0 {
		return nil, nil
	}
	if files.IsStream(r.Access, r.Path) || slices.ContainsFunc(extensions, func(e string) bool { return strings.HasSuffix(strings.ToLower(r.Path), e) }) {
		return nil, &arrowstream.Error{Code: r.Kind.Option, Msg: fmt.Sprintf("%s: %s is one file, which cannot be partitioned", r.Kind.Name, r.Path), Hint: "name a directory"}
	}
	r.Folders = true
	return hive.NewKeys(r.Kind.Name, r.Path, in, names)
}

// part is an open file of the target: the only one, or one per folder.
type part struct {
	sub  string
	file *epochfile.File
	pack *files.Packer // in front of file
	used int64         // when it was last entered
}

// LinesIn writes the lines of runs, each to its folder. Which file is finished to
// make room for another depends on the order of the rows alone: it is the one
// that has not been entered for the longest time.
func (r *Result) LinesIn(runs []hive.Run, line func(to []byte, i int) []byte) error {
	r.begin(false)
	for _, run := range runs {
		if err := r.enter(run.Dir); err != nil {
			return err
		}
		if err := r.lines(run, line); err != nil {
			return err
		}
	}
	return nil
}

// enter makes the file of a folder the one that is written to, and begins it if
// it is not open.
func (r *Result) enter(sub string) error {
	if r.part != nil && r.part.sub == sub {
		return nil
	}
	r.used++
	if p, ok := r.parts[sub]; ok {
		r.part, p.used = p, r.used
		return nil
	}
	limit := r.MaxOpen
	if limit <= 0 {
		limit = hive.DefaultMaxOpen
	}
	if len(r.parts) >= limit {
		if err := r.finish(r.oldest()); err != nil {
			return err
		}
	}
	f, err := r.target.Create(sub)
	if err != nil {
		return err
	}
	r.attach(f)
	if err := r.part.pack.Begin(); err != nil {
		return r.wrap("write", err)
	}
	return r.head()
}

// attach makes an open file the one that is written to.
func (r *Result) attach(f *epochfile.File) {
	buffer := 256 << 10
	if r.Folders {
		buffer = 64 << 10 // many are open
	}
	r.part = &part{sub: f.Sub(), file: f, pack: files.NewPacker(f, strings.TrimSuffix(f.Path(), ".inprogress"), buffer), used: r.used}
	if r.parts == nil {
		r.parts = map[string]*part{}
	}
	r.parts[r.part.sub] = r.part
}

// oldest is the open file that was not entered for the longest time.
func (r *Result) oldest() (out *part) {
	for _, p := range r.sorted() {
		if out == nil || p.used < out.used {
			out = p
		}
	}
	return out
}

// sorted are the open files in the order of their folders.
func (r *Result) sorted() (out []*part) {
	for _, sub := range slices.Sorted(maps.Keys(r.parts)) {
		out = append(out, r.parts[sub])
	}
	return out
}

// finish ends an open file; it becomes visible at once without epochs.
func (r *Result) finish(p *part) error {
	r.part = p // what End writes belongs to it
	if r.End != nil {
		if err := r.End(); err != nil {
			return r.wrap("finish", err)
		}
	}
	if err := p.pack.Cut(); err != nil {
		return r.wrap("finish", err)
	}
	r.part = nil
	delete(r.parts, p.sub)
	if err := p.file.Finish(); err != nil || r.target.Epochs() {
		return err
	}
	return r.target.Publish()
}

// finishAll ends all open files.
func (r *Result) finishAll() error {
	for _, p := range r.sorted() {
		if err := r.finish(p); err != nil {
			return err
		}
	}
	return nil
}

// finishEmpty makes a file without rows if there would be no file at all; no rows
// have no folders.
func (r *Result) finishEmpty() error {
	if r.Folders || !r.target.WantsEmpty() {
		return nil
	}
	if err := r.enter(""); err != nil {
		return err
	}
	return r.finish(r.part)
}
