package arrowstream

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Recorder is an EpochLog that keeps how the input of a job was cut into ticks.
type Recorder interface {
	EpochLog
	// Plan adds to the record of an epoch, in the order of its ticks and before
	// they are processed. items are borrowed; they need not be durable before the
	// epoch is committed. What there is of an epoch that was not committed is in
	// the [Start] of the next process.
	Plan(e Epoch, items []byte) error
}

// The record of a job holds what is not a function of its input: which rows of
// which partitions made a tick, in the order in which they were put into it, its
// clock, and its watermarks, which depend on who was idle. The record of an epoch
// is a run of items, whose numbers are varints:
//
//	tick   4*puts + kind | clock | a watermark per source | puts times: partition | rows
//	begin  4*length + 2  | JSON of driverState
//
// kind is 0, or 1 for the tick at the end of the input. Clock and watermarks are
// differences to the tick before. Partition i of source s of n is i*n + s, so that
// partitions that are added later do not move the others. begin is where a job
// begins that has no commit. A tick of one partition has 8 to 11 bytes.
const (
	itemTick  = 0
	itemEnd   = 1
	itemBegin = 2
)

// recording writes down the ticks of a run.
type recording struct {
	log   Recorder
	clock int64   // of the tick before
	marks []int64 // of the tick before
	puts  []byte  // of this tick
	n     int     // how many those are
	items []byte
}

// newRecording begins the record of a run at where d stands.
func (c *checkpoints) newRecording(d *driver) (*recording, error) {
	if c == nil || c.past() || !c.p.opts.Record {
		return nil, nil
	}
	log, ok := c.log.(Recorder)
	if !ok {
		return nil, &Error{Code: "AS1504", Msg: "the store of the job keeps no record of ticks"}
	}
	r := &recording{log: log, clock: d.clock}
	for i := range d.marks {
		r.marks = append(r.marks, d.marks[i].Load())
	}
	if c.start.Last != nil {
		return r, nil
	}
	state, _ := d.state()
	b, err := json.Marshal(state)
	if err != nil {
		return nil, err
	}
	return r, log.Plan(c.epoch, append(binary.AppendUvarint(nil, uint64(len(b))<<2|itemBegin), b...))
}

// put notes that rows of a partition were put into the tick.
func (r *recording) put(partition, rows int) {
	if r != nil {
		r.puts = binary.AppendUvarint(binary.AppendUvarint(r.puts, uint64(partition)), uint64(rows))
		r.n++
	}
}

// tick writes down the tick that d has cut, before it is processed.
func (r *recording) tick(e Epoch, d *driver, ended bool) error {
	if r == nil {
		return nil
	}
	kind := uint64(itemTick)
	if ended {
		kind = itemEnd
	}
	b := binary.AppendUvarint(r.items[:0], uint64(r.n)<<2|kind)
	b = binary.AppendUvarint(b, uint64(d.clock-r.clock))
	for i := range d.marks {
		mark := d.marks[i].Load()
		b = binary.AppendVarint(b, mark-r.marks[i])
		r.marks[i] = mark
	}
	r.items = append(b, r.puts...)
	r.clock, r.puts, r.n = d.clock, r.puts[:0], 0
	return r.log.Plan(e, r.items)
}

// planned is a tick of a record.
type planned struct {
	ended bool
	clock int64 // since the tick before, like marks
	marks []int64
	puts  []plannedPut
}

type plannedPut struct{ partition, rows int }

// errRecord is the error of a record that is not what was written.
var errRecord = &Error{Code: "AS5003", Msg: "the record of the ticks cannot be read"}

// readBegin takes the item at the beginning of a record that says where the job
// begins; state is nil if there is none.
func readBegin(items []byte) (state, rest []byte, err error) {
	head, n := binary.Uvarint(items)
	if n <= 0 || head&3 != itemBegin {
		return nil, items, nil
	}
	if head>>2 > uint64(len(items)-n) {
		return nil, nil, errRecord
	}
	end := n + int(head>>2)
	return items[n:end], items[end:], nil
}

// readPlanned takes the tick at the beginning of a record of a job with so many
// sources.
func readPlanned(items []byte, sources int) (p planned, rest []byte, err error) {
	number := func() (v uint64) {
		v, n := binary.Uvarint(items)
		if n <= 0 {
			err, n = errRecord, 0
		}
		items = items[n:]
		return v
	}
	head := number()
	p.clock = int64(number())
	for range sources {
		u := number()
		p.marks = append(p.marks, int64(u>>1)^-int64(u&1))
	}
	if p.ended = head&3 == itemEnd; head&3 > itemEnd || head>>2 > uint64(len(items)) || p.clock < 0 {
		err = errRecord
	}
	for i := uint64(0); i < head>>2 && err == nil; i++ {
		partition, rows := number(), number()
		if partition > 1<<31 || rows > 1<<31 {
			err = errRecord
		}
		p.puts = append(p.puts, plannedPut{int(partition), int(rows)})
	}
	return p, items, err
}

// takeUp moves d to where the job stands, and begins its record.
func (d *driver) takeUp(ctx context.Context) error {
	from, err := d.startPlan()
	if err != nil {
		return err
	}
	if err := d.restore(ctx, from); err != nil {
		return err
	}
	d.record, err = d.p.checkpoints.newRecording(d)
	return err
}

// startPlan says where d begins and which ticks it cuts first: with a [Start]
// that is in the past those of the record, otherwise those of an epoch that was
// not committed, so that it is executed as it was.
func (d *driver) startPlan() (from []byte, err error) {
	c := d.p.checkpoints
	if c.start.Last != nil {
		from, d.resumed = c.start.Last.Driver, true
	}
	d.past = c.start.Past
	if !d.past && (!d.p.opts.Record || d.bounded) {
		return from, nil
	}
	begin, plan, err := readBegin(c.start.Plan)
	if begin != nil && c.start.Last == nil {
		from = begin
	}
	for _, r := range d.readers {
		if _, ok := r.part.(Replayer); ok {
			continue
		}
		if d.past {
			return nil, &Error{Code: "AS1504", Msg: fmt.Sprintf("the input of %s cannot be read again", r.node.name)}
		}
		plan = nil
	}
	d.plan = plan
	return from, err
}

// How long the rows of a tick that is cut again may take to come. They have been
// there before, so this is for input that has lost them.
const (
	patience     = 10 * time.Second
	patienceThen = time.Minute // in the past, where there is nothing else to do
)

// nextPlanned cuts the next tick of the record again. When rows do not come the
// rest of the record is dropped, which in the past is an error.
func (d *driver) nextPlanned(ctx context.Context) (tick, error) {
	p, rest, err := readPlanned(d.plan, len(d.sources))
	if err != nil {
		return tick{}, err
	}
	d.plan = rest
	t := d.newTick()
	for _, put := range p.puts {
		missing, err := d.again(ctx, &t, put)
		if err == nil && missing > 0 && d.past {
			err = &Error{
				Code: "AS5005", Msg: fmt.Sprintf("%d recorded rows are not there any more", missing),
				Hint: "a replay needs the input as it was: files, offsets of a topic and journals that are kept as long as the record",
			}
		}
		if err != nil {
			t.release()
			return tick{}, err
		}
		if missing > 0 {
			d.plan, p.ended = nil, false
			break
		}
	}
	if d.past {
		if err := d.pace.wait(ctx, d.maxEvent.Load(), d.p.drain); err != nil {
			t.release()
			return tick{}, err
		}
	}
	d.clock += p.clock
	for i := range d.sources {
		d.stamp(&t, i, d.marks[i].Load()+p.marks[i])
	}
	d.ticks.Add(1)
	if p.ended {
		t.end(false)
	}
	return t, nil
}

// again puts the rows of a put into t and tells how many are missing.
func (d *driver) again(ctx context.Context, t *tick, put plannedPut) (missing int, err error) {
	r := d.partition(put.partition)
	if r == nil {
		return put.rows, nil
	}
	wait := patience
	if d.past {
		wait = patienceThen
	}
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	const all = 1 << 62
	rows, err := r.take(limited, put.rows, d.p.opts.BatchRows, all, true)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = nil
	}
	if err != nil {
		message{batches: rows.batches}.release()
		return 0, err
	}
	return put.rows - rows.rows, d.put(t, r, rows)
}

// partition is the reader with a number of the record, nil if there is none.
func (d *driver) partition(number int) *reader {
	for i, r := range d.readers {
		if r.number == number {
			d.turn = (i + 1) % len(d.readers)
			return r
		}
	}
	return nil
}

// nextPast cuts the recorded ticks and, behind the last one, ends as a job does
// that is asked to stop there.
func (d *driver) nextPast(ctx context.Context) (tick, error) {
	if len(d.plan) > 0 && !d.draining() {
		return d.nextPlanned(ctx)
	}
	t := d.newTick()
	for i := range d.sources {
		d.stamp(&t, i, d.marks[i].Load())
	}
	t.end(true)
	return t, nil
}
