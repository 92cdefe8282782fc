package socket

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
	"github.com/arrowstream/arrowstream/state"
)

// TestJournal reads lines over several processes, each of which goes on at some
// position of an earlier one.
func TestJournal(t *testing.T) {
	mem := columnartest.Allocator(t)
	schema := iotest.Schema(t, "k:utf8 x:int64")
	store := &iotest.Journaled{Store: state.Dir{Path: t.TempDir(), Reserve: -1}, Part: arrowstream.Part{UID: "in", Kind: "socket", Schema: schema}}
	defer store.Close(t)
	start := func(rows int) (*Source, arrowstream.Acknowledger) {
		t.Helper()
		s := &Source{Listen: "127.0.0.1:0", Columns: schema, Format: iotest.TextFormat{}, Journal: true, MaxLine: 40}
		env := iotest.Env(mem, rows)
		env.Journal, env.OnBadRow = store.Journal(t), arrowstream.DeadLetterBadRow
		parts, err := s.Open(t.Context(), env)
		if err != nil {
			t.Fatal(err)
		}
		return s, parts[0].(arrowstream.Acknowledger)
	}
	s, p := start(7)
	var want []string
	var text strings.Builder
	for i := range 50 {
		switch {
		case i%9 == 4:
			text.WriteString("bad\n")
			want = append(want, "!bad")
		case i == 30:
			text.WriteString(strings.Repeat("y", 50) + "\n")
			want = append(want, "!"+strings.Repeat("y", 50))
		default:
			fmt.Fprintf(&text, "k%d|%d\n\n", i, i)
			want = append(want, fmt.Sprintf("k%d %d", i, i))
		}
	}
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, text.String()); err != nil {
		t.Fatal(err)
	}
	var got []string
	positions := map[int][]byte{} // by rows read
	read := func(p arrowstream.Replayer, until int) {
		t.Helper()
		for len(got) < until {
			pos, err := p.Position()
			if err != nil {
				t.Fatal(err)
			}
			positions[len(got)] = pos
			rows, err := iotest.Next(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, rows...)
		}
	}
	read(p, len(want))
	iotest.EqualRows(t, got, want)
	c.Close()
	p.Close()
	for at, pos := range positions {
		_, p := start(5)
		if err := p.Seek(t.Context(), pos); err != nil {
			t.Fatal(err)
		}
		got = want[:at:at]
		read(p, len(want))
		iotest.EqualRows(t, got, want)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if _, err := p.Read(ctx); err != context.DeadlineExceeded {
			t.Error(err)
		}
		cancel()
		if err := p.Acknowledge(t.Context(), pos); err != nil {
			t.Error(err)
		}
		p.Close()
	}
	_, p = start(5)
	for _, pos := range []string{"no position", `{"v":2}`, `{"v":1,"offset":-1}`} {
		if err := p.Seek(t.Context(), []byte(pos)); err == nil {
			t.Errorf("%s is accepted", pos)
		}
	}
	if err := p.Seek(t.Context(), []byte(`{"v":1,"offset":1000000}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "AS5003") {
		t.Error(err)
	}
	p.Close()
}

func TestJournalEnds(t *testing.T) {
	mem := columnartest.Allocator(t)
	schema := iotest.Schema(t, "x:int64")
	store := &iotest.Journaled{Store: state.Dir{Path: t.TempDir(), Reserve: -1}, Part: arrowstream.Part{UID: "in", Kind: "socket", Schema: schema}}
	defer store.Close(t)
	s := &Source{Listen: "127.0.0.1:0", Columns: schema, Format: iotest.TextFormat{}, Journal: true, Connections: 3}
	env := iotest.Env(mem, 0)
	if _, err := s.Open(t.Context(), env); err == nil || !strings.Contains(err.Error(), "state folder") {
		t.Error(err)
	}
	env.Journal = store.Journal(t)
	parts, err := s.Open(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	defer parts[0].Close()
	for i := range 3 {
		say(t, s.Addr(), fmt.Sprintf("%d\n", i))
	}
	got, err := iotest.Rows(context.Background(), parts[0], 0)
	if err != nil || len(got) != 3 {
		t.Error(got, err)
	}
	s.MaxLine = 15 << 20
	if _, err := s.Schema(); err == nil {
		t.Error("a line longer than an entry is accepted")
	}
	if g, _ := s.Delivers(); g != arrowstream.AtLeastOnce {
		t.Error(g)
	}
}
