package generator

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/rowsum"
)

const eventRate = 100_000

// read reads everything a source has, all partitions one after the other.
func read(t testing.TB, s arrowstream.Source, batchRows int, each func(b arrow.Record)) {
	t.Helper()
	mem := columnartest.Allocator(t)
	parts, err := s.Open(t.Context(), arrowstream.SourceEnv{Env: arrowstream.Env{Allocator: mem}, BatchRows: batchRows})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		for {
			b, err := p.Read(t.Context())
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if batchRows > 0 && b.NumRows() > int64(batchRows) || b.NumRows() == 0 {
				t.Fatalf("a batch of %d rows", b.NumRows())
			}
			each(b)
			b.Release()
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// text reads up to rows rows as canonical text.
func textOf(t testing.TB, s arrowstream.Source, batchRows int) string {
	var sb strings.Builder
	read(t, s, batchRows, func(b arrow.Record) {
		lines := strings.SplitN(columnartest.Text(b), "\n", 2)
		if sb.Len() == 0 {
			sb.WriteString(lines[0] + "\n")
		}
		sb.WriteString(strings.TrimSuffix(lines[1], "\n") + "\n")
	})
	return sb.String()
}

func TestNexmarkStream(t *testing.T) {
	if got := mix64(1); got != 0x5692161d100b05e5 {
		t.Errorf("mix64(1) = %016x", got)
	}
	r := stream(1, 0)
	if got := r.next(); got != 0x85c61a300ec70fa1 {
		t.Errorf("first draw of stream(1, 0) = %016x", got)
	}
}

func TestNexmarkEvents(t *testing.T) {
	s := &Nexmark{Rate: eventRate, Seed: 1, Events: 2_000_000}
	line, err := s.timeline()
	if err != nil {
		t.Fatal(err)
	}
	line.texts = newTexts(1, false)
	var p person
	line.person(0, &p)
	if got, want := fmt.Sprint(p.id, string(p.name), string(p.email), string(p.card), string(p.city), string(p.state)),
		fmt.Sprint(int64(1000), "Vicky Spencer", "hgupgo@fqf.com", "1516 2181 9592 0334", "Bend", "CA"); got != want {
		t.Errorf("event 0 = %s, want %s", got, want)
	}
	var a auction
	line.auction(1, &a)
	if got, want := fmt.Sprint(a.id, string(a.item), a.initialBid, a.reserve, a.expires-line.base, a.seller, a.category),
		fmt.Sprint(1000, "wmxeprnupyibstcg", 114, 1150749, 30, 1009, 13); got != want {
		t.Errorf("event 1 = %s, want %s", got, want)
	}
	var b bid
	line.bid(4, &b)
	if got, want := fmt.Sprint(b.auction, b.bidder, b.price, b.channel, len(b.extra)), fmt.Sprint(1001, 1001, 58823224, "channel-47", 64); got != want ||
		!strings.HasSuffix(b.url, "/ac_t/s_tx/pvzi/item.htm?query=1&channel_id=201326592") {
		t.Errorf("event 4 = %s %s, want %s", got, b.url, want)
	}
	line.bid(1_000_004, &b)
	if got, want := fmt.Sprint(b.auction, b.bidder, b.price, b.channel, b.millis-line.base), fmt.Sprint(60967, 21001, 1338, "channel-6691", 10000); got != want {
		t.Errorf("event 1000004 = %s, want %s", got, want)
	}
}

// q0 is the projection of query 0: auction, bidder, price, dateTime, extra.
func q0(b arrow.Record) arrow.Record {
	var fields []arrow.Field
	var cols []arrow.Array
	for _, name := range []string{"auction", "bidder", "price", "dateTime", "extra"} {
		i := columnar.Index(b.Schema(), name)
		fields, cols = append(fields, b.Schema().Field(i)), append(cols, b.Column(i))
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), cols, b.NumRows())
}

func TestNexmarkConformance(t *testing.T) {
	for _, want := range []struct {
		events                          int64
		price, auction, bidder          int64
		sum                             string
		q2, q14, q21, batch, partitions int64
	}{
		{events: 1000, price: 7000301353, auction: 929383, bidder: 922665, sum: "91ffc36baf688ba3", batch: 7},
		{events: 1_000_000, price: 6697618257271, auction: 28476963122, bidder: 9975015133, sum: "d1c7ff637124ea51", batch: 16384, partitions: 3},
	} {
		if want.events > 1000 && testing.Short() {
			continue
		}
		var price, auctions, bidders, rows int64
		var sum rowsum.Sum
		read(t, &Nexmark{Table: "bid", Rate: eventRate, Events: want.events, Seed: 1, Partitions: want.partitions}, int(want.batch), func(b arrow.Record) {
			rows += b.NumRows()
			for i, v := range columnar.Values[int64](b.Column(2)) {
				price += v
				auctions += columnar.Values[int64](b.Column(0))[i]
				bidders += columnar.Values[int64](b.Column(1))[i]
			}
			p := q0(b)
			defer p.Release()
			if err := sum.Add(p); err != nil {
				t.Fatal(err)
			}
		})
		if rows != want.events*46/50 || price != want.price || auctions != want.auction || bidders != want.bidder || sum.String() != want.sum {
			t.Errorf("%d events: %d rows, prices %d, auctions %d, bidders %d, checksum %s; want %+v", want.events, rows, price, auctions, bidders, sum.String(), want)
		}
	}
}

func TestNexmarkTables(t *testing.T) {
	rows := map[string]int64{}
	for _, table := range []string{"all", "person", "auction", "bid"} {
		s := &Nexmark{Table: table, Rate: eventRate, Events: 5000}
		schema, err := s.Schema()
		if err != nil {
			t.Fatal(err)
		}
		if columnar.EventTime(schema) < 0 {
			t.Errorf("%s: no event time", table)
		}
		whole := textOf(t, s, 10000)
		if cut := textOf(t, &Nexmark{Table: table, Rate: eventRate, Events: 5000}, 33); cut != whole {
			t.Errorf("%s: rows depend on the size of batches", table)
		}
		rows[table] = int64(strings.Count(whole, "\n") - 1)
	}
	if got := fmt.Sprint(rows); got != "map[all:5000 auction:300 bid:4600 person:100]" {
		t.Error(got)
	}
}

// The structs of the table "all" hold the rows of the three tables.
func TestNexmarkTagged(t *testing.T) {
	render := func(cols []arrow.Array, i int) string {
		var cells []string
		for _, c := range cols {
			cells = append(cells, c.ValueStr(i))
		}
		return strings.Join(cells, "|")
	}
	tagged := map[string][]string{}
	read(t, &Nexmark{Rate: eventRate, Events: 3000}, 700, func(b arrow.Record) {
		for k, name := range []string{"person", "auction", "bid"} {
			st := b.Column(1 + k).(*array.Struct)
			var cols []arrow.Array
			for j := range st.NumField() {
				cols = append(cols, st.Field(j))
			}
			for i := range int(b.NumRows()) {
				if st.IsValid(i) != (columnar.Values[int32](b.Column(0))[i] == int32(k)) {
					t.Fatalf("row %d: event type and %s disagree", i, name)
				}
				if st.IsValid(i) {
					tagged[name] = append(tagged[name], render(cols, i))
				}
			}
		}
	})
	for name, want := range tagged {
		var got []string
		read(t, &Nexmark{Table: name, Rate: eventRate, Events: 3000}, 100, func(b arrow.Record) {
			for i := range int(b.NumRows()) {
				got = append(got, render(b.Columns(), i))
			}
		})
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: the table and the struct differ", name)
		}
	}
}

func TestNexmarkSubset(t *testing.T) {
	schema, err := columnartest.Schema("price:int64 ts:int64")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&Nexmark{Table: "bid", Fields: schema}).Schema(); err == nil || !strings.Contains(err.Error(), `no column "ts"`) {
		t.Errorf("unknown column: %v", err)
	}
	schema, _ = columnartest.Schema("Price:int64 datetime:timestamp[us]@ channel:dict")
	got := textOf(t, &Nexmark{Table: "bid", Rate: eventRate, Events: 6, Fields: schema}, 0)
	want := "Price:int64 datetime:timestamp[us]@ channel:dict\n58823224 1436918400000000 channel-47"
	if !strings.HasPrefix(got, want) && !strings.Contains(got, "58823224") {
		t.Errorf("got\n%s", got)
	}
}

func TestNexmarkOutOfOrder(t *testing.T) {
	seen := map[int64]bool{}
	line := timeline{ooo: 50}
	for n := range int64(1000) {
		p := line.position(n)
		if p/50 != n/50 || seen[p] {
			t.Fatalf("position %d -> %d", n, p)
		}
		seen[p] = true
	}
}

func TestNexmarkGenerators(t *testing.T) {
	ids := map[string]int{}
	read(t, &Nexmark{Table: "person", Events: 10007, Generators: 3}, 100, func(b arrow.Record) {
		for i := range int(b.NumRows()) {
			ids[b.Column(0).ValueStr(i)]++
		}
	})
	if len(ids) != 201 {
		t.Errorf("%d persons, want 201", len(ids))
	}
}

func TestNexmarkSeek(t *testing.T) {
	s := &Nexmark{Table: "bid", Rate: eventRate, Events: 3000}
	mem := columnartest.Allocator(t)
	open := func() arrowstream.Replayer {
		parts, err := s.Open(t.Context(), arrowstream.SourceEnv{Env: arrowstream.Env{Allocator: mem}, BatchRows: 100})
		if err != nil {
			t.Fatal(err)
		}
		return parts[0].(arrowstream.Replayer)
	}
	first := open()
	for range 3 {
		b, err := first.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b.Release()
	}
	pos, err := first.Position()
	if err != nil {
		t.Fatal(err)
	}
	second := open()
	if err := second.Seek(t.Context(), pos); err != nil {
		t.Fatal(err)
	}
	want, err := first.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer want.Release()
	got, err := second.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer got.Release()
	columnartest.Equal(t, got, want)
	if err := second.Seek(t.Context(), []byte("x")); err == nil {
		t.Error("a foreign position is accepted")
	}
}

type stepClock struct{ at time.Time }

func (c *stepClock) Now() time.Time { return c.at }

func TestNexmarkLive(t *testing.T) {
	s := &Nexmark{Rate: 1000, KeepAlive: true, Events: 50, MaxEmitSpeed: -1}
	if s.Bounded() {
		t.Error("a stream at the speed of the clock counts as bounded")
	}
	clock := &stepClock{time.UnixMilli(1_000_000)}
	parts, err := s.Open(t.Context(), arrowstream.SourceEnv{Env: arrowstream.Env{Allocator: columnartest.Allocator(t)}, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int64{1, 10, 39} {
		b, err := parts[0].Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if b.NumRows() != want {
			t.Errorf("%d rows at %v, want %d", b.NumRows(), clock.at, want)
		}
		b.Release()
		clock.at = clock.at.Add(10 * time.Millisecond)
		if want == 10 {
			clock.at = clock.at.Add(time.Second)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := parts[0].Read(ctx); err != context.DeadlineExceeded {
		t.Errorf("after the end: %v", err)
	}
}

func BenchmarkNexmark(b *testing.B) {
	for _, table := range []string{"all", "bid"} {
		b.Run("table="+table, func(b *testing.B) {
			s := &Nexmark{Table: table, Rate: eventRate, Events: 1e14}
			parts, err := s.Open(b.Context(), arrowstream.SourceEnv{Env: arrowstream.Env{Allocator: columnar.Pool}, BatchRows: 16384})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			rows := int64(0)
			for b.Loop() {
				rec, err := parts[0].Read(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				rows += rec.NumRows()
				rec.Release()
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
