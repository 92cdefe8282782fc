package main

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/console"
)

// past says how a run is repeated from the record in its state.
type past struct {
	to  uint64 // the last epoch, 0 for the last one that is recorded
	out string // folder of the results, empty for the console
}

// store is the state at a place as it was.
func (p *past) store(ctx context.Context, j *job) (arrowstream.StateStore, error) {
	switch {
	case !j.replay.From.IsZero() || !j.replay.To.IsZero():
		return nil, usageError{errors.New("--from and --to: the record of a state has epochs, see --to-epoch")}
	case j.record:
		return nil, usageError{errors.New("--record: a replay of the record of a state writes none")}
	}
	if p.out != "" {
		if err := os.MkdirAll(p.out, 0o777); err != nil {
			return nil, err
		}
	}
	k, err := keptAt(ctx, j.state.Path, j.state, nil)
	if err != nil {
		return nil, err
	}
	return k.Past(arrowstream.Epoch(p.to)), nil
}

// sink stands in the place of a sink of the script.
func (p *past) sink(j *job, name string) (arrowstream.Sink, error) {
	format, stdio := j.format, j.stdio
	if p.out == "" {
		return console.Connector.Sink(arrowstream.Table{Name: name, Options: map[string]string{"format": format}, Stdio: stdio})
	}
	if format != "csv" {
		format = "json"
	}
	f := &resultFile{path: p.path(name, "."+format)}
	stdio.Out, stdio.Width = f, 0
	sink, err := console.Connector.Sink(arrowstream.Table{Name: name, Options: map[string]string{"format": format}, Stdio: stdio})
	return resultSink{sink, f}, err
}

// save is where a model is saved, empty for nowhere.
func (p *past) save(model string) string {
	if p.out == "" {
		return ""
	}
	return p.path(model, ".model")
}

func (p *past) path(name, suffix string) string {
	return filepath.Join(p.out, url.PathEscape(name)+suffix)
}

// resultFile is made at the first write, and never one that was there.
type resultFile struct {
	path string
	file *os.File
}

// Write implements io.Writer.
func (f *resultFile) Write(b []byte) (n int, err error) {
	if f.file == nil {
		f.file, err = os.OpenFile(f.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
		if errors.Is(err, fs.ErrExist) {
			err = usageError{errors.New("--out: " + f.path + " is there already")}
		}
		if err != nil {
			return 0, err
		}
	}
	return f.file.Write(b)
}

// resultSink closes its file.
type resultSink struct {
	arrowstream.Sink
	file *resultFile
}

// Takes implements [arrowstream.Updating].
func (s resultSink) Takes() arrowstream.Delivery { return arrowstream.Changelog }

// Close implements [arrowstream.Sink].
func (s resultSink) Close() error {
	err := s.Sink.Close()
	if s.file.file != nil {
		err = errors.Join(err, s.file.file.Close())
	}
	return err
}
