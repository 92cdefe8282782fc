package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/arrowstream/arrowstream"
)

const (
	// addPartitionsVersion is the version of AddPartitionsToTxn that came with
	// Kafka 3.6, whose brokers refuse a produce that arrives after the end of
	// its transaction (KIP-890).
	addPartitionsVersion = 4
	addPartitionsKey     = 24
	// Error codes that the client library gives no or another name.
	notAttempted = kafkago.Error(55)
	abortable    = kafkago.Error(120)
)

// session is what the coordinator of a transactional id knows its producer by.
// Every InitProducerID raises the epoch; a request with an older one is
// refused.
type session struct {
	producer int64
	epoch    int16
}

var noSession = session{-1, -1}

// transaction is the one transaction of a session: since its epoch serves no
// other, a request of it that arrives late cannot harm the next.
type transaction struct {
	session
	client  *client
	id      string
	began   time.Time
	members map[place]bool
	// last is the partition that is joined with the first others, because it
	// is written at the end of every transaction.
	last place
}

// begin ends whatever transaction of the id is open and returns the next one.
// With the session of this process it fails with ProducerFenced if another
// process has begun one since; with noSession it fences all others.
func (c *client) begin(ctx context.Context, id string, timeout time.Duration, old session) (*transaction, error) {
	t := &transaction{client: c, id: id, members: map[place]bool{}}
	what := "begin transaction " + id
	err := c.retry(ctx, what, func(ctx context.Context) error {
		answer, err := c.api.InitProducerID(ctx, &kafkago.InitProducerIDRequest{
			Addr: c.addr, TransactionalID: id, TransactionTimeoutMs: int(timeout.Milliseconds()),
			ProducerID: int(old.producer), ProducerEpoch: int(old.epoch),
		})
		if err == nil {
			err = answer.Error
		}
		if err == nil {
			t.session = session{int64(answer.Producer.ProducerID), int16(answer.Producer.ProducerEpoch)}
		}
		return err
	})
	t.began = time.Now()
	switch {
	case errors.Is(err, kafkago.InvalidTransactionTimeout):
		err = c.fail(what, kafkago.InvalidTransactionTimeout, "option transaction.timeout is above transaction.max.timeout.ms of the brokers")
	case errors.Is(err, kafkago.GroupCoordinatorNotAvailable), errors.Is(err, kafkago.NotCoordinatorForGroup):
		err = c.fail(what, err, "the cluster has no coordinator for transactions: transaction.state.log.replication.factor may be above the number of brokers; option delivery.guarantee = at-least-once does without")
	}
	return t, err
}

// join makes partitions part of the transaction before they are written. It
// costs a request only for the first batches of a partition.
func (t *transaction) join(ctx context.Context, places []place) error {
	topics := map[string][]kafkago.AddPartitionToTxn{}
	for _, p := range append(places, t.last) {
		if !t.members[p] {
			t.members[p] = true // should joining fail, so does the transaction
			topics[p.topic] = append(topics[p.topic], kafkago.AddPartitionToTxn{Partition: p.partition})
		}
	}
	if len(topics) == 0 {
		return nil
	}
	return t.client.retry(ctx, "join transaction "+t.id, func(ctx context.Context) error {
		answer, err := t.client.api.AddPartitionsToTxn(ctx, &kafkago.AddPartitionsToTxnRequest{
			Addr: t.client.addr, TransactionalID: t.id, ProducerID: int(t.producer), ProducerEpoch: int(t.epoch), Topics: topics,
		})
		if err != nil {
			return err
		}
		for topic, partitions := range answer.Topics {
			for _, p := range partitions {
				if p.Error != nil && (err == nil || errors.Is(err, notAttempted)) {
					err = fmt.Errorf("%s/%d: %w", topic, p.Partition, p.Error)
				}
			}
		}
		return err
	})
}

// commit makes the transaction visible. It repeats the request after an
// ambiguous answer: whichever of them arrives first decides.
func (t *transaction) commit(ctx context.Context) error {
	return t.client.retry(ctx, "commit transaction "+t.id, func(ctx context.Context) error { return t.end(ctx, true) })
}

// abort drops the transaction so that readers need not wait for its timeout.
// It is tried once, also when ctx has ended, and reports whether nothing is
// open now.
func (t *transaction) abort(ctx context.Context) bool {
	one, stop := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer stop()
	err := t.end(one, false)
	return err == nil || errors.Is(err, kafkago.InvalidTransactionState)
}

func (t *transaction) end(ctx context.Context, commit bool) error {
	answer, err := t.client.api.EndTxn(ctx, &kafkago.EndTxnRequest{
		Addr: t.client.addr, TransactionalID: t.id, ProducerID: int(t.producer), ProducerEpoch: int(t.epoch), Committed: commit,
	})
	if err == nil {
		err = answer.Error
	}
	return err
}

// fenced reports whether a broker says that the session is not the latest.
func fenced(err error) bool {
	return errors.Is(err, kafkago.ProducerFenced) || errors.Is(err, kafkago.InvalidProducerEpoch)
}

// lostTransaction reports whether a transaction cannot be finished, but another
// could be: the broker has forgotten or ended it.
func lostTransaction(err error) bool {
	var answer kafkago.Error
	if !errors.As(err, &answer) {
		return errors.Is(err, errUnsettled)
	}
	switch answer {
	case kafkago.InvalidTransactionState, kafkago.InvalidProducerIDMapping, kafkago.UnknownProducerId,
		kafkago.OutOfOrderSequenceNumber, kafkago.TransactionCoordinatorFenced, abortable:
		return true
	}
	return false
}

// checkTransactions refuses brokers whose transactions may be torn.
func (c *client) checkTransactions(ctx context.Context) error {
	version := -1
	err := c.retry(ctx, "ask for versions", func(ctx context.Context) error {
		answer, err := c.api.ApiVersions(ctx, &kafkago.ApiVersionsRequest{Addr: c.addr})
		if err != nil {
			return err
		}
		for _, key := range answer.ApiKeys {
			if key.ApiKey == addPartitionsKey {
				version = key.MaxVersion
			}
		}
		return answer.Error
	})
	if err != nil || version >= addPartitionsVersion {
		return err
	}
	reason := "is older than Kafka 3.6, where a late message could get into the next transaction"
	if version < 0 {
		reason = "has no transactions"
	}
	return &arrowstream.Error{
		Code: "AS3011", Msg: fmt.Sprintf("kafka: exactly once is not possible: the cluster at %s %s", strings.Join(c.brokers, ","), reason),
		Hint: "option delivery.guarantee = at-least-once writes without transactions",
	}
}
