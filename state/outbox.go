package state

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
)

// boxKey names an outbox.
type boxKey struct {
	sink  string
	epoch arrowstream.Epoch
}

// outbox is a file of rows that grows during an epoch. Rows are written as they
// come and are made durable with the epoch.
type outbox struct {
	log   *epochLog
	sink  string
	epoch arrowstream.Epoch
	name  string

	mu   sync.Mutex
	w    *arrowsWriter // nil before the first row
	done bool          // committed, or closed
	err  error
}

// Outbox implements [arrowstream.EpochLog].
func (l *epochLog) Outbox(sink string, e arrowstream.Epoch) arrowstream.Outbox {
	l.boxMu.Lock()
	defer l.boxMu.Unlock()
	k := boxKey{sink, e}
	o := l.boxes[k]
	if o == nil {
		o = &outbox{log: l, sink: sink, epoch: e, name: outboxFile(sink, e, l.incarnation)}
		l.boxes[k] = o
	}
	return o
}

// takeBoxes are the outboxes of an epoch that have rows, in order of their
// sinks. They are out of the table then, as are older ones.
func (l *epochLog) takeBoxes(e arrowstream.Epoch) []*outbox {
	l.boxMu.Lock()
	defer l.boxMu.Unlock()
	var boxes []*outbox
	for k, o := range l.boxes {
		if k.epoch > e {
			continue
		}
		delete(l.boxes, k)
		if k.epoch == e && o.started() {
			boxes = append(boxes, o)
		}
	}
	slices.SortFunc(boxes, func(a, b *outbox) int { return cmp.Compare(a.sink, b.sink) })
	return boxes
}

func (o *outbox) started() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.w != nil
}

// Append implements [arrowstream.Outbox].
func (o *outbox) Append(b arrowstream.Batch) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done {
		return fmt.Errorf("state: rows for %s come after epoch %d", o.sink, o.epoch)
	}
	if o.err != nil {
		return o.err
	}
	if o.w == nil {
		if err := o.log.refuses(o.epoch); err != nil {
			return err
		}
		if find(o.log.manifest.Sinks, o.sink) == nil {
			return fmt.Errorf("state: the job has no sink %q", o.sink)
		}
		w, err := createArrows(o.log, o.log.at(o.name), b.Schema(), false)
		if err != nil {
			o.err = o.log.lost(o.log.fileError("create", o.name, err))
			return o.err
		}
		o.w = w
	}
	if err := o.w.add(b); err != nil {
		o.err = o.log.lost(o.log.fileError("write", o.name, err))
		return o.err
	}
	return nil
}

// refuses is the error of a row for an epoch that cannot take any.
func (l *epochLog) refuses(e arrowstream.Epoch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	if last := l.index.lastEpoch(); e <= last {
		return fmt.Errorf("state: rows for epoch %d come after epoch %d", e, last)
	}
	return nil
}

// lost is fail for those who do not hold mu.
func (l *epochLog) lost(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fail(err)
}

// end makes the rows durable.
func (o *outbox) end() (fileRecord, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.w
	o.w, o.done = nil, true
	if o.err != nil {
		w.abandon()
		return fileRecord{}, o.err
	}
	return o.log.endArrows(w, o.name)
}

// abandon closes the file of an epoch that is not committed.
func (o *outbox) abandon() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done = true
	if o.w != nil {
		o.w.abandon()
		o.w = nil
	}
}

// Rows implements [arrowstream.Outbox]. An epoch that is not committed, or whose
// rows are published and gone, has none.
func (o *outbox) Rows(mem memory.Allocator) iter.Seq2[arrowstream.Batch, error] {
	return func(yield func(arrowstream.Batch, error) bool) {
		x := o.log.commits()
		n := x.find(o.epoch)
		if n == nil {
			return
		}
		f, ok := n.outbox(o.sink)
		if !ok {
			return
		}
		more := true
		err := o.log.readBatches(x, f, mem, func(b arrowstream.Batch) bool {
			more = yield(b, nil)
			return more
		})
		if err != nil && more {
			yield(nil, o.log.blame(err))
		}
	}
}
