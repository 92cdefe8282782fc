package generator

import (
	"math/bits"
	"strconv"
)

var (
	firstNames  = []string{"Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"}
	lastNames   = []string{"Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"}
	states      = []string{"AZ", "CA", "ID", "OR", "WA", "WY"}
	cities      = []string{"Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne"}
	hotChannels = []string{"Google", "Facebook", "Baidu", "Apple"}
)

const (
	extraSize = 1 << 20
	channels  = 10000
)

// texts are the strings that are rendered once per seed.
type texts struct {
	extra      string // letters that "extra" columns are cut from
	hotURL     []string
	channel    []string
	channelURL []string
}

func newTexts(seed uint64, reference bool) *texts {
	t := &texts{}
	r := stream(seed, 1<<63|1<<62)
	buf := make([]byte, extraSize)
	for i := 0; i < extraSize; {
		x := r.next()
		for k := 0; k < 13 && i < extraSize; k++ {
			var c uint64
			c, x = bits.Mul64(x, 26)
			buf[i] = 'a' + byte(c)
			i++
		}
	}
	t.extra = string(buf)
	for j := range hotChannels {
		r := stream(seed, 1<<63|1<<32|uint64(j))
		t.hotURL = append(t.hotURL, string(url(nil, &r)))
	}
	for i := range uint32(channels) {
		r := stream(seed, 1<<63|uint64(i))
		u := url(nil, &r)
		if r.intn(10) > 0 {
			id := int64(int32(bits.Reverse32(i)))
			if id < 0 && !(reference && id == -1<<31) {
				id = -id
			}
			u = strconv.AppendInt(append(u, "&channel_id="...), id, 10)
		}
		t.channel = append(t.channel, "channel-"+strconv.Itoa(int(i)))
		t.channelURL = append(t.channelURL, string(u))
	}
	return t
}

// appendText appends a random text of 3 to size-1 letters, one in thirteen the
// special character, without blanks at its ends.
func appendText(b []byte, r *rng, size uint64, special byte) []byte {
	start := len(b)
	n := 3 + int(r.intn(size-3))
	for n > 0 {
		x := r.next()
		for k := 0; k < 7 && n > 0; k++ {
			var c uint64
			c, x = bits.Mul64(x, 338)
			ch := 'a' + byte(c%26)
			if c < 26 {
				ch = special
			}
			b = append(b, ch)
			n--
		}
	}
	for len(b) > start && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	lead := start
	for lead < len(b) && b[lead] == ' ' {
		lead++
	}
	return append(b[:start], b[lead:]...)
}

func url(b []byte, r *rng) []byte {
	b = append(b, "https://www.nexmark.com/"...)
	for range 3 {
		b = append(appendText(b, r, 5, '_'), '/')
	}
	return append(b, "item.htm?query=1"...)
}

// extraText cuts a text out of the buffer that brings a row of cur bytes to
// about avg bytes.
func (t *texts) extraText(r *rng, cur, avg int) string {
	if cur > avg {
		return ""
	}
	d := avg - cur
	delta := (2*d + 5) / 10
	size := d - delta
	if delta > 0 {
		size += int(r.intn(uint64(2 * delta)))
	}
	at := int(r.intn(uint64(extraSize - size)))
	return t.extra[at : at+size]
}
