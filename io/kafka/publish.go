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

// Claim implements [arrowstream.Publisher]: the message of the sink is written
// anew, with this incarnation and the epoch it had, which must be one that the
// state has. Without transactions nobody can be shut out, and the cluster is not
// asked.
func (s *Sink) Claim(ctx context.Context, p arrowstream.Publication) error {
	if s.Guarantee == "at-least-once" {
		return nil
	}
	if err := s.open(ctx); err != nil {
		return err
	}
	return s.transact(ctx, p)
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
	return s.transact(ctx, p)
}

// transact makes attempts until p is published or claimed.
func (s *Sink) transact(ctx context.Context, p arrowstream.Publication) error {
	if err := s.prepareLedger(ctx, p); err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		began := time.Now()
		err := s.attempt(ctx, p)
		if attempt > 1 && lostTransaction(err) && time.Since(began) >= s.TransactionTimeout {
			return s.tooLong(p, err) // once it may be a cluster that was away
		}
		// An older process that looked before the claim may shut this one out once.
		again := lostTransaction(err) || p.Rows == nil && fenced(err)
		if !again || attempt == maxAttempts {
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
	s.client.narrow(s.Topic, progressTopic)
	if err := s.client.ensureProgress(ctx, s.Replication); err != nil {
		return err
	}
	s.publisher.ledger = &ledger{client: s.client, key: p.Job + "/" + p.Sink, next: -1}
	s.publisher.session = noSession
	return nil
}

// attempt publishes or claims p in one transaction, or finds that it is done.
func (s *Sink) attempt(ctx context.Context, p arrowstream.Publication) error {
	pub := &s.publisher
	if pub.session == noSession {
		// Looking first spares a later process the disturbance.
		if done, err := s.done(ctx, p); done || err != nil {
			return err
		}
	}
	txn, err := s.client.begin(ctx, s.TransactionPrefix+"-"+p.Job+"-"+p.Sink, s.TransactionTimeout, pub.session)
	if err != nil {
		pub.session = noSession
		return s.judge(ctx, p, nil, err)
	}
	pub.session, txn.last = txn.session, progressPlace
	done, err := s.done(ctx, p)
	switch {
	case err == nil && done:
		return nil
	case err == nil && len(pub.ledger.open) > 0:
		err = errUnsettled
	case err == nil:
		err = s.fill(ctx, p, txn)
	}
	if err == nil {
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

// done looks whether the epoch or the claim is there, or a later process.
func (s *Sink) done(ctx context.Context, p arrowstream.Publication) (bool, error) {
	last, err := s.publisher.ledger.read(ctx)
	if err != nil {
		return false, err
	}
	if last.Incarnation > p.Incarnation {
		return false, fmt.Errorf("kafka: %s: %w: incarnation %d is at work behind epoch %d, this is %d",
			s.doing(p), arrowstream.ErrFenced, last.Incarnation, last.Epoch, p.Incarnation)
	}
	if p.Rows == nil {
		if last.Epoch > p.Epoch {
			return false, arrowstream.Ahead("kafka: topic "+s.Topic, last.Epoch, p.Epoch)
		}
		return last.Incarnation == p.Incarnation, nil
	}
	return last.Epoch >= p.Epoch, nil
}

// doing names what is done with p, for messages.
func (s *Sink) doing(p arrowstream.Publication) string {
	if p.Rows == nil {
		return "claim topic " + s.Topic
	}
	return fmt.Sprintf("publish epoch %d to %s", p.Epoch, s.Topic)
}

// judge says what it means that a broker refuses a session as too old: a later
// process, or that the transaction has timed out.
func (s *Sink) judge(ctx context.Context, p arrowstream.Publication, txn *transaction, err error) error {
	if !fenced(err) {
		return err
	}
	if _, newer := s.done(ctx, p); errors.Is(newer, arrowstream.ErrFenced) {
		return newer
	}
	if txn != nil && time.Since(txn.began) >= s.TransactionTimeout {
		return s.tooLong(p, err)
	}
	return fmt.Errorf("kafka: %s: %w: %w", s.doing(p), arrowstream.ErrFenced, err)
}

func (s *Sink) tooLong(p arrowstream.Publication, err error) error {
	return &arrowstream.Error{
		Code: "AS3012", Msg: fmt.Sprintf("kafka: %s: the transaction was not finished within %s", s.doing(p), s.TransactionTimeout),
		Hint: "raise option transaction.timeout, or make epochs shorter", Err: err,
	}
}

// fill writes all that belongs to a transaction: the rows of an epoch, and the
// message that says so, or that a process has claimed the sink.
func (s *Sink) fill(ctx context.Context, p arrowstream.Publication, txn *transaction) error {
	note := progress{Version: 1, Epoch: p.Epoch, Incarnation: p.Incarnation, Rows: p.Count}
	if p.Rows == nil {
		last := s.publisher.ledger.last
		note.Epoch, note.Rows = last.Epoch, last.Rows
		return s.note(ctx, note, txn)
	}
	if err := s.stage(ctx, p, txn); err != nil {
		return err
	}
	if err := s.note(ctx, note, txn); err != nil {
		return err
	}
	failpoint.Hit(failpoint.PublishMiddle)
	return nil
}

// note writes the message about a sink, and waits until it is acknowledged.
func (s *Sink) note(ctx context.Context, n progress, txn *transaction) error {
	value, err := json.Marshal(n)
	if err != nil {
		return err
	}
	w := newProducer(s.client, progressTopic, 1, compress.None, s.InFlightBytes, txn)
	defer w.close()
	w.batch(0).add(s.Clock.Now().UnixMilli(), []byte(s.publisher.ledger.key), value, noHeaders)
	if err := w.send(ctx, 0); err != nil {
		return err
	}
	return w.wait(ctx)
}

// stage writes the rows of an epoch, and waits until all are acknowledged.
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
	return s.Flush(ctx)
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
