package main

import (
	"context"
	"errors"
	"os"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/blackhole"
)

// folder is where the files of q10 go: that of the job, or one that is removed
// at the end.
func (j job) folder() (path string, remove func() error, err error) {
	if j.Folder != "" {
		return j.Folder, func() error { return nil }, nil
	}
	path, err = os.MkdirTemp("", "nexmark-q10-")
	return path, func() error { return os.RemoveAll(path) }, err
}

// counted is a connector whose sinks also give their rows to count, so that the
// result of a query that writes files has a checksum like that of the others.
func counted(c arrowstream.Connector, count *blackhole.Sink) arrowstream.Connector {
	plain := c.Sink
	c.Sink = func(t arrowstream.Table) (arrowstream.Sink, error) {
		s, err := plain(t)
		return &tee{Sink: s, count: count}, err
	}
	return c
}

// tee is a sink that counts its rows in another one as well.
type tee struct {
	arrowstream.Sink
	count *blackhole.Sink
}

var _ arrowstream.Aborter = (*tee)(nil)

// Bind implements [arrowstream.Sink].
func (t *tee) Bind(in *arrow.Schema, env arrowstream.Env) error {
	return errors.Join(t.Sink.Bind(in, env), t.count.Bind(in, env))
}

// Write implements [arrowstream.Sink].
func (t *tee) Write(ctx context.Context, b arrowstream.Batch) error {
	if err := t.Sink.Write(ctx, b); err != nil {
		return err
	}
	return t.count.Write(ctx, b)
}

// Abort implements [arrowstream.Aborter].
func (t *tee) Abort(cause error) {
	if a, ok := t.Sink.(arrowstream.Aborter); ok {
		a.Abort(cause)
	}
}
