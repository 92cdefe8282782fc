package generator

import "math"

// The Nexmark constants that no option changes.
const (
	firstPerson, firstAuction       = 1000, 1000
	firstCategory, categories       = 10, 5
	activePeople, lead, hot         = 1000, 10, 100
	inFlight                        = 100
	referenceFirstEvent             = 2
	kindPerson, kindAuction         = 0, 1
	kindBid                         = 2
	defaultBaseTime           int64 = 1436918400000 // 2015-07-15T00:00:00Z in ms
)

// timeline is the arithmetic of one generator: event n of it has id first+n.
// Every event is a pure function of the seed, the options and its id.
type timeline struct {
	seed      uint64
	first     int64 // id of its event 0
	base      int64 // ms
	rate      int64 // events per second over all generators
	parallel  int64 // generators
	persons   int64 // proportion of persons, auctions and all events
	auctions  int64
	total     int64
	hotSeller uint64 // 1 in so many sellers is not hot
	hotItem   uint64
	hotBidder uint64
	ooo       int64
	avg       [3]int // bytes of a person, auction, bid
	reference bool
	texts     *texts
}

// position maps the n-th emission to the n-th event: a permutation inside
// each out-of-order group.
func (t *timeline) position(n int64) int64 {
	if t.ooo <= 1 {
		return n
	}
	return n/t.ooo*t.ooo + n*953%t.ooo
}

// millis is the event time of event n.
func (t *timeline) millis(n int64) int64 {
	if t.reference {
		delay := 1e6 / float64(t.rate) * float64(t.parallel)
		return t.base + int64(float64(n)*delay)/1000
	}
	return t.base + n*1000*t.parallel/t.rate
}

func (t *timeline) kind(id int64) int {
	switch r := id % t.total; {
	case r < t.persons:
		return kindPerson
	case r < t.persons+t.auctions:
		return kindAuction
	}
	return kindBid
}

func (t *timeline) lastPerson(id int64) int64 {
	return id/t.total*t.persons + min(id%t.total, t.persons-1)
}

func (t *timeline) lastAuction(id int64) int64 {
	e, o := id/t.total, id%t.total
	switch {
	case o < t.persons:
		if e == 0 {
			return 0
		}
		return (e-1)*t.auctions + t.auctions - 1
	case o >= t.persons+t.auctions:
		return e*t.auctions + t.auctions - 1
	}
	return e*t.auctions + o - t.persons
}

func (t *timeline) nextPerson(r *rng, id int64) int64 {
	n := t.lastPerson(id) + 1
	active := min(n, activePeople)
	return n - active + int64(r.intn(uint64(active+lead)))
}

func (t *timeline) nextAuction(r *rng, id int64) int64 {
	hi := t.lastAuction(id)
	lo := max(hi-inFlight, 0)
	return lo + int64(r.intn(uint64(hi-lo+1+lead)))
}

// price is log-uniform from 100 to 10^8 cents.
func (r *rng) price() int64 {
	return int64(math.Floor(float64(pow10(6*r.float())*100) + 0.5))
}

// person is one person; text fields are views of the builder's scratch space.
type person struct {
	id                             int64
	name, email, card, city, state []byte
	millis                         int64
	extra                          string
	scratch                        []byte
}

func (t *timeline) person(n int64, p *person) {
	id := t.first + n
	r := stream(t.seed, uint64(id))
	p.id, p.millis = t.lastPerson(id)+firstPerson, t.millis(n)
	b := p.scratch[:0]
	b = append(b, firstNames[r.intn(uint64(len(firstNames)))]...)
	b = append(append(b, ' '), lastNames[r.intn(uint64(len(lastNames)))]...)
	name := len(b)
	b = append(appendText(b, &r, 7, ' '), '@')
	b = append(appendText(b, &r, 5, ' '), ".com"...)
	email := len(b)
	for i := range 4 {
		if i > 0 {
			b = append(b, ' ')
		}
		v := r.intn(10000)
		b = append(b, '0'+byte(v/1000), '0'+byte(v/100%10), '0'+byte(v/10%10), '0'+byte(v%10))
	}
	card := len(b)
	b = append(b, cities[r.intn(uint64(len(cities)))]...)
	city := len(b)
	b = append(b, states[r.intn(uint64(len(states)))]...)
	p.scratch = b
	p.name, p.email, p.card, p.city, p.state = b[:name], b[name:email], b[email:card], b[card:city], b[city:]
	p.extra = t.texts.extraText(&r, 8+len(b), t.avg[kindPerson])
}

type auction struct {
	id, initialBid, reserve, millis, expires, seller, category int64
	item, description                                          []byte
	extra                                                      string
	scratch                                                    []byte
}

func (t *timeline) auction(n int64, a *auction) {
	id := t.first + n
	r := stream(t.seed, uint64(id))
	a.id, a.millis = t.lastAuction(id)+firstAuction, t.millis(n)
	if r.intn(t.hotSeller) > 0 {
		a.seller = t.lastPerson(id) / hot * hot
	} else {
		a.seller = t.nextPerson(&r, id)
	}
	a.seller += firstPerson
	a.category = firstCategory + int64(r.intn(categories))
	a.initialBid = r.price()
	horizon := t.millis(n+inFlight*t.total/t.auctions) - a.millis
	a.expires = a.millis + 1 + int64(r.intn(uint64(max(2*horizon, 1))))
	b := appendText(a.scratch[:0], &r, 20, ' ')
	item := len(b)
	b = appendText(b, &r, 100, ' ')
	a.scratch = b
	a.item, a.description = b[:item], b[item:]
	a.reserve = a.initialBid + r.price()
	a.extra = t.texts.extraText(&r, 8+len(b)+40, t.avg[kindAuction])
}

type bid struct {
	auction, bidder, price, millis int64
	channel, url, extra            string
}

func (t *timeline) bid(n int64, b *bid) {
	id := t.first + n
	r := stream(t.seed, uint64(id))
	b.millis = t.millis(n)
	if r.intn(t.hotItem) > 0 {
		b.auction = t.lastAuction(id) / hot * hot
	} else {
		b.auction = t.nextAuction(&r, id)
	}
	b.auction += firstAuction
	if r.intn(t.hotBidder) > 0 {
		b.bidder = t.lastPerson(id)/hot*hot + 1
	} else {
		b.bidder = t.nextPerson(&r, id)
	}
	b.bidder += firstPerson
	if t.reference {
		b.bidder += firstPerson
	}
	b.price = r.price()
	if r.intn(2) > 0 {
		i := r.intn(uint64(len(hotChannels)))
		b.channel, b.url = hotChannels[i], t.texts.hotURL[i]
	} else {
		i := r.intn(channels)
		b.channel, b.url = t.texts.channel[i], t.texts.channelURL[i]
	}
	b.extra = t.texts.extraText(&r, 32, t.avg[kindBid])
}
