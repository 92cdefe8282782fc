package kafka

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"sync/atomic"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

const (
	defaultSinkBytes = 512 << 10
	defaultLinger    = 20 * time.Millisecond
	defaultInFlight  = 32 << 20
	// defaultTransactionTimeout is below the 15 min that brokers allow.
	defaultTransactionTimeout = 2 * time.Minute
	// maxMessage is what a message of many rows may have before it is cut in
	// two: brokers refuse batches above 1 MB by default.
	maxMessage = 900 << 10
)

// Sink writes a topic. Without Key the rows go to the partitions in turn, one
// record batch each; with Key to the partition of the key, and a changelog
// becomes what a compacted topic holds: the last row of a key, or a null value
// when it is deleted.
type Sink struct {
	// Brokers are addresses host:port to find the cluster with.
	Brokers []string `option:"brokers,properties.bootstrap.servers,kafka.bootstrap.servers,bootstrap.servers" required:"true"`
	// Topic to write.
	Topic string `option:"topic,topics" required:"true"`
	// Format encodes the values. FormatName is what the user called it.
	Format     arrowstream.Format
	FormatName string `option:"format,value.format"`
	// Key are the columns of the message key.
	Key []string `option:"key.fields,key"`
	// KeyFormat is raw, the text of one column, or json, an object of the
	// columns. The default is raw for one column and json for several.
	KeyFormat string `option:"key.format"`
	// Missing says what happens when the topic does not exist: create (the
	// default) or fail. Partitions and Replication are those of the new
	// topic; 0 means as the cluster is configured.
	Missing     string `option:"topic.missing"`
	Partitions  int    `option:"topic.partitions"`
	Replication int    `option:"topic.replication"`
	// BatchBytes is the size at which a record batch is sent; 512 KiB.
	BatchBytes int64 `option:"batch.bytes,properties.batch.size"`
	// Linger is how long a record batch may wait for more rows while rows
	// keep coming; 20 ms. Flush sends at once.
	Linger time.Duration `option:"linger,properties.linger.ms"`
	// InFlightBytes bounds what was sent and is not acknowledged; 32 MiB.
	InFlightBytes int64 `option:"inflight.bytes,properties.buffer.memory"`
	// Compression is none (the default), gzip, snappy, lz4 or zstd.
	Compression compress.Compression `option:"compression,properties.compression.type"`
	// ConnectTimeout is how long the cluster may be out of reach; 30 s.
	ConnectTimeout time.Duration `option:"connect.timeout,properties.delivery.timeout.ms"`
	// Guarantee says how the rows of an epoch are written when the job has a
	// state directory: exactly-once (the default), in a transaction, or
	// at-least-once, without one, for brokers that have none. Without a state
	// directory it is at least once.
	Guarantee string `option:"delivery.guarantee,sink.delivery-guarantee"`
	// TransactionTimeout is how long writing an epoch may take; 2 min. After
	// a crash, readers with read_committed wait that long, unless the job is
	// started again.
	TransactionTimeout time.Duration `option:"transaction.timeout,properties.transaction.timeout.ms"`
	// TransactionPrefix begins the transactional id, which goes on with the
	// id of the job and the name of the sink; "as".
	TransactionPrefix string `option:"transactional.id.prefix,sink.transactional-id-prefix"`
	// EpochHeaders gives each message the headers as-epoch and as-seq, its
	// epoch and number in it, so that a reader without read_committed can
	// leave out what it has seen.
	EpochHeaders bool `option:"epoch.headers"`
	// TLS, CAFile, User and Password are as in [Source].
	TLS      bool               `option:"tls"`
	CAFile   string             `option:"tls.ca"`
	User     string             `option:"sasl.username,properties.sasl.username"`
	Password arrowstream.Secret `option:"sasl.password,properties.sasl.password"`
	// Clock gives the timestamp of messages whose row has no event time; nil
	// is the clock of the machine.
	Clock arrowstream.Clock

	schema    *arrow.Schema // of the values
	changelog bool
	eventTime int
	encoder   arrowstream.Encoder
	keyer     *keyer
	client    *client
	producer  *producer
	sticky    int
	aborted   bool
	warning   atomic.Value // a string: how rows may be lost that were confirmed

	access     *arrowstream.Access
	partitions int
	dial       func(ctx context.Context, network, address string) (net.Conn, error)
	publisher  publisher
	headerBuf  []byte
}

// Delivers implements [arrowstream.Guaranteed].
func (s *Sink) Delivers() (arrowstream.Guarantee, string) {
	if s.Guarantee == "at-least-once" {
		return arrowstream.AtLeastOnce, "messages of an epoch that is repeated are sent again"
	}
	return arrowstream.ExactlyOnce, "an epoch is a transaction, for readers of committed messages"
}

// Takes implements [arrowstream.Updating].
func (s *Sink) Takes() arrowstream.Delivery {
	if len(s.Key) > 0 {
		return arrowstream.Upsert
	}
	return arrowstream.AppendOnly
}

// Bind implements [arrowstream.Sink].
func (s *Sink) Bind(in *arrow.Schema, env arrowstream.Env) error {
	s.access = env.Access
	if err := s.connection().check(); err != nil {
		return err
	}
	if err := kind.CheckFormat(s.Format, s.FormatName); err != nil {
		return err
	}
	if s.Topic == "" {
		return kind.BadOption("topic is missing", "")
	}
	switch s.Missing {
	case "", "create", "fail":
	default:
		return kind.BadOption(fmt.Sprintf("topic.missing: %q", s.Missing), "use create or fail")
	}
	switch s.Guarantee {
	case "", "exactly-once", "at-least-once":
	default:
		return kind.BadOption(fmt.Sprintf("delivery.guarantee: %q", s.Guarantee), "use exactly-once or at-least-once")
	}
	if s.TransactionTimeout < 0 || s.TransactionTimeout > math.MaxInt32*time.Millisecond {
		return kind.BadOption("transaction.timeout is out of range", "")
	}
	if _, err := newClient(s.connection()); err != nil {
		return err
	}
	s.schema, s.eventTime = in, columnar.EventTime(in)
	if s.changelog = columnar.Changelog(in); s.changelog {
		if len(s.Key) == 0 {
			return &arrowstream.Error{
				Code: "AS1504", Msg: "kafka: topic " + s.Topic + " takes no updates", Hint: "give the key columns: option key.fields or PRIMARY KEY",
			}
		}
		md := in.Metadata()
		s.schema = arrow.NewSchema(in.Fields()[:in.NumFields()-1], &md)
	}
	var err error
	if len(s.Key) > 0 {
		if s.keyer, err = newKeyer(s.schema, s.Key, s.KeyFormat); err != nil {
			return err
		}
	}
	if s.encoder, err = s.Format.NewEncoder(s.schema); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	if s.BatchBytes <= 0 {
		s.BatchBytes = defaultSinkBytes
	}
	if s.Linger <= 0 {
		s.Linger = defaultLinger
	}
	if s.InFlightBytes <= 0 {
		s.InFlightBytes = defaultInFlight
	}
	if s.TransactionTimeout == 0 {
		s.TransactionTimeout = defaultTransactionTimeout
	}
	if s.TransactionPrefix == "" {
		s.TransactionPrefix = "as"
	}
	if s.Clock == nil {
		s.Clock = arrowstream.SystemClock{}
	}
	return nil
}

func (s *Sink) connection() connection {
	return connection{
		brokers: s.Brokers, connectTimeout: s.ConnectTimeout, tls: s.TLS, caFile: s.CAFile, user: s.User, password: s.Password,
		dial: s.dial, access: s.access,
	}
}

// open connects, and makes the topic if need be.
func (s *Sink) open(ctx context.Context) error {
	if s.client != nil {
		return nil
	}
	c, err := newClient(s.connection())
	if err != nil {
		return err
	}
	c.acquire()
	topic, err := c.ensureTopic(ctx, kafkago.TopicConfig{Topic: s.Topic, NumPartitions: s.Partitions, ReplicationFactor: s.Replication}, s.Missing == "fail")
	if err != nil {
		c.release()
		return err
	}
	c.narrow(s.Topic)
	s.client, s.partitions = c, len(topic.Partitions)
	s.warning.Store(c.durability(ctx, topic))
	return nil
}

// produceTo makes the producer of the rows that follow.
func (s *Sink) produceTo(txn *transaction) {
	s.producer = newProducer(s.client, s.Topic, s.partitions, s.Compression, s.InFlightBytes, txn)
}

// errSplit asks for the batch to be encoded in two halves.
var errSplit = errors.New("message too large")

// Write implements [arrowstream.Sink].
func (s *Sink) Write(ctx context.Context, b arrowstream.Batch) error {
	if b.NumRows() == 0 {
		return nil
	}
	if err := s.open(ctx); err != nil {
		return err
	}
	if s.producer == nil {
		s.produceTo(nil)
	}
	now := s.Clock.Now()
	if err := s.put(ctx, b, now); err != nil {
		return err
	}
	return s.producer.sendOlder(ctx, now.Add(-s.Linger).UnixNano())
}

// put encodes b; now is the time of rows without an event time.
func (s *Sink) put(ctx context.Context, b arrow.Record, now time.Time) error {
	rows := b
	var change []int8
	if s.changelog {
		n := int(b.NumCols()) - 1
		change = columnar.Values[int8](b.Column(n))
		rows = array.NewRecord(s.schema, b.Columns()[:n], b.NumRows())
		defer rows.Release()
	}
	return s.encode(ctx, rows, change, now)
}

func (s *Sink) encode(ctx context.Context, b arrow.Record, change []int8, now time.Time) error {
	times := s.timestamps(b)
	perRow := s.keyer != nil || s.changelog
	next := 0
	err := s.encoder.Encode(b, func(row int, value []byte) error {
		if row == 0 && len(value) > maxMessage && b.NumRows() > 1 {
			return errSplit
		}
		if perRow && row != next {
			return s.needRows()
		}
		next = row + 1
		return s.add(ctx, b, row, value, change, times, now)
	})
	switch {
	case errors.Is(err, errSplit):
		half := b.NumRows() / 2
		for _, r := range [][2]int64{{0, half}, {half, b.NumRows()}} {
			part := b.NewSlice(r[0], r[1])
			var ops []int8
			if change != nil {
				ops = change[r[0]:r[1]]
			}
			err := s.encode(ctx, part, ops, now)
			part.Release()
			if err != nil {
				return err
			}
		}
		return nil
	case err != nil:
		return fmt.Errorf("kafka: write %s: %w", s.Topic, err)
	case perRow && next != int(b.NumRows()):
		return s.needRows()
	}
	return nil
}

func (s *Sink) needRows() error {
	return kind.BadOption(fmt.Sprintf("key.fields: format %s puts many rows into one message", s.Format.Name()), "use a row format such as json")
}

// timestamps returns how the event time of a row becomes milliseconds; nil
// when there is none.
func (s *Sink) timestamps(b arrow.Record) func(row int) (int64, bool) {
	if s.eventTime < 0 || s.eventTime >= int(b.NumCols()) {
		return nil
	}
	col := b.Column(s.eventTime)
	mul, div, ok := columnar.Micros(col.DataType())
	if !ok {
		return nil
	}
	value := func(row int) int64 { return columnar.Values[int64](col)[row] }
	if col.DataType().ID() == arrow.DATE32 {
		value = func(row int) int64 { return int64(columnar.Values[int32](col)[row]) }
	}
	return func(row int) (int64, bool) {
		if col.IsNull(row) {
			return 0, false
		}
		v := value(row)
		if v > math.MaxInt64/mul || v < math.MinInt64/mul {
			return 0, false
		}
		ms := columnar.FloorDiv(v*mul, div*1000)
		return ms, ms >= 0
	}
}

func (s *Sink) add(ctx context.Context, b arrow.Record, row int, value []byte, change []int8, times func(int) (int64, bool), now time.Time) error {
	if change != nil {
		switch columnar.Change(change[row]) {
		case columnar.UpdateBefore:
			return nil // the new form follows
		case columnar.Delete:
			value = nil
		}
	}
	var key []byte
	partition := s.sticky
	if s.keyer != nil {
		var err error
		if key, err = s.keyer.key(b, row); err != nil {
			return err
		}
		partition = int(murmur2(key)&0x7fffffff) % s.partitions
	}
	millis := now.UnixMilli()
	if times != nil {
		if ms, ok := times(row); ok {
			millis = ms
		}
	}
	batch := s.producer.batch(partition)
	if batch.count == 0 {
		batch.born = now.UnixNano()
	}
	batch.add(millis, key, value, s.headers())
	if int64(len(batch.buf)) < s.BatchBytes {
		return nil
	}
	if s.keyer == nil {
		s.sticky = (s.sticky + 1) % s.partitions
	}
	return s.producer.send(ctx, partition)
}

// Flush implements [arrowstream.Sink]: it returns when every row written is
// acknowledged.
func (s *Sink) Flush(ctx context.Context) error {
	if s.producer == nil {
		return nil
	}
	if err := s.producer.sendOlder(ctx, math.MaxInt64); err != nil {
		return err
	}
	if s.keyer == nil {
		s.sticky = (s.sticky + 1) % s.partitions
	}
	return s.producer.wait(ctx)
}

// Abort implements [arrowstream.Aborter]: rows not yet sent are dropped.
func (s *Sink) Abort(error) { s.aborted = true }

// Close implements [arrowstream.Sink].
func (s *Sink) Close() error {
	var err error
	if s.producer != nil {
		if !s.aborted {
			err = s.Flush(context.Background())
		}
		s.producer.close()
		s.producer = nil
	}
	if s.client != nil {
		s.client.release()
		s.client = nil
	}
	return err
}
