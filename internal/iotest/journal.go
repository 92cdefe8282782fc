package iotest

import (
	"testing"

	"github.com/arrowstream/arrowstream"
)

// Journaled opens a store again and again for a source that keeps a journal, as
// the processes of a job do.
type Journaled struct {
	// Store is given a job whose one source is Part.
	Store arrowstream.StateStore
	Part  arrowstream.Part
	log   arrowstream.EpochLog
}

// Journal opens the store, which the process before has left, and is what a
// runtime lends to the source.
func (j *Journaled) Journal(t testing.TB) func(arrowstream.JournalOptions) (arrowstream.Journal, int64, error) {
	t.Helper()
	j.Close(t)
	log, err := j.Store.Open(t.Context(), arrowstream.Job{Name: "test", Sources: []arrowstream.Part{j.Part}})
	if err != nil {
		t.Fatal(err)
	}
	j.log = log
	return func(o arrowstream.JournalOptions) (arrowstream.Journal, int64, error) {
		return log.(arrowstream.Journaling).Journal(j.Part.UID, o)
	}
}

// Close gives the store free.
func (j *Journaled) Close(t testing.TB) {
	t.Helper()
	if j.log == nil {
		return
	}
	if err := j.log.Close(); err != nil {
		t.Error(err)
	}
	j.log = nil
}
