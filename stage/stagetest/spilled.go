package stagetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// Spilled is a stage or join that is to do in a folder what it does in memory.
type Spilled struct {
	// New returns it, an [arrowstream.Stage] or [arrowstream.Join].
	New func() any
	// In are the schemas of its inputs.
	In []*arrow.Schema
	// Ticks are what it is given; the last one ends all inputs.
	Ticks []SpilledTick
	// Limits are those of memory to try; a quarter of each is the share.
	Limits []int64
}

// SpilledTick is a tick of a [Spilled]: rows of each input, the inputs that end
// with it, and the watermark.
type SpilledTick struct {
	Rows  [][]arrow.Record
	Ended []int
	Mark  arrowstream.Watermark
}

// Tally counts the rows that came out, changes added up, by port.
type Tally map[string]int

// RunSpilled compares what comes out of memory with what comes out of a folder:
// as a multiset, of changes that never take back what is not there, and never
// behind the watermark; without a store and with one, where it is replaced by a
// new one after some ticks, made of what the store has, with another limit.
func RunSpilled(t *testing.T, c Spilled) {
	t.Helper()
	want, _ := c.play(t, []int64{0}, 0)
	if len(want) == 0 {
		t.Fatal("nothing comes out")
	}
	for _, limit := range c.Limits {
		for _, every := range []int{0, 3} {
			limits := []int64{limit}
			if every > 0 {
				limits = append(limits, 16*limit, limit/2)
			}
			got, spilled := c.play(t, limits, every)
			if spilled == 0 {
				t.Errorf("limit %d: nothing was spilled", limit)
			}
			if !maps.Equal(got, want) {
				t.Errorf("limit %d, restored every %d ticks: %d different rows, want %d:\n%s", limit, every, len(got), len(want), tallyDiff(got, want))
			}
		}
	}
}

func tallyDiff(got, want Tally) string {
	var lines []string
	for row, n := range got {
		if n != want[row] {
			lines = append(lines, fmt.Sprintf("%q: %d times, want %d", row, n, want[row]))
		}
	}
	for row, n := range want {
		if got[row] == 0 {
			lines = append(lines, fmt.Sprintf("%q: missing %d times", row, n))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines[:min(len(lines), 10)], "\n")
}

// play runs c with the limits in turn, none for 0, with a new one after so many
// ticks, 0 for never.
func (c *Spilled) play(t *testing.T, limits []int64, every int) (out Tally, spilled int64) {
	t.Helper()
	mem := columnartest.Allocator(t)
	ctx := t.Context()
	out = Tally{}
	dir := t.TempDir()
	started := 0
	begin := func() *spilledOp {
		env := arrowstream.Env{Allocator: mem}
		if limit := limits[started%len(limits)]; limit > 0 {
			env.Spill = arrowstream.NewSpill(dir, limit, nil)
			env.Spill.Stored = every > 0
		}
		started++
		op := &spilledOp{any: c.New()}
		if err := op.bind(c.In, env); err != nil {
			t.Fatal(err)
		}
		return op
	}
	op := begin()
	defer func() { op.any.(io.Closer).Close() }()
	var chain []arrowstream.State
	defer func() { releaseStates(chain) }()
	mark := arrowstream.NoEventTime
	emit := func(b arrowstream.Batch, port ...int) error {
		return c.tally(out, op.out, mark, b, port)
	}
	ended := map[int]bool{}
	for i, tick := range c.Ticks {
		if err := op.tick(ctx, tick, ended, emit, &mark); err != nil {
			t.Fatalf("limits %d, tick %d: %v", limits, i, err)
		}
		if every == 0 || tick.Mark.Done() {
			continue
		}
		spilled = max(spilled, op.any.(arrowstream.Counted).Counts().Spilled)
		if err := op.save(ctx, mem, &chain); err != nil {
			t.Fatal(err)
		}
		if (i+1)%every != 0 {
			continue
		}
		op.any.(io.Closer).Close()
		op = begin()
		for k, st := range chain {
			restore := op.any.(arrowstream.Stateful).Restore
			if k > 0 {
				restore = op.any.(arrowstream.Incremental).Apply
			}
			if err := restore(ctx, st); err != nil {
				t.Fatal(err)
			}
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v %v", left, err)
	}
	maps.DeleteFunc(out, func(_ string, n int) bool { return n == 0 })
	return out, max(spilled, op.any.(arrowstream.Counted).Counts().Spilled)
}

// tally adds rows to out.
func (c *Spilled) tally(out Tally, schema *arrow.Schema, mark int64, b arrow.Record, port []int) error {
	side := ""
	if len(port) > 0 && port[0] > 0 {
		side = fmt.Sprintf("side %d: ", port[0])
	} else if at := columnar.EventTime(schema); at >= 0 && mark != arrowstream.NoEventTime {
		for _, v := range columnar.Values[int64](b.Column(at)) {
			if v < mark {
				return fmt.Errorf("a row of %d is behind the watermark %d", v, mark)
			}
		}
	}
	changes := side == "" && columnar.Changelog(schema)
	for i, row := range columnartest.Rows(b) {
		by := 1
		if changes {
			op := columnar.Change(columnar.Values[int8](b.Column(int(b.NumCols()) - 1))[i])
			if op == columnar.Delete || op == columnar.UpdateBefore {
				by = -1
			}
			row = row[:strings.LastIndexByte(row, ' ')]
		}
		if out[side+row] += by; out[side+row] < 0 {
			return fmt.Errorf("%q is taken back and was not there", row)
		}
	}
	return nil
}

// spilledOp is a stage or a join.
type spilledOp struct {
	any any
	out *arrow.Schema
}

func (o *spilledOp) bind(in []*arrow.Schema, env arrowstream.Env) (err error) {
	if j, ok := o.any.(arrowstream.Join); ok {
		o.out, err = j.Bind(in, env)
		return err
	}
	o.out, err = o.any.(arrowstream.Stage).Bind(in[0], env)
	return err
}

func (o *spilledOp) tick(ctx context.Context, tick SpilledTick, ended map[int]bool, emit arrowstream.Emit, mark *int64) error {
	var w arrowstream.Watermark
	var err error
	if s, ok := o.any.(arrowstream.Stage); ok {
		for _, b := range tick.Rows[0] {
			if err := s.Process(ctx, b, emit); err != nil {
				return err
			}
		}
		w, err = s.Advance(ctx, tick.Mark, emit)
		*mark = w.Event
		return err
	}
	j := o.any.(arrowstream.Join)
	end := func(withRows bool) error {
		e, ok := j.(arrowstream.Ending)
		for input := range tick.Rows {
			if ok && ended[input] && withRows == (len(tick.Rows[input]) > 0) {
				if err := e.Ended(ctx, input, emit); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for _, input := range tick.Ended {
		ended[input] = true
	}
	if err := end(false); err != nil {
		return err
	}
	for input, batches := range tick.Rows {
		for _, b := range batches {
			if err := j.Process(ctx, input, b, emit); err != nil {
				return err
			}
		}
	}
	if err := end(true); err != nil {
		return err
	}
	w, err = j.Advance(ctx, tick.Mark, emit)
	*mark = w.Event
	return err
}

// save adds to chain what a store would be given.
func (o *spilledOp) save(ctx context.Context, mem memory.Allocator, chain *[]arrowstream.State) error {
	if l, ok := o.any.(arrowstream.Logged); ok && l.Logs() {
		if l.Renews() {
			releaseStates(*chain)
			*chain = nil
		}
		st, log, err := l.Log(ctx)
		if err != nil {
			return err
		}
		*chain = append(*chain, st)
		defer log.Release()
		for _, name := range slices.Sorted(maps.Keys(log)) {
			err = errors.Join(err, log[name].Each(func(b arrowstream.Batch) error {
				b.Retain()
				*chain = append(*chain, arrowstream.State{name: b})
				return nil
			}))
		}
		return err
	}
	var st arrowstream.State
	var err error
	if inc, ok := o.any.(arrowstream.Incremental); ok && len(*chain) > 0 {
		st, err = inc.Delta(ctx)
	} else {
		releaseStates(*chain)
		*chain = nil
		st, err = o.any.(arrowstream.Stateful).Snapshot(ctx)
	}
	if err == nil {
		*chain = append(*chain, st)
	}
	return err
}

func releaseStates(states []arrowstream.State) {
	for _, st := range states {
		st.Release()
	}
}
