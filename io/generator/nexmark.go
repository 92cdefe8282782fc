package generator

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// NexmarkConnector is the row of the Nexmark source in the table of connectors.
var NexmarkConnector = arrowstream.Connector{
	Name: "nexmark",
	Source: func(t arrowstream.Table) (arrowstream.Source, error) {
		s := &Nexmark{Fields: t.Schema}
		if err := arrowstream.DecodeOptions(t.Options, s); err != nil {
			return nil, err
		}
		return s, nil
	},
	Options: []any{&Nexmark{}},
}

// Nexmark generates the events of the Nexmark auction benchmark: persons,
// auctions and bids. The n-th event depends on nothing but n and the options.
type Nexmark struct {
	// Table is what the rows are: all (the default; the column event_type and
	// one struct per kind, two of them NULL), person, auction or bid.
	Table string `option:"table"`
	// Events is the number of events of all kinds; 0 means no end.
	Events int64 `option:"events.num,events"`
	// Rate is the number of events per second of event time; default 10,000.
	Rate     int64 `option:"first-event.rate,rate"`
	NextRate int64 `option:"next-event.rate"` // the same as Rate, if given
	// Proportions of the kinds; default 1, 3, 46.
	PersonShare  int64 `option:"person.proportion"`
	AuctionShare int64 `option:"auction.proportion"`
	BidShare     int64 `option:"bid.proportion"`
	// Average bytes of a row; default 200, 500, 100.
	PersonSize  int `option:"person.avg-size"`
	AuctionSize int `option:"auction.avg-size"`
	BidSize     int `option:"bid.avg-size"`
	// One in so many is not one of the hot few; default 2, 4, 4.
	HotAuctions uint64 `option:"bid.hot-ratio.auctions"`
	HotBidders  uint64 `option:"bid.hot-ratio.bidders"`
	HotSellers  uint64 `option:"auction.hot-ratio.sellers"`
	// MaxEmitSpeed emits as fast as the pipeline takes it; off, event time
	// passes as fast as the clock. Default on if there is an end.
	MaxEmitSpeed Switch `option:"max-emit-speed"`
	// KeepAlive stays open after the last event.
	KeepAlive bool `option:"keep-alive"`
	// StopAt ends the stream before the first event after it (RFC 3339 or ms).
	StopAt Instant `option:"stop-at"`
	// Seed of everything random; 0 means 1.
	Seed uint64 `option:"seed"`
	// BaseTime is the time of the first event; default 2015-07-15T00:00:00Z.
	BaseTime Instant `option:"base-time"`
	// OutOfOrder is the size of the groups in which events are shuffled; 1 is ordered.
	OutOfOrder int64 `option:"out-of-order-group"`
	// Generators is the number of parallel timelines, one partition each. It
	// changes the events.
	Generators int64 `option:"generators"`
	// Partitions is how many partitions share the one timeline, in turns of
	// 8192 events. It does not change the events.
	Partitions int64 `option:"partitions"`
	// Compat "reference" brings back the defects of the reference generator.
	Compat string `option:"compat"`

	// Fields are the columns wanted, nil for all of them.
	Fields *arrow.Schema
}

// Switch is an option that is on, off or up to the connector.
type Switch int8

// UnmarshalText reads true or false.
func (s *Switch) UnmarshalText(text []byte) error {
	on, err := strconv.ParseBool(strings.ToLower(string(text)))
	if err != nil {
		return fmt.Errorf("not true or false")
	}
	*s = -1
	if on {
		*s = 1
	}
	return nil
}

// On is the setting, or what the connector decides.
func (s Switch) On(otherwise bool) bool { return s > 0 || s == 0 && otherwise }

// Instant is an option in ms since 1970; the zero value means that none was
// given.
type Instant struct {
	millis int64
	set    bool
}

// At is the instant of a time.
func At(t time.Time) Instant { return Instant{t.UnixMilli(), true} }

// UnmarshalText reads RFC 3339 or a number of milliseconds.
func (i *Instant) UnmarshalText(text []byte) error {
	i.set = true
	if ms, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		i.millis = ms
		return nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999", time.DateOnly} {
		if t, err := time.Parse(layout, string(text)); err == nil {
			i.millis = t.UnixMilli()
			return nil
		}
	}
	return fmt.Errorf("not a time (write 2015-07-15T00:00:00Z or milliseconds since 1970)")
}

var (
	text   = arrow.BinaryTypes.String
	bigint = arrow.PrimitiveTypes.Int64
)

func nullable(fields ...arrow.Field) []arrow.Field {
	for i := range fields {
		fields[i].Nullable = true
	}
	return fields
}

// nexmarkFields are the columns of the tables.
func nexmarkFields() map[string][]arrow.Field {
	ts := &arrow.TimestampType{Unit: arrow.Millisecond}
	f := func(name string, t arrow.DataType) arrow.Field { return arrow.Field{Name: name, Type: t} }
	person := nullable(f("id", bigint), f("name", text), f("emailAddress", text), f("creditCard", text), f("city", text), f("state", text),
		f("dateTime", ts), f("extra", text))
	auction := nullable(f("id", bigint), f("itemName", text), f("description", text), f("initialBid", bigint), f("reserve", bigint),
		f("dateTime", ts), f("expires", ts), f("seller", bigint), f("category", bigint), f("extra", text))
	bid := nullable(f("auction", bigint), f("bidder", bigint), f("price", bigint), f("channel", text), f("url", text), f("dateTime", ts), f("extra", text))
	all := nullable(f("event_type", arrow.PrimitiveTypes.Int32), f("person", arrow.StructOf(person...)), f("auction", arrow.StructOf(auction...)),
		f("bid", arrow.StructOf(bid...)), f("dateTime", ts))
	return map[string][]arrow.Field{"all": all, "person": person, "auction": auction, "bid": bid}
}

// Schema implements [arrowstream.Source].
func (s *Nexmark) Schema() (*arrow.Schema, error) {
	if _, err := s.timeline(); err != nil {
		return nil, err
	}
	have, ok := nexmarkFields()[s.table()]
	if !ok {
		return nil, &arrowstream.Error{Code: "AS2160", Msg: fmt.Sprintf("nexmark: unknown table %q", s.Table), Hint: arrowstream.Suggest(s.Table, []string{"all", "auction", "bid", "person"}, "tables")}
	}
	if s.Fields == nil {
		return columnar.WithEventTime(arrow.NewSchema(have, nil), "dateTime"), nil
	}
	if err := subset(s.Fields.Fields(), have); err != nil {
		return nil, err
	}
	return s.Fields, nil
}

// subset checks that the wanted columns exist with types the generator makes.
func subset(want, have []arrow.Field) error {
	names := make([]string, len(have))
	types := map[string]arrow.DataType{}
	for i, f := range have {
		names[i] = f.Name
		types[strings.ToLower(f.Name)] = f.Type
	}
	for _, f := range want {
		t, ok := types[strings.ToLower(f.Name)]
		if !ok {
			return &arrowstream.Error{Code: "AS2160", Msg: fmt.Sprintf("nexmark: there is no column %q", f.Name), Hint: arrowstream.Suggest(f.Name, names, "columns")}
		}
		if st, isStruct := t.(*arrow.StructType); isStruct {
			if wt, ok := f.Type.(*arrow.StructType); ok {
				if err := subset(wt.Fields(), st.Fields()); err != nil {
					return err
				}
				continue
			}
		}
		if f.Type.ID() != t.ID() && !(t.ID() == arrow.STRING && arrow.TypeEqual(f.Type, columnar.Dict)) {
			return &arrowstream.Error{Code: "AS2160", Msg: fmt.Sprintf("nexmark: column %q is %s, not %s", f.Name, columnar.TypeName(t), columnar.TypeName(f.Type))}
		}
	}
	return nil
}

// Bounded implements [arrowstream.Source]. A stream at the speed of the clock
// counts as live even if it ends.
func (s *Nexmark) Bounded() bool {
	return s.Events > 0 && !s.KeepAlive && s.MaxEmitSpeed.On(true)
}

// RowCount returns the number of events, or about that of a table among them; it
// is not known if there is no end.
func (s *Nexmark) RowCount() (rows int64, known bool) {
	t, err := s.timeline()
	if err != nil || s.Events == 0 {
		return 0, false
	}
	share := t.total
	switch s.table() {
	case "person":
		share = t.persons
	case "auction":
		share = t.auctions
	case "bid":
		share = t.total - t.persons - t.auctions
	}
	return s.Events * int64(share) / int64(t.total), true
}

// Delivers implements [arrowstream.Guaranteed].
func (s *Nexmark) Delivers() (arrowstream.Guarantee, string) {
	return arrowstream.ExactlyOnce, "rows are a function of seed and number"
}

func (s *Nexmark) table() string {
	if s.Table == "" {
		return "all"
	}
	return strings.ToLower(s.Table)
}

func or[T int | int64 | uint64](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// timeline checks the options and returns the arithmetic of the first generator.
func (s *Nexmark) timeline() (timeline, error) {
	t := timeline{
		seed: or(s.Seed, 1), base: defaultBaseTime, rate: or(s.Rate, 10000), parallel: or(s.Generators, 1),
		persons: or(s.PersonShare, 1), auctions: or(s.AuctionShare, 3),
		hotSeller: or(s.HotSellers, 4), hotItem: or(s.HotAuctions, 2), hotBidder: or(s.HotBidders, 4),
		ooo: or(s.OutOfOrder, 1), reference: s.Compat == "reference",
	}
	t.total = t.persons + t.auctions + or(s.BidShare, 46)
	t.avg = [3]int{or(s.PersonSize, 200), or(s.AuctionSize, 500), or(s.BidSize, 100)}
	if s.BaseTime.set {
		t.base = s.BaseTime.millis
	}
	if t.reference {
		t.first = referenceFirstEvent
	}
	bad := ""
	switch {
	case s.Compat != "" && s.Compat != "reference":
		bad = `compat must be "reference"`
	case s.NextRate != 0 && s.NextRate != t.rate:
		bad = "first-event.rate and next-event.rate must be equal"
	case t.rate < 0 || t.rate > 1e12 || t.persons < 0 || t.auctions < 0 || s.BidShare < 0 || t.total > 1e6:
		bad = "rates and proportions must be positive"
	case s.Events < 0 || s.Events > 1e15:
		bad = "events.num must be between 0 and 1e15"
	case t.parallel < 1 || t.parallel > 1024 || s.Partitions < 0 || s.Partitions > 1024:
		bad = "generators and partitions must be between 1 and 1024"
	case t.parallel > 1 && (s.Partitions > 1 || s.Events == 0):
		bad = "several generators need events.num and are the partitions themselves"
	case t.ooo < 1 || t.ooo%953 == 0 && t.ooo > 1:
		bad = "out-of-order-group must be positive and no multiple of 953"
	case t.avg[0] > extraSize/2 || t.avg[1] > extraSize/2 || t.avg[2] > extraSize/2 || min(t.avg[0], t.avg[1], t.avg[2]) < 0:
		bad = "average sizes must be between 1 and 512 KiB"
	}
	if bad != "" {
		return t, &arrowstream.Error{Code: "AS2161", Msg: "nexmark: " + bad}
	}
	return t, nil
}
