package arrowstream

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// driver cuts what the partitions of all sources deliver into ticks.
type driver struct {
	p       *Pipeline
	sources []*node
	readers []*reader // all partitions: sources in order, partitions in order
	bounded bool
	goesOn  bool // the input ends for this run only
	arrived chan struct{}
	turn    int // reader whose rows the next tick of bounded input holds
	pace    pacer
	wg      sync.WaitGroup
	cancel  context.CancelFunc

	ticks    atomic.Int64
	inFlight atomic.Int64 // ticks that some node still works on, times leaves
	marks    []atomic.Int64
	held     []atomic.Int64
	maxEvent atomic.Int64
	clock    int64        // of the last tick
	moved    bool         // the last tick moved a watermark
	record   *recording   // nil without one
	plan     []byte       // of a record: the ticks to cut first
	past     bool         // there is nothing behind plan
	resumed  bool         // the next live tick is the first of this process, which others went before
	waited   atomic.Int64 // ns that sources waited for memory
}

// tick is one round: a message for each port of each source.
type tick struct {
	messages [][]message
	last     bool // of this process
	ended    bool // the input has come to its end
}

func (d *driver) newTick() tick {
	t := tick{messages: make([][]message, len(d.sources))}
	for i, n := range d.sources {
		t.messages[i] = make([]message, len(n.ports))
	}
	return t
}

// open opens every partition and starts to read ahead.
func (p *Pipeline) open(ctx context.Context) (*driver, error) {
	d := &driver{p: p, bounded: true, arrived: make(chan struct{}, 1), pace: pacer{replay: p.opts.Replay}}
	d.maxEvent.Store(NoEventTime)
	for _, n := range p.nodes {
		if n.source == nil {
			continue
		}
		d.sources = append(d.sources, n)
		d.bounded = d.bounded && n.source.bounded()
		d.goesOn = d.goesOn || n.source.goesOn
		parts, err := n.source.source.Open(ctx, SourceEnv{
			Env: n.env, BatchRows: p.opts.BatchRows, BatchBytes: p.opts.readBytes(), Workers: p.opts.Workers, Clock: p.opts.Clock,
			OnBadRow: n.onError.Policy, Past: p.checkpoints.past(),
			Journal: func(o JournalOptions) (Journal, int64, error) { return p.checkpoints.journal(n.uid, o) },
		})
		for i, part := range parts {
			r := &reader{node: n, index: i, part: part, batches: make(chan readAhead, 4)}
			r.time = partitionTime{max: NoEventTime, lastSeen: p.opts.Clock.Now()}
			r.lag.Store(-1)
			if j, ok := part.(Rejecting); ok {
				r.rejects = j.Rejects()
			}
			d.readers = append(d.readers, r)
		}
		if err != nil {
			for _, r := range d.readers {
				err = errors.Join(err, r.part.Close())
			}
			return nil, n.wrap(err)
		}
	}
	for _, r := range d.readers {
		r.number = r.index*len(d.sources) + d.sourceIndex(r.node)
	}
	d.order()
	d.marks = make([]atomic.Int64, len(d.sources))
	d.held = make([]atomic.Int64, len(d.sources))
	for i := range d.marks {
		d.marks[i].Store(NoEventTime)
		d.held[i].Store(-1)
	}
	if p.checkpoints != nil {
		if err := d.takeUp(ctx); err != nil {
			for _, r := range d.readers {
				err = errors.Join(err, r.part.Close())
			}
			return nil, err
		}
	}
	readCtx, cancel := context.WithCancel(ctx)
	d.cancel = cancel
	for _, r := range d.readers {
		d.wg.Add(1)
		keep := p.opts.Replay.keep(r.node)
		go func() {
			defer d.wg.Done()
			r.run(readCtx, d.gate, keep, d.arrived)
		}()
	}
	return d, nil
}

// close stops reading and frees what was read ahead.
func (d *driver) close() error {
	d.cancel()
	var errs []error
	for _, r := range d.readers {
		errs = append(errs, r.close())
	}
	d.wg.Wait()
	return errors.Join(errs...)
}

// gate holds a reader back while more than 70 % of the memory budget is in
// use, unless nothing is in flight that could free any.
func (d *driver) gate(ctx context.Context) error {
	var since time.Time
	for {
		above, freed := d.p.budget.Above(0.7)
		if !above || d.inFlight.Load() == 0 && d.nothingRead() {
			if !since.IsZero() {
				d.waited.Add(int64(time.Since(since)))
			}
			return ctx.Err()
		}
		if since.IsZero() {
			since = time.Now()
		}
		select {
		case <-freed:
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (d *driver) nothingRead() bool {
	for _, r := range d.readers {
		if len(r.batches) > 0 && !r.held.Load() {
			return false
		}
	}
	return true
}

// next returns the next tick, marked if it is the last of an epoch.
func (d *driver) next(ctx context.Context) (t tick, err error) {
	d.moved = false
	switch {
	case d.past:
		t, err = d.nextPast(ctx)
	case len(d.plan) > 0:
		t, err = d.nextPlanned(ctx)
	case d.bounded:
		t, err = d.nextBounded(ctx)
	default:
		t, err = d.nextLive(ctx)
	}
	if err == nil {
		err = d.record.tick(d.p.checkpoints.number(), d, t.ended)
	}
	if err == nil {
		err = d.p.checkpoints.cut(ctx, d, &t, d.moved)
	}
	if err != nil {
		t.release()
	}
	return t, err
}

// nextBounded takes TickRows rows of one partition, the partitions in turn, so
// that a tick is a function of the input alone.
func (d *driver) nextBounded(ctx context.Context) (tick, error) {
	o := d.p.opts
	for !d.allEnded() {
		if d.draining() {
			return d.finish(true), nil
		}
		r := d.readers[d.turn]
		d.turn = (d.turn + 1) % len(d.readers)
		if r.over() || !r.due() || d.ahead(r) {
			continue
		}
		rows, err := r.take(ctx, o.TickRows, o.BatchRows, o.TickBytes, true)
		if err != nil {
			message{batches: rows.batches}.release()
			return tick{}, err
		}
		if rows.rows == 0 {
			continue
		}
		t := d.newTick()
		if err := d.put(&t, r, rows); err != nil {
			t.release()
			return tick{}, err
		}
		// Look whether this was the last row of all, to spare a tick.
		if r.head.len() == 0 && !r.ended {
			if r.head, err = r.next(ctx, true); err != nil {
				t.release()
				return tick{}, err
			}
		}
		if err := d.pace.wait(ctx, d.maxEvent.Load(), d.p.drain); err != nil {
			t.release()
			return tick{}, err
		}
		d.mark(&t, time.Time{})
		return t, nil
	}
	return d.finish(false), nil
}

// nextLive takes whatever has arrived, waits a moment for more, and sends an
// empty tick when nothing comes for a heartbeat. The first tick of a job that
// goes on is empty too: time moves at the end of a tick, and what it ended while
// the job was down is over before the rows that come now.
func (d *driver) nextLive(ctx context.Context) (tick, error) {
	o := d.p.opts
	t := d.newTick()
	if d.resumed {
		d.resumed = false
		d.mark(&t, o.Clock.Now())
		return t, nil
	}
	heartbeat := time.NewTimer(o.Heartbeat)
	defer heartbeat.Stop()
	var linger <-chan time.Time
	rows, size := 0, int64(0)
	var due []*reader
	for {
		if rows == 0 {
			due = d.due()
		}
		for _, r := range due {
			if d.ahead(r) {
				continue
			}
			got, err := r.take(ctx, o.TickRows-rows, o.BatchRows, o.TickBytes-size, false)
			if err != nil {
				message{batches: got.batches}.release()
			} else {
				rows, size = rows+got.rows, size+got.size
				err = d.put(&t, r, got)
			}
			if err != nil {
				t.release()
				return tick{}, err
			}
		}
		switch {
		case d.draining():
			return d.end(t, true), nil
		case d.allEnded():
			return d.end(t, d.goesOn), nil
		case rows >= o.TickRows || size >= o.TickBytes:
			d.mark(&t, o.Clock.Now())
			return t, nil
		case rows > 0 && linger == nil:
			timer := time.NewTimer(o.Linger)
			defer timer.Stop()
			linger = timer.C
		}
		select {
		case <-d.arrived:
		case <-linger:
			d.mark(&t, o.Clock.Now())
			return t, nil
		case <-heartbeat.C:
			if rows == 0 {
				d.mark(&t, o.Clock.Now())
				return t, nil
			}
		case <-d.p.drain:
		case <-ctx.Done():
			t.release()
			return tick{}, ctx.Err()
		}
	}
}

// put adds rows of r to t and follows their event times.
func (d *driver) put(t *tick, r *reader, rows taken) error {
	if rows.rows == 0 {
		return nil
	}
	for _, b := range rows.batches {
		r.rows.Add(b.NumRows())
		r.time.observe(b, r.node.source.column)
	}
	r.time.lastSeen = d.p.opts.Clock.Now()
	d.record.put(r.number, rows.rows)
	if r.time.max > d.maxEvent.Load() {
		d.maxEvent.Store(r.time.max)
	}
	ports := t.messages[d.sourceIndex(r.node)]
	ports[0].batches = append(ports[0].batches, rows.batches...)
	r.node.metrics.rowsOut.Add(message{batches: rows.batches}.rows())
	if r.node.onError.Policy == DeadLetterBadRow {
		return d.reject(ports, r.node, rows)
	}
	return nil
}

// reject counts the bad ones among rows and adds them to the side output of
// their source, which nobody may read.
func (d *driver) reject(ports []message, n *node, rows taken) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = n.wrap(n.recovered(v))
		}
	}()
	if err := n.dead.admit(n.name, "decoded", n.onError, rows.rows, rows.bad); err != nil {
		return err
	}
	n.metrics.dead.Store(n.dead.Count)
	for bad := rows.bad; len(bad) > 0 && len(ports) > 1; {
		part := bad[:min(len(bad), d.p.opts.BatchRows)]
		ports[1].batches = append(ports[1].batches, letters(n.env.Allocator, part, d.p.checkpoints.number(), d.p.opts.Clock.Now()))
		bad = bad[len(part):]
	}
	return nil
}

func (d *driver) sourceIndex(n *node) int {
	for i, s := range d.sources {
		if s == n {
			return i
		}
	}
	panic("arrowstream: reader without a source")
}

// mark sets the watermarks of t. now is zero on bounded input, whose clock is
// its event time, so that a replay sees the same clock.
func (d *driver) mark(t *tick, now time.Time) {
	clock := now.UnixMicro()
	if now.IsZero() {
		clock = max(d.maxEvent.Load(), 0)
	}
	d.clock = max(clock, d.clock) // it never moves back, not across a restart either
	for i, s := range d.sources {
		var parts []*partitionTime
		for _, r := range d.readers {
			if r.node == s {
				parts = append(parts, &r.time)
			}
		}
		event, held := s.source.eventTime.combine(parts, now)
		d.held[i].Store(int64(held))
		d.stamp(t, i, event)
	}
	d.ticks.Add(1)
}

// stamp gives the messages of source i the clock and its watermark.
func (d *driver) stamp(t *tick, i int, event int64) {
	event = max(event, d.marks[i].Load()) // a watermark never moves back
	d.moved = event != d.marks[i].Swap(event) || d.moved
	for port := range t.messages[i] {
		t.messages[i][port].mark = Watermark{Event: event, Clock: d.clock}
	}
}

// finish is the last tick of bounded input. Drained means that the input goes
// on, in another run: the watermark stays where it is.
func (d *driver) finish(drained bool) tick {
	return d.end(d.newTick(), drained)
}

func (d *driver) end(t tick, drained bool) tick {
	now := time.Time{}
	if !d.bounded {
		now = d.p.opts.Clock.Now()
	}
	d.mark(&t, now)
	t.end(drained)
	return t
}

// end makes t the last tick.
func (t *tick) end(drained bool) {
	t.last, t.ended = true, !drained
	for _, ports := range t.messages {
		for i := range ports {
			ports[i].last = true
			if !drained {
				ports[i].mark.Event = EndOfTime
			}
		}
	}
}

func (d *driver) allEnded() bool {
	for _, r := range d.readers {
		if !r.over() {
			return false
		}
	}
	return true
}

func (d *driver) draining() bool {
	select {
	case <-d.p.drain:
		return true
	default:
		return false
	}
}

func (t *tick) release() {
	for _, ports := range t.messages {
		for _, m := range ports {
			m.release()
		}
	}
}

func (t *tick) rows() (n int64) {
	for _, ports := range t.messages {
		for _, m := range ports {
			n += m.rows()
		}
	}
	return n
}
