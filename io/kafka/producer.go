package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/protocol"
	"golang.org/x/sync/semaphore"
)

// maxRequests is how many produce requests are under way at once, at most one
// per partition: that keeps the rows of a partition in order.
const maxRequests = 8

// producer sends record batches in the background, one goroutine for each
// partition that has had any. With a transaction they are part of it.
type producer struct {
	client      *client
	topic       string
	compression compress.Compression
	limit       int64
	txn         *transaction
	sequences   []int32             // of the next record of each partition of txn
	bytes       *semaphore.Weighted // sealed and not acknowledged
	requests    chan struct{}
	ctx         context.Context
	cancel      context.CancelFunc
	senders     sync.WaitGroup
	open        []*recordBatch // being filled, by partition
	queues      []chan *recordBatch
	free        chan *recordBatch

	mu          sync.Mutex
	outstanding int
	idle        chan struct{} // closed when outstanding becomes 0; nil if nobody waits
	failure     error
}

func newProducer(c *client, topic string, partitions int, compression compress.Compression, limit int64, txn *transaction) *producer {
	p := &producer{
		client: c, topic: topic, compression: compression, limit: limit, bytes: semaphore.NewWeighted(limit),
		txn: txn, sequences: make([]int32, partitions),
		requests: make(chan struct{}, maxRequests), open: make([]*recordBatch, partitions),
		queues: make([]chan *recordBatch, partitions), free: make(chan *recordBatch, 16),
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// batch is the open batch of a partition.
func (p *producer) batch(partition int) *recordBatch {
	if b := p.open[partition]; b != nil {
		return b
	}
	var b *recordBatch
	select {
	case b = <-p.free:
	default:
		b = &recordBatch{}
	}
	b.partition = partition
	b.reset()
	p.open[partition] = b
	return b
}

// send hands the open batch of a partition to its sender and blocks while too
// many bytes are under way.
func (p *producer) send(ctx context.Context, partition int) error {
	b := p.open[partition]
	if b == nil || b.count == 0 {
		return nil
	}
	if err := p.err(); err != nil {
		return err
	}
	if p.txn != nil {
		if err := p.txn.join(ctx, p.begun()); err != nil {
			return err
		}
	}
	if err := p.bytes.Acquire(ctx, min(p.limit, int64(len(b.buf)))); err != nil {
		return err
	}
	p.open[partition] = nil
	if p.queues[partition] == nil {
		p.queues[partition] = make(chan *recordBatch, 4)
		p.senders.Add(1)
		go p.run(p.queues[partition])
	}
	p.mu.Lock()
	p.outstanding++
	p.mu.Unlock()
	p.queues[partition] <- b // the sender drains it, also after a failure
	return nil
}

// begun are the partitions with an open batch.
func (p *producer) begun() []place {
	var places []place
	for partition, b := range p.open {
		if b != nil && b.count > 0 {
			places = append(places, place{p.topic, partition})
		}
	}
	return places
}

// sendOlder sends the batches begun at or before a time.
func (p *producer) sendOlder(ctx context.Context, born int64) error {
	for partition, b := range p.open {
		if b != nil && b.count > 0 && b.born <= born {
			if err := p.send(ctx, partition); err != nil {
				return err
			}
		}
	}
	return p.err()
}

// run sends the batches of one partition, one after the other. After a failure
// it only takes them away: a later batch must not overtake a lost one.
func (p *producer) run(queue chan *recordBatch) {
	defer p.senders.Done()
	for b := range queue {
		size := int64(len(b.buf))
		err := p.err()
		attempts := 0
		if err == nil {
			p.requests <- struct{}{}
			attempts, err = p.produce(b)
			<-p.requests
		}
		p.bytes.Release(min(p.limit, size))
		if attempts == 1 && err == nil {
			// Only then nothing reads the buffer any more: the connection of a
			// request that timed out may still be writing it.
			select {
			case p.free <- b:
			default:
			}
		}
		p.done(err)
	}
}

// produce sends b until it is acknowledged or that is hopeless.
func (p *producer) produce(b *recordBatch) (attempts int, err error) {
	id, transactional := anonymous, ""
	if p.txn != nil {
		sequence := &p.sequences[b.partition]
		id, transactional = identity{p.txn.producer, p.txn.epoch, *sequence}, p.txn.id
		*sequence = (*sequence + int32(b.count)) & math.MaxInt32
	}
	data, err := b.seal(p.compression, id)
	if err != nil {
		return 0, fmt.Errorf("kafka: write %s: %w", p.topic, err)
	}
	what := "write " + place{p.topic, b.partition}.String()
	err = p.client.retry(p.ctx, what, func(ctx context.Context) error {
		attempts++
		answer, err := p.client.api.RawProduce(ctx, &kafkago.RawProduceRequest{
			Addr: p.client.addr, Topic: p.topic, Partition: b.partition, RequiredAcks: kafkago.RequireAll,
			TransactionalID: transactional, RawRecords: protocol.RawRecordSet{Reader: bytes.NewReader(data)},
		})
		if err == nil {
			err = answer.Error
		}
		if p.txn != nil && errors.Is(err, kafkago.DuplicateSequenceNumber) {
			return nil // an answer got lost, not the batch
		}
		return err
	})
	if errors.Is(err, kafkago.MessageSizeTooLarge) {
		return attempts, p.client.fail(what, kafkago.MessageSizeTooLarge,
			fmt.Sprintf("the record batch has %d bytes: lower batch.bytes or raise max.message.bytes of the topic", len(data)))
	}
	return attempts, err
}

func (p *producer) done(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil && p.failure == nil {
		p.failure = err
	}
	if p.outstanding--; p.outstanding == 0 && p.idle != nil {
		close(p.idle)
		p.idle = nil
	}
}

func (p *producer) err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failure
}

// wait blocks until nothing is under way.
func (p *producer) wait(ctx context.Context) error {
	p.mu.Lock()
	if p.outstanding == 0 {
		defer p.mu.Unlock()
		return p.failure
	}
	if p.idle == nil {
		p.idle = make(chan struct{})
	}
	idle := p.idle
	p.mu.Unlock()
	select {
	case <-idle:
		return p.err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close ends the senders; what is under way is cancelled.
func (p *producer) close() {
	p.cancel()
	for _, q := range p.queues {
		if q != nil {
			close(q)
		}
	}
	p.senders.Wait()
}
