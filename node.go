package arrowstream

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/arrowstream/arrowstream/columnar"
)

// step runs one tick through n: in holds the message of every input, which
// step releases; out gets the message of every port.
// Once the watermark is at the end of time a node only passes it on.
func (n *node) step(ctx context.Context, in []message, out []message) (err error) {
	start := time.Now()
	clear(out)
	defer func() {
		for _, m := range in {
			m.release()
		}
		v := recover()
		n.metrics.read(n)
		if v != nil {
			err = n.recovered(v)
		}
		if err != nil {
			for _, m := range out {
				m.release()
			}
			clear(out)
			if n.behind != nil {
				err = n.behind
			} else {
				err = n.wrap(err)
			}
		}
		n.metrics.busy.Add(int64(time.Since(start)))
	}()
	mark, last, more := in[0].mark, true, in[0].more
	for _, m := range in {
		n.metrics.rowsIn.Add(m.rows())
		mark = MinWatermark(mark, m.mark)
		last = last && m.last
	}
	if n.emit == nil {
		n.emit = n.put
	}
	n.out, n.partSize, n.seen, n.bad = out, 0, 0, nil
	switch {
	case n.flushed:
	case n.stage != nil:
		for _, b := range in[0].batches {
			if err := n.process(ctx, b); err != nil {
				return err
			}
		}
		if !more {
			mark, err = n.stage.Advance(ctx, mark, n.emit)
		}
	case n.join != nil:
		if err := n.ended(ctx, in, false); err != nil {
			return err
		}
		for i, m := range in {
			for _, b := range m.batches {
				if err := n.join.Process(ctx, i, b, n.emit); err != nil {
					return err
				}
			}
		}
		if err := n.ended(ctx, in, true); err != nil {
			return err
		}
		mark, err = n.join.Advance(ctx, mark, n.emit)
	case n.sink != nil:
		err = n.write(ctx, in[0])
	default:
		for _, m := range in {
			for _, b := range m.batches {
				if err := n.put(b); err != nil {
					return err
				}
			}
		}
	}
	n.charge()
	n.flushed = n.flushed || mark.Done() && !more
	for i := range out {
		out[i].mark, out[i].last, out[i].more, out[i].epoch = mark, last, more, in[0].epoch
	}
	if n.tallies() {
		out[0].seen, out[0].bad = n.seen, n.bad
	}
	if err == nil && in[0].epoch > 0 {
		err = n.checkpoint(ctx, in[0].epoch)
	}
	return err
}

// ended tells a join which of its inputs have ended: those with rows in this
// tick, or those without.
func (n *node) ended(ctx context.Context, in []message, withRows bool) error {
	j, ok := n.join.(Ending)
	if !ok {
		return nil
	}
	for i, m := range in {
		if m.mark.Done() && withRows == (len(m.batches) > 0) {
			if err := j.Ended(ctx, i, n.emit); err != nil {
				return err
			}
		}
	}
	return nil
}

// put is the [Emit] of n: it adds b to the output of the tick.
func (n *node) put(b Batch, port ...int) error {
	p := 0
	if len(port) > 0 {
		p = port[0]
	}
	if p == 0 {
		n.metrics.rowsOut.Add(b.NumRows())
	}
	if b.NumRows() > 0 && len(n.users[p]) > 0 {
		b.Retain()
		n.out[p].batches = append(n.out[p].batches, b)
		if n.give != nil && p == 0 {
			return n.cut(b)
		}
	}
	return nil
}

func (n *node) write(ctx context.Context, m message) error {
	if len(m.batches) == 0 && !n.unflushed {
		return nil
	}
	if n.checkpoints != nil {
		n.checkpoints.written.Store(true)
		if _, ok := n.sink.(Publisher); ok {
			return n.keep(m)
		}
	}
	for _, b := range m.batches {
		if err := n.sink.Write(ctx, b); err != nil {
			return err
		}
		n.metrics.rowsOut.Add(b.NumRows())
	}
	if n.unflushed = m.more; m.more {
		return nil
	}
	return n.sink.Flush(ctx)
}

// keep puts rows into the outbox, from which they are published when their
// epoch is committed.
func (n *node) keep(m message) error {
	if n.outbox == nil {
		n.outbox = n.checkpoints.log.Outbox(n.uid, n.epoch)
	}
	for _, b := range m.batches {
		if err := n.outbox.Append(b); err != nil {
			return err
		}
		n.outboxRows += b.NumRows()
		n.metrics.rowsOut.Add(b.NumRows())
	}
	return nil
}

// charge draws what the part remembers outside of its allocator from the account
// of n.
func (n *node) charge() {
	account, ok := n.env.Allocator.(*columnar.Account)
	if !ok {
		return
	}
	if c, _ := n.counts(); c.HeapBytes != n.heap {
		account.Charge(c.HeapBytes - n.heap)
		n.heap = c.HeapBytes
	}
}

// recovered turns a panic inside n into an error. That of a used up budget tells
// what n remembers.
func (n *node) recovered(v any) error {
	holds, rows, size := "", n.metrics.stateRows.Load(), n.metrics.stateBytes.Load()
	for _, m := range n.peers {
		rows, size = rows+m.stateRows.Load(), size+m.stateBytes.Load()
	}
	if rows > 0 {
		holds = fmt.Sprintf("; it remembers %d keys in %d MiB", rows, size>>20)
	}
	return recovered(v, holds)
}

// recovered turns a panic into an error.
func recovered(v any, holds string) error {
	var limit *columnar.LimitError
	if err, ok := v.(error); ok && errors.As(err, &limit) {
		return &Error{
			Code: "AS6001", Msg: fmt.Sprintf("memory budget of %d MiB is used up%s", limit.Limit>>20, holds), Err: limit,
			Hint: "raise the memory limit, let the job go on in a folder with --spill, or bound the state by windows or a TTL",
		}
	}
	return &Error{Code: "AS9001", Msg: fmt.Sprintf("panic: %v\n%s", v, debug.Stack())}
}

// wrap names the node in an error that does not begin with its name already,
// and leaves the ends of a run alone.
func (n *node) wrap(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || strings.HasPrefix(err.Error(), n.name+":") {
		return err
	}
	return fmt.Errorf("%s: %w", n.name, err)
}
