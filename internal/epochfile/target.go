// Package epochfile writes the files of a sink so that the rows of an epoch
// become visible together or not at all, through crashes. Floor 34: below
// internal/filetable and the connectors, which add how rows become bytes.
//
// A file is hidden under ".part-<job>-<epoch>-<i>.<ext>.inprogress" in the
// directory it will be found in, and is only ever appended to. It may stay
// open over many epochs: each Prepare makes its bytes durable and notes how
// many they are. Commit takes the dot and the ending from the names of finished
// files and adds a line to the manifest (manifest.go). A process that takes a
// job over copies the noted bytes of an open file into a file of its own, so
// that whatever an earlier process may still do reaches nothing that counts.
//
// Without epochs the same files are numbered on, and visible once finished.
//
// The invariant: what Prepare returns names all there is to know, and no byte
// of a file that it names changes after it has returned.
package epochfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/arrowstream/arrowstream"
)

// Defaults of files that stay open over epochs.
const (
	DefaultRollSize = 128 << 20
	DefaultRollAge  = time.Minute
)

// Config says where the files of a sink go. It does not change after New.
type Config struct {
	// Connector begins the errors: "csv".
	Connector string
	// Sink is the name of the sink, part of file names without epochs.
	Sink string
	// Dir is the directory of the files.
	Dir string
	// Single is the name of the one file in Dir if the sink writes no more; it
	// is finished when the input has ended.
	Single string
	// Extension of the files: ".csv.gz".
	Extension string
	// RollSize and RollAge are when an open file is finished at an epoch;
	// zero is the default.
	RollSize int64
	RollAge  time.Duration
	// Overwrite removes the files that end in one of Extensions when the first
	// files are published.
	Overwrite  bool
	Extensions []string
	// Access is what the sink may reach.
	Access *arrowstream.Access
	// Clock tells the age of files; nil is that of the machine.
	Clock arrowstream.Clock
	// Before, if set, is asked before everything that changes the disk, and
	// may refuse. For tests.
	Before func(op, path string) error
}

// Target is where a sink writes to. All methods but Commit and Waiting are
// called by one goroutine at a time; those may run while the others do.
type Target struct {
	cfg    Config
	clock  arrowstream.Clock
	epochs bool
	job    string            // first digits of the job's ID
	epoch  arrowstream.Epoch // that rows belong to now
	next   int               // number of the next file of the epoch
	seq    map[string]int    // last number in a directory, without epochs
	open   []*File
	oldest atomic.Int64    // of open, when it was begun in nanoseconds; 0: there is none
	done   []entry         // finished, not named by a Prepare yet
	drop   []string        // hidden files that were copied
	dirs   map[string]bool // directories with names that are not durable
	waits  bool            // the files of before are still to be removed
	last   bool            // the next Prepare is the last of this process
	final  bool            // and the input has ended
	err    error           // first error: nothing is prepared after it
	made   bool            // something was published without epochs
}

// New returns a target without epochs; Resume brings them in.
func New(cfg Config) *Target {
	cfg.Dir = filepath.Clean(cfg.Dir)
	t := &Target{cfg: cfg, clock: cfg.Clock, seq: map[string]int{}, dirs: map[string]bool{}, waits: cfg.Overwrite}
	if t.clock == nil {
		t.clock = arrowstream.SystemClock{}
	}
	return t
}

// Epochs reports whether Resume was called.
func (t *Target) Epochs() bool { return t.epochs }

// Conclude says that the next Prepare is the last of this process, or of all if
// the input has ended.
func (t *Target) Conclude(ended bool) { t.last, t.final = true, ended }

// Final reports whether the next Prepare is the last of all.
func (t *Target) Final() bool { return t.final }

// RollSize is the size at which a file is finished; 0 is none.
func (t *Target) RollSize() int64 {
	if t.cfg.RollSize == 0 && t.epochs && t.cfg.Single == "" {
		return DefaultRollSize
	}
	return t.cfg.RollSize
}

// Due reports whether an open file has to be finished at the end of an epoch.
func (t *Target) Due(f *File) bool {
	switch {
	case t.final:
		return true
	case t.cfg.Single != "":
		return false
	}
	return t.last || f.size >= t.RollSize() || t.clock.Now().Sub(f.since) >= t.age()
}

func (t *Target) age() time.Duration {
	if t.cfg.RollAge == 0 {
		return DefaultRollAge
	}
	return t.cfg.RollAge
}

// Waiting reports whether a file would be finished for its age now. Like Commit
// it may be called while other methods run.
func (t *Target) Waiting() bool {
	oldest := t.oldest.Load()
	return oldest != 0 && t.cfg.Single == "" && t.clock.Now().Sub(time.Unix(0, oldest)) >= t.age()
}

// sight notes which open file is the oldest.
func (t *Target) sight() {
	oldest := int64(0)
	for _, f := range t.open {
		if since := f.since.UnixNano(); oldest == 0 || since < oldest {
			oldest = since
		}
	}
	t.oldest.Store(oldest)
}

// WantsEmpty reports whether nothing was or will be written so far and the
// result would not exist without a file that has no rows.
func (t *Target) WantsEmpty() bool {
	if t.made || len(t.open)+len(t.done) > 0 {
		return false
	}
	if t.cfg.Single != "" || t.waits {
		return true
	}
	entries, _ := t.cfg.Access.ReadDir(t.cfg.Dir)
	return !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return !strings.ContainsRune("._", rune(e.Name()[0])) })
}

// step asks the test whether the disk may be changed.
func (t *Target) step(op, path string) error {
	if t.cfg.Before == nil {
		return nil
	}
	return t.cfg.Before(op, path)
}

// wrap names the connector.
func (t *Target) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", t.cfg.Connector, err)
}

// fail is wrap and remembers the first error.
func (t *Target) fail(err error) error {
	err = t.wrap(err)
	if t.err == nil {
		t.err = err
	}
	return err
}

// dir is the directory of files below sub.
func (t *Target) dir(sub string) string { return filepath.Join(t.cfg.Dir, filepath.FromSlash(sub)) }

func hidden(name string) string { return "." + name + ".inprogress" }

// Create begins a hidden file below sub, "" or "k=v/l=w".
func (t *Target) Create(sub string) (*File, error) {
	dir := t.dir(sub)
	if err := t.mkdir(dir); err != nil {
		return nil, t.fail(err)
	}
	f := &File{target: t, entry: entry{Sub: sub}, since: t.clock.Now()}
	flag := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	for {
		if t.epochs {
			f.Name = fmt.Sprintf("part-%s-%020d-%06d%s", t.job, uint64(t.epoch), t.next, t.cfg.Extension)
			t.next++
		} else {
			n, err := t.number(dir)
			if err != nil {
				return nil, t.wrap(err)
			}
			f.Name = fmt.Sprintf("part-%s-%06d%s", sinkName(t.cfg.Sink), n, t.cfg.Extension)
			flag = os.O_WRONLY | os.O_CREATE | os.O_TRUNC // a leftover of the same name is of no use
		}
		f.path = filepath.Join(dir, hidden(f.Name))
		err := t.step("create", f.path)
		if err == nil {
			f.f, err = t.cfg.Access.OpenFile(f.path, flag, 0o666)
		}
		if t.epochs && errors.Is(err, fs.ErrExist) {
			continue // of another sink of the job in the same directory
		}
		if err != nil {
			return nil, t.fail(err)
		}
		t.dirs[dir] = true
		t.open = append(t.open, f)
		t.sight()
		return f, nil
	}
}

// mkdir makes a directory and those above it, and remembers to make their names
// durable.
func (t *Target) mkdir(dir string) error {
	if _, err := t.cfg.Access.Stat(dir); err == nil {
		return nil
	}
	up := filepath.Dir(dir)
	if up != dir {
		if err := t.mkdir(up); err != nil {
			return err
		}
	}
	if err := t.step("mkdir", dir); err != nil {
		return err
	}
	if err := t.cfg.Access.Mkdir(dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	t.dirs[up] = true
	return nil
}

// syncDirs makes the names in the given directories durable.
func (t *Target) syncDirs(dirs map[string]bool) error {
	names := make([]string, 0, len(dirs))
	for dir := range dirs {
		names = append(names, dir)
	}
	slices.Sort(names)
	for _, dir := range names {
		if err := t.syncDir(dir); err != nil {
			return err
		}
		delete(dirs, dir)
	}
	return nil
}

func (t *Target) syncDir(dir string) error {
	if err := t.step("syncdir", dir); err != nil {
		return err
	}
	d, err := t.cfg.Access.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Abort closes the open files and removes all that is not visible; with epochs
// the next Resume decides what of it counts.
func (t *Target) Abort() {
	for len(t.open) > 0 {
		t.open[0].Abandon()
	}
	for _, d := range t.done {
		t.forget(filepath.Join(t.dir(d.Sub), hidden(d.Name)))
	}
	t.done = nil
}
