package state

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"path/filepath"
	"slices"
	"time"

	"github.com/arrowstream/arrowstream"
)

// keyed is a key of a journal: 24 bytes, also on disk. Keys are known by a hash
// of 128 bits, and the data that a key had by its CRC-32C, which finds a sender
// that uses a key twice by mistake.
type keyed struct {
	hash    [16]byte
	seconds uint32
	sum     uint32
}

const keyedSize = 24

func newKeyed(e arrowstream.JournalEntry) (k keyed) {
	if e.Key != "" {
		hash := sha256.Sum256([]byte(e.Key))
		k = keyed{hash: [16]byte(hash[:16]), sum: crc32.Checksum(e.Data, castagnoli)}
	}
	return k
}

// keyTable are the keys that a journal remembers: the last so many, for so long.
type keyTable struct {
	age   uint32 // seconds
	max   int
	known map[[16]byte]keyed
	order []keyed // oldest first, from head on
	head  int
}

func newKeyTable(age time.Duration, limit int) *keyTable {
	return &keyTable{age: uint32(age / time.Second), max: limit, known: map[[16]byte]keyed{}}
}

type keyState int

const (
	keyNew keyState = iota
	keyKnown
	keyOther // known, with other data
)

// look compares a key with what is remembered.
func (t *keyTable) look(k keyed) keyState {
	t.forget(k.seconds)
	old, ok := t.known[k.hash]
	switch {
	case !ok:
		return keyNew
	case old.sum != k.sum:
		return keyOther
	}
	return keyKnown
}

// add remembers a key. One that is there already stays as it was: it is read
// again from a copied frame.
func (t *keyTable) add(k keyed) {
	if _, ok := t.known[k.hash]; ok {
		return
	}
	t.known[k.hash] = k
	t.order = append(t.order, k)
	if len(t.known) > t.max {
		t.drop()
	}
}

// forget drops the keys that are too old.
func (t *keyTable) forget(now uint32) {
	for t.head < len(t.order) && t.order[t.head].seconds+t.age < now {
		t.drop()
	}
}

func (t *keyTable) drop() {
	delete(t.known, t.order[t.head].hash)
	t.head++
	if t.head > 1024 && t.head > len(t.order)/2 {
		t.order = append(t.order[:0], t.order[t.head:]...)
		t.head = 0
	}
}

// seal writes the keys of a segment into a file beside it, which stays when the
// segment is removed: a segment whose frames are all in its base. Without keys
// there is none.
func (j *journal) seal(s span, keys []keyed) error {
	if len(keys) == 0 {
		return nil
	}
	id, err := j.log.manifest.job()
	if err != nil {
		return err
	}
	var frames []frame
	size := int64(headerSize)
	for part := range slices.Chunk(keys, maxPayload/keyedSize) {
		f := frame{kind: frameKeys, incarnation: s.incarnation}
		for _, k := range part {
			f.payload = append(f.payload, k.hash[:]...)
			f.payload = binary.LittleEndian.AppendUint32(f.payload, k.seconds)
			f.payload = binary.LittleEndian.AppendUint32(f.payload, k.sum)
		}
		frames = append(frames, f)
		size += int64(frameHead + len(f.payload) + frameTail)
	}
	b := appendHeader(make([]byte, 0, size), header{
		version: j.log.manifest.MinReaderVersion, job: id, number: uint64(s.start), incarnation: s.incarnation, base: size,
	})
	for _, f := range frames {
		b = appendFrame(b, f, uint64(s.start), int64(len(b)))
	}
	if err := replaceFile(j.folder.FS, j.path(s, keysSuffix), b); err != nil {
		return err
	}
	j.files = append(j.files, keyFile{s, keys[len(keys)-1].seconds})
	return nil
}

// keyFile is a file of keys and when the last of them came.
type keyFile struct {
	span
	last uint32
}

// loadKeys reads a file of keys.
func (j *journal) loadKeys(s span) error {
	name := j.path(s, keysSuffix)
	seg, err := j.readFile(s, keysSuffix)
	if err != nil {
		return err
	}
	var last uint32
	for _, f := range seg.frames {
		if f.kind != frameKeys || len(f.payload)%keyedSize != 0 {
			return damaged(name, flaw{-1, "it does not hold keys"}, j.log.commits().lastEpoch())
		}
		for b := f.payload; len(b) > 0; b = b[keyedSize:] {
			last = binary.LittleEndian.Uint32(b[16:])
			j.keys.add(keyed{[16]byte(b), last, binary.LittleEndian.Uint32(b[20:])})
		}
	}
	j.files = append(j.files, keyFile{s, last})
	return nil
}

// forgetKeys removes the files of keys that are all too old.
func (j *journal) forgetKeys() error {
	now := uint32(j.folder.Clock.Now().Unix())
	for len(j.files) > 0 && j.files[0].last+j.keys.age < now {
		if err := removeFile(j.folder.FS, filepath.Join(j.dir, journalFile(j.files[0].start, j.files[0].incarnation, keysSuffix))); err != nil {
			return err
		}
		j.files = j.files[1:]
	}
	return nil
}
