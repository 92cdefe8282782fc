package kafka

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go/compress"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/failpoint"
)

// maxAttempts is how often an epoch is begun anew after the cluster lost its
// transaction.
const maxAttempts = 5

// publisher is what a Sink remembers from one epoch to the next.
type publisher struct {
	session session
	ledger  *ledger // nil before the first epoch
	headers bool    // for the rows of this epoch
	epoch   arrowstream.Epoch
	seq     int64
}

// Publish implements [arrowstream.Publisher]: the rows and a message that says
// so in [progressTopic] become visible in one transaction. The producer is
// initialized for every epoch, which ends what an earlier attempt left open
// and shuts out earlier processes; then the topic tells whether the epoch is
// published already.
func (s *Sink) Publish(ctx context.Context, p arrowstream.Publication) error {
	if p.Count == 0 {
		return nil
	}
	if err := s.open(ctx); err != nil {
		return err
	}
	s.publisher.headers, s.publisher.epoch = s.EpochHeaders, p.Epoch
	if s.Guarantee == "at-least-once" {
		return s.stage(ctx, p, nil)
	}
	if err := s.prepareLedger(ctx, p); err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := s.attempt(ctx, p)
		if !lostTransaction(err) || attempt == maxAttempts {
			return err
		}
		select {
		case <-time.After(time.Duration(attempt) * 50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *Sink) prepareLedger(ctx context.Context, p arrowstream.Publication) error {
	if s.publisher.ledger != nil {
		return nil
	}
	if err := s.client.checkTransactions(ctx); err != nil {
		return err
	}
	if err := s.client.ensureProgress(ctx, s.Replication); err != nil {
		return err
	}
	s.publisher.ledger = &ledger{client: s.client, key: p.Job + "/" + p.Sink, next: -1}
	s.publisher.session = noSession
	return nil
}

// attempt publishes an epoch in one transaction, or finds that it is published.
func (s *Sink) attempt(ctx context.Context, p arrowstream.Publication) error {
	pub := &s.publisher
	if pub.session == noSession {
		// Looking first spares a later process the disturbance.
		if done, err := s.published(ctx, p); done || err != nil {
			return err
		}
	}
	txn, err := s.client.begin(ctx, s.TransactionPrefix+"-"+p.Job+"-"+p.Sink, s.TransactionTimeout, pub.session)
	if err != nil {
		pub.session = noSession
		return s.judge(ctx, p, nil, err)
	}
	pub.session, txn.last = txn.session, progressPlace
	done, err := s.published(ctx, p)
	switch {
	case err == nil && done:
		return nil
	case err == nil && len(pub.ledger.open) > 0:
		err = errUnsettled
	case err == nil:
		err = s.stage(ctx, p, txn)
	}
	if err == nil {
		failpoint.Hit(failpoint.PublishMiddle)
		err = txn.commit(ctx)
	}
	if err == nil {
		return nil
	}
	if fenced(err) || !txn.abort(ctx) {
		pub.session = noSession
	}
	return s.judge(ctx, p, txn, err)
}

// published looks whether the epoch is there, or a later process.
func (s *Sink) published(ctx context.Context, p arrowstream.Publication) (bool, error) {
	last, err := s.publisher.ledger.read(ctx)
	if err != nil {
		return false, err
	}
	if last.Incarnation > p.Incarnation {
		return false, fmt.Errorf("kafka: publish epoch %d to %s: %w: incarnation %d has published epoch %d, this is %d",
			p.Epoch, s.Topic, arrowstream.ErrFenced, last.Incarnation, last.Epoch, p.Incarnation)
	}
	return last.Epoch >= p.Epoch, nil
}

// judge says what it means that a broker refuses a session as too old: a later
// process, or that the transaction has timed out.
func (s *Sink) judge(ctx context.Context, p arrowstream.Publication, txn *transaction, err error) error {
	if !fenced(err) {
		return err
	}
	if _, newer := s.published(ctx, p); errors.Is(newer, arrowstream.ErrFenced) {
		return newer
	}
	if txn != nil && time.Since(txn.began) >= s.TransactionTimeout {
		return &arrowstream.Error{
			Code: "AS3012", Msg: fmt.Sprintf("kafka: publish epoch %d to %s: the transaction was not finished within %s", p.Epoch, s.Topic, s.TransactionTimeout),
			Hint: "raise option transaction.timeout, or make epochs shorter", Err: err,
		}
	}
	return fmt.Errorf("kafka: publish epoch %d to %s: %w: %w", p.Epoch, s.Topic, arrowstream.ErrFenced, err)
}

// stage writes the rows of an epoch and, in a transaction, the message about
// them, and waits until all are acknowledged.
func (s *Sink) stage(ctx context.Context, p arrowstream.Publication, txn *transaction) error {
	s.produceTo(txn)
	defer func() {
		s.producer.close()
		s.producer = nil
	}()
	s.sticky, s.publisher.seq = int(p.Epoch%arrowstream.Epoch(s.partitions)), 0
	now := s.Clock.Now()
	for b, err := range p.Rows {
		if err != nil {
			return fmt.Errorf("kafka: publish epoch %d to %s: %w", p.Epoch, s.Topic, err)
		}
		err = s.put(ctx, b, now)
		b.Release()
		if err != nil {
			return err
		}
	}
	if err := s.Flush(ctx); err != nil || txn == nil {
		return err
	}
	value, err := json.Marshal(progress{Version: 1, Epoch: p.Epoch, Incarnation: p.Incarnation, Rows: p.Count})
	if err != nil {
		return err
	}
	w := newProducer(s.client, progressTopic, 1, compress.None, s.InFlightBytes, txn)
	defer w.close()
	w.batch(0).add(now.UnixMilli(), []byte(s.publisher.ledger.key), value, noHeaders)
	if err := w.send(ctx, 0); err != nil {
		return err
	}
	return w.wait(ctx)
}

// headers are those of the next message, valid until the next call.
func (s *Sink) headers() []byte {
	pub := &s.publisher
	if !pub.headers {
		return noHeaders
	}
	h := binary.AppendVarint(s.headerBuf[:0], 2)
	var number [20]byte
	for _, header := range [...]struct {
		key   string
		value int64
	}{{"as-epoch", int64(pub.epoch)}, {"as-seq", pub.seq}} {
		text := strconv.AppendInt(number[:0], header.value, 10)
		h = append(binary.AppendVarint(h, int64(len(header.key))), header.key...)
		h = append(binary.AppendVarint(h, int64(len(text))), text...)
	}
	s.headerBuf = h
	pub.seq++
	return h
}
