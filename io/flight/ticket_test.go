package flight

import (
	"slices"
	"strings"
	"testing"
	"time"

	arrowflight "github.com/apache/arrow/go/v17/arrow/flight"
	"github.com/arrowstream/arrowstream/internal/hostiletest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestSignedTickets(t *testing.T) {
	server := guarded(t, Config{TicketKey: "0123456789abcdef", TicketTTL: time.Hour})
	c := dial(t, server.URI())
	alice, bob := "Bearer a1ice-secret", basic("bob:b0b:secret")
	info, err := c.GetFlightInfo(as(t, alice), path("clicks"))
	if err != nil {
		t.Fatal(err)
	}
	good := info.Endpoint[0].Ticket.Ticket
	get := func(login string, ticket []byte) error {
		s, err := c.DoGet(as(t, login), &arrowflight.Ticket{Ticket: ticket})
		return end(s, err)
	}
	if err := get(alice, good); err != nil {
		t.Error(err)
	}
	if err := get(bob, good); status.Code(err) != codes.PermissionDenied || !strings.Contains(err.Error(), "another caller") {
		t.Error(err)
	}
	for i := range good {
		bad := slices.Clone(good)
		bad[i] ^= 1
		if _, err := server.tickets.open(bad, "alice", false, time.Now()); err == nil {
			t.Fatalf("byte %d changed: %s", i, bad)
		}
		if _, err := server.tickets.open(good[:i], "alice", false, time.Now()); err == nil {
			t.Fatalf("cut at %d", i)
		}
	}
	now := time.Now()
	own := ticket{stream: "orders", start: fromPosition, at: position{3, 4}, job: "j"}
	other, _ := newSigner(Config{})
	for name, tc := range map[string]struct {
		ticket []byte
		want   string
	}{
		"of another key":   {other.sign(own, "alice", now), "signature"},
		"expired":          {server.tickets.sign(own, "alice", now.Add(-time.Hour)), "expired"},
		"not granted":      {server.tickets.sign(own, "alice", now), "not granted"},
		"not signed":       {[]byte("clicks"), "not signed"},
		"not signed, JSON": {own.encode(), "not signed"},
		"long":             {[]byte("as1." + strings.Repeat("x", 10<<10)), "bytes"},
	} {
		if err := get(alice, tc.ticket); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Another server with the key takes it.
	again, err := newSigner(Config{TicketKey: "0123456789abcdef"})
	if err != nil {
		t.Fatal(err)
	}
	signed := server.tickets.sign(own, "alice", now)
	if got, err := again.open(signed, "alice", false, now); err != nil || got.at != own.at || got.job != "j" || got.stream != "orders" {
		t.Error(got, err)
	}
}

func FuzzTicket(f *testing.F) {
	s := signer{key: []byte("0123456789abcdef"), ttl: time.Hour}
	now := time.Unix(1e9, 0)
	f.Add([]byte("bids"))
	f.Add([]byte(`{"stream":"bids","from":"live"}`))
	f.Add([]byte(`{"stream":"bids","from":17}`))
	f.Add([]byte(`{"stream":"bids","job":"5f","epoch":5,"seq":-1}`))
	f.Add(s.sign(ticket{stream: "bids", start: fromPosition, at: position{1, 2}}, "alice", now))
	f.Fuzz(func(t *testing.T, raw []byte) {
		hostiletest.Within(t, len(raw), func() {
			open, err := s.open(raw, "alice", true, now)
			if err == nil {
				if open.at.Epoch < 0 || open.at.Seq < 0 {
					t.Fatalf("%q is %v", raw, open)
				}
				again, err := parseTicket(open.encode())
				if err != nil && len(open.encode()) <= maxTicket || err == nil && again != open {
					t.Fatalf("%q is %v, and again %v, %v", raw, open, again, err)
				}
			}
			// Only what was signed is taken by a guarded server.
			if got, err := s.open(raw, "alice", false, now); err == nil && string(s.sign(got, "alice", now)) != string(raw) && got.expiry == now.Add(s.ttl).Unix() {
				t.Fatalf("%q was not signed: %v", raw, got)
			}
			readNote(raw)
		})
	})
}
