package bench

import (
	"context"
	"io"
	"os"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/bucket"
	"github.com/arrowstream/arrowstream/state"
)

// far are objects that take a while to answer.
type far struct {
	state.Objects
	wait time.Duration
}

func (f far) Put(ctx context.Context, name string, b []byte, fresh bool) error {
	time.Sleep(f.wait)
	return f.Objects.Put(ctx, name, b, fresh)
}

func (f far) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	time.Sleep(f.wait)
	return f.Objects.Get(ctx, name)
}

func (f far) Size(ctx context.Context, name string) (int64, error) {
	time.Sleep(f.wait)
	return f.Objects.Size(ctx, name)
}

func (f far) Delete(ctx context.Context, name string) error {
	time.Sleep(f.wait)
	return f.Objects.Delete(ctx, name)
}

func (f far) List(ctx context.Context, prefix string, yield func(string, int64) bool) error {
	time.Sleep(f.wait)
	return f.Objects.List(ctx, prefix, yield)
}

// BenchmarkBucketState runs the main job in turns without a state, with one in a
// folder and with one in a bucket that takes 50 ms for every operation, in epochs
// of a second. %none is the throughput against that without a state.
func BenchmarkBucketState(b *testing.B) {
	const rows = 8_000_000
	script := mainJob(b, clicks(b, rows))
	b.Chdir(b.TempDir())
	var none, folder, objects, commits float64
	once := func(s arrowstream.StateStore) float64 {
		start := time.Now()
		run(b, script, arrowstream.Options{State: s, CheckpointInterval: time.Second})
		took := time.Since(start).Seconds()
		if err := os.RemoveAll("out"); err != nil {
			b.Fatal(err)
		}
		return took
	}
	for b.Loop() {
		none += once(nil)
		folder += once(state.Dir{Path: b.TempDir()})
		s := state.Bucket{URL: "file://far", Objects: far{bucket.Folder{Path: b.TempDir()}, 50 * time.Millisecond}}
		objects += once(s)
		info, err := s.Inspect(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		commits += float64(len(info.Commits))
	}
	b.ReportMetric(none/float64(b.N), "none-s")
	b.ReportMetric(100*none/folder, "folder-%none")
	b.ReportMetric(100*none/objects, "bucket-%none")
	b.ReportMetric(commits/float64(b.N), "commits")
}
