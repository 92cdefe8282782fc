package state

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/arrowstream/arrowstream"
)

// keep is a process that adds entries to a journal until something fails: what
// was acknowledged, and what was added..
func keep(d Dir, from, n int) (acknowledged, added []string, err error) {
	l, err := d.Open(context.Background(), testJob())
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	j, at, err := l.(*epochLog).Journal("bids", arrowstream.JournalOptions{})
	if err != nil {
		return nil, nil, err
	}
	if added, _, err = rest(j, at); err != nil {
		return nil, nil, err
	}
	acknowledged = added
	for i := from; i < from+n && err == nil; i++ {
		data := fmt.Sprintf("%d %s", i, strings.Repeat("y", i*37%400))
		added = append(slices.Clip(added), data)
		var end int64
		end, err = j.Append(context.Background(), arrowstream.JournalEntry{Key: fmt.Sprint(i), Data: []byte(data)})
		if err == nil && i%3 == 0 {
			if err = j.Sync(context.Background(), end); err == nil {
				acknowledged = added
			}
		}
	}
	if err != nil && add(j, "", "late") == nil {
		err = errors.New("an entry is kept after an error")
	}
	return acknowledged, added, err
}

// TestJournalEveryOperationFails has each operation of the disk fail once, for
// the first process and for the one after it: the error comes out, nothing is
// acknowledged after it, and what was is there.
func TestJournalEveryOperationFails(t *testing.T) {
	const n = 30
	for second := range 2 {
		for first := 0; ; first++ {
			mem, count := vfs.NewMem(), 0
			whole, from := testDir(memFS{FS: mem, unlocked: true}), 0
			if second == 1 {
				if _, _, err := keep(whole, 0, n); err != nil {
					t.Fatal(err)
				}
				from = n
			}
			acknowledged, added, err := keep(testDir(failing(mem, first, first, &count)), from, n)
			switch {
			case err == nil && len(added) != from+n:
				t.Fatalf("operation %d: no error, but %d entries", first, len(added))
			case err != nil && (!errors.Is(err, errInjected) || code(err) != "AS5007"):
				t.Fatalf("operation %d: %v", first, err)
			}
			if added == nil { // it did not get so far
				if acknowledged, added, err = keep(whole, from, n); err != nil {
					t.Fatalf("operation %d, reopened: %v", first, err)
				}
			}
			if err := journalLeft(whole, acknowledged, added); err != nil {
				t.Fatalf("operation %d, reopened: %v", first, err)
			}
			if count <= first {
				t.Logf("%d operations", count)
				break
			}
		}
	}
}
