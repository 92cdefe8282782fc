package window

import (
	"context"
	"fmt"
	"math"
	"slices"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// counts is the operator behind Count. The rows of a key are numbered; windows
// are runs of panes of gcd(rows, step) rows, and each pane has a slot. A window
// fires when its last row is there; its results are computed at the end of the
// tick.
type counts struct {
	core
	rows, step, per int64 // per: rows of a pane
	arrival         bool
	untimed         bool // no time column: no window_start and window_end

	k      []keyCount     // by key
	buffer []arrow.Record // rows that the watermark has not passed, in source order
	fired  []countWindow
	dead   []uint32 // slots to give back at the end of the tick
}

// keyCount is the state of a key.
type keyCount struct {
	seen  int64 // rows so far, those in gaps included
	fired int64 // windows so far
	panes []countPane
}

type countPane struct {
	index       int64 // of its first row, divided by the rows of a pane
	first, last int64 // least and greatest row, by the order of rows
	slot        uint32
}

type countWindow struct {
	kid         uint32
	ordinal, n  int64
	first, last int64
	slots       []uint32
}

func (g *counts) bind(in *arrow.Schema, env arrowstream.Env, rows, step int64, arrival bool, o options) (*arrow.Schema, error) {
	const what = "count window"
	if step == 0 {
		step = rows
	}
	if rows < 1 || step < 1 {
		return nil, planError("AS1404", fmt.Sprintf("%s: rows %d and step %d must be positive", what, rows, step), "")
	}
	g.rows, g.step, g.per = rows, step, gcd(rows, step)
	g.arrival = arrival
	if g.time = -1; o.time != "" || columnar.EventTime(in) >= 0 {
		if err := g.findTime(what, in, o.time); err != nil {
			return nil, err
		}
	}
	if g.untimed = g.time < 0; g.untimed {
		g.arrival = true
	}
	lead := []arrow.Field{{Name: "window_ordinal", Type: arrow.PrimitiveTypes.Int64}, {Name: "window_rows", Type: arrow.PrimitiveTypes.Int64}}
	if err := g.core.start(what, in, env, o, lead); err != nil {
		return nil, err
	}
	if g.arrival {
		g.late = nil
	}
	g.out = columnar.WithEventTime(g.out, "")
	if g.per != rows {
		if err := g.plan.Mergeable(what); err != nil {
			return nil, err
		}
	}
	return g.out, nil
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Process implements [arrowstream.Stage].
func (g *counts) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	if b.NumRows() == 0 {
		return nil
	}
	g.rowsCame = true
	if g.untimed {
		return g.number(b, make([]int64, b.NumRows()))
	}
	ts, valid := g.times(b, g.time), columnar.Validity(b.Column(g.time))
	cl := &classified{}
	for i, t := range ts {
		switch {
		case !valid.Get(i):
			cl.nulls++
		case !g.arrival && t < g.bound:
			cl.late = append(cl.late, int32(i))
		default:
			cl.keep = append(cl.keep, int32(i))
		}
	}
	rows := b
	if len(cl.keep) == len(ts) {
		rows.Retain()
	} else {
		var err error
		if rows, err = g.split(b, ts, cl, emit); err != nil {
			return err
		}
	}
	defer rows.Release()
	switch {
	case rows.NumRows() == 0:
		return nil
	case g.arrival:
		return g.number(rows, g.times(rows, g.time))
	}
	rows.Retain()
	g.buffer = append(g.buffer, rows)
	return nil
}

// number counts the rows of b, which are in their final order.
func (g *counts) number(b arrow.Record, ts []int64) error {
	g.scratch(len(ts))
	if err := g.keys.Find(b, g.ids); err != nil {
		return err
	}
	for len(g.k) < g.keys.Limit() {
		g.k = append(g.k, keyCount{})
	}
	g.changed.Mark(g.ids, len(g.k))
	var keep []int32 // set when rows are in gaps
	gaps := false
	for i, t := range ts {
		k := &g.k[g.ids[i]]
		if g.rows < g.step && k.seen%g.step >= g.rows {
			if !gaps {
				gaps = true
				for j := range i {
					keep = append(keep, int32(j))
				}
			}
			k.seen++
			g.counted.Unwindowed++
			continue
		}
		if gaps {
			g.at[len(keep)] = g.place(k, t)
			keep = append(keep, int32(i))
		} else {
			g.at[i] = g.place(k, t)
		}
		g.completed(g.ids[i], k)
	}
	if gaps {
		rows, err := g.taken(b, keep)
		if err != nil {
			return err
		}
		defer rows.Release()
		b = rows
		g.at = g.at[:len(keep)]
	}
	g.counted.RowsUpdated += b.NumRows()
	return g.set.Update(b, g.at, g.slots.Len())
}

// place is the slot of the next row of a key.
func (g *counts) place(k *keyCount, t int64) uint32 {
	index := k.seen / g.per
	if n := len(k.panes); n == 0 || k.panes[n-1].index != index {
		k.panes = append(k.panes, countPane{index: index, first: t, slot: g.slots.Get()})
	}
	p := &k.panes[len(k.panes)-1]
	p.last = t
	k.seen++
	return p.slot
}

// completed notes the window that the last row of a key has filled, if any.
func (g *counts) completed(kid uint32, k *keyCount) {
	if k.seen < g.rows || (k.seen-g.rows)%g.step != 0 {
		return
	}
	g.fireKey(kid, k, g.rows)
}

// fireKey notes the next window of a key, of n rows, and gives back the panes
// that the windows after it do not need.
func (g *counts) fireKey(kid uint32, k *keyCount, n int64) {
	w := countWindow{kid: kid, ordinal: k.fired, n: n, first: k.panes[0].first, last: k.panes[len(k.panes)-1].last}
	for _, p := range k.panes {
		w.slots = append(w.slots, p.slot)
	}
	g.fired = append(g.fired, w)
	k.fired++
	done := 0
	for done < len(k.panes) && k.panes[done].index < k.fired*g.step/g.per {
		g.dead = append(g.dead, k.panes[done].slot)
		done++
	}
	k.panes = slices.Delete(k.panes, 0, done)
}

// Advance implements [arrowstream.Stage].
func (g *counts) Advance(_ context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	idle := !g.rowsCame && g.opts.timeout > 0 && w.Clock-g.lastClock >= g.opts.timeout.Microseconds()
	horizon := g.horizon
	if !g.untimed {
		horizon = g.moved(w, g.latestBuffered(), len(g.buffer) > 0)
	} else if g.rowsCame {
		g.lastClock, g.rowsCame = w.Clock, false
	}
	if err := g.pass(horizon); err != nil {
		return w, err
	}
	if idle || w.Done() {
		for kid := range g.k {
			g.closePartial(uint32(kid), &g.k[kid])
		}
	}
	if err := g.emitWindows(emit); err != nil {
		return w, err
	}
	if g.horizon, g.bound = horizon, horizon; g.arrival {
		g.horizon, g.bound = math.MinInt64, math.MinInt64
	}
	g.event = max(g.event, w.Event)
	if w.Done() {
		return w, g.Close()
	}
	return w, nil
}

// latestBuffered is a time after every row that waits, for the timeout.
func (g *counts) latestBuffered() int64 {
	latest := int64(math.MinInt64)
	if g.opts.timeout > 0 {
		for _, b := range g.buffer {
			_, greatest := extremes(g.times(b, g.time))
			latest = max(latest, min(greatest, math.MaxInt64-2)+1)
		}
	}
	return latest
}

// pass numbers the waiting rows before horizon, in the order of time; rows of
// the same time keep their order.
func (g *counts) pass(horizon int64) error {
	var passed []arrow.Record
	defer func() {
		for _, p := range passed {
			p.Release()
		}
	}()
	rest := g.buffer[:0]
	for n, b := range g.buffer {
		before, after, err := g.cut(b, horizon)
		if err != nil {
			g.buffer = append(rest, g.buffer[n:]...)
			return err
		}
		b.Release()
		if before != nil {
			passed = append(passed, before)
		}
		if after != nil {
			rest = append(rest, after)
		}
	}
	clear(g.buffer[len(rest):])
	g.buffer = rest
	if len(passed) == 0 {
		return nil
	}
	all, err := kernels.Concat(g.mem, passed)
	if err != nil {
		return err
	}
	defer all.Release()
	idx, err := grouped.Order([]arrow.Array{all.Column(g.time)}, int(all.NumRows()))
	if err != nil {
		return err
	}
	sorted, err := kernels.TakeRecord(g.mem, all, idx)
	if err != nil {
		return err
	}
	defer sorted.Release()
	return g.number(sorted, g.times(sorted, g.time))
}

// cut splits b into the rows before horizon and the others; nil stands for
// none. At the end of time, math.MaxInt64, every row is before.
func (g *counts) cut(b arrow.Record, horizon int64) (before, after arrow.Record, err error) {
	ts := g.times(b, g.time)
	least, greatest := extremes(ts)
	switch {
	case greatest < horizon || horizon == math.MaxInt64:
		b.Retain()
		return b, nil, nil
	case least >= horizon:
		b.Retain()
		return nil, b, nil
	}
	var low, high []int32
	for i, t := range ts {
		if t < horizon {
			low = append(low, int32(i))
		} else {
			high = append(high, int32(i))
		}
	}
	if before, err = kernels.TakeRecord(g.mem, b, low); err != nil {
		return nil, nil, err
	}
	if after, err = kernels.TakeRecord(g.mem, b, high); err != nil {
		before.Release()
		return nil, nil, err
	}
	return before, after, nil
}

// closePartial fires the window of a key that is not full, if it holds rows
// that no window before it has held; the next row begins a new window.
func (g *counts) closePartial(kid uint32, k *keyCount) {
	begin := k.fired * g.step
	covered := begin
	if k.fired > 0 {
		covered = max(begin, begin-g.step+g.rows)
	}
	if k.seen <= covered || len(k.panes) == 0 {
		return
	}
	g.changed.Mark([]uint32{kid}, len(g.k))
	g.fireKey(kid, k, k.seen-begin)
	for _, p := range k.panes {
		g.dead = append(g.dead, p.slot)
	}
	k.panes = k.panes[:0]
	k.seen = k.fired * g.step
}

// emitWindows emits the windows of this tick and gives their slots back.
func (g *counts) emitWindows(emit arrowstream.Emit) error {
	res := &result{core: &g.core, emit: emit}
	defer res.release()
	if len(g.fired) > 0 {
		p, err := g.windowPiece()
		if err != nil {
			return err
		}
		res.add(p)
		if err := res.flush(); err != nil {
			return err
		}
	}
	g.fired = g.fired[:0]
	g.set.Reset(g.dead)
	g.slots.Put(g.dead...)
	g.dead = g.dead[:0]
	return nil
}

func (g *counts) windowPiece() (piece, error) {
	var p piece
	var ordinals, rows []int64
	slots := make([]uint32, len(g.fired))
	var merged []uint32
	defer func() {
		g.set.Reset(merged)
		g.slots.Put(merged...)
	}()
	most := 0
	for i, w := range g.fired {
		p.starts, p.ends, p.kids = append(p.starts, w.first), append(p.ends, w.last), append(p.kids, w.kid)
		ordinals, rows = append(ordinals, w.ordinal), append(rows, w.n)
		if slots[i] = w.slots[0]; len(w.slots) > 1 {
			slots[i] = g.slots.Get()
			merged = append(merged, slots[i])
			most = max(most, len(w.slots))
		}
	}
	var from, to []uint32
	for round := range most {
		from, to = from[:0], to[:0]
		for i, w := range g.fired {
			if len(w.slots) > 1 && round < len(w.slots) {
				from, to = append(from, w.slots[round]), append(to, slots[i])
			}
		}
		if err := g.mergeSlots(from, to); err != nil {
			return p, err
		}
	}
	var err error
	if p.vals, err = g.final(slots, p.kids); err != nil {
		return p, err
	}
	p.lead = []arrow.Array{timeArray(g.mem, arrow.PrimitiveTypes.Int64, ordinals), timeArray(g.mem, arrow.PrimitiveTypes.Int64, rows)}
	return p, nil
}

// Counts implements [arrowstream.Counted].
func (g *counts) Counts() arrowstream.Counts {
	n := g.core.Counts()
	onHeap(&n, int64(int(unsafe.Sizeof(keyCount{}))*cap(g.k)+int(unsafe.Sizeof(countPane{}))*g.slots.Live()))
	return n
}

// Close frees the memory of a stage that is given up.
func (g *counts) Close() error {
	g.dropBuffer()
	g.k = nil
	return g.core.Close()
}

func (g *counts) dropBuffer() {
	for _, b := range g.buffer {
		b.Release()
	}
	g.buffer = nil
}
