package kafka

import (
	"context"
	"fmt"
	"strconv"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/arrowstream/arrowstream"
)

// durability is what is wrong with how a cluster keeps the rows of a topic, empty
// if nothing is or the cluster does not tell: with copies of which one alone may
// confirm a row, a row that is confirmed is lost with that broker. A topic that
// has one copy was meant to.
func (c *client) durability(ctx context.Context, topic *kafkago.Topic) string {
	copies := len(topic.Partitions[0].Replicas)
	if copies < 2 {
		return ""
	}
	const name = "min.insync.replicas"
	answer, err := c.api.DescribeConfigs(ctx, &kafkago.DescribeConfigsRequest{Addr: c.addr, Resources: []kafkago.DescribeConfigRequestResource{
		{ResourceType: kafkago.ResourceTypeTopic, ResourceName: topic.Name, ConfigNames: []string{name}},
	}})
	if err != nil {
		return "" // it needs a right of its own
	}
	for _, r := range answer.Resources {
		for _, e := range r.ConfigEntries {
			if n, err := strconv.Atoi(e.ConfigValue); e.ConfigName == name && err == nil && n < 2 {
				return fmt.Sprintf("topic %s has %d copies and %s = %d: a row that one broker has confirmed is lost with it; set it to 2", topic.Name, copies, name, n)
			}
		}
	}
	return ""
}

// Counts implements [arrowstream.Counted].
func (s *Sink) Counts() arrowstream.Counts {
	warning, _ := s.warning.Load().(string)
	return arrowstream.Counts{Warning: warning}
}
