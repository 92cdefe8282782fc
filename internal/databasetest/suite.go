// Package databasetest is what the connectors of databases are tested with: the
// same cases for every server, and a proxy that breaks connections at a chosen
// statement. servers.sh starts the servers.
package databasetest

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

// Database is a server under test.
type Database struct {
	// Env names the variable with its URL.
	Env string
	// Commit is what a client sends to commit, in the protocol of the server.
	Commit string
	// Upsert and Write are parts of the statements that apply the stage and
	// that load rows.
	Upsert, Write string
	// Source and NewSink make a source and a sink of a table.
	Source  func(url, table string) arrowstream.Source
	NewSink func(url, table string, timeout time.Duration, key []string) arrowstream.Publisher
	// Run runs statements, Kill ends all other connections.
	Run  func(t testing.TB, url string, statements ...string)
	Kill func(t testing.TB, url string)
}

// Sink is a sink that waits long enough for a server that is busy.
func (d Database) Sink(url, table string, key ...string) arrowstream.Publisher {
	return d.NewSink(url, table, 20*time.Second, key)
}

// URL is the address of the server; without one the test is skipped.
func (d Database) URL(t testing.TB) string {
	t.Helper()
	u := os.Getenv(d.Env)
	if u == "" {
		t.Skip(d.Env + " is not set: internal/databasetest/servers.sh start prints the addresses of servers")
	}
	return u
}

// Table is the name of a table that is new, and is dropped when t ends.
func (d Database) Table(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("t%d", time.Now().UnixNano())
	u := d.URL(t)
	t.Cleanup(func() { d.Run(t, u, "DROP TABLE IF EXISTS "+name) })
	return name
}

// Rows reads a table, in the order of its key if it has one.
func (d Database) Rows(t testing.TB, table string) []string {
	t.Helper()
	text := iotest.MustRead(t, d.Source(d.URL(t), table), 0)
	return strings.Split(strings.TrimSpace(text), "\n")[min(1, strings.Count(text, "\n")):]
}

// Want compares the rows of a table, without regard to their order.
func (d Database) Want(t testing.TB, table string, want ...string) {
	t.Helper()
	got := d.Rows(t, table)
	slices.Sort(got)
	slices.Sort(want)
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("table %s holds\n%s\nwant\n%s", table, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// job is another one for every run of the tests.
var job = fmt.Sprintf("%032x", time.Now().UnixNano())

// Publication is an epoch with rows.
func Publication(t testing.TB, mem memory.Allocator, epoch, incarnation uint64, batches ...string) arrowstream.Publication {
	t.Helper()
	var all []arrowstream.Batch
	p := arrowstream.Publication{Job: job, Sink: t.Name(), Epoch: arrowstream.Epoch(epoch), Incarnation: incarnation}
	for _, text := range batches {
		b := columnartest.Batch(t, mem, text)
		all = append(all, b)
		p.Count += b.NumRows()
	}
	p.Rows = seq(all)
	return p
}

func seq(all []arrowstream.Batch) iter.Seq2[arrowstream.Batch, error] {
	return func(yield func(arrowstream.Batch, error) bool) {
		for _, b := range all {
			b.Retain()
			if !yield(b, nil) {
				return
			}
		}
	}
}

// bind binds a sink to the columns of a text.
func bind(t testing.TB, mem memory.Allocator, s arrowstream.Sink, columns string) {
	t.Helper()
	if err := s.Bind(iotest.Schema(t, columns), arrowstream.Env{Allocator: mem, Name: "test"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
}

// Fails writes a batch to a sink that is to refuse it, and ends as a runtime
// does after an error.
func Fails(t testing.TB, s arrowstream.Sink, b arrowstream.Batch) error {
	t.Helper()
	err := iotest.Write(t, s, b)
	if a, ok := s.(arrowstream.Aborter); ok && err != nil {
		a.Abort(err)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	return err
}

// publish publishes and expects no error.
func publish(t testing.TB, s arrowstream.Publisher, p arrowstream.Publication) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 60*time.Second)
	defer stop()
	if err := s.Publish(ctx, p); err != nil {
		t.Fatal(err)
	}
}

// through is a URL whose server is reached by way of a proxy.
func through(t testing.TB, to, address string) string {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = address
	return u.String()
}

// host is host:port of a URL.
func host(t testing.TB, of string) string {
	t.Helper()
	u, err := url.Parse(of)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}
