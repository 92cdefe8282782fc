package main

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"strings"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"gocloud.dev/blob"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/bucket"
	"github.com/arrowstream/arrowstream/state"
)

// kept is a state as the commands look at it, in a folder or a bucket.
type kept interface {
	arrowstream.StateStore
	Past(to arrowstream.Epoch) arrowstream.StateStore
	Inspect(ctx context.Context) (*state.Info, error)
	States(ctx context.Context, uid string, mem memory.Allocator) iter.Seq2[state.StateBatch, error]
	Verify(ctx context.Context) (*state.Checked, error)
	Diff(ctx context.Context, job arrowstream.Job) (state.Diff, error)
	Savepoint(ctx context.Context, name string) (place string, e arrowstream.Epoch, err error)
}

// openKept is the state at a place.
func openKept(ctx context.Context, place string) (kept, error) {
	return keptAt(ctx, place, state.Dir{}, nil)
}

// keptAt is the state at a place, a folder or a URL, with the limits of d and
// inside the walls of a, which are for places that a script names. Places such as
// file:///shared/job are buckets too, not folders: they have no lock.
func keptAt(ctx context.Context, place string, d state.Dir, a *arrowstream.Access) (kept, error) {
	if !bucket.IsURL(place) {
		d.Path, d.FS = place, state.OS{Access: a}
		return d, nil
	}
	s := state.Bucket{AllowNewState: d.AllowNewState, AllowDropState: d.AllowDropState, RetainCommits: d.RetainCommits}
	if path, ok := strings.CutPrefix(place, "file://"); ok {
		if !strings.HasPrefix(path, "/") {
			return nil, usageError{fmt.Errorf("%s: a file URL has the whole path, such as file:///shared/job", place)}
		}
		path, err := url.PathUnescape(path)
		if err != nil {
			return nil, usageError{err}
		}
		s.URL, s.Objects = "file://"+strings.TrimRight(path, "/"), bucket.Folder{Path: path, Access: a}
		return s, nil
	}
	if a != nil {
		return nil, &arrowstream.Error{
			Code: "AS2201", Msg: "a restricted script names an object store for its state", Hint: "name it with --state, or a folder that --allow-path DIR:rw allows",
		}
	}
	scheme, _, _ := strings.Cut(place, "://")
	if !blob.DefaultURLMux().ValidBucketScheme(scheme) {
		hint := "known are s3 and file"
		if scheme == "gs" || scheme == "azblob" {
			hint = "build the program with -tags clouds for Google Cloud Storage and Azure"
		}
		return nil, usageError{fmt.Errorf("%s://: no such object store; %s", scheme, hint)}
	}
	_, _, name, err := bucket.Split(place)
	if err != nil {
		return nil, usageError{err}
	}
	o, err := bucket.Open(ctx, place, bucket.Patience{})
	if err != nil {
		return nil, err
	}
	s.URL, s.Objects = name, o
	return s, nil
}
