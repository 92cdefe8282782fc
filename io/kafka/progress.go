package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/arrowstream/arrowstream"
)

// progressTopic holds for each sink of each job the last epoch it has
// published, and which process has it. It has one partition, so that no change of it moves a key.
const progressTopic = "__arrowstream_progress"

var progressPlace = place{progressTopic, 0}

// errUnsettled says that a transaction of this sink neither ended nor failed
// although the coordinator has begun the next.
var errUnsettled = errors.New("a transaction is not settled")

// progress is a message of the topic; its key is <job>/<sink>. It is written in
// the transaction of the rows, so it is there if and only if they are.
type progress struct {
	Version     int               `json:"v"`
	Epoch       arrowstream.Epoch `json:"epoch"` // 0 if there was only a claim
	Incarnation uint64            `json:"incarnation"`
	Rows        int64             `json:"rows"`
}

// ensureProgress makes the topic if need be: compacted, in small segments, so
// that the first look at it reads some 32 MiB at most.
func (c *client) ensureProgress(ctx context.Context, replication int) error {
	_, err := c.ensureTopic(ctx, kafkago.TopicConfig{
		Topic: progressTopic, NumPartitions: 1, ReplicationFactor: replication,
		ConfigEntries: []kafkago.ConfigEntry{
			{ConfigName: "cleanup.policy", ConfigValue: "compact"},
			{ConfigName: "segment.bytes", ConfigValue: "16777216"},
			{ConfigName: "min.cleanable.dirty.ratio", ConfigValue: "0.1"},
		},
	}, false)
	if err != nil {
		return err
	}
	var policy string
	err = c.retry(ctx, "describe topic "+progressTopic, func(ctx context.Context) error {
		answer, err := c.api.DescribeConfigs(ctx, &kafkago.DescribeConfigsRequest{
			Addr: c.addr, Resources: []kafkago.DescribeConfigRequestResource{{
				ResourceType: kafkago.ResourceTypeTopic, ResourceName: progressTopic, ConfigNames: []string{"cleanup.policy"},
			}},
		})
		if err != nil {
			return err
		}
		for _, r := range answer.Resources {
			err = errors.Join(err, r.Error)
			for _, e := range r.ConfigEntries {
				policy = e.ConfigValue
			}
		}
		return err
	})
	if err != nil && !errors.Is(err, kafkago.TopicAuthorizationFailed) {
		return err
	}
	if strings.Contains(policy, "delete") {
		return &arrowstream.Error{
			Code: "AS3011", Msg: fmt.Sprintf("kafka: exactly once is not possible: topic %s has cleanup.policy=%s and forgets what was published", progressTopic, policy),
			Hint: "set its cleanup.policy to compact",
		}
	}
	return nil
}

// ledger reads the messages of one key, from where it last stopped.
//
// It does not read as far as the last stable offset, which the open transaction
// of any other job would hold back: it reads to the end and settles the
// transactions of its own key by their markers. Once InitProducerID has
// answered, all of those are there.
type ledger struct {
	client *client
	key    string
	next   int64 // offset of the next fetch; -1 before the first
	last   progress
	open   map[int64]progress // by producer: written, and neither committed nor aborted
	chunk  chunk
}

// read returns the last message that is committed, the zero one if there is
// none.
func (l *ledger) read(ctx context.Context) (progress, error) {
	ends, err := l.client.listOffsets(ctx, latestTime, []place{progressPlace})
	if err != nil {
		return progress{}, err
	}
	end := ends[progressPlace]
	if l.next < 0 || l.next > end {
		starts, err := l.client.listOffsets(ctx, earliestTime, []place{progressPlace})
		if err != nil {
			return progress{}, err
		}
		l.next, l.last, l.open = starts[progressPlace], progress{}, map[int64]progress{}
	}
	for l.next < end {
		err := l.client.retry(ctx, "read "+progressPlace.String(), func(ctx context.Context) error {
			f, err := l.client.ask(ctx, progressPlace, l.next, 1<<20, time.Second, &l.chunk)
			if err != nil {
				return err
			}
			err = l.chunk.batches(f, l.next, l.settle)
			if l.chunk.next > l.next {
				l.next = l.chunk.next
			}
			return err
		})
		if err != nil {
			return progress{}, err
		}
	}
	return l.last, nil
}

// settle takes one batch of the topic.
func (l *ledger) settle(b batchHeader, from, to int) error {
	if b.attributes.Control() {
		p, ok := l.open[b.producer]
		if ok && marker(l.chunk.data[from:to]) == commitMarker {
			l.last = p
		}
		delete(l.open, b.producer)
		return nil
	}
	l.chunk.records = l.chunk.records[:0]
	if err := l.chunk.batch(b, from, to, l.next); err != nil {
		return err
	}
	for i := range l.chunk.records {
		r := &l.chunk.records[i]
		if string(l.chunk.key(r)) != l.key {
			continue
		}
		var p progress
		if err := json.Unmarshal(l.chunk.value(r), &p); err != nil || p.Version != 1 {
			return fmt.Errorf("%w: %s of %s is not of this version: %q", errCorrupt, progressTopic, l.key, l.chunk.value(r))
		}
		if b.attributes.Transactional() {
			l.open[b.producer] = p
		} else {
			l.last = p
		}
	}
	return nil
}
