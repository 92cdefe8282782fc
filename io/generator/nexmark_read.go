package generator

import (
	"context"
	"io"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/cell"
)

// turn is the number of events a partition emits before the next one's turn.
const turn = 8192

var (
	_ arrowstream.Source   = (*Nexmark)(nil)
	_ arrowstream.Replayer = (*auctionHouse)(nil)
)

// Open implements [arrowstream.Source].
func (s *Nexmark) Open(_ context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	schema, err := s.Schema()
	if err != nil {
		return nil, err
	}
	t, err := s.timeline()
	if err != nil {
		return nil, err
	}
	t.texts = newTexts(t.seed, t.reference)
	events := s.Events
	if events == 0 {
		events = 1 << 60
	}
	parts := max(t.parallel, s.Partitions, 1)
	var out []arrowstream.Partition
	for i := range parts {
		h := &auctionHouse{timeline: t, table: s.table(), keepAlive: s.KeepAlive, rows: env.BatchRows, pace: newPace(env.Clock)}
		if h.rows <= 0 {
			h.rows = 8192
		}
		if t.parallel > 1 {
			share := events / parts
			h.first += i * share
			h.count, h.step = share, 1
			if i == parts-1 {
				h.count = events - i*share
			}
		} else {
			h.count, h.turn, h.step = events, i, parts
		}
		h.stop = s.StopAt
		h.live = !s.MaxEmitSpeed.On(s.Events > 0)
		if h.out, err = cell.NewRows(schema, env.Allocator); err != nil {
			return nil, err
		}
		h.bind()
		out = append(out, h)
	}
	return out, nil
}

// auctionHouse is one partition.
type auctionHouse struct {
	timeline
	table     string
	count     int64 // positions of the timeline
	turn      int64 // which of every step turns is ours
	step      int64
	next      int64 // emissions so far, of those that are ours
	rows      int   // per batch
	live      bool
	stop      Instant
	keepAlive bool
	pace      *pace
	out       *cell.Rows

	eventType, dateTime *cell.Column
	rowsOf              [3]*cell.Column // the structs of the table "all", by kind
	owed                [3]int          // their nulls that are not appended yet
	personOut           [8]*cell.Column
	auctionOut          [10]*cell.Column
	bidOut              [7]*cell.Column

	p person
	a auction
	b bid
}

// bind finds the wanted columns.
func (h *auctionHouse) bind() {
	all := nexmarkFields()
	top := func(to []*cell.Column, table string, from []arrow.Field, cols []*cell.Column) {
		for i, f := range all[table] {
			for j, g := range from {
				if strings.EqualFold(f.Name, g.Name) {
					to[i] = cols[j]
				}
			}
		}
	}
	fields, cols := h.out.Schema.Fields(), h.out.Columns
	switch h.table {
	case "person":
		top(h.personOut[:], "person", fields, cols)
	case "auction":
		top(h.auctionOut[:], "auction", fields, cols)
	case "bid":
		top(h.bidOut[:], "bid", fields, cols)
	default:
		var five [5]*cell.Column
		top(five[:], "all", fields, cols)
		h.eventType, h.dateTime = five[0], five[4]
		copy(h.rowsOf[:], five[1:4])
		inner := func(to []*cell.Column, table string, row *cell.Column) {
			if row != nil {
				top(to, table, row.Type.(*arrow.StructType).Fields(), row.Kids)
			}
		}
		inner(h.personOut[:], "person", h.rowsOf[kindPerson])
		inner(h.auctionOut[:], "auction", h.rowsOf[kindAuction])
		inner(h.bidOut[:], "bid", h.rowsOf[kindBid])
	}
}

// emission is the position in the timeline of our n-th emission.
func (h *auctionHouse) emission(n int64) int64 {
	if h.step == 1 {
		return n
	}
	return (n/turn*h.step+h.turn)*turn + n%turn
}

// Read implements [arrowstream.Partition].
func (h *auctionHouse) Read(ctx context.Context) (arrowstream.Batch, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		ended := h.fill()
		h.settle()
		if b := h.out.Flush(); b != nil {
			return b, nil
		}
		if ended {
			if !h.keepAlive {
				return nil, io.EOF
			}
			return nil, h.pace.forever(ctx)
		}
		if h.live {
			at := h.emission(h.next)
			if err := h.pace.until(ctx, h.millis(h.position(at))); err != nil {
				return nil, err
			}
		}
	}
}

// fill collects up to a batch of rows, as far as the clock allows. It comes
// back now and then even if no event is of the wanted kind.
func (h *auctionHouse) fill() (ended bool) {
	now := int64(0)
	if h.live {
		if h.next == 0 || !h.pace.started() {
			h.pace.start(h.millis(h.position(h.emission(h.next))))
		}
		now = h.pace.now()
	}
	for range 1 << 20 {
		if h.out.N == h.rows {
			return false
		}
		at := h.emission(h.next)
		if at >= h.count {
			return true
		}
		n := h.position(at)
		if ms := h.millis(n); h.live && ms > now {
			return false
		} else if h.stop.set && ms > h.stop.millis {
			return true
		}
		h.next++
		h.event(n)
	}
	return false
}

func (h *auctionHouse) event(n int64) {
	kind := h.kind(h.first + n)
	switch h.table {
	case "person":
		if kind == kindPerson {
			h.putPerson(n)
			h.out.Commit()
		}
	case "auction":
		if kind == kindAuction {
			h.putAuction(n)
			h.out.Commit()
		}
	case "bid":
		if kind == kindBid {
			h.putBid(n)
			h.out.Commit()
		}
	default:
		h.tagged(n, kind)
		h.out.N++
	}
}

// tagged appends a row of the table "all". The two structs that are NULL are
// only counted: nulls are cheaper in runs.
func (h *auctionHouse) tagged(n int64, kind int) {
	if h.eventType != nil {
		h.eventType.AppendInt32(int32(kind))
	}
	if h.dateTime != nil {
		h.time(h.dateTime, h.millis(n))
	}
	for k := range h.owed {
		if k != kind {
			h.owed[k]++
		}
	}
	row := h.rowsOf[kind]
	if row == nil {
		return
	}
	row.AppendNulls(h.owed[kind])
	h.owed[kind] = 0
	switch kind {
	case kindPerson:
		h.putPerson(n)
	case kindAuction:
		h.putAuction(n)
	default:
		h.putBid(n)
	}
	row.EndList()
}

// settle appends the nulls that are owed at the end of a batch.
func (h *auctionHouse) settle() {
	for k, row := range h.rowsOf {
		if row != nil {
			row.AppendNulls(h.owed[k])
		}
		h.owed[k] = 0
	}
}

// time appends an instant in the unit of the column.
func (h *auctionHouse) time(c *cell.Column, ms int64) {
	switch c.Type.(*arrow.TimestampType).Unit {
	case arrow.Second:
		ms /= 1000
	case arrow.Microsecond:
		ms *= 1000
	case arrow.Nanosecond:
		ms *= 1_000_000
	}
	c.AppendInt64(ms)
}

func number(c *cell.Column, v int64) {
	if c != nil {
		c.AppendInt64(v)
	}
}

func raw(c *cell.Column, v []byte) {
	if c != nil {
		c.AppendBytes(v)
	}
}

func (h *auctionHouse) putPerson(n int64) {
	p, c := &h.p, &h.personOut
	h.person(n, p)
	number(c[0], p.id)
	raw(c[1], p.name)
	raw(c[2], p.email)
	raw(c[3], p.card)
	raw(c[4], p.city)
	raw(c[5], p.state)
	if c[6] != nil {
		h.time(c[6], p.millis)
	}
	words(c[7], p.extra)
}

func (h *auctionHouse) putAuction(n int64) {
	a, c := &h.a, &h.auctionOut
	h.auction(n, a)
	number(c[0], a.id)
	raw(c[1], a.item)
	raw(c[2], a.description)
	number(c[3], a.initialBid)
	number(c[4], a.reserve)
	if c[5] != nil {
		h.time(c[5], a.millis)
	}
	if c[6] != nil {
		h.time(c[6], a.expires)
	}
	number(c[7], a.seller)
	number(c[8], a.category)
	words(c[9], a.extra)
}

func (h *auctionHouse) putBid(n int64) {
	b, c := &h.b, &h.bidOut
	h.bid(n, b)
	number(c[0], b.auction)
	number(c[1], b.bidder)
	number(c[2], b.price)
	words(c[3], b.channel)
	words(c[4], b.url)
	if c[5] != nil {
		h.time(c[5], b.millis)
	}
	words(c[6], b.extra)
}

// words appends a string to a utf8 or dictionary column.
func words(c *cell.Column, v string) {
	if c != nil {
		c.AppendText(v)
	}
}

// Position implements [arrowstream.Replayer]: the number of emissions.
func (h *auctionHouse) Position() ([]byte, error) { return position(h.next), nil }

// Seek implements [arrowstream.Replayer].
func (h *auctionHouse) Seek(_ context.Context, pos []byte) (err error) {
	h.next, err = row(pos)
	return err
}

// Close implements [arrowstream.Partition].
func (h *auctionHouse) Close() error {
	h.pace.close()
	return nil
}
