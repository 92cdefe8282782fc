package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/nettest"
)

// TestPublishCutConnections loses each kind of request, and the answer to it,
// the first two times it is made by a claim and two epochs, or by the epochs.
func TestPublishCutConnections(t *testing.T) { eachCluster(t, testPublishCutConnections) }

func testPublishCutConnections(t *testing.T, addrs []string) {
	keys := map[string]int16{
		"produce": produceKey, "fetch": fetchKey, "list offsets": listOffsetsKey, "metadata": metadataKey, "find coordinator": findCoordinatorKey,
		"versions": apiVersionsKey, "create topics": createTopicsKey, "init producer": initProducerKey, "add partitions": addPartitionsKey, "end": endTxnKey,
	}
	for name, key := range keys {
		for _, f := range []fate{loseRequest, loseAnswer} {
			for i := range int64(4) {
				nth, claims := i/2+1, i%2 == 1
				t.Run(fmt.Sprintf("%s/%d/%d/%t", name, f, nth, claims), func(t *testing.T) {
					var count atomic.Int64
					w := &wire{judge: func(k int16) fate {
						if k == key && count.Add(1) == nth {
							return f
						}
						return pass
					}}
					x := newExactly(addrs)
					s := x.sink(t, w)
					if claims {
						x.claim(t, s, 1)
					}
					x.publish(t, s, 1, 1)
					x.publish(t, s, 1, 2)
					x.check(t)
					if count.Load() < nth && key != createTopicsKey {
						t.Errorf("%d requests", count.Load())
					}
				})
			}
		}
	}
}

// TestPublishLossyNetwork publishes over a network that is slow and breaks.
func TestPublishLossyNetwork(t *testing.T) { eachCluster(t, testPublishLossyNetwork) }

func testPublishLossyNetwork(t *testing.T, addrs []string) {
	for seed := range uint64(3) {
		f := &nettest.Faults{Seed: seed, Breaks: 4, After: 2000, Piece: 500, Delay: time.Millisecond}
		x := newExactly(addrs)
		s := x.sink(t, nil)
		s.dial, s.ConnectTimeout = f.Dial, time.Minute
		x.claim(t, s, 1)
		for e := 1; e <= 8 || f.Broken() == 0; e++ {
			x.publish(t, s, 1, e)
		}
		x.check(t)
	}
}

// TestPublishAmbiguous has the broker act and say that it timed out, or that
// there was nothing to do.
func TestPublishAmbiguous(t *testing.T) { eachCluster(t, testPublishAmbiguous) }

func testPublishAmbiguous(t *testing.T, addrs []string) {
	for _, tc := range []struct {
		key  int16
		code kafkago.Error
	}{
		{endTxnKey, kafkago.RequestTimedOut},
		{endTxnKey, kafkago.InvalidTransactionState},
		{endTxnKey, kafkago.NotCoordinatorForGroup},
		{initProducerKey, kafkago.RequestTimedOut},
		{initProducerKey, kafkago.InvalidProducerIDMapping},
	} {
		var count atomic.Int64
		w := &wire{code: uint16(tc.code), judge: func(k int16) fate {
			if k == tc.key && count.Add(1)%2 == 1 {
				return misreport
			}
			return pass
		}}
		x := newExactly(addrs)
		s := x.sink(t, w)
		for e := range 3 {
			x.publish(t, s, 1, e+1)
		}
		x.check(t)
		if count.Load() < 6 {
			t.Errorf("%d %v: %d requests", tc.key, tc.code, count.Load())
		}
	}
}

// TestPublishDuplicate has a broker say that it has a batch already.
func TestPublishDuplicate(t *testing.T) { eachCluster(t, testPublishDuplicate) }

func testPublishDuplicate(t *testing.T, addrs []string) {
	x := newExactly(addrs)
	var count atomic.Int64
	// The error stands behind length, correlation, number of topics, name,
	// number of partitions and partition.
	s := x.sink(t, &wire{code: uint16(kafkago.DuplicateSequenceNumber), at: 4 + 4 + 4 + 2 + len(x.topic) + 4 + 4, judge: func(k int16) fate {
		if k == produceKey && count.Add(1) == 1 {
			return misreport
		}
		return pass
	}})
	x.publish(t, s, 1, 1)
	x.check(t)
}

// TestPublishUnsettled has another producer hold a message of the sink open,
// which cannot be: the sink must not guess.
func TestPublishUnsettled(t *testing.T) {
	x := newExactly(cluster(t).ListenAddrs())
	s := x.sink(t, nil)
	x.publish(t, s, 1, 1)
	cl := kgoClient(t, x.addrs, kgo.TransactionalID(x.job))
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	put(t, cl, &kgo.Record{Topic: progressTopic, Key: []byte(x.job + "/sink"), Value: []byte(`{"v":1,"epoch":2,"incarnation":1,"rows":40}`)})
	p, _ := x.epoch(t, 1, 2)
	if err := s.Publish(t.Context(), p); !errors.Is(err, errUnsettled) {
		t.Errorf("%v", err)
	}
	if err := cl.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	x.publish(t, s, 1, 2)
	x.check(t)
}

// TestPublishFaults has brokers refuse requests. All of these can be overcome.
func TestPublishFaults(t *testing.T) {
	c := cluster(t, kfake.NumBrokers(3))
	for key, errs := range map[kmsg.Key][]*kerr.Error{
		kmsg.EndTxn: {
			kerr.RequestTimedOut, kerr.CoordinatorNotAvailable, kerr.NotCoordinator, kerr.CoordinatorLoadInProgress, kerr.ConcurrentTransactions,
			kerr.InvalidTxnState, kerr.UnknownServerError, kerr.TransactionAbortable,
		},
		kmsg.Produce: {
			kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend, kerr.NotEnoughReplicas, kerr.NotLeaderForPartition, kerr.OutOfOrderSequenceNumber,
			kerr.UnknownProducerID, kerr.InvalidTxnState,
		},
		kmsg.AddPartitionsToTxn: {kerr.ConcurrentTransactions, kerr.NotCoordinator, kerr.InvalidProducerIDMapping, kerr.UnknownTopicOrPartition, kerr.InvalidTxnState},
		kmsg.InitProducerID:     {kerr.CoordinatorLoadInProgress, kerr.ConcurrentTransactions, kerr.NotCoordinator, kerr.InvalidProducerIDMapping},
		kmsg.FindCoordinator:    {kerr.CoordinatorNotAvailable},
		kmsg.ListOffsets:        {kerr.OffsetNotAvailable, kerr.NotLeaderForPartition},
	} {
		for _, e := range errs {
			t.Run(fmt.Sprintf("%s/%s", key.Name(), e.Message), func(t *testing.T) {
				x := newExactly(c.ListenAddrs())
				s := x.sink(t, nil)
				x.publish(t, s, 1, 1)
				f := kfake.Fault{Keys: []kmsg.Key{key}, Err: e}
				if key == kmsg.Produce {
					f.Topic = x.topic
				}
				h := c.Fault(f)
				x.publish(t, s, 1, 2)
				if h.Hits() == 0 {
					t.Error("not reached")
				}
				h.Remove()
				x.publish(t, s, 1, 3)
				x.check(t)
			})
		}
	}
}

func TestPublishRefused(t *testing.T) {
	c := cluster(t)
	for _, tc := range []struct {
		key  kmsg.Key
		err  *kerr.Error
		want string
	}{
		{kmsg.InitProducerID, kerr.TransactionalIDAuthorizationFailed, "begin transaction as-"},
		{kmsg.InitProducerID, kerr.InvalidTransactionTimeout, "transaction.max.timeout.ms"},
		{kmsg.InitProducerID, kerr.CoordinatorNotAvailable, "no coordinator for transactions"},
		{kmsg.AddPartitionsToTxn, kerr.TopicAuthorizationFailed, "join transaction as-"},
		{kmsg.EndTxn, kerr.TransactionalIDAuthorizationFailed, "commit transaction as-"},
		{kmsg.Produce, kerr.MessageTooLarge, "lower batch.bytes"},
	} {
		x := newExactly(c.ListenAddrs())
		s := x.sink(t, nil)
		s.ConnectTimeout = 2 * time.Second
		h := c.Fault(kfake.Fault{Keys: []kmsg.Key{tc.key}, Err: tc.err, Count: -1})
		p, _ := x.epoch(t, 1, 1)
		err := s.Publish(t.Context(), p)
		h.Remove()
		if err == nil || !strings.Contains(err.Error(), tc.want) || errors.Is(err, arrowstream.ErrFenced) {
			t.Errorf("%s %s: %v", tc.key.Name(), tc.err.Message, err)
		}
		x.publish(t, s, 1, 1)
		x.check(t)
	}
}

// TestPublishCoordinatorMoves moves the coordinators and leaders before each
// request of an epoch.
func TestPublishCoordinatorMoves(t *testing.T) {
	c := cluster(t, kfake.NumBrokers(3))
	for nth := int64(1); ; nth++ {
		var count atomic.Int64
		w := &wire{judge: func(int16) fate {
			if count.Add(1) == nth {
				c.RehashCoordinators()
				c.ShufflePartitionLeaders()
			}
			return pass
		}}
		x := newExactly(c.ListenAddrs())
		s := x.sink(t, w)
		x.publish(t, s, 1, 1)
		x.check(t)
		if count.Load() < nth {
			break
		}
	}
}

// TestPublishCrash ends the process before and after each request of a claim
// and an epoch; the next process repeats them.
func TestPublishCrash(t *testing.T) { eachCluster(t, testPublishCrash) }

func testPublishCrash(t *testing.T, addrs []string) {
	deaths := 0
	for _, f := range []fate{die, dieAfter} {
		for nth := int64(1); ; nth++ {
			var count atomic.Int64
			ctx, cancel := context.WithCancel(t.Context())
			w := &wire{judge: func(int16) fate {
				if count.Add(1) == nth {
					cancel()
					return f
				}
				return pass
			}}
			x := newExactly(addrs)
			x.publish(t, x.sink(t, nil), 1, 1)
			s := x.sink(t, w)
			p, _ := x.epoch(t, 2, 2)
			err := s.Claim(ctx, x.claims(2))
			if err == nil {
				err = s.Publish(ctx, p)
			}
			cancel()
			s.Close()
			if count.Load() < nth {
				break
			}
			if deaths++; err == nil && f == die {
				t.Fatalf("request %d: survived", nth)
			}
			// What the dead process wrote in part is not visible.
			if rows := x.committed(t, 40); len(rows) != 40 && len(rows) != 80 {
				t.Fatalf("request %d: %d rows", nth, len(rows))
			}
			s = x.sink(t, nil)
			x.claim(t, s, 3)
			x.publish(t, s, 3, 2)
			x.publish(t, s, 3, 3)
			x.check(t)
		}
	}
	t.Logf("%d deaths", deaths)
}

func TestPublishZombie(t *testing.T) { eachCluster(t, testPublishZombie) }

func testPublishZombie(t *testing.T, addrs []string) {
	mustFence := func(t *testing.T, err error) {
		t.Helper()
		if !errors.Is(err, arrowstream.ErrFenced) {
			t.Errorf("%v", err)
		}
	}
	t.Run("between epochs", func(t *testing.T) {
		x := newExactly(addrs)
		old, young := x.sink(t, nil), x.sink(t, nil)
		x.publish(t, old, 1, 1)
		x.publish(t, young, 2, 2)
		p, _ := x.epoch(t, 1, 3)
		mustFence(t, old.Publish(t.Context(), p))
		mustFence(t, old.Publish(t.Context(), p))
		x.publish(t, young, 2, 3)
		x.check(t)
	})
	t.Run("never published", func(t *testing.T) {
		x := newExactly(addrs)
		old, young := x.sink(t, nil), x.sink(t, nil)
		x.publish(t, young, 2, 2)
		p, _ := x.epoch(t, 1, 3)
		mustFence(t, old.Publish(t.Context(), p))
		before := young.publisher.session
		x.publish(t, young, 2, 3)
		if young.publisher.session != (session{before.producer, before.epoch + 1}) {
			t.Errorf("session %v after %v: the old process disturbed", young.publisher.session, before)
		}
		x.check(t)
	})
	for _, first := range []int{1, 2} {
		t.Run(fmt.Sprintf("claimed before epoch %d", first), func(t *testing.T) {
			x := newExactly(addrs)
			old, young := x.sink(t, nil), x.sink(t, nil)
			x.claim(t, old, 1)
			if first > 1 {
				x.publish(t, old, 1, 1)
			}
			x.claim(t, young, 2)
			x.claim(t, young, 2) // finds it done
			p, _ := x.epoch(t, 1, first)
			mustFence(t, old.Publish(t.Context(), p))
			mustFence(t, old.Claim(t.Context(), x.claims(1)))
			mustFence(t, x.sink(t, nil).Publish(t.Context(), p))
			x.publish(t, young, 2, first)
			x.check(t)
		})
	}
	t.Run("of an earlier state", func(t *testing.T) {
		x := newExactly(addrs)
		x.publish(t, x.sink(t, nil), 1, 1)
		p := x.claims(2)
		p.Epoch = 0
		var ahead *arrowstream.Error
		if err := x.sink(t, nil).Claim(t.Context(), p); !errors.As(err, &ahead) || ahead.Code != "AS5009" {
			t.Errorf("the topic has an epoch that the state does not have: %v", err)
		}
		p.Epoch = 1
		if err := x.sink(t, nil).Claim(t.Context(), p); err != nil {
			t.Error(err)
		}
		x.check(t)
	})
	t.Run("in the middle of a claim", func(t *testing.T) {
		x := newExactly(addrs)
		old := x.sink(t, nil)
		var once atomic.Bool
		young := x.sink(t, &wire{judge: func(k int16) fate {
			if k == endTxnKey && !once.Swap(true) {
				x.publish(t, old, 1, 1) // the last that it can; it ends the transaction of the claim
			}
			return pass
		}})
		x.claim(t, young, 2)
		for e := range 2 {
			p, _ := x.epoch(t, 1, e+1)
			mustFence(t, old.Publish(t.Context(), p))
		}
		p, _ := x.epoch(t, 2, 1)
		if err := young.Publish(t.Context(), p); err != nil { // finds it done
			t.Error(err)
		}
		x.publish(t, young, 2, 2)
		x.check(t)
	})
	for _, key := range []int16{produceKey, addPartitionsKey, endTxnKey} {
		t.Run(fmt.Sprintf("before request %d", key), func(t *testing.T) {
			x := newExactly(addrs)
			young := x.sink(t, nil)
			var once atomic.Bool
			old := x.sink(t, &wire{judge: func(k int16) fate {
				if k == key && !once.Swap(true) {
					x.publish(t, young, 2, 1) // while the old one sleeps
				}
				return pass
			}})
			p, _ := x.epoch(t, 1, 1)
			mustFence(t, old.Publish(t.Context(), p))
			x.publish(t, young, 2, 2)
			x.check(t)
		})
	}
}
