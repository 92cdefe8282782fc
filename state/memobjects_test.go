package state

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
)

// memObjects is a bucket in memory. fault, if set, is asked before an operation
// is applied, with its number from 1, and after is called when it was.
type memObjects struct {
	mu      sync.Mutex
	objects map[string][]byte
	ops     int
	fault   func(op int, what, name string) fault
	after   func()
	// forgetful is a server that does not know conditions.
	forgetful bool
}

// fault is what happens to an operation.
type fault int

const (
	well fault = iota
	refused
	unanswered // it is applied, and the caller does not learn of it
	repeated   // as before, and it is tried again
)

var errFault = errors.New("the bucket does not answer")

var _ Objects = (*memObjects)(nil)

func newMemObjects() *memObjects { return &memObjects{objects: map[string][]byte{}} }

// clone is what a crash at this moment leaves.
func (m *memObjects) clone() *memObjects {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &memObjects{objects: maps.Clone(m.objects)}
}

// change applies an operation with its fault.
func (m *memObjects) change(what, name string, apply func() error) error {
	m.mu.Lock()
	m.ops++
	f := well
	if m.fault != nil {
		f = m.fault(m.ops, what, name)
	}
	err := errFault
	if f != refused {
		err = apply()
	}
	if f == repeated {
		err = apply()
	}
	if f == unanswered {
		err = errFault
	}
	m.mu.Unlock()
	if m.after != nil {
		m.after()
	}
	return err
}

func (m *memObjects) Put(_ context.Context, name string, b []byte, fresh bool) error {
	return m.change("put", name, func() error {
		if _, ok := m.objects[name]; ok && fresh && !m.forgetful {
			return fs.ErrExist
		}
		m.objects[name] = bytes.Clone(b)
		return nil
	})
}

func (m *memObjects) Delete(_ context.Context, name string) error {
	return m.change("delete", name, func() error {
		if _, ok := m.objects[name]; !ok {
			return fs.ErrNotExist
		}
		delete(m.objects, name)
		return nil
	})
}

func (m *memObjects) Get(_ context.Context, name string) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.objects[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (m *memObjects) Size(_ context.Context, name string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.objects[name]
	if !ok {
		return 0, fs.ErrNotExist
	}
	return int64(len(b)), nil
}

func (m *memObjects) List(_ context.Context, prefix string, yield func(string, int64) bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(m.objects)) {
		if strings.HasPrefix(name, prefix) && !yield(name, int64(len(m.objects[name]))) {
			break
		}
	}
	return nil
}
