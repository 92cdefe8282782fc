// Package bucket reaches the objects of an object store: of S3, Google Cloud
// Storage or Azure by gocloud.dev/blob, or of a folder. Floor 4.
//
// A program imports the drivers it wants (gocloud.dev/blob/s3blob and so on),
// so that one which needs none of them does not pay for them; file:// needs none
// and writes with [Folder], as the driver of gocloud.dev syncs nothing and keeps
// only goroutines of one process from writing an object twice.
//
// Its one invariant: an operation that returns nil has happened and survives a
// loss of power. What fails for a while is tried again (see [Patience]); a
// conditional write that is tried again may find its own first attempt.
package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/arrowstream/arrowstream"
)

// Bucket is the part of a bucket below a prefix.
type Bucket struct {
	bucket   *blob.Bucket
	url      string
	prefix   string
	patience Patience
}

// IsURL reports whether a place is a URL and not a path: a scheme of two letters
// at least, so that a drive of Windows is none.
func IsURL(place string) bool {
	scheme, _, ok := strings.Cut(place, "://")
	return ok && len(scheme) > 1 && !strings.ContainsAny(scheme, `/\.`)
}

// Split takes the prefix out of a URL: s3://bucket/a/b?region=x is the bucket
// s3://bucket?region=x and the prefix a/b/. name is the URL without parameters,
// which may be secret.
func Split(place string) (root, prefix, name string, err error) {
	u, err := url.Parse(place)
	if err != nil {
		return "", "", "", fmt.Errorf("bucket: %q is not a URL", arrowstream.CutValue([]byte(place)))
	}
	if u.User != nil {
		return "", "", "", errors.New("bucket: a URL has no user or password: credentials come from the environment")
	}
	if u.Host == "" {
		return "", "", "", fmt.Errorf("bucket: %s names no bucket; write %s://BUCKET/PREFIX", u.Redacted(), u.Scheme)
	}
	path := strings.Trim(u.Path, "/")
	name = u.Scheme + "://" + u.Host
	if path != "" {
		prefix, name = path+"/", name+"/"+path
	}
	u.Path, u.RawPath = "", ""
	return u.String(), prefix, name, nil
}

// Open opens the part of a bucket that a URL names. It looks whether the bucket
// is there, so that a wrong name, missing credentials and a server that is down
// are told at once.
func Open(ctx context.Context, place string, p Patience) (*Bucket, error) {
	root, prefix, name, err := Split(place)
	if err != nil {
		return nil, err
	}
	b, err := blob.OpenBucket(ctx, root)
	if err != nil {
		return nil, fmt.Errorf("bucket: open %s: %w", name, err)
	}
	o := &Bucket{b, name, prefix, p.withDefaults()}
	o.patience.Tries = min(o.patience.Tries, 3) // somebody may be waiting for the prompt
	err = o.List(ctx, "", func(string, int64) bool { return false })
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	o.patience = p.withDefaults()
	return o, nil
}

// Close ends the use of the bucket.
func (o *Bucket) Close() error { return o.bucket.Close() }

// Put implements the Objects of package state.
func (o *Bucket) Put(ctx context.Context, name string, b []byte, fresh bool) error {
	return o.try(ctx, "write", name, func(ctx context.Context) error {
		return o.bucket.WriteAll(ctx, o.prefix+name, b, &blob.WriterOptions{IfNotExist: fresh, ContentType: "application/octet-stream"})
	})
}

// Get implements the Objects of package state. The object is read whole, so that
// an attempt can be repeated.
func (o *Bucket) Get(ctx context.Context, name string) (r io.ReadCloser, err error) {
	err = o.try(ctx, "read", name, func(ctx context.Context) error {
		b, err := o.bucket.ReadAll(ctx, o.prefix+name)
		r = io.NopCloser(bytes.NewReader(b))
		return err
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Size implements the Objects of package state.
func (o *Bucket) Size(ctx context.Context, name string) (size int64, err error) {
	err = o.try(ctx, "look for", name, func(ctx context.Context) error {
		a, err := o.bucket.Attributes(ctx, o.prefix+name)
		if err == nil {
			size = a.Size
		}
		return err
	})
	return size, err
}

// Delete implements the Objects of package state.
func (o *Bucket) Delete(ctx context.Context, name string) error {
	return o.try(ctx, "remove", name, func(ctx context.Context) error {
		return o.bucket.Delete(ctx, o.prefix+name)
	})
}

// List implements the Objects of package state: a page of a thousand at a time,
// each tried on its own.
func (o *Bucket) List(ctx context.Context, prefix string, yield func(name string, size int64) bool) error {
	token := blob.FirstPageToken
	for len(token) > 0 {
		var page []*blob.ListObject
		var next []byte
		err := o.try(ctx, "list", prefix, func(ctx context.Context) (err error) {
			page, next, err = o.bucket.ListPage(ctx, token, 1000, &blob.ListOptions{Prefix: o.prefix + prefix})
			return err
		})
		if err != nil {
			return err
		}
		for _, x := range page {
			if !yield(strings.TrimPrefix(x.Key, o.prefix), x.Size) {
				return nil
			}
		}
		token = next
	}
	return nil
}

// failure is an error of the object store with what to do about it.
func (o *Bucket) failure(what, name string, err error) error {
	e := &arrowstream.Error{Code: "AS5007", Msg: fmt.Sprintf("bucket: %s %s/%s", what, o.url, name), Err: err}
	switch gcerrors.Code(err) {
	case gcerrors.NotFound:
		if what == "read" || what == "look for" || what == "remove" {
			return fmt.Errorf("bucket: %s %s/%s: %w", what, o.url, name, fs.ErrNotExist)
		}
		e.Hint = "there is no such bucket: make it, or correct its name, region or endpoint"
	case gcerrors.FailedPrecondition, gcerrors.AlreadyExists:
		return fmt.Errorf("bucket: %s %s/%s: %w", what, o.url, name, fs.ErrExist)
	case gcerrors.PermissionDenied:
		e.Hint = "the credentials may not do this; a state needs to list, read, write and delete objects below the prefix"
	default:
		e.Hint = "check endpoint, region and credentials, which the driver takes from its usual environment variables and files"
	}
	return e
}

// lasting reports whether an error stays if the operation is tried again.
func lasting(err error) bool {
	switch gcerrors.Code(err) {
	case gcerrors.NotFound, gcerrors.FailedPrecondition, gcerrors.AlreadyExists, gcerrors.PermissionDenied, gcerrors.InvalidArgument, gcerrors.Unimplemented:
		return true
	}
	return noCredentials(err)
}

// noCredentials reports whether an error says that none were found: the drivers
// have no code for that.
func noCredentials(err error) bool {
	s := strings.ToLower(err.Error())
	return strings.Contains(s, "credentials") && !strings.Contains(s, "timeout")
}
