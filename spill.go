package arrowstream

import (
	"fmt"
	"math"
	"os"
	"sync/atomic"
)

// Spill is a folder for what stages remember beyond their memory. It is safe
// for concurrent use.
type Spill struct {
	// Stored says that a store keeps what stages remember: what they have here
	// is part of it, see [Logged].
	Stored bool

	dir    string
	limit  int64
	access *Access
	users  atomic.Int64
}

// NewSpill returns a spill into dir of stages that together may hold limit
// bytes, 0 for any number.
func NewSpill(dir string, limit int64, access *Access) *Spill {
	return &Spill{dir: dir, limit: limit, access: access}
}

// Spilling is implemented by stages that can go on in [Env.Spill]. One that
// does runs as a single instance: instances are merged in memory.
type Spilling interface {
	Stage
	// Spills reports whether the stage will; valid after Bind.
	Spills() bool
}

// Join counts one more stage that may spill.
func (s *Spill) Join() { s.users.Add(1) }

// Share is how many bytes a stage should remember before it spills: its part of
// a quarter of the limit. A table that grows is there twice for a while, and the
// rest of the job needs memory too.
func (s *Spill) Share() int64 {
	if s.limit <= 0 {
		return math.MaxInt64
	}
	return s.limit / 4 / max(s.users.Load(), 1)
}

// Create returns a new file. It has lost its name already, so that it is gone
// when it is closed or the process ends, however that comes; its errors still
// tell the name.
func (s *Spill) Create() (*os.File, error) {
	f, err := s.access.CreateTemp(s.dir, "arrowstream-spill-*")
	if err == nil {
		if err = s.access.Remove(f.Name()); err != nil {
			f.Close()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("spill: %w", err)
	}
	return f, nil
}

// check finds out before a run whether files can be made, in a folder that is
// made if it is missing.
func (s *Spill) check() error {
	if s == nil {
		return nil
	}
	if err := s.access.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("spill: %w", err)
	}
	f, err := s.Create()
	if err != nil {
		return err
	}
	return f.Close()
}
