package state

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// testClock is a clock that stands still.
type testClock struct{ now time.Time }

func (c *testClock) Now() time.Time { return c.now }

// testDir is a store on a file system of a test: small, and in a fixed order.
func testDir(fsys FS) Dir {
	return Dir{
		Path: "/job/state", FS: fsys, Reserve: 64, Parallel: 1, RetainCommits: 6, SegmentBytes: 4 << 10,
		Clock: &testClock{time.Unix(1_700_000_000, 0)},
	}
}

// testBucket is a store in a bucket of a test, with the same limits.
func testBucket(o Objects) Bucket {
	return Bucket{
		URL: "mem://job", Objects: o, Parallel: 1, RetainCommits: 6, SegmentObjects: 10,
		Clock: &testClock{time.Unix(1_700_000_000, 0)},
	}
}

// eachStore runs a test with a new store of every kind.
func eachStore(t *testing.T, test func(t *testing.T, d arrowstream.StateStore)) {
	t.Run("folder", func(t *testing.T) { test(t, testDir(memFS{FS: vfs.NewMem(), unlocked: true})) })
	t.Run("bucket", func(t *testing.T) { test(t, testBucket(newMemObjects())) })
}

var (
	stageSchema = arrow.NewSchema([]arrow.Field{{Name: "k", Type: arrow.PrimitiveTypes.Int64}, {Name: "n", Type: arrow.PrimitiveTypes.Int64}}, nil)
	sinkSchema  = arrow.NewSchema([]arrow.Field{{Name: "epoch", Type: arrow.PrimitiveTypes.Int64}, {Name: "row", Type: arrow.PrimitiveTypes.Int64}}, nil)
)

// testJob counts keys in a stage, remembers all in another, and has one sink
// with an outbox and one without.
func testJob() arrowstream.Job {
	return arrowstream.Job{
		Name: "count", Program: "INSERT INTO out SELECT k, count(*) FROM bids GROUP BY k",
		Stages:  []arrowstream.Part{{UID: "agg k", Kind: "aggregate", Schema: stageSchema}, {UID: "all", Kind: "list", Schema: stageSchema}},
		Sources: []arrowstream.Part{{UID: "bids", Kind: "generator", Schema: sinkSchema}},
		Sinks:   []arrowstream.Part{{UID: "out", Kind: "sql", Schema: sinkSchema}, {UID: "files", Kind: "parquet", Schema: sinkSchema}},
	}
}

// pair is a batch of two columns of integers.
func pair(schema *arrow.Schema, a, b []int64) arrowstream.Batch {
	bl := array.NewRecordBuilder(columnar.Pool, schema)
	defer bl.Release()
	bl.Field(0).(*array.Int64Builder).AppendValues(a, nil)
	bl.Field(1).(*array.Int64Builder).AppendValues(b, nil)
	return bl.NewRecord()
}

// model is what the job knows after an epoch, a function of its number.
type model struct {
	epoch arrowstream.Epoch
	agg   map[int64]int64
}

// changes are the keys that epoch e counts.
func changes(e arrowstream.Epoch) []int64 {
	return []int64{int64(e % 7), int64(e * e % 11), int64(e % 3)}
}

// modelAt is the naive result of the first e epochs.
func modelAt(e arrowstream.Epoch) model {
	m := model{agg: map[int64]int64{}}
	for m.epoch < e {
		m.next()
	}
	return m
}

func (m *model) next() {
	m.epoch++
	for _, k := range changes(m.epoch) {
		m.agg[k]++
	}
}

// recordOf is the record of epoch e.
func recordOf(e arrowstream.Epoch) string { return fmt.Sprintf("ticks of epoch %d.", e) }

// rows of the sink with an outbox in an epoch: some epochs have none.
func outRows(e arrowstream.Epoch) int {
	return int(e % 4)
}

// step commits the next epoch of m: a snapshot of the counts every tenth epoch,
// else a delta of what has changed; a snapshot of the list always.
func (m *model) step(l arrowstream.EpochLog) error {
	m.next()
	e := m.epoch
	if r, ok := l.(arrowstream.Recorder); ok {
		if err := r.Plan(e, []byte(recordOf(e))); err != nil {
			return err
		}
	}
	c := arrowstream.Commit{Epoch: e, Driver: fmt.Appendf(nil, "position %d", e), Sinks: map[string]arrowstream.SinkCommit{}}
	if n := outRows(e); n > 0 {
		o := l.Outbox("out", e)
		for i := range n {
			b := pair(sinkSchema, []int64{int64(e)}, []int64{int64(i)})
			err := o.Append(b)
			b.Release()
			if err != nil {
				return err
			}
		}
		c.Sinks["out"] = arrowstream.SinkCommit{Rows: int64(n)}
	}
	if e%2 == 0 {
		c.Sinks["files"] = arrowstream.SinkCommit{Prepared: fmt.Appendf(nil, "part-%d", e)}
	}
	delta := e%10 != 1
	keys := slices.Sorted(maps.Keys(m.agg))
	if delta {
		keys = slices.Compact(slices.Sorted(slices.Values(changes(e))))
	}
	counts := make([]int64, len(keys))
	for i, k := range keys {
		counts[i] = m.agg[k]
	}
	states := []arrowstream.StageState{
		{UID: "agg k", Delta: delta, State: arrowstream.State{"groups": pair(stageSchema, keys, counts), "": pair(stageSchema, []int64{int64(e)}, []int64{0})}},
		{UID: "all", State: arrowstream.State{"list": pair(stageSchema, []int64{int64(e)}, []int64{int64(len(m.agg))})}},
	}
	err := l.Commit(context.Background(), c, states)
	for _, s := range states {
		s.State.Release()
	}
	return err
}

// publish publishes every sink of an epoch.
func publish(l arrowstream.EpochLog, e arrowstream.Epoch) error {
	if outRows(e) > 0 {
		if err := l.Published("out", e); err != nil {
			return err
		}
	}
	if e%2 == 0 {
		return l.Published("files", e)
	}
	return nil
}

// republish notes what Start says is to be published up to an epoch: that it was
// may have been lost.
func republish(l arrowstream.EpochLog, last arrowstream.Epoch) error {
	for _, u := range l.Start().Unpublished {
		if u.Commit.Epoch <= last {
			if err := l.Published(u.Sink, u.Commit.Epoch); err != nil {
				return err
			}
		}
	}
	return nil
}

// work commits epochs up to last and publishes all but the last three; done is
// called after each commit.
func (m *model) work(l arrowstream.EpochLog, last arrowstream.Epoch, done func(arrowstream.Epoch)) error {
	for m.epoch < last {
		if err := m.step(l); err != nil {
			return err
		}
		if done != nil {
			done(m.epoch)
		}
		if m.epoch > 3 {
			if err := publish(l, m.epoch-3); err != nil {
				return err
			}
		}
	}
	return nil
}

// check compares what a store holds with the model of its last epoch, and
// returns that. The error tells the first difference; one of the store itself
// comes as it is.
func check(l arrowstream.EpochLog, mem memory.Allocator) (arrowstream.Epoch, error) {
	ctx := context.Background()
	start := l.Start()
	e := arrowstream.Epoch(0)
	if start.Last != nil {
		e = start.Last.Epoch
		if want := fmt.Sprintf("position %d", e); string(start.Last.Driver) != want {
			return e, fmt.Errorf("driver of epoch %d is %q", e, start.Last.Driver)
		}
	}
	m := modelAt(e)
	states, err := load(ctx, l, mem, "agg k")
	if err != nil {
		return e, err
	}
	got := map[int64]int64{}
	for i, s := range states {
		groups := s["groups"]
		if len(s) != 2 || groups == nil || s[""] == nil {
			return e, fmt.Errorf("state %d of agg has other batches than it had", i)
		}
		k, n := columnar.Values[int64](groups.Column(0)), columnar.Values[int64](groups.Column(1))
		for j := range k {
			got[k[j]] = n[j]
		}
		s.Release()
	}
	if !maps.Equal(got, m.agg) {
		return e, fmt.Errorf("agg at epoch %d is %v, want %v", e, got, m.agg)
	}
	states, err = load(ctx, l, mem, "all")
	if err != nil {
		return e, err
	}
	if want := min(int(e), 1); len(states) != want {
		return e, fmt.Errorf("all has %d states, want %d", len(states), want)
	}
	for _, s := range states {
		n := columnar.Values[int64](s["list"].Column(1))[0]
		s.Release()
		if n != int64(len(m.agg)) {
			return e, fmt.Errorf("all at epoch %d is %d, want %d", e, n, len(m.agg))
		}
	}
	if err := checkRecords(l); err != nil {
		return e, err
	}
	return e, checkUnpublished(l, e, mem)
}

// checkRecords compares the records of the commits, which those of older programs
// have not, and that of the epoch behind them, of which some may be there.
func checkRecords(l arrowstream.EpochLog) error {
	s, ok := l.(*epochLog)
	if !ok {
		return nil
	}
	for _, n := range s.index.commits {
		if string(n.items) != recordOf(n.epoch) && (len(n.items) > 0 || n.epoch > goldenEpochs) {
			return fmt.Errorf("the record of epoch %d is %q", n.epoch, n.items)
		}
	}
	e := s.index.lastEpoch() + 1
	if plan := string(l.Start().Plan); plan != "" && plan != recordOf(e) {
		return fmt.Errorf("the record ahead of epoch %d is %q", e, plan)
	}
	return nil
}

// checkUnpublished compares the commits that are to be published with what
// their epochs had: in order, and without a gap for each sink.
func checkUnpublished(l arrowstream.EpochLog, last arrowstream.Epoch, mem memory.Allocator) error {
	next := map[string]arrowstream.Epoch{}
	for _, u := range l.Start().Unpublished {
		e := u.Commit.Epoch
		for f, ok := next[u.Sink]; ok && f < e; f++ {
			if u.Sink == "out" && outRows(f) > 0 || u.Sink == "files" && f%2 == 0 {
				return fmt.Errorf("epoch %d of %s is published, an earlier one is not", f, u.Sink)
			}
		}
		next[u.Sink] = e + 1
		if u.Sink == "files" {
			if want := fmt.Sprintf("part-%d", e); string(u.Commit.Sinks["files"].Prepared) != want {
				return fmt.Errorf("files of epoch %d has %q", e, u.Commit.Sinks["files"].Prepared)
			}
			continue
		}
		for range 2 {
			var rows []string
			for b, err := range l.Outbox("out", e).Rows(mem) {
				if err != nil {
					return err
				}
				rows = append(rows, columnartest.Rows(b)...)
				b.Release()
			}
			var want []string
			for i := range outRows(e) {
				want = append(want, fmt.Sprintf("%d %d", e, i))
			}
			if !slices.Equal(rows, want) || u.Commit.Sinks["out"].Rows != int64(len(want)) {
				return fmt.Errorf("rows of epoch %d are %v, want %v", e, rows, want)
			}
		}
	}
	for sink, e := range next {
		for ; e <= last; e++ {
			if sink == "out" && outRows(e) > 0 || sink == "files" && e%2 == 0 {
				return fmt.Errorf("epoch %d of %s is published, an earlier one is not", e, sink)
			}
		}
	}
	return nil
}

// mustOpen opens a store that has to open.
func mustOpen(t testing.TB, d arrowstream.StateStore) *epochLog {
	t.Helper()
	l, err := d.Open(t.Context(), testJob())
	if err != nil {
		t.Fatal(err)
	}
	return l.(*epochLog)
}

// reopened opens a store, checks it, and closes it.
func reopened(d arrowstream.StateStore, mem memory.Allocator) (arrowstream.Epoch, error) {
	l, err := d.Open(context.Background(), testJob())
	if err != nil {
		return 0, err
	}
	e, err := check(l, mem)
	return e, errors.Join(err, l.Close())
}

// code is the code of an error, "" if it has none.
func code(err error) string {
	var e *arrowstream.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// wantCode fails t unless err has the code and its text all the words.
func wantCode(t testing.TB, err error, want string, words ...string) {
	t.Helper()
	if code(err) != want {
		t.Fatalf("error %v, want code %s", err, want)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}
