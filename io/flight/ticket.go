package flight

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	arrowflight "github.com/apache/arrow/go/v17/arrow/flight"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Where a subscriber may start.
const (
	fromRetained = iota // at the oldest batch that is retained, whichever it is
	fromLive            // after the newest batch
	fromPosition        // at a position
)

// ticket names a stream and where to start. As a wish of a client it is the
// plain name of the stream, or JSON:
//
//	{"stream":"bids"}                                  from the oldest batch retained
//	{"stream":"bids","from":"live"}                    after the newest
//	{"stream":"bids","from":17}                        batch 17 of a stream without epochs
//	{"stream":"bids","job":"5f..","epoch":5,"seq":17}  batch 17 of epoch 5 of that job
//
// GetFlightInfo makes a signed ticket of it, see [signer].
type ticket struct {
	stream string
	start  int
	at     position // when start is fromPosition
	job    string   // that position is one of, "" for any

	principal string // signed tickets only: whom it is for
	expiry    int64  // and until when, seconds since 1970
}

// wireTicket is the JSON of a ticket.
type wireTicket struct {
	Stream    string          `json:"stream"`
	From      json.RawMessage `json:"from,omitempty"`
	Job       string          `json:"job,omitempty"`
	Epoch     *int64          `json:"epoch,omitempty"`
	Seq       *int64          `json:"seq,omitempty"`
	Principal string          `json:"principal,omitempty"`
	Expiry    int64           `json:"expiry,omitempty"`
}

// maxTicket bounds what is parsed as a ticket.
const maxTicket = 4 << 10

// parseTicket reads the wish of a client.
func parseTicket(raw []byte) (ticket, error) {
	if len(raw) > maxTicket {
		return ticket{}, status.Errorf(codes.InvalidArgument, "ticket: %d bytes, at most %d are taken", len(raw), maxTicket)
	}
	if !utf8.Valid(raw) {
		return ticket{}, status.Error(codes.InvalidArgument, "ticket: it is not UTF-8")
	}
	text := strings.TrimSpace(string(raw))
	if !strings.HasPrefix(text, "{") {
		return ticket{stream: text}, nil
	}
	var w wireTicket
	if err := json.Unmarshal([]byte(text), &w); err != nil {
		return ticket{}, status.Errorf(codes.InvalidArgument, "ticket: %v", err)
	}
	t := ticket{stream: w.Stream, job: w.Job, principal: w.Principal, expiry: w.Expiry}
	switch from := string(w.From); {
	case w.Epoch != nil || w.Seq != nil:
		t.start = fromPosition
		if w.Epoch != nil {
			t.at.Epoch = *w.Epoch
		}
		if w.Seq != nil {
			t.at.Seq = *w.Seq
		}
	case from == "" || from == "null" || from == `"start"`:
	case from == `"live"`:
		t.start = fromLive
	default:
		t.start = fromPosition
		if err := json.Unmarshal(w.From, &t.at.Seq); err != nil {
			return ticket{}, status.Errorf(codes.InvalidArgument, `ticket: "from" is %.100s: use "start", "live" or the number of a batch`, from)
		}
	}
	if t.at.Epoch < 0 || t.at.Seq < 0 {
		return ticket{}, status.Errorf(codes.InvalidArgument, "ticket: there is no %s", t.at)
	}
	return t, nil
}

// encode is the JSON of t.
func (t ticket) encode() []byte {
	w := wireTicket{Stream: t.stream, Job: t.job, Principal: t.principal, Expiry: t.expiry}
	switch t.start {
	case fromLive:
		w.From = json.RawMessage(`"live"`)
	case fromPosition:
		w.Epoch, w.Seq = &t.at.Epoch, &t.at.Seq
	}
	b, err := json.Marshal(w)
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	return b
}

// signedPrefix begins the tickets that a server hands out.
const signedPrefix = "as1."

// signer makes tickets that cannot be changed: as1.PAYLOAD.MAC, both in base64,
// where MAC is the HMAC-SHA256 of "as1.PAYLOAD". They are bound to the caller
// that asked for them and to a time.
type signer struct {
	key []byte
	ttl time.Duration
}

// newSigner takes the key of the configuration, or a random one.
func newSigner(c Config) (signer, error) {
	s := signer{ttl: c.TicketTTL}
	if s.ttl == 0 {
		s.ttl = defaultTicketTTL
	}
	key, err := kind.Secret(c.Access, "ticket.key", c.TicketKey)
	if err != nil {
		return s, err
	}
	if c.TicketKey == "" {
		s.key = make([]byte, sha256.Size)
		rand.Read(s.key) // never fails
		return s, nil
	}
	if len(key) < minTicketKey {
		return s, kind.BadOption(fmt.Sprintf("ticket.key has %d bytes, at least %d are needed", len(key), minTicketKey), "")
	}
	s.key = []byte(key)
	return s, nil
}

func (s signer) mac(text string) []byte {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// sign makes t a ticket for principal.
func (s signer) sign(t ticket, principal string, now time.Time) []byte {
	t.principal, t.expiry = principal, now.Add(s.ttl).Unix()
	text := signedPrefix + base64.RawURLEncoding.EncodeToString(t.encode())
	return []byte(text + "." + base64.RawURLEncoding.EncodeToString(s.mac(text)))
}

// open reads a ticket that principal presents. One that is not signed is the
// wish of the caller itself, which only open servers take: elsewhere it is to be
// exchanged for a ticket with GetFlightInfo.
func (s signer) open(raw []byte, principal string, unsigned bool, now time.Time) (ticket, error) {
	text := string(raw)
	if !strings.HasPrefix(text, signedPrefix) {
		if !unsigned {
			return ticket{}, status.Error(codes.InvalidArgument, "ticket: it is not signed: ask GetFlightInfo for one")
		}
		return parseTicket(raw)
	}
	if len(raw) > 2*maxTicket {
		return ticket{}, status.Errorf(codes.InvalidArgument, "ticket: %d bytes", len(raw))
	}
	payload, sum, ok := cutLast(text, ".")
	mac, err := base64.RawURLEncoding.Strict().DecodeString(sum)
	if !ok || err != nil || !hmac.Equal(mac, s.mac(payload)) {
		return ticket{}, status.Error(codes.PermissionDenied, "ticket: the signature is not of this server: ask GetFlightInfo for a new one")
	}
	plain, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(payload, signedPrefix))
	if err != nil {
		return ticket{}, status.Errorf(codes.InvalidArgument, "ticket: %v", err)
	}
	t, err := parseTicket(plain)
	switch {
	case err != nil:
		return ticket{}, err
	case now.Unix() >= t.expiry:
		return ticket{}, status.Errorf(codes.PermissionDenied, "ticket: expired at %s: ask GetFlightInfo for a new one", time.Unix(t.expiry, 0).UTC().Format(time.RFC3339))
	case t.principal != principal:
		return ticket{}, status.Error(codes.PermissionDenied, "ticket: it was given to another caller")
	}
	return t, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// wish is the stream a descriptor names, and where to start in it: its path,
// or its command read as a ticket.
func wish(d *arrowflight.FlightDescriptor) (ticket, error) {
	switch d.GetType() {
	case arrowflight.DescriptorPATH:
		if path := d.GetPath(); len(path) > 0 {
			return ticket{stream: strings.Join(path, ".")}, nil
		}
	case arrowflight.DescriptorCMD:
		t, err := parseTicket(d.GetCmd())
		t.principal, t.expiry = "", 0
		return t, err
	}
	return ticket{}, status.Error(codes.InvalidArgument, "the descriptor names no stream: give its name as path or command")
}

// note is the app_metadata of the messages of a stream.
type note struct {
	// Epoch and Seq are the position of the message. Batches are numbered from
	// 0 in each epoch; a stream without epochs is all epoch 0.
	Epoch int64  `json:"epoch,omitempty"`
	Seq   *int64 `json:"seq,omitempty"`
	// Rows is the number of rows of the batch.
	Rows int64 `json:"rows,omitempty"`
	// End says that the epoch is complete; the batch is empty.
	End bool `json:"end,omitempty"`
	// First and Job come with the schema: a position from which on everything
	// follows, and whose positions these are.
	First *position `json:"first,omitempty"`
	Job   string    `json:"job,omitempty"`
}

func (n note) encode() []byte {
	b, err := json.Marshal(n)
	if err != nil {
		panic(fmt.Sprintf("flight: %v", err)) // numbers always encode
	}
	return b
}

// readNote is the note in app_metadata; that of other servers says nothing.
func readNote(b []byte) (n note) {
	if len(b) > maxTicket || json.Unmarshal(b, &n) != nil || n.Epoch < 0 || n.Seq != nil && *n.Seq < 0 {
		return note{}
	}
	return n
}
