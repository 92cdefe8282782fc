package state

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/arrowstream/arrowstream"
)

// record is the payload of a COMMIT frame, as JSON. The names of its files are
// made from the epoch and the incarnation of the frame, the UID and the name
// of the batch. Fields that a reader does not know are left out by it.
type record struct {
	// Version is that of the payload, 1. It is raised with formatVersion.
	Version  int                   `json:"v"`
	Finished bool                  `json:"finished,omitempty"`
	Time     int64                 `json:"time"` // seconds since 1970, of the commit
	Driver   []byte                `json:"driver"`
	Flushed  []string              `json:"flushed,omitempty"`
	Sinks    map[string]sinkRecord `json:"sinks,omitempty"`
	States   []stateRecord         `json:"states,omitempty"`
	Outbox   map[string]fileRecord `json:"outbox,omitempty"`
	// Dropped are the epochs that are forgotten with this commit: their files
	// are removed when it is on the disk, so that no commit in the log names
	// files that are gone.
	Dropped []arrowstream.Epoch `json:"dropped,omitempty"`
	// Thinned are the stages whose states are forgotten in the same way, by the
	// epoch, of commits that others still need: those are Partial then, and
	// nothing can go back to them.
	Thinned map[arrowstream.Epoch][]string `json:"thinned,omitempty"`
	Partial bool                           `json:"partial,omitempty"`
}

type sinkRecord struct {
	Prepared []byte `json:"prepared"`
	Rows     int64  `json:"rows"`
}

// stateRecord is a snapshot or a delta of a stage: a file for each batch.
type stateRecord struct {
	UID   string                `json:"uid"`
	Delta bool                  `json:"delta,omitempty"`
	Files map[string]fileRecord `json:"files"`
}

// fileRecord says what a file holds: the sum is that of its trailer. Pieces is
// set for what was added to a log, which is any number of batches.
type fileRecord struct {
	Pieces bool `json:"pieces,omitempty"`

	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
	CRC   uint32 `json:"crc32c"`
}

func (r *record) encode() ([]byte, error) {
	b, err := json.Marshal(r)
	if err == nil && len(b) > maxPayload {
		err = fmt.Errorf("the record of the commit has %d bytes, more than the %d allowed", len(b), maxPayload)
	}
	return b, err
}

// decodeRecord reads the payload of a COMMIT frame, which may be hostile.
func decodeRecord(b []byte) (*record, error) {
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, err
	}
	if r.Version != 1 {
		return nil, fmt.Errorf("the record of a commit has version %d", r.Version)
	}
	seen := map[string]bool{}
	for _, s := range r.States {
		if seen[s.UID] {
			return nil, fmt.Errorf("the state of %q stands twice in a commit", s.UID)
		}
		seen[s.UID] = true
		for _, f := range s.Files {
			if !f.ok() {
				return nil, errors.New("a file of a commit has a negative length")
			}
		}
	}
	for _, f := range r.Outbox {
		if !f.ok() {
			return nil, errors.New("a file of a commit has a negative length")
		}
	}
	for _, s := range r.Sinks {
		if s.Rows < 0 {
			return nil, errors.New("a sink of a commit has a negative number of rows")
		}
	}
	return &r, nil
}

func (f fileRecord) ok() bool { return f.Rows >= 0 && f.Bytes >= 0 }

// commit is r as the runtime knows it.
func (r *record) commit(e arrowstream.Epoch) arrowstream.Commit {
	c := arrowstream.Commit{Epoch: e, Finished: r.Finished, Driver: r.Driver, Flushed: r.Flushed}
	if len(r.Sinks) > 0 {
		c.Sinks = make(map[string]arrowstream.SinkCommit, len(r.Sinks))
		for uid, s := range r.Sinks {
			c.Sinks[uid] = arrowstream.SinkCommit{Prepared: s.Prepared, Rows: s.Rows}
		}
	}
	return c
}

// newRecord is the record of c, without files.
func newRecord(c arrowstream.Commit, now int64) *record {
	r := &record{Version: 1, Finished: c.Finished, Time: now, Driver: c.Driver, Flushed: c.Flushed}
	if len(c.Sinks) > 0 {
		r.Sinks = make(map[string]sinkRecord, len(c.Sinks))
		for uid, s := range c.Sinks {
			r.Sinks[uid] = sinkRecord{Prepared: s.Prepared, Rows: s.Rows}
		}
	}
	return r
}
