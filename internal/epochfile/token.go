package epochfile

import (
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/arrowstream/arrowstream"
)

const tokenVersion = 1

// token is what Prepare returns, as JSON.
type token struct {
	Version int `json:"v"`
	// Publish are the files that Commit makes visible.
	Publish []entry `json:"publish,omitempty"`
	// Open are the files that go on.
	Open []openEntry `json:"open,omitempty"`
	// Drop are hidden files that are needed no more, below the directory.
	Drop []string `json:"drop,omitempty"`
	// Replace says that Commit removes the files of before, Waits that a later
	// one will.
	Replace bool `json:"replace,omitempty"`
	Waits   bool `json:"waits,omitempty"`
}

// openEntry is an open file: its first Bytes count.
type openEntry struct {
	entry
	Since time.Time `json:"since"`
	Extra []byte    `json:"extra,omitempty"`
}

// Prepare makes everything written durable and returns the token of epoch e,
// nil if it would say nothing. The connector has flushed the open files and
// set their Extra.
func (t *Target) Prepare(e arrowstream.Epoch) ([]byte, error) {
	if t.err != nil {
		return nil, t.err
	}
	tok := token{Version: tokenVersion, Publish: t.done, Drop: t.drop}
	for _, f := range t.open {
		if err := f.sync(); err != nil {
			return nil, err
		}
		tok.Open = append(tok.Open, openEntry{entry: f.note(), Since: f.since, Extra: f.Extra})
	}
	if err := t.syncDirs(t.dirs); err != nil {
		return nil, t.fail(err)
	}
	if t.waits {
		tok.Replace = t.final || len(t.done) > 0
		tok.Waits = !tok.Replace
	}
	t.waits, t.done, t.drop = tok.Waits, nil, nil
	t.epoch, t.next = e+1, 0
	if len(tok.Publish)+len(tok.Open)+len(tok.Drop) == 0 && !tok.Replace && !tok.Waits {
		return nil, nil
	}
	b, err := json.Marshal(tok)
	return b, t.wrap(err)
}

// decode reads a token; nil is an empty one.
func (t *Target) decode(prepared []byte) (token, error) {
	var tok token
	if len(prepared) == 0 {
		return tok, nil
	}
	if err := json.Unmarshal(prepared, &tok); err != nil {
		return tok, &arrowstream.Error{Code: "AS5003", Msg: t.cfg.Connector + ": what the state says about the files of a sink cannot be read", Err: err}
	}
	if tok.Version != tokenVersion {
		return tok, &arrowstream.Error{Code: "AS5004", Msg: fmt.Sprintf("%s: the files of a sink are noted in version %d, this program reads %d", t.cfg.Connector, tok.Version, tokenVersion)}
	}
	names := slices.Clone(tok.Drop)
	for _, f := range tok.Publish {
		names = append(names, path.Join(f.Sub, f.Name))
	}
	for _, f := range tok.Open {
		names = append(names, path.Join(f.Sub, f.Name))
	}
	for _, name := range names {
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return token{}, &arrowstream.Error{Code: "AS5003", Msg: fmt.Sprintf("%s: the state names %q as a file of a sink, which is not below its directory", t.cfg.Connector, name)}
		}
	}
	return tok, nil
}
