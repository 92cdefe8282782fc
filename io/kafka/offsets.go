package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
)

// Times with a meaning of their own in a ListOffsets request, and in the JSON
// of Spark's startingOffsets.
const (
	latestTime   = -1
	earliestTime = -2
)

// place is a partition of a topic.
type place struct {
	topic     string
	partition int
}

func (p place) String() string { return fmt.Sprintf("%s/%d", p.topic, p.partition) }

// bound is where reading starts or ends, before it is looked up.
type bound struct {
	// millis is a time in milliseconds since 1970, latestTime or earliestTime.
	millis int64
	// offsets, if not nil, gives the offset of each partition named in it; a
	// place without topic stands for that partition of every topic. The
	// others use millis.
	offsets map[place]int64
}

// parseBound reads a start or end: a mode, and what the mode needs.
func parseBound(option, mode string, millis int64, offsets string) (bound, error) {
	b := bound{millis: earliestTime}
	mode = strings.TrimSpace(mode)
	if strings.HasPrefix(mode, "{") { // Spark writes the offsets where the mode stands
		mode, offsets = "offsets", mode
	}
	switch strings.ToLower(mode) {
	case "earliest", "earliest-offset":
	case "latest", "latest-offset":
		b.millis = latestTime
	case "timestamp":
		if millis <= 0 {
			return b, kind.BadOption(option+".timestamp-millis is missing", "give milliseconds since 1970-01-01 UTC")
		}
		b.millis = millis
	case "offsets", "specific-offsets":
		var err error
		if b.offsets, err = parseOffsets(offsets); err != nil {
			return b, kind.BadOption(option+".specific-offsets: "+err.Error(),
				"write 'partition:0,offset:42;partition:1,offset:300' or '{\"topic\":{\"0\":42}}'")
		}
	case "group-offsets":
		return b, kind.BadOption(option+".mode: group-offsets is not supported",
			"positions are kept by arrowstream; use earliest, latest, timestamp or specific-offsets")
	default:
		return b, kind.BadOption(fmt.Sprintf("%s.mode: %q", option, mode), "use earliest, latest, timestamp or specific-offsets")
	}
	return b, nil
}

func parseOffsets(text string) (map[place]int64, error) {
	offsets := map[place]int64{}
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") {
		var byTopic map[string]map[string]int64
		if err := json.Unmarshal([]byte(text), &byTopic); err != nil {
			return nil, err
		}
		for topic, partitions := range byTopic {
			for number, offset := range partitions {
				n, err := strconv.Atoi(number)
				if err != nil || n < 0 || offset < earliestTime {
					return nil, fmt.Errorf("partition %q: offset %d", number, offset)
				}
				offsets[place{topic, n}] = offset
			}
		}
		return offsets, nil
	}
	for item := range strings.SplitSeq(text, ";") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		left, right, ok := strings.Cut(item, ",")
		number, ok1 := strings.CutPrefix(strings.TrimSpace(left), "partition:")
		offset, ok2 := strings.CutPrefix(strings.TrimSpace(right), "offset:")
		n, err1 := strconv.Atoi(number)
		at, err2 := strconv.ParseInt(offset, 10, 64)
		if !ok || !ok1 || !ok2 || err1 != nil || err2 != nil || n < 0 || at < 0 {
			return nil, fmt.Errorf("cannot read %q", item)
		}
		offsets[place{"", n}] = at
	}
	if len(offsets) == 0 {
		return nil, fmt.Errorf("no offsets")
	}
	return offsets, nil
}

// at is the offset of p, or the time to look up when known is false.
func (b bound) at(p place) (offset int64, known bool) {
	offset, ok := b.offsets[p]
	if !ok {
		offset, ok = b.offsets[place{"", p.partition}]
	}
	if ok && offset >= 0 {
		return offset, true
	}
	if ok {
		return offset, false // -1 and -2 as in a request
	}
	return b.millis, false
}

// resolve looks b up for every place. A time after the last row is the end of
// the partition.
func (c *client) resolve(ctx context.Context, b bound, places []place) (map[place]int64, error) {
	out := make(map[place]int64, len(places))
	ask := map[int64][]place{}
	for _, p := range places {
		if offset, known := b.at(p); known {
			out[p] = offset
		} else {
			ask[offset] = append(ask[offset], p)
		}
	}
	for _, when := range []int64{earliestTime, latestTime, b.millis} {
		list := ask[when]
		delete(ask, when)
		if len(list) == 0 {
			continue
		}
		found, err := c.listOffsets(ctx, when, list)
		if err != nil {
			return nil, err
		}
		var late []place
		for _, p := range list {
			if found[p] < 0 && when >= 0 {
				late = append(late, p)
				continue
			}
			out[p] = found[p]
		}
		if len(late) > 0 {
			ends, err := c.listOffsets(ctx, latestTime, late)
			if err != nil {
				return nil, err
			}
			for _, p := range late {
				out[p] = ends[p]
			}
		}
	}
	return out, nil
}

// listOffsets asks the leaders for the offset of the first row at or after a
// time, -1 if there is none. The latest offset is the end of what the isolation
// of the client shows.
func (c *client) listOffsets(ctx context.Context, when int64, places []place) (map[place]int64, error) {
	request := &listoffsets.Request{ReplicaID: -1, IsolationLevel: int8(c.isolation)}
	for _, p := range places {
		if n := len(request.Topics); n == 0 || request.Topics[n-1].Topic != p.topic {
			request.Topics = append(request.Topics, listoffsets.RequestTopic{Topic: p.topic})
		}
		t := &request.Topics[len(request.Topics)-1]
		t.Partitions = append(t.Partitions, listoffsets.RequestPartition{
			Partition: int32(p.partition), CurrentLeaderEpoch: -1, Timestamp: when,
		})
	}
	var out map[place]int64
	err := c.retry(ctx, "list offsets of "+places[0].topic, func(ctx context.Context) error {
		answer, err := c.transport.RoundTrip(ctx, c.addr, request)
		if err != nil {
			return err
		}
		out = make(map[place]int64, len(places))
		for _, t := range answer.(*listoffsets.Response).Topics {
			for _, p := range t.Partitions {
				if p.ErrorCode != 0 {
					return fmt.Errorf("%s/%d: %w", t.Topic, p.Partition, kafkago.Error(p.ErrorCode))
				}
				out[place{t.Topic, int(p.Partition)}] = p.Offset
			}
		}
		for _, p := range places {
			if _, ok := out[p]; !ok {
				return fmt.Errorf("%s: no answer", p)
			}
		}
		return nil
	})
	return out, err
}
