package kafka

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	kafkago "github.com/segmentio/kafka-go"

	"github.com/arrowstream/arrowstream"
)

const (
	defaultBatchRows  = 16384
	defaultBatchBytes = 16 << 20
	defaultFetchBytes = 4 << 20
	defaultMaxWait    = 250 * time.Millisecond
)

// Source reads topics. Its partitions are those the topics have when it is
// opened.
type Source struct {
	// Brokers are addresses host:port to find the cluster with.
	Brokers []string `option:"brokers,properties.bootstrap.servers,kafka.bootstrap.servers,bootstrap.servers" required:"true"`
	// Topics to read; Pattern is a regular expression that names more.
	Topics  []string `option:"topic,topics,subscribe"`
	Pattern string   `option:"topic-pattern,subscribepattern"`
	// Columns of the rows. Messages carry no schema, so it must be given.
	Columns *arrow.Schema
	// Format decodes the values of the messages. FormatName is what the user
	// called it, for error texts.
	Format     arrowstream.Format
	FormatName string `option:"format,value.format"`
	// Metadata names columns filled from the message instead of its value:
	// "offset" or "offset=column" with the keys topic, partition, offset,
	// timestamp and key. A column that is not among Columns is added.
	Metadata []string `option:"metadata"`
	// Start is earliest (the default), latest, timestamp, offsets, or offsets
	// per topic and partition as JSON: {"bids":{"0":42}}.
	Start string `option:"scan.startup.mode,startingoffsets,start"`
	// StartMillis is the time of Start "timestamp": the first row written at
	// or after it, in milliseconds since 1970-01-01 UTC.
	StartMillis int64 `option:"scan.startup.timestamp-millis,startingtimestamp"`
	// StartOffsets are the offsets of Start "offsets":
	// "partition:0,offset:42;partition:1,offset:300". Partitions that are not
	// named start at their earliest row.
	StartOffsets string `option:"scan.startup.specific-offsets"`
	// End makes the source bounded: latest stops at the rows that were there
	// when it was opened, timestamp before the first row at or after EndMillis,
	// offsets before EndOffsets. The default, unbounded, reads on for ever.
	End        string `option:"scan.bounded.mode,endingoffsets,end"`
	EndMillis  int64  `option:"scan.bounded.timestamp-millis,endingtimestamp"`
	EndOffsets string `option:"scan.bounded.specific-offsets"`
	// OnLostOffset says where to go on when the rows to be read next are gone:
	// fail (the default), earliest or latest.
	OnLostOffset string `option:"on.lost.offset,properties.auto.offset.reset,auto.offset.reset"`
	// OnBadRow is fail (the default) or skip, for messages that cannot be decoded.
	OnBadRow arrowstream.BadRow `option:"on.error,on-error,on_error"`
	// ConnectTimeout is how long the cluster may be out of reach; 30 s.
	ConnectTimeout time.Duration `option:"connect.timeout"`
	// MaxWait is how long a broker holds back an empty answer; 250 ms. Rows
	// are sent as soon as there is one.
	MaxWait time.Duration `option:"fetch.max.wait,properties.fetch.max.wait.ms"`
	// FetchBytes bounds one fetch of one partition; 4 MiB. Up to three are
	// held in memory per partition.
	FetchBytes int64 `option:"fetch.max.bytes,properties.max.partition.fetch.bytes"`
	// TLS encrypts the connections; CAFile holds the certificates to trust
	// instead of those of the system.
	TLS    bool   `option:"tls"`
	CAFile string `option:"tls.ca"`
	// User and Password log in by SASL PLAIN; the password may be env:NAME or
	// file:PATH.
	User     string             `option:"sasl.username,properties.sasl.username"`
	Password arrowstream.Secret `option:"sasl.password,properties.sasl.password"`
	// Access is what may be reached.
	Access *arrowstream.Access
	// Isolation is read_committed (the default), which leaves out the rows of
	// transactions that are open or aborted, or read_uncommitted. A topic that
	// is written without transactions reads the same at the same speed.
	Isolation string `option:"isolation.level,properties.isolation.level,kafka.isolation.level"`
	// Group is a consumer group that is told how far the job has come, for
	// tools that watch the lag. It is never read back: positions are kept in
	// the state directory.
	Group string `option:"group.id,properties.group.id,kafka.group.id"`

	dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Bounded implements [arrowstream.Source].
func (s *Source) Bounded() bool { return s.End != "" && !strings.EqualFold(s.End, "unbounded") }

// Delivers implements [arrowstream.Guaranteed].
func (s *Source) Delivers() (arrowstream.Guarantee, string) {
	return arrowstream.ExactlyOnce, "offsets are part of the state"
}

// Schema implements [arrowstream.Source].
func (s *Source) Schema() (*arrow.Schema, error) {
	l, _, _, err := s.check()
	if err != nil {
		return nil, err
	}
	return l.schema, nil
}

// check reads the options.
func (s *Source) check() (l *layout, start, end bound, err error) {
	if err := kind.CheckFormat(s.Format, s.FormatName); err != nil {
		return nil, start, end, err
	}
	if s.Columns == nil || s.Columns.NumFields() == 0 {
		return nil, start, end, &arrowstream.Error{
			Code: "AS1504", Msg: "kafka: the columns are not declared", Hint: "messages carry no schema: list the columns of the table",
		}
	}
	if len(s.topicNames()) == 0 && s.Pattern == "" {
		return nil, start, end, kind.BadOption("topic is missing", "")
	}
	if s.FetchBytes < 0 || s.FetchBytes > 1<<30 {
		return nil, start, end, kind.BadOption("fetch.max.bytes is out of range", "1 to 1GiB")
	}
	switch strings.ToLower(s.OnLostOffset) {
	case "", "fail", "none", "earliest", "latest":
	default:
		return nil, start, end, kind.BadOption(fmt.Sprintf("on.lost.offset: %q", s.OnLostOffset), "use fail, earliest or latest")
	}
	switch strings.ToLower(s.Isolation) {
	case "", "read_committed", "read_uncommitted":
	default:
		return nil, start, end, kind.BadOption(fmt.Sprintf("isolation.level: %q", s.Isolation), "use read_committed or read_uncommitted")
	}
	mode := s.Start
	if mode == "" {
		mode = "earliest"
		if s.StartMillis > 0 {
			mode = "timestamp"
		}
	}
	if start, err = parseBound("scan.startup", mode, s.StartMillis, s.StartOffsets); err != nil {
		return nil, start, end, err
	}
	if s.Bounded() {
		if end, err = parseBound("scan.bounded", s.End, s.EndMillis, s.EndOffsets); err != nil {
			return nil, start, end, err
		}
		if end.offsets != nil {
			end.millis = latestTime
		}
	}
	if l, err = newLayout(s.Columns, s.Metadata); err != nil {
		return nil, start, end, err
	}
	if l.value.NumFields() == 0 {
		return nil, start, end, kind.BadOption("metadata leaves no column for the value", "")
	}
	return l, start, end, nil
}

func (s *Source) topicNames() []string {
	var names []string
	for _, t := range s.Topics {
		for name := range strings.SplitSeq(t, ";") { // as Flink writes lists
			if name = strings.TrimSpace(name); name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// places lists the partitions of the topics in canonical order.
func (s *Source) places(ctx context.Context, c *client) ([]place, error) {
	var pattern *regexp.Regexp
	if s.Pattern != "" {
		var err error
		if pattern, err = regexp.Compile("^(?:" + s.Pattern + ")$"); err != nil {
			return nil, kind.BadOption("topic-pattern: "+err.Error(), "")
		}
	}
	all, err := c.topics(ctx)
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, name := range s.topicNames() {
		wanted[name] = false
	}
	var places []place
	for _, t := range all {
		_, named := wanted[t.Name]
		if !named && (pattern == nil || t.Internal || !pattern.MatchString(t.Name)) {
			continue
		}
		for _, p := range t.Partitions {
			places = append(places, place{t.Name, p.ID})
			wanted[t.Name] = true
		}
	}
	for _, name := range s.topicNames() {
		if !wanted[name] {
			return nil, c.missing(name, all)
		}
	}
	if len(places) == 0 {
		return nil, &arrowstream.Error{Code: "AS3002", Msg: fmt.Sprintf("kafka: no topic matches %q", s.Pattern)}
	}
	return places, nil
}

// Open implements [arrowstream.Source].
func (s *Source) Open(ctx context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	l, start, end, err := s.check()
	if err != nil {
		return nil, err
	}
	c, err := newClient(connection{
		brokers: s.Brokers, connectTimeout: s.ConnectTimeout, tls: s.TLS, caFile: s.CAFile, user: s.User, password: s.Password,
		dial: s.dial, access: s.Access,
	})
	if err != nil {
		return nil, err
	}
	if c.isolation = kafkago.ReadCommitted; strings.EqualFold(s.Isolation, "read_uncommitted") {
		c.isolation = kafkago.ReadUncommitted
	}
	c.acquire()
	defer c.release()
	places, err := s.places(ctx, c)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(places))
	for i, at := range places {
		names[i] = at.topic
	}
	c.narrow(names...)
	starts, err := c.resolve(ctx, start, places)
	if err != nil {
		return nil, err
	}
	var ends map[place]int64
	if s.Bounded() {
		if ends, err = c.resolve(ctx, end, places); err != nil {
			return nil, err
		}
	}
	known, err := c.listOffsets(ctx, latestTime, places)
	if err != nil {
		return nil, err
	}
	partitions := make([]arrowstream.Partition, 0, len(places))
	for _, at := range places {
		p, err := s.partition(c, l, at, env)
		if err != nil {
			for _, p := range partitions {
				p.Close()
			}
			return nil, err
		}
		p.offset = starts[at]
		p.bounded = ends != nil
		p.end = ends[at]
		p.known.Store(known[at])
		p.at.Store(p.offset)
		partitions = append(partitions, p)
	}
	return partitions, nil
}

func (s *Source) partition(c *client, l *layout, at place, env arrowstream.SourceEnv) (*partition, error) {
	decoder, err := s.Format.NewDecoder(l.value, env.Allocator)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	p := &partition{
		client: c, place: at, layout: l, decoder: decoder, mem: env.Allocator,
		rows: env.BatchRows, bytes: env.BatchBytes, fetchBytes: int32(s.FetchBytes), maxWait: s.MaxWait,
		group:   s.Group,
		rejects: env.Rejects(s.OnBadRow), onLost: strings.ToLower(s.OnLostOffset),
		chunks: make(chan *chunk), free: make(chan *chunk, 3),
	}
	if p.rows <= 0 {
		p.rows = defaultBatchRows
	}
	if p.bytes <= 0 {
		p.bytes = defaultBatchBytes
	}
	if p.fetchBytes <= 0 {
		p.fetchBytes = defaultFetchBytes
	}
	if p.maxWait <= 0 {
		p.maxWait = defaultMaxWait
	}
	p.maxWait = min(p.maxWait, requestTimeout/2)
	for range cap(p.free) {
		p.free <- &chunk{}
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	c.acquire()
	return p, nil
}
