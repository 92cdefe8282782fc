package kafka

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/segmentio/kafka-go/protocol/offsetcommit"
)

// Acknowledge implements [arrowstream.Acknowledger]: with the option group.id
// it stores the offset of pos for the group, as a consumer without membership.
// Nothing depends on it, so it is tried once and a broker that refuses it is no
// error.
func (p *partition) Acknowledge(ctx context.Context, pos []byte) error {
	if p.group == "" {
		return nil
	}
	var m mark
	if err := json.Unmarshal(pos, &m); err != nil || m.Version != 1 {
		return p.wrap(fmt.Errorf("position %q is not of this version", pos))
	}
	one, stop := context.WithTimeout(ctx, requestTimeout)
	defer stop()
	_, _ = p.client.transport.RoundTrip(one, p.client.addr, &offsetcommit.Request{
		GroupID: p.group, GenerationID: -1, RetentionTimeMs: -1,
		Topics: []offsetcommit.RequestTopic{{Name: p.place.topic, Partitions: []offsetcommit.RequestPartition{{
			PartitionIndex: int32(p.place.partition), CommittedOffset: m.Offset, CommittedLeaderEpoch: -1,
		}}}},
	})
	return ctx.Err()
}
