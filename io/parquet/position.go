package parquet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// position is what is stored of the place of a partition, as JSON. Version 1.
type position struct {
	Version int    `json:"v"`
	Order   string `json:"order"`
	// Files before the place, and a digest of their identities: a consumed
	// file that changed is noticed.
	Before int    `json:"before"`
	Digest string `json:"digest,omitempty"`
	// Identity of the file at the place; absent at the end.
	File  string    `json:"file,omitempty"`
	Size  int64     `json:"size,omitempty"`
	MTime time.Time `json:"mtime,omitzero"`
	Hash  string    `json:"hash,omitempty"`
	// Row group and row within it.
	Group int   `json:"group"`
	Row   int64 `json:"row"`
	// Rows read of each file and the time of the last, when files are merged.
	Rows  []int64 `json:"rows,omitempty"`
	Times []int64 `json:"times,omitempty"`
}

const (
	positionVersion = 1
	hashedBytes     = 64 << 10
)

// identity completes the identity of a file by the hash of its first 64 KiB.
func (f *fileInfo) identity() (string, error) {
	if f.hash == "" {
		r, err := os.Open(f.path)
		if err != nil {
			return "", fmt.Errorf("parquet: %w", err)
		}
		defer r.Close()
		h := sha256.New()
		if _, err := io.Copy(h, io.LimitReader(r, hashedBytes)); err != nil {
			return "", fmt.Errorf("parquet: read %s: %w", f.path, err)
		}
		f.hash = hex.EncodeToString(h.Sum(nil)[:16])
	}
	return f.hash, nil
}

// digest is a hash of the identities of files.
func digest(files []*fileInfo) (string, error) {
	h := sha256.New()
	for _, f := range files {
		id, err := f.identity()
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%q %d %d %s\n", f.path, f.size, f.mtime.UnixNano(), id)
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// Position implements arrowstream.Replayer.
func (s *sequence) Position() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.next()
	p := position{Version: positionVersion, Order: orderName, Before: at.file, Group: at.group, Row: at.row}
	var err error
	if p.Digest, err = digest(s.files[:at.file]); err != nil {
		return nil, err
	}
	if at.file < len(s.files) {
		f := s.files[at.file]
		p.File, p.Size, p.MTime = f.path, f.size, f.mtime
		if p.Hash, err = f.identity(); err != nil {
			return nil, err
		}
	}
	return json.Marshal(p)
}

// decodePosition reads a position of the given order.
func decodePosition(b []byte, order string) (position, error) {
	var p position
	if err := json.Unmarshal(b, &p); err != nil {
		return p, fmt.Errorf("parquet: position %q cannot be read: %w", b, err)
	}
	switch {
	case p.Version != positionVersion:
		return p, fmt.Errorf("parquet: position has version %d, this program reads %d", p.Version, positionVersion)
	case p.Order != order:
		return p, fmt.Errorf("parquet: position was taken with order %q, the source has %q", p.Order, order)
	}
	return p, nil
}

// Seek implements arrowstream.Replayer.
func (s *sequence) Seek(_ context.Context, pos []byte) error {
	p, err := decodePosition(pos, orderName)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.Before < 0 || p.Before > len(s.files) {
		return fmt.Errorf("parquet: position is behind %d files, there are %d now", p.Before, len(s.files))
	}
	if err := sameFiles(s.files[:p.Before], p.Digest); err != nil {
		return err
	}
	s.from = place{file: p.Before, group: p.Group, row: p.Row}
	if p.File == "" {
		return nil
	}
	if p.Before == len(s.files) {
		return fmt.Errorf("parquet: position is in %s, which is gone; the last file is %s", p.File, s.files[len(s.files)-1].path)
	}
	f := s.files[p.Before]
	id, err := f.identity()
	if err != nil {
		return err
	}
	switch {
	case f.path != p.File:
		return fmt.Errorf("parquet: position is in %s; after the %d files before it stands %s now", p.File, p.Before, f.path)
	case f.size != p.Size || !f.mtime.Equal(p.MTime) || id != p.Hash:
		return fmt.Errorf("parquet: %s has changed since it was read: it had %d bytes of %s, now %d of %s", f.path, p.Size, p.MTime.UTC(), f.size, f.mtime.UTC())
	case p.Group < 0 || p.Row < 0 || p.Group > len(f.groups) || p.Group < len(f.groups) && p.Row > f.groups[p.Group]:
		return fmt.Errorf("parquet: position row group %d, row %d is outside of %s", p.Group, p.Row, f.path)
	}
	return nil
}

// sameFiles compares files that have been consumed with what they were.
func sameFiles(files []*fileInfo, want string) error {
	got, err := digest(files)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("parquet: the %d files that were read before have changed, or files were added between them", len(files))
	}
	return nil
}
