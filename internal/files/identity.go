package files

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/arrowstream/arrowstream/internal/access"
)

// hashed is how much of the beginning of a file is part of its identity.
const hashed = 64 << 10

// Identity tells whether a file is still the one that was read.
type Identity struct {
	Name  string
	Size  int64
	MTime int64 // nanoseconds since 1970
	Hash  [8]byte
}

// Identify looks at a file. Its cost is that of reading 64 KiB.
func Identify(a *access.Policy, name string) (Identity, error) {
	f, err := a.Open(name)
	if err != nil {
		return Identity{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Identity{}, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(f, hashed)); err != nil {
		return Identity{}, err
	}
	id := Identity{Name: name, Size: info.Size(), MTime: info.ModTime().UnixNano()}
	copy(id.Hash[:], h.Sum(nil))
	return id, nil
}

// Verify returns what has happened to the file since, nil if nothing has.
func (id Identity) Verify(a *access.Policy) error {
	now, err := Identify(a, id.Name)
	stamp := func(nanos int64) string { return time.Unix(0, nanos).UTC().Format("2006-01-02 15:04:05.999999999") }
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%s is gone", id.Name)
	case err != nil:
		return err
	case now.Size > id.Size:
		return fmt.Errorf("%s has grown from %d to %d bytes", id.Name, id.Size, now.Size)
	case now.Size < id.Size:
		return fmt.Errorf("%s was cut from %d to %d bytes", id.Name, id.Size, now.Size)
	case now.Hash != id.Hash:
		return fmt.Errorf("%s has other content: its first 64 KiB differ", id.Name)
	case now.MTime != id.MTime:
		return fmt.Errorf("%s was written again: it is of %s, and was of %s", id.Name, stamp(now.MTime), stamp(id.MTime))
	}
	return nil
}

// Identities is a list of identities in the form in which positions hold it:
// names share their beginnings, so that a file takes about 25 bytes. Adding is
// the only way to change it.
type Identities struct {
	n    int
	last string
	b    []byte
}

// Len is the number of files.
func (l *Identities) Len() int { return l.n }

// Add appends a file.
func (l *Identities) Add(id Identity) {
	same := 0
	for same < min(len(id.Name), len(l.last)) && id.Name[same] == l.last[same] {
		same++
	}
	l.b = binary.AppendUvarint(l.b, uint64(same))
	l.b = binary.AppendUvarint(l.b, uint64(len(id.Name)-same))
	l.b = append(l.b, id.Name[same:]...)
	l.b = binary.AppendUvarint(l.b, uint64(id.Size))
	l.b = binary.LittleEndian.AppendUint64(l.b, uint64(id.MTime))
	l.b = append(l.b, id.Hash[:]...)
	l.last = id.Name
	l.n++
}

// Size is about how many bytes AppendTo appends.
func (l *Identities) Size() int { return len(l.b) + binary.MaxVarintLen64 }

// AppendTo appends the list to b.
func (l *Identities) AppendTo(b []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(l.n)), l.b...)
}

var errIdentities = errors.New("a list of files cannot be read")

// CutIdentities reads a list from the beginning of b.
func CutIdentities(b []byte) (list []Identity, rest []byte, err error) {
	number := func() int {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > 1<<62 {
			err = errIdentities
			return 0
		}
		b = b[n:]
		return int(v)
	}
	last := ""
	for n := number(); n > 0 && err == nil; n-- {
		same, more := number(), number()
		if err != nil || same > len(last) || more > len(b) {
			return nil, nil, errIdentities
		}
		last = last[:same] + string(b[:more])
		b = b[more:]
		id := Identity{Name: last, Size: int64(number())}
		if err != nil || len(b) < 16 {
			return nil, nil, errIdentities
		}
		id.MTime = int64(binary.LittleEndian.Uint64(b))
		copy(id.Hash[:], b[8:])
		b = b[16:]
		list = append(list, id)
	}
	return list, b, err
}
