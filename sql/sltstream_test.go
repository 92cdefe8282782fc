package sql_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/iotest"
	"github.com/arrowstream/arrowstream/sql"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// runSLTStream runs a case with streams as it is written, and then with its rows
// cut at random, with other workers and with crashes where nobody asked for
// them. Changes between two looks must amount to the same. It counts the crashes.
func runSLTStream(t *testing.T, file string, c *sltCase, seed uint64) (crashes int) {
	ways := []sltWay{
		{name: "as written", workers: 1},
		{name: "in random ticks", workers: 4, cut: true},
		{name: "with crashes", workers: 2, cut: true, crash: true},
	}
	for i, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := &sltJob{
					sltScript: newSLTScript(t, file, rand.New(rand.NewPCG(seed, uint64(i)))), way: w, workers: w.workers,
					store: newSLTStore(), feeds: map[string]*sltFeed{},
				}
				defer func() { crashes += j.crashes }()
				defer j.stop()
				for _, r := range c.records {
					if r.in("streaming") {
						j.step(r)
					}
				}
			})
		})
	}
	return crashes
}

// sltJob is a stream that runs in the time of a synctest bubble.
type sltJob struct {
	*sltScript
	way     sltWay
	workers int
	store   *sltStore
	feeds   map[string]*sltFeed

	cancel context.CancelFunc // nil while nothing runs
	down   bool               // from crash to restart, while rows are sent and time goes on
	ended  chan struct{}
	sum    *arrowstream.Summary // of the run, read after ended as err is
	err    error
}

// step runs a record.
func (j *sltJob) step(r *sltRecord) {
	j.t.Helper()
	if (sltVerbs[r.verb] || r.verb == "ingest") && r.verb != "restart" && !j.down {
		j.start(r)
	}
	switch r.verb {
	case "statement", "query":
		if r.arg(0) == "error" {
			j.wrong(r)
			return
		}
		j.text += r.sql + ";\n"
	case "ingest":
		j.ingest(r)
	case "watermark":
		j.mark(r)
	case "clock":
		d, err := arrowstream.ParseDuration(strings.Join(r.args, " "))
		if err != nil {
			j.errorf(r, "%v", err)
		}
		time.Sleep(d)
	case "end":
		for name, f := range j.feeds {
			if r.arg(0) == "" || r.arg(0) == name {
				f.end()
			}
		}
	case "changes":
		j.changes(r)
	case "crash":
		j.down = true
		j.stop()
	case "edit":
		if strings.Count(j.text, r.sql) != 1 {
			j.errorf(r, "the text does not stand once in the statements")
		}
		j.text = strings.Replace(j.text, r.sql, strings.Join(r.rows, "\n"), 1)
	case "restart":
		j.down = false
		if n, err := strconv.Atoi(r.arg(1)); err == nil {
			j.workers = n
		}
		j.start(r)
	case "fails":
		j.fails(r)
	case "counts":
		j.counts(r)
	}
	j.settle()
}

// settle waits until everything that was sent is committed and published.
func (j *sltJob) settle() {
	time.Sleep(300 * time.Millisecond)
	synctest.Wait()
}

// start runs the job, again and again as long as it crashes by itself.
func (j *sltJob) start(r *sltRecord) {
	j.t.Helper()
	if j.cancel != nil {
		return
	}
	opts := arrowstream.Options{Allocator: j.mem, Workers: j.workers, State: j.store, CheckpointInterval: time.Millisecond}
	if j.way.cut {
		opts.BatchRows = 1 + j.rng.IntN(3)
	}
	prepare := func() (*sql.Program, error) { return sql.Prepare(j.text, sltOptions(opts, j.store, j.source)) }
	p, err := prepare()
	if err != nil {
		j.t.Fatalf("%s:%d: %s", j.file, r.line, syntax.Render(err, j.text))
	}
	ctx, cancel := context.WithCancel(context.Background())
	j.cancel, j.ended, j.err = cancel, make(chan struct{}), nil
	go func() {
		defer close(j.ended)
		for {
			if j.sum, j.err = p.Run(ctx); !errors.Is(j.err, iotest.ErrCrash) {
				return
			}
			j.crashes++
			j.store.After(-1)
			if p, j.err = prepare(); j.err != nil {
				return
			}
		}
	}()
	j.settle()
}

// stop kills the job, if it runs.
func (j *sltJob) stop() {
	if j.cancel == nil {
		return
	}
	j.cancel()
	<-j.ended
	j.cancel = nil
}

// ingest sends rows: in one tick, or cut at random.
func (j *sltJob) ingest(r *sltRecord) {
	j.t.Helper()
	f := j.feeds[r.arg(0)]
	if f == nil {
		j.t.Fatalf("%s:%d: nothing reads %q", j.file, r.line, r.arg(0))
	}
	for from, to := 0, 0; from < len(r.rows); from = to {
		if to = len(r.rows); j.way.cut {
			to = min(to, from+1+j.rng.IntN(3))
		}
		if j.way.crash && j.rng.IntN(3) == 0 {
			j.store.After(j.rng.IntN(7))
		}
		b, err := sltBatch(j.mem, f.schema, r.rows[from:to])
		if err != nil {
			j.t.Fatalf("%s:%d: %v", j.file, r.line, err)
		}
		j.t.Cleanup(b.Release)
		f.send(b)
		j.settle()
	}
}

// mark sends a row that has an event time only.
func (j *sltJob) mark(r *sltRecord) {
	j.t.Helper()
	f := j.feeds[r.arg(0)]
	at, err := time.Parse(time.RFC3339Nano, r.arg(1))
	if f == nil || err != nil {
		j.t.Fatalf("%s:%d: watermark TABLE TIME: %v", j.file, r.line, err)
	}
	cells := make([]string, f.schema.NumFields())
	for i, field := range f.schema.Fields() {
		if cells[i] = "null"; field.Type.ID() == arrow.TIMESTAMP {
			cells[i] = at.Add(f.delay).Format(time.RFC3339Nano)
		}
	}
	j.ingest(&sltRecord{line: r.line, args: r.args, rows: []string{strings.Join(cells, " ")}})
}

// changes compares what was written since the last look: to the letter as it
// is written, what it amounts to in the other ways.
func (j *sltJob) changes(r *sltRecord) {
	j.t.Helper()
	out := j.store.output(r.arg(0))
	out.mu.Lock()
	var got []string
	for i := out.looked; i < len(out.rows); i++ {
		op := columnar.Insert
		if out.ops != nil {
			op = out.ops[i]
		}
		got = append(got, op.String()+" "+out.rows[i])
	}
	out.looked = len(out.rows)
	_, err := foldRows(out.rows, out.ops)
	out.mu.Unlock()
	if r.calm && j.way.crash {
		return
	}
	if err != nil {
		j.errorf(r, "%s: %v", j.way.name, err)
	}
	select {
	case <-j.ended:
		if j.err != nil && j.cancel != nil {
			j.errorf(r, "%s: the job has ended: %v", j.way.name, j.err)
		}
	default:
	}
	if !j.way.cut {
		if *update {
			r.rows = got
		} else if !slices.Equal(got, r.rows) {
			j.errorf(r, "got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(r.rows, "\n"))
		}
		return
	}
	if got, want := netChanges(got), netChanges(r.rows); !slices.Equal(got, want) {
		j.errorf(r, "%s: got, net\n%s\nwant\n%s", j.way.name, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// netChanges is the sum of changes: rows with how often they are more or less.
func netChanges(changes []string) []string {
	net := map[string]int{}
	for _, c := range changes {
		op, row, _ := strings.Cut(c, " ")
		if strings.HasPrefix(op, "+") {
			net[zeroKey(row)]++
		} else {
			net[zeroKey(row)]--
		}
	}
	var out []string
	for row, n := range net {
		if n != 0 {
			out = append(out, fmt.Sprintf("%+d %s", n, row))
		}
	}
	slices.Sort(out)
	return out
}

// fails expects that the job has ended by an error.
func (j *sltJob) fails(r *sltRecord) {
	j.t.Helper()
	select {
	case <-j.ended:
	default:
		j.errorf(r, "the job goes on")
		return
	}
	got := fmt.Sprint(coded(j.err))
	if *update && len(r.args) == 0 {
		code, _, _ := strings.Cut(strings.TrimPrefix(got, "error["), "]")
		r.args = []string{code}
	}
	if ok, err := regexp.MatchString(strings.Join(r.args, " "), got); err != nil || !ok {
		j.errorf(r, "%s: %s, not %v", j.way.name, got, r.args)
	}
}

// counts compares the counts of a job that has ended. A run after a crash counts
// anew, so nothing is compared where there was one.
func (j *sltJob) counts(r *sltRecord) {
	j.t.Helper()
	select {
	case <-j.ended:
	default:
		j.t.Fatalf("%s:%d: %s: the job goes on", j.file, r.line, j.way.name)
	}
	if j.crashes > 0 || j.sum == nil {
		return
	}
	var late, skipped, unwindowed int64
	for _, o := range j.sum.Progress.Arrowstream.Operators {
		late, skipped, unwindowed = late+o.Late, skipped+o.Skipped, unwindowed+o.Unwindowed
	}
	var got []string
	for i := 0; i < len(r.args); i += 2 {
		n := map[string]int64{"late": late, "skipped": skipped, "unwindowed": unwindowed}[r.args[i]]
		got = append(got, r.args[i], fmt.Sprint(n))
	}
	if *update {
		r.args = got
	} else if !slices.Equal(got, r.args) {
		j.errorf(r, "%s: the job counted %v, not %v", j.way.name, got, r.args)
	}
}

// source is a table: its partitions outlive the runs.
func (j *sltJob) source(t arrowstream.Table) (arrowstream.Source, error) {
	names := []string{t.Name}
	if n, err := strconv.Atoi(t.Options["partitions"]); err == nil {
		names = nil
		for i := range n {
			names = append(names, fmt.Sprintf("%s/%d", t.Name, i))
		}
	}
	delay, err := time.Duration(0), error(nil)
	if text := t.Options["delay"]; text != "" {
		delay, err = arrowstream.ParseDuration(text)
	}
	empty, schemaErr := sltBatch(j.mem, t.Schema, nil)
	if err = errors.Join(err, schemaErr); err != nil {
		return nil, err
	}
	defer empty.Release()
	var src sltFeeds
	for _, name := range names {
		if j.feeds[name] == nil {
			j.feeds[name] = &sltFeed{schema: empty.Schema(), delay: delay, more: make(chan struct{})}
		}
		src = append(src, j.feeds[name])
	}
	return src, nil
}

// sltFeeds is a source of one partition or more.
type sltFeeds []*sltFeed

// Schema implements [arrowstream.Source].
func (s sltFeeds) Schema() (*arrow.Schema, error) { return s[0].schema, nil }

// Bounded implements [arrowstream.Source].
func (s sltFeeds) Bounded() bool { return false }

// Open implements [arrowstream.Source].
func (s sltFeeds) Open(_ context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	var parts []arrowstream.Partition
	for _, f := range s {
		parts = append(parts, &sltFeedReader{feed: f, limit: int64(env.BatchRows), closed: make(chan struct{})})
	}
	return parts, nil
}

// sltFeed is a partition without an end, which keeps what it was sent.
type sltFeed struct {
	schema *arrow.Schema
	delay  time.Duration // of its watermark

	mu    sync.Mutex
	rows  []arrowstream.Batch
	ended bool
	more  chan struct{} // closed when there is more
}

var _ arrowstream.Replayer = (*sltFeedReader)(nil)

func (f *sltFeed) send(b arrowstream.Batch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows = append(f.rows, b)
	close(f.more)
	f.more = make(chan struct{})
}

func (f *sltFeed) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.ended {
		f.ended = true
		close(f.more)
	}
}

// sltFeedReader reads a feed from its begin.
type sltFeedReader struct {
	feed   *sltFeed
	limit  int64
	next   int   // batch
	from   int64 // row in it
	closed chan struct{}
	once   sync.Once
}

// Read implements [arrowstream.Partition].
func (p *sltFeedReader) Read(ctx context.Context) (arrowstream.Batch, error) {
	for {
		p.feed.mu.Lock()
		rows, ended, more := p.feed.rows, p.feed.ended, p.feed.more
		p.feed.mu.Unlock()
		if p.next < len(rows) {
			b := rows[p.next]
			to := b.NumRows()
			if p.limit > 0 {
				to = min(to, p.from+p.limit)
			}
			cut := b.NewSlice(p.from, to)
			if p.from = to; to == b.NumRows() {
				p.next, p.from = p.next+1, 0
			}
			return cut, nil
		}
		if ended {
			return nil, io.EOF
		}
		select {
		case <-more:
		case <-p.closed:
			return nil, io.EOF
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Position implements [arrowstream.Replayer].
func (p *sltFeedReader) Position() ([]byte, error) {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, uint64(p.next)), uint64(p.from)), nil
}

// Seek implements [arrowstream.Replayer].
func (p *sltFeedReader) Seek(_ context.Context, pos []byte) error {
	p.next, p.from = int(binary.LittleEndian.Uint64(pos)), int64(binary.LittleEndian.Uint64(pos[8:]))
	return nil
}

// Close implements [arrowstream.Partition].
func (p *sltFeedReader) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}
