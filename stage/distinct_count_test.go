package stage_test

import (
	"context"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/stage"
)

// TestDistinctCountsItsKeys follows the number of keys over new ones, repeated
// ones, expiry and a restore.
func TestDistinctCountsItsKeys(t *testing.T) {
	mem := columnartest.Allocator(t)
	ctx := context.Background()
	in := columnartest.Batch(t, mem, "ts:timestamp[us]@ k:int64\n2024-01-01T00:00:00Z 1\n2024-01-01T00:00:00Z 2\n2024-01-01T00:00:01Z 1\n2024-01-01T00:00:01Z null")
	more := columnartest.Batch(t, mem, "ts:timestamp[us]@ k:int64\n2024-01-01T00:01:00Z 2\n2024-01-01T00:01:00Z 9")
	nowhere := func(arrowstream.Batch, ...int) error { return nil }
	d := &stage.Distinct{By: []string{"k"}, TTL: time.Minute}
	defer d.Close()
	if _, err := d.Bind(in.Schema(), arrowstream.Env{Allocator: mem}); err != nil {
		t.Fatal(err)
	}
	feed := func(b arrowstream.Batch, mark string, want int64) {
		t.Helper()
		if err := d.Process(ctx, b, nowhere); err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, mark)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Advance(ctx, arrowstream.Watermark{Event: at.UnixMicro()}, nowhere); err != nil {
			t.Fatal(err)
		}
		if got := d.Counts().StateRows; got != want {
			t.Errorf("%d keys at %s, want %d", got, mark, want)
		}
	}
	feed(in, "2024-01-01T00:00:00Z", 3)
	feed(in, "2024-01-01T00:00:30Z", 3)
	feed(more, "2024-01-01T00:01:00Z", 1) // 9; 1, 2 and NULL are a minute old
	st, err := d.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Release()
	again := &stage.Distinct{By: d.By, TTL: d.TTL}
	defer again.Close()
	if _, err := again.Bind(in.Schema(), arrowstream.Env{Allocator: mem}); err != nil {
		t.Fatal(err)
	}
	if err := again.Restore(ctx, st); err != nil {
		t.Fatal(err)
	}
	if got := again.Counts().StateRows; got != 1 {
		t.Errorf("%d keys restored, want 1", got)
	}
}
