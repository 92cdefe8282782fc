package flight

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	arrowflight "github.com/apache/arrow/go/v17/arrow/flight"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/failpoint"
	"github.com/arrowstream/arrowstream/internal/files"
)

// shelf keeps the epochs of a stream in a folder, one file each, that has its
// name only when it is whole and on disk:
//
//	"ASFLT1\r\n", then frames of {length, crc32c of what follows, rows} as three
//	little-endian uint32 and the bytes: an epochHead in JSON, the messages in
//	protobuf. The last closes the epoch, and has 1<<32-1 instead of rows.
type shelf struct {
	access *arrowstream.Access
	dir    string
	begin  bool // what was found is retained from the beginning of the job
	// before, in tests, is asked before everything that changes the disk, and
	// fails in its place.
	before func(op, path string) error
}

func (s *shelf) step(op, path string) error {
	if s.before == nil {
		return nil
	}
	return s.before(op, path)
}

// sync makes the names in a folder durable.
func (s *shelf) sync(dir string) error {
	if err := s.step("sync", dir); err != nil {
		return err
	}
	return files.SyncDir(s.access, dir)
}

// epochHead is the first frame of a file.
type epochHead struct {
	Job    string `json:"job"`
	Sink   string `json:"sink"`
	Epoch  int64  `json:"epoch"`
	After  int64  `json:"after"`  // nothing was published from here to Epoch
	Begin  bool   `json:"begin"`  // nor ever before
	Schema []byte `json:"schema"` // header of the message of the schema
}

// stored is where a message is.
type stored struct {
	file   string
	offset int64 // of its bytes
	length uint32
	crc    uint32
}

const (
	epochMagic  = "ASFLT1\r\n"
	epochEnding = ".epoch"
	frameHead   = 12
	lastFrame   = 1<<32 - 1
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errDropped = errors.New("flight: the epoch is no longer retained")
)

// shelfName is the name of the folder of a stream.
func shelfName(stream string) string {
	return strings.ReplaceAll(url.PathEscape(stream), ".", "%2E")
}

// openShelf makes the folder of a stream and reads what it holds: the head of
// the newest epoch, nil if there is none, and the messages of all.
func openShelf(a *arrowstream.Access, path, stream string, before func(op, path string) error) (*shelf, *epochHead, []entry, error) {
	s := &shelf{access: a, dir: filepath.Join(path, shelfName(stream)), before: before}
	err := s.step("mkdir", s.dir)
	if err == nil {
		err = a.MkdirAll(s.dir, 0o700)
	}
	if err == nil {
		err = errors.Join(s.sync(s.dir), s.sync(path))
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("flight: retain.path: %w", err)
	}
	found, err := a.ReadDir(s.dir)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("flight: retain.path: %w", err)
	}
	var last *epochHead
	var all []entry
	for _, f := range found {
		name := filepath.Join(s.dir, f.Name())
		if strings.HasSuffix(name, ".tmp") { // of an attempt that crashed
			_ = a.Remove(name)
		}
		if !strings.HasSuffix(name, epochEnding) {
			continue
		}
		head, entries, err := readEpoch(a, name)
		if err != nil {
			return nil, nil, nil, &arrowstream.Error{Code: "AS5003", Msg: "flight: " + name, Err: err, Hint: "without the folder subscribers begin anew"}
		}
		if last != nil && (head.Job != last.Job || head.After != last.Epoch+1) {
			all = nil // something between the two is missing: the rest is the newest run without a gap
		}
		if len(all) == 0 {
			s.begin = head.Begin
		}
		last, all = head, append(all, entries...)
	}
	return s, last, all, nil
}

// claimName is the file that says which process of the job publishes here.
const claimName = "claim"

// claim is its content.
type claim struct {
	Job         string `json:"job"`
	Incarnation uint64 `json:"incarnation"`
	Whole       bool   `json:"whole"` // it was the place since the job began
}

// claim keeps earlier processes of the job from publishing, and tells whether
// everything the job has ever published is put here.
func (s *shelf) claim(p arrowstream.Publication) (whole bool, err error) {
	old, err := s.check(p)
	if err != nil {
		return false, err
	}
	next := claim{p.Job, p.Incarnation, p.Epoch == 0}
	if old.Job == p.Job {
		next.Whole = old.Whole
	}
	text, err := json.Marshal(next)
	if err != nil {
		return false, fmt.Errorf("flight: %w", err)
	}
	name := filepath.Join(s.dir, claimName)
	if err = s.step("create", name); err == nil {
		err = s.write(name, text)
	}
	if err != nil {
		return false, fmt.Errorf("flight: retain: %w", err)
	}
	return next.Whole, nil
}

// write makes a file that has its name when it is whole and on disk.
func (s *shelf) write(name string, text []byte) error {
	out, err := files.Create(s.access, name, nil)
	if err != nil {
		return err
	}
	if _, err = out.Write(text); err == nil {
		err = s.step("rename", name)
	}
	if err != nil {
		return errors.Join(err, out.Abort())
	}
	return out.Commit()
}

// check reads the claim; it is ErrFenced if that of a later process of the job.
func (s *shelf) check(p arrowstream.Publication) (claim, error) {
	var c claim
	text, err := s.access.ReadFile(filepath.Join(s.dir, claimName))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil {
		return c, fmt.Errorf("flight: retain: %w", err)
	}
	if c.Job == p.Job && c.Incarnation > p.Incarnation {
		return c, fmt.Errorf("flight: publish %s: process %d of the job is at work, this is %d: %w", s.dir, c.Incarnation, p.Incarnation, arrowstream.ErrFenced)
	}
	return c, nil
}

func (s *shelf) name(epoch int64) string {
	return filepath.Join(s.dir, fmt.Sprintf("%020d%s", epoch, epochEnding))
}

// drop removes the epoch that w is in. What cannot be removed now is dropped
// when the folder is read again.
func (s *shelf) drop(w stored) { _ = s.access.Remove(w.file) }

// load reads a message.
func (s *shelf) load(w stored) (*arrowflight.FlightData, error) {
	f, err := s.access.Open(w.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errDropped
	}
	if err != nil {
		return nil, status.Errorf(codes.Internal, "a retained batch cannot be read: %v", errors.Unwrap(err))
	}
	defer f.Close()
	b := make([]byte, w.length)
	if _, err := f.ReadAt(b, w.offset); err != nil || crc32.Checksum(b, castagnoli) != w.crc {
		return nil, status.Error(codes.DataLoss, "a retained batch is damaged")
	}
	m := &arrowflight.FlightData{}
	if err := proto.Unmarshal(b, m); err != nil {
		return nil, status.Error(codes.DataLoss, "a retained batch is damaged")
	}
	return m, nil
}

// epochWriter writes the file of an epoch.
type epochWriter struct {
	shelf   *shelf
	f       *os.File
	w       *bufio.Writer
	name    string
	offset  int64
	entries []entry
}

func (s *shelf) create(head epochHead) (*epochWriter, error) {
	text, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("flight: %w", err)
	}
	name := s.name(head.Epoch)
	if err := s.step("create", name); err != nil {
		return nil, fmt.Errorf("flight: retain: %w", err)
	}
	f, err := s.access.OpenFile(name+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("flight: retain: %w", err)
	}
	w := &epochWriter{shelf: s, f: f, w: bufio.NewWriterSize(f, 1<<16), name: name, offset: int64(len(epochMagic))}
	if _, err := w.w.WriteString(epochMagic); err != nil {
		w.abort()
		return nil, fmt.Errorf("flight: retain: %w", err)
	}
	if _, err := w.frame(text, 0); err != nil {
		w.abort()
		return nil, err
	}
	return w, nil
}

// frame writes b and tells where.
func (w *epochWriter) frame(b []byte, rows int64) (stored, error) {
	at := stored{file: w.name, offset: w.offset + frameHead, length: uint32(len(b)), crc: crc32.Checksum(b, castagnoli)}
	var head [frameHead]byte
	binary.LittleEndian.PutUint32(head[:], at.length)
	binary.LittleEndian.PutUint32(head[4:], at.crc)
	binary.LittleEndian.PutUint32(head[8:], uint32(rows))
	_, err := w.w.Write(head[:])
	if err == nil {
		_, err = w.w.Write(b)
	}
	if err != nil {
		return stored{}, fmt.Errorf("flight: retain: %w", err)
	}
	w.offset = at.offset + int64(len(b))
	return at, nil
}

func (w *epochWriter) add(m *arrowflight.FlightData, e entry) error {
	b, err := proto.Marshal(m)
	if err != nil {
		return fmt.Errorf("flight: %w", err)
	}
	rows := e.rows
	if e.end {
		rows = lastFrame
	}
	e.where, err = w.frame(b, rows)
	e.bytes = int64(len(b))
	w.entries = append(w.entries, e)
	return err
}

// commit makes the file durable and, unless fenced, gives it its name.
func (w *epochWriter) commit(fenced func() error) ([]entry, error) {
	failpoint.Hit(failpoint.PublishMiddle)
	err := w.shelf.step("write", w.name)
	if err == nil {
		err = w.w.Flush()
	}
	if err == nil {
		err = w.shelf.step("sync", w.name)
	}
	if err == nil {
		err = w.f.Sync()
	}
	err = errors.Join(err, w.f.Close())
	if err == nil {
		err = fenced()
	}
	if err == nil {
		err = w.shelf.step("rename", w.name)
	}
	if err == nil {
		err = w.shelf.access.Rename(w.name+".tmp", w.name)
	}
	if err == nil {
		err = w.shelf.sync(w.shelf.dir)
	}
	if err != nil {
		return nil, fmt.Errorf("flight: retain: %w", err)
	}
	return w.entries, nil
}

func (w *epochWriter) abort() { _ = errors.Join(w.f.Close(), w.shelf.access.Remove(w.name+".tmp")) }

// readEpoch reads the head of a file and where its messages are.
func readEpoch(a *arrowstream.Access, name string) (*epochHead, []entry, error) {
	f, err := a.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	damaged := func(at int64) error { return fmt.Errorf("damaged at offset %d", at) }
	magic := make([]byte, len(epochMagic))
	if _, err := io.ReadFull(f, magic); err != nil || string(magic) != epochMagic {
		return nil, nil, damaged(0)
	}
	head := &epochHead{}
	var entries []entry
	for at := int64(len(epochMagic)); at < info.Size(); {
		var h [frameHead]byte
		if _, err := f.ReadAt(h[:], at); err != nil {
			return nil, nil, damaged(at)
		}
		w := stored{file: name, offset: at + frameHead, length: binary.LittleEndian.Uint32(h[:]), crc: binary.LittleEndian.Uint32(h[4:])}
		if w.offset+int64(w.length) > info.Size() {
			return nil, nil, damaged(at)
		}
		if at == int64(len(epochMagic)) {
			text := make([]byte, w.length)
			if _, err := f.ReadAt(text, w.offset); err != nil || crc32.Checksum(text, castagnoli) != w.crc || json.Unmarshal(text, head) != nil {
				return nil, nil, damaged(at)
			}
		} else {
			e := entry{at: position{head.Epoch, int64(len(entries))}, rows: int64(binary.LittleEndian.Uint32(h[8:])), bytes: int64(w.length), where: w}
			if e.end = e.rows == lastFrame; e.end {
				e.rows = 0
			}
			entries = append(entries, e)
		}
		at = w.offset + int64(w.length)
	}
	last := slices.IndexFunc(entries, func(e entry) bool { return e.end })
	if last < 0 || last != len(entries)-1 || !strings.HasPrefix(filepath.Base(name), fmt.Sprintf("%020d", head.Epoch)) {
		return nil, nil, damaged(info.Size())
	}
	return head, entries, nil
}

// takeUp begins a stream with what a folder holds of it.
func (s *Stream) takeUp(sh *shelf, last *epochHead, entries []entry) error {
	s.shelf = sh
	if last == nil {
		return nil
	}
	if last.Job != s.job || !bytes.Equal(last.Schema, s.schemaData.DataHeader) {
		return kind.BadOption(fmt.Sprintf("retain.path: %s holds epochs of another job or of other columns", sh.dir), "choose another folder, or remove it if no client is to resume")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first = 1 // how many were before is not known
	if !sh.begin {
		s.oldest = entries[0].at
	}
	s.push(entries...)
	return nil
}
