package state

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
)

// Objects is a bucket, or the part of one below a prefix, under a [Bucket].
// Names have slashes and no leading one. Methods may be called from several
// goroutines, and try again themselves what may succeed then. A missing object
// is fs.ErrNotExist. Listing and reading see everything that was written and
// answered before (S3, GCS and Azure promise so).
type Objects interface {
	// Put writes an object, all or nothing and for good, in place of any other.
	// With fresh it does so only if there is none of the name, atomically among
	// all processes; else it is fs.ErrExist. That may also be the answer to a
	// second try whose first one was applied: the caller has to look.
	Put(ctx context.Context, name string, b []byte, fresh bool) error
	// Get opens an object to read.
	Get(ctx context.Context, name string) (io.ReadCloser, error)
	// Size is the length of an object.
	Size(ctx context.Context, name string) (int64, error)
	// List calls yield with every object whose name begins with prefix, until
	// that returns false.
	List(ctx context.Context, prefix string, yield func(name string, size int64) bool) error
	// Delete removes an object.
	Delete(ctx context.Context, name string) error
}

// objectFiles are the files of a store that is kept in objects: a file is
// written as a whole when it is synced.
type objectFiles struct {
	objects Objects
	path    string
	// known are sizes from a listing, which save a look-up each.
	known map[string]int64
}

var _ files = objectFiles{}

// ctx of the operations on files: they end by the patience of the Objects.
func (o objectFiles) ctx() context.Context { return context.Background() }

// object is the name of the object of a file.
func (o objectFiles) object(name string) string { return strings.TrimPrefix(name, o.path+"/") }

// Create implements files.
func (o objectFiles) Create(name string) (File, error) { return &newObject{o, name, nil}, nil }

// Open implements files.
func (o objectFiles) Open(name string) (File, error) {
	r, err := o.objects.Get(o.ctx(), o.object(name))
	if err != nil {
		return nil, err
	}
	return oldObject{r}, nil
}

// Size implements files.
func (o objectFiles) Size(name string) (int64, error) {
	if size, ok := o.known[o.object(name)]; ok {
		return size, nil
	}
	return o.objects.Size(o.ctx(), o.object(name))
}

// Remove implements files.
func (o objectFiles) Remove(name string) error { return o.objects.Delete(o.ctx(), o.object(name)) }

// SyncDir implements files: an object has its name when it is written.
func (o objectFiles) SyncDir(string) error { return nil }

// newObject is a file that is written.
type newObject struct {
	files objectFiles
	name  string
	b     []byte
}

func (n *newObject) Write(p []byte) (int, error) {
	n.b = append(n.b, p...)
	return len(p), nil
}

func (n *newObject) Sync() error {
	return n.files.objects.Put(n.files.ctx(), n.files.object(n.name), n.b, false)
}
func (n *newObject) Read([]byte) (int, error) { return 0, errors.ErrUnsupported }
func (n *newObject) Close() error             { return nil }

// oldObject is a file that is read.
type oldObject struct{ io.ReadCloser }

func (oldObject) Write([]byte) (int, error) { return 0, errors.ErrUnsupported }
func (oldObject) Sync() error               { return errors.ErrUnsupported }

// getObject reads a whole object of at most limit bytes.
func getObject(ctx context.Context, o Objects, name string, limit int64) ([]byte, error) {
	r, err := o.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = errors.New("it has more bytes than there can be")
	}
	return b, errors.Join(err, r.Close())
}

// putFresh writes an object that nobody may have written before. taken are the
// contents of the one that is there already; if those are b, an answer was lost
// and the object is the caller's. So b has to be unique to the caller.
func putFresh(ctx context.Context, o Objects, name string, b []byte) (taken []byte, err error) {
	err = o.Put(ctx, name, b, true)
	if !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	there, err := getObject(ctx, o, name, maxSegment)
	if err != nil || bytes.Equal(there, b) {
		return nil, err
	}
	return there, nil
}

// below are the objects below a prefix.
type below struct {
	Objects
	prefix string
}

func (o below) Put(ctx context.Context, name string, b []byte, fresh bool) error {
	return o.Objects.Put(ctx, o.prefix+name, b, fresh)
}

func (o below) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	return o.Objects.Get(ctx, o.prefix+name)
}

func (o below) Size(ctx context.Context, name string) (int64, error) {
	return o.Objects.Size(ctx, o.prefix+name)
}

func (o below) Delete(ctx context.Context, name string) error {
	return o.Objects.Delete(ctx, o.prefix+name)
}

func (o below) List(ctx context.Context, prefix string, yield func(string, int64) bool) error {
	return o.Objects.List(ctx, o.prefix+prefix, func(name string, size int64) bool {
		return yield(strings.TrimPrefix(name, o.prefix), size)
	})
}
