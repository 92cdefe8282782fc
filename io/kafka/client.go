package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/plain"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/remote"
)

const (
	defaultConnectTimeout = 30 * time.Second
	// requestTimeout bounds one request beyond the time a broker may wait.
	requestTimeout = 10 * time.Second
)

// connection is what a Source and a Sink need to reach a cluster.
type connection struct {
	brokers        []string
	connectTimeout time.Duration
	tls            bool
	caFile         string
	user           string
	password       arrowstream.Secret
	access         *arrowstream.Access
	// dial replaces the network in tests.
	dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// client is a connection pool shared by the partitions of a source or the
// producers of a sink. It is closed when the last of them releases it.
type client struct {
	connection
	// isolation tells what a fetch and the end of a partition hide: with
	// kafkago.ReadCommitted, the rows of transactions that are open or aborted.
	isolation kafkago.IsolationLevel
	addr      net.Addr
	transport *kafkago.Transport
	api       *kafkago.Client
	users     atomic.Int64
}

// check looks at the addresses.
func (c connection) check() error {
	if len(c.brokers) == 0 {
		return kind.BadOption("brokers is missing", "name at least one host:port")
	}
	for _, b := range c.brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			return kind.BadOption(fmt.Sprintf("brokers: %q is not host:port", b), "")
		}
		if err := c.access.CheckDial("tcp", b); err != nil {
			return err
		}
	}
	return nil
}

func newClient(c connection) (*client, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.connectTimeout <= 0 {
		c.connectTimeout = defaultConnectTimeout
	}
	if c.dial == nil && c.access != nil {
		c.dial = c.access.Dial
	}
	t := &kafkago.Transport{ClientID: "arrowstream", DialTimeout: 5 * time.Second, Dial: c.dial}
	if c.tls || c.caFile != "" {
		config, err := kind.TLS(c.access, "tls.ca", c.caFile)
		if err != nil {
			return nil, err
		}
		t.TLS = config
	}
	if c.user != "" {
		password, err := kind.Secret(c.access, "sasl.password", c.password)
		if err != nil {
			return nil, err
		}
		t.SASL = plain.Mechanism{Username: c.user, Password: password}
	}
	addr := kafkago.TCP(c.brokers...)
	return &client{connection: c, addr: addr, transport: t, api: &kafkago.Client{Addr: addr, Transport: t}}, nil
}

// narrow restricts what the client knows of the cluster to some topics, the ones
// it works with from now on. The client library asks for its metadata every few
// seconds, and without names that is of all topics: the memory and the work of a
// job would grow with what others do to the cluster, by some 3 KB per topic and
// client. Nothing may be under way.
func (c *client) narrow(topics ...string) {
	slices.Sort(topics)
	c.transport.MetadataTopics = slices.Compact(topics)
	c.transport.CloseIdleConnections() // the next call begins with these names
}

func (c *client) acquire() { c.users.Add(1) }

func (c *client) release() {
	if c.users.Add(-1) == 0 {
		c.transport.CloseIdleConnections()
	}
}

// retry calls f until it succeeds, fails for good, or has failed for longer
// than the connect timeout. what names the work for the error.
func (c *client) retry(ctx context.Context, what string, f func(ctx context.Context) error) error {
	err := remote.Retry(ctx, c.connectTimeout, func(ctx context.Context) (again bool, err error) {
		one, stop := context.WithTimeout(ctx, requestTimeout)
		defer stop()
		if err = f(one); err == nil || !retriable(err) {
			return false, err
		}
		if !errors.Is(err, kafkago.ConcurrentTransactions) {
			// Cached metadata and broken connections are dropped: the next
			// call looks the cluster up again.
			c.transport.CloseIdleConnections()
		}
		return true, err
	})
	if err == nil || ctx.Err() != nil {
		return err
	}
	var gaveUp *remote.GaveUpError
	if !errors.As(err, &gaveUp) {
		return c.fail(what, err, "")
	}
	hint := gaveUp.Hint()
	if c.user != "" && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
		hint += "; a broker also hangs up when it refuses a login"
	}
	return c.fail(what, gaveUp.Err, hint)
}

// fail names the work and the brokers.
func (c *client) fail(what string, err error, hint string) error {
	if no := arrowstream.Refused(err); no != nil {
		return no
	}
	return &arrowstream.Error{
		Code: "AS3001", Msg: fmt.Sprintf("kafka: %s at %s", what, strings.Join(c.brokers, ",")), Hint: hint, Err: err,
	}
}

// retriable reports whether the same request may succeed later: everything but
// an answer of a broker that says no.
func retriable(err error) bool {
	if errors.Is(err, errCorrupt) {
		return false
	}
	var answer kafkago.Error
	if errors.As(err, &answer) {
		switch answer {
		case kafkago.Unknown, kafkago.ConcurrentTransactions, kafkago.BrokerNotAvailable:
			return true
		}
		return answer.Temporary() || answer.Timeout()
	}
	return true
}

// topics returns the topics of the cluster with their partitions, sorted; those
// it was narrowed to, if it was.
func (c *client) topics(ctx context.Context) ([]kafkago.Topic, error) {
	var topics []kafkago.Topic
	err := c.retry(ctx, "list topics", func(ctx context.Context) error {
		answer, err := c.api.Metadata(ctx, &kafkago.MetadataRequest{Addr: c.addr})
		if err != nil {
			return err
		}
		topics = answer.Topics
		for _, t := range topics {
			slices.SortFunc(t.Partitions, func(a, b kafkago.Partition) int { return a.ID - b.ID })
		}
		slices.SortFunc(topics, func(a, b kafkago.Topic) int { return strings.Compare(a.Name, b.Name) })
		return nil
	})
	return topics, err
}

// topic returns one topic with its partitions; a topic that does not exist is
// nil.
func (c *client) topic(ctx context.Context, name string) (*kafkago.Topic, []kafkago.Topic, error) {
	all, err := c.topics(ctx)
	if err != nil {
		return nil, nil, err
	}
	for i := range all {
		if all[i].Name == name && len(all[i].Partitions) > 0 {
			return &all[i], all, nil
		}
	}
	return nil, all, nil
}

// missing is the error of a topic that does not exist.
func (c *client) missing(name string, all []kafkago.Topic) error {
	var names []string
	for _, t := range all {
		if !t.Internal && len(t.Partitions) > 0 {
			names = append(names, t.Name)
		}
	}
	return &arrowstream.Error{
		Code: "AS3002", Msg: fmt.Sprintf("kafka: topic %q does not exist at %s", name, strings.Join(c.brokers, ",")),
		Hint: arrowstream.Suggest(name, names, "topics"),
	}
}
