package parquet

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sort"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/files"
	"github.com/arrowstream/arrowstream/kernels"
)

// mergeRows is how many rows of a file are decoded at a time under a merge,
// where many files may be open.
const mergeRows = 8192

// cursor is the place of a merge in one file. A file is opened when the least
// time of its statistics is reached, so that files that follow each other in
// time are open one after the other.
type cursor struct {
	index int
	info  *fileInfo
	scan  *scan // nil before the file is opened
	rec   arrow.Record
	keys  []int64 // times of rec, each at least the one before
	pos   int     // next row of rec
	first int64   // number in the file of the first row of rec
	rows  int64   // rows of the file handed out
	last  int64   // time of the last of them
	low   int64   // time before which the file has no row
	noted bool    // that the file was read to the end, for Position
}

// key is the time of the next row.
func (c *cursor) key() int64 {
	if c.rec == nil {
		return c.low
	}
	return c.keys[c.pos]
}

// cursors is a heap by (time, file).
type cursors []*cursor

// fix makes a heap of what was changed.
func (h *cursors) fix() { heap.Init(h) }

func (h cursors) Len() int { return len(h) }
func (h cursors) Less(i, j int) bool {
	a, b := h[i].key(), h[j].key()
	return a < b || a == b && h[i].index < h[j].index
}
func (h cursors) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *cursors) Push(x any)   { *h = append(*h, x.(*cursor)) }
func (h *cursors) Pop() any {
	old := *h
	c := old[len(old)-1]
	*h = old[:len(old)-1]
	return c
}

// merge is a partition that merges files by event time. Rows with equal times
// come in the order of (file, row); rows without a time stay behind the row
// before them.
type merge struct {
	plan   *plan
	env    arrowstream.SourceEnv
	batch  int
	ranged *rangeFilter

	mu     sync.Mutex
	all    []*cursor
	heap   cursors          // files that have rows left
	behind files.Identities // files without, as far as Position has asked
	runs   []run
	held   []arrow.Record // retained for runs
	err    error

	stopMu  sync.Mutex
	stop    context.CancelFunc
	stopped bool
}

// run is a run of rows of one held record.
type run struct{ held, from, to int }

var (
	_ arrowstream.Replayer = (*merge)(nil)
	_ arrowstream.Lagging  = (*merge)(nil)
)

func newMerge(p *plan, env arrowstream.SourceEnv) *merge {
	m := &merge{plan: p, env: env, ranged: newRangeFilter(p), batch: env.BatchRows}
	if m.batch <= 0 {
		m.batch = defaultBatchRows
	}
	for i, f := range p.files {
		m.all = append(m.all, &cursor{index: i, info: f, last: noTime, low: p.lowTime(f)})
	}
	m.heap = append(m.heap, m.all...)
	heap.Init(&m.heap)
	return m
}

// lowTime is the least event time of a file in microseconds, or noTime when the
// statistics do not tell.
func (p *plan) lowTime(f *fileInfo) int64 {
	low, ok := f.lows[p.columns[p.event].name]
	field := f.field(p.columns[p.event].name)
	if !ok || field == nil {
		return noTime
	}
	typ := field.typ
	if field.typ.ID() != arrow.TIMESTAMP && field.typ.ID() != arrow.DATE32 {
		typ = p.columns[p.event].typ
	}
	mul, div, ok := columnar.Micros(typ)
	if !ok || low > math.MaxInt64/mul || low < math.MinInt64/mul {
		return noTime
	}
	return scaleMicros(low, mul, div, false)
}

// Read implements arrowstream.Partition.
func (m *merge) Read(ctx context.Context) (arrowstream.Batch, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m.stopMu.Lock()
	m.stop = cancel
	stopped := m.stopped
	m.stopMu.Unlock()
	if stopped {
		return nil, errClosed
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		if m.err != nil {
			return nil, m.err
		}
		b, err := m.read(ctx)
		if err != nil {
			if ctx.Err() == nil {
				m.err = err
			}
			return nil, err
		}
		if m.ranged == nil {
			return b, nil
		}
		kept, err := m.ranged.apply(m.env.Allocator, b)
		b.Release()
		if err != nil || kept != nil {
			return kept, err
		}
	}
}

// read merges the rows of the next batch.
func (m *merge) read(ctx context.Context) (arrow.Record, error) {
	defer m.letGo()
	for n := 0; n < m.batch && len(m.heap) > 0; {
		c := m.heap[0]
		if c.rec == nil {
			if err := m.load(ctx, c); err == io.EOF {
				heap.Pop(&m.heap)
			} else if err != nil {
				return nil, err
			} else {
				heap.Fix(&m.heap, 0)
			}
			continue
		}
		if m.ranged != nil && !m.plan.source.AllowUnsorted && c.key() >= m.ranged.to {
			m.heap = nil // everything from here on is behind the range
			break
		}
		to := min(m.until(c), c.pos+m.batch-n)
		m.hold(c, to)
		n += to - c.pos
		c.rows += int64(to - c.pos)
		c.last = c.keys[to-1]
		if c.pos = to; c.pos == len(c.keys) {
			c.rec.Release()
			c.rec, c.low = nil, c.last
		}
		heap.Fix(&m.heap, 0)
	}
	if len(m.runs) == 0 {
		return nil, io.EOF
	}
	return m.gather()
}

// until is the first row of c, the first of the heap, that comes after the next
// row of the second.
func (m *merge) until(c *cursor) int {
	second := -1
	for _, i := range []int{1, 2} {
		if i < len(m.heap) && (second < 0 || m.heap.Less(i, second)) {
			second = i
		}
	}
	if second < 0 {
		return len(c.keys)
	}
	o := m.heap[second]
	limit := o.key()
	if c.index < o.index && limit < math.MaxInt64 {
		limit++
	}
	return c.pos + max(1, sort.Search(len(c.keys)-c.pos, func(i int) bool { return c.keys[c.pos+i] >= limit }))
}

// load decodes the next rows of c.
func (m *merge) load(ctx context.Context, c *cursor) error {
	if c.scan == nil {
		env := m.env
		env.BatchRows = min(m.batch, mergeRows)
		c.scan = newScan(m.plan, m.plan.files[c.index:c.index+1], env)
		c.scan.max, c.scan.ahead = env.BatchRows, 0
		c.scan.workers = min(c.scan.workers, len(m.plan.columns))
		c.scan.at = c.info.placeOf(c.rows)
	}
	f, err := c.scan.next(ctx)
	if err != nil {
		if err == io.EOF {
			if err := c.scan.close(); err != nil {
				return err
			}
			c.scan = nil
		}
		return err
	}
	rec := f.rec
	c.first = f.at.row
	for _, rows := range c.info.groups[:f.at.group] {
		c.first += rows
	}
	c.rows = c.first
	c.keys = eventMicros(rec.Column(m.plan.event), c.keys)
	last := c.last
	for i, t := range c.keys {
		if t < last {
			if t != noTime && !m.plan.source.AllowUnsorted {
				defer rec.Release()
				return m.unsorted(c, rec, i, last)
			}
			c.keys[i] = last
		}
		last = c.keys[i]
	}
	c.rec, c.pos = rec, 0
	return nil
}

// placeOf is the place of a row of the file.
func (f *fileInfo) placeOf(row int64) place {
	for g, rows := range f.groups {
		if row < rows {
			return place{group: g, row: row}
		}
		row -= rows
	}
	return place{group: len(f.groups)}
}

func (m *merge) unsorted(c *cursor, rec arrow.Record, row int, last int64) error {
	col := rec.Column(m.plan.event)
	before := arrowstream.Watermark{Event: last}.Time().Format("2006-01-02T15:04:05.999999Z")
	return &arrowstream.DataError{
		Source: c.info.path, Where: fmt.Sprintf("row %d", c.first+int64(row)), Column: m.plan.source.EventTime, Value: col.ValueStr(row),
		Err: fmt.Errorf("the event time is before %s of an earlier row: sort the file, or set 'allow-unsorted' = 'true'", before),
	}
}

// hold notes rows [c.pos, to) of the record of c for the batch.
func (m *merge) hold(c *cursor, to int) {
	for i, r := range m.held {
		if r == c.rec {
			m.runs = append(m.runs, run{i, c.pos, to})
			return
		}
	}
	c.rec.Retain()
	m.held = append(m.held, c.rec)
	m.runs = append(m.runs, run{len(m.held) - 1, c.pos, to})
}

func (m *merge) letGo() {
	for _, r := range m.held {
		r.Release()
	}
	m.held, m.runs = m.held[:0], m.runs[:0]
}

// gather makes one batch of the runs: slices put behind each other when they
// are long, rows taken one by one when they are short.
func (m *merge) gather() (arrow.Record, error) {
	if len(m.runs) == 1 {
		r := m.runs[0]
		return m.held[r.held].NewSlice(int64(r.from), int64(r.to)), nil
	}
	total := 0
	for _, r := range m.runs {
		total += r.to - r.from
	}
	var parts []arrow.Record
	defer func() {
		for _, p := range parts {
			p.Release()
		}
	}()
	if total/len(m.runs) >= 64 {
		for _, r := range m.runs {
			parts = append(parts, m.held[r.held].NewSlice(int64(r.from), int64(r.to)))
		}
		return kernels.Concat(m.env.Allocator, parts)
	}
	// The rows that are used of each record, behind each other.
	base := make([]int, len(m.held))
	next := 0
	for h := range m.held {
		from, to := math.MaxInt, 0
		for _, r := range m.runs {
			if r.held == h {
				from, to = min(from, r.from), max(to, r.to)
			}
		}
		parts = append(parts, m.held[h].NewSlice(int64(from), int64(to)))
		base[h] = next - from
		next += to - from
	}
	all, err := kernels.Concat(m.env.Allocator, parts)
	if err != nil {
		return nil, err
	}
	defer all.Release()
	idx := make([]int32, 0, total)
	for _, r := range m.runs {
		for i := r.from; i < r.to; i++ {
			idx = append(idx, int32(base[r.held]+i))
		}
	}
	return kernels.TakeRecord(m.env.Allocator, all, idx)
}

// Lag implements arrowstream.Lagging.
func (m *merge) Lag() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	left := int64(0)
	for _, c := range m.all {
		left += c.info.rows - c.rows
	}
	return left
}

// Close implements io.Closer.
func (m *merge) Close() error {
	m.stopMu.Lock()
	if m.stop != nil {
		m.stop()
	}
	m.stopped = true
	m.stopMu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = errClosed
	var errs []error
	for _, c := range m.all {
		if c.rec != nil {
			c.rec.Release()
			c.rec = nil
		}
		if c.scan != nil {
			errs = append(errs, c.scan.close())
			c.scan = nil
		}
	}
	return errors.Join(errs...)
}
