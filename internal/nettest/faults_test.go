package nettest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// echo is a server that sends back what it gets.
func echo(t *testing.T) string {
	return Serve(t, func(c net.Conn) {
		defer c.Close()
		_, _ = io.Copy(c, c)
	})
}

// round sends text over a connection and returns what comes back.
func round(c net.Conn, text []byte) ([]byte, error) {
	defer c.Close()
	sent := make(chan error, 1)
	go func() {
		_, err := c.Write(text)
		sent <- err
	}()
	got := make([]byte, len(text))
	n, err := io.ReadFull(c, got)
	return got[:n], errors.Join(err, <-sent)
}

func TestFaults(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789"), 1000)
	server := echo(t)
	f := &Faults{Seed: 1, Breaks: 5, After: 4000, Piece: 300, Delay: 100 * time.Microsecond}
	through := f.Proxy(t, server)
	for name, dial := range map[string]func() (net.Conn, error){
		"dial":  func() (net.Conn, error) { return f.Dial(t.Context(), "tcp", server) },
		"proxy": func() (net.Conn, error) { return net.Dial("tcp", through) },
	} {
		f.broken.Store(0)
		failed := 0
		for range 12 {
			c, err := dial()
			if err != nil {
				t.Fatal(err)
			}
			got, err := round(c, text)
			if err != nil {
				failed++
			}
			if !bytes.HasPrefix(text, got) || err == nil && len(got) < len(text) {
				t.Errorf("%s: %d bytes came back, and %v", name, len(got), err)
			}
		}
		if failed != 5 || f.Broken() != 5 {
			t.Errorf("%s: %d of %d broken connections failed", name, failed, f.Broken())
		}
	}
}

func TestSilent(t *testing.T) {
	f := &Faults{Seed: 2, Breaks: 100, After: 10, Silent: true}
	server := echo(t)
	silent := 0
	for range 30 {
		c, err := f.Dial(t.Context(), "tcp", server)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(time.Hour))
		_ = c.SetDeadline(time.Now().Add(5 * time.Millisecond))
		if _, err := round(c, make([]byte, 100)); errors.Is(err, os.ErrDeadlineExceeded) {
			silent++
		} else if err == nil {
			t.Error("it did not break")
		}
	}
	if silent < 3 || silent > 25 {
		t.Errorf("%d of 30 were silent", silent)
	}
}
