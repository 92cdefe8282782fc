package kafka

import (
	"context"
	"errors"

	kafkago "github.com/segmentio/kafka-go"
)

// ensureTopic returns a topic with its partitions. One that is missing is made
// unless mustExist; 0 partitions or replicas are as the cluster is configured.
func (c *client) ensureTopic(ctx context.Context, config kafkago.TopicConfig, mustExist bool) (*kafkago.Topic, error) {
	topic, all, err := c.topic(ctx, config.Topic)
	if err != nil || topic != nil {
		return topic, err
	}
	if mustExist {
		return nil, c.missing(config.Topic, all)
	}
	return c.createTopic(ctx, config)
}

func (c *client) createTopic(ctx context.Context, config kafkago.TopicConfig) (*kafkago.Topic, error) {
	if config.NumPartitions <= 0 {
		config.NumPartitions = -1
	}
	if config.ReplicationFactor <= 0 {
		config.ReplicationFactor = -1
	}
	err := c.retry(ctx, "create topic "+config.Topic, func(ctx context.Context) error {
		answer, err := c.api.CreateTopics(ctx, &kafkago.CreateTopicsRequest{Addr: c.addr, Topics: []kafkago.TopicConfig{config}})
		if err == nil {
			err = answer.Errors[config.Topic]
		}
		if errors.Is(err, kafkago.TopicAlreadyExists) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var topic *kafkago.Topic
	err = c.retry(ctx, "create topic "+config.Topic, func(ctx context.Context) error {
		answer, err := c.api.Metadata(ctx, &kafkago.MetadataRequest{Addr: c.addr, Topics: []string{config.Topic}})
		if err != nil {
			return err
		}
		for i := range answer.Topics {
			if t := &answer.Topics[i]; t.Name == config.Topic && len(t.Partitions) > 0 {
				topic = t
				return t.Error
			}
		}
		return kafkago.LeaderNotAvailable
	})
	return topic, err
}
