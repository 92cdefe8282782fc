package databasetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
	"github.com/arrowstream/arrowstream/internal/nettest"
)

// Sinks tests the sink of a database.
func (d Database) Sinks(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"Append": d.appends, "Upsert": d.upserts, "Once": d.once, "Ambiguous": d.ambiguous, "Lossy": d.lossy, "Fenced": d.fenced, "Claimed": d.claimed, "Broken": d.broken,
		"Misfits": d.misfits, "BadValues": d.badValues, "Unreachable": d.unreachable, "LongChunks": d.longChunks, "Columns": d.columns, "Overlap": d.overlap,
	} {
		t.Run(name, test)
	}
}

const twoColumns = "k:int64 s:utf8"

func (d Database) appends(t *testing.T) {
	table, mem := d.Table(t), columnartest.Allocator(t)
	s := d.Sink(d.URL(t), table)
	if got := s.(arrowstream.Updating).Takes(); got != arrowstream.AppendOnly {
		t.Errorf("takes %d", got)
	}
	// Texts with everything that has a meaning in a load.
	b := columnartest.Batch(t, mem, `k:int64 s:utf8
1 "a\tb\nc\rd\\e\\N'f\"g,h;"
2 "grüße 日本 😀"
3 ""
4 null
5 "\\N"
6 "\\."
null "x"
`)
	part, first := b.NewSlice(2, 4), b.NewSlice(0, 1)
	defer part.Release()
	defer first.Release()
	if err := iotest.Write(t, s, b, part); err != nil {
		t.Fatal(err)
	}
	d.Want(t, table, append(columnartest.Rows(b), columnartest.Rows(b)[2:4]...)...)
	// A second run goes on in the table that is there.
	if err := iotest.Write(t, d.Sink(d.URL(t), table), first); err != nil {
		t.Fatal(err)
	}
	if n := len(d.Rows(t, table)); n != 10 {
		t.Errorf("%d rows, want 10", n)
	}
}

func (d Database) upserts(t *testing.T) {
	table, mem := d.Table(t), columnartest.Allocator(t)
	s := d.Sink(d.URL(t), table, "k", "j")
	if got := s.(arrowstream.Updating).Takes(); got != arrowstream.Upsert {
		t.Errorf("takes %d", got)
	}
	const head = "k:int64 j:utf8 x:float64 __op:int8\n"
	bind(t, mem, s, strings.TrimSpace(head))
	// Inserted, updated and moved to another key within an epoch.
	publish(t, s, Publication(t, mem, 1, 1, head+"1 a 1.5 0\n2 b 2.5 0\n1 a 1.5 1\n1 a 10 2\n3 c 3 0\n", head+"3 c 3 3\n2 b 2.5 1\n4 d 2.5 2\n5 e null 0\n"))
	d.Want(t, table, "1 a 10", "4 d 2.5", "5 e null")
	// And over epochs; a key that comes back after it was deleted, and one that
	// never was there.
	publish(t, s, Publication(t, mem, 2, 1, head+"1 a 10 3\n1 a 11 0\n4 d 2.5 3\n9 z 1 3\n5 e null 1\n5 e 5 2\n"))
	d.Want(t, table, "1 a 11", "5 e 5")
	// Keys that differ in case or in blanks at their end are different.
	publish(t, s, Publication(t, mem, 3, 1, head+"1 A 12 0\n1 \"a \" 13 0\n"))
	d.Want(t, table, "1 a 11", "1 A 12", `1 "a " 13`, "5 e 5")
	if err := s.Publish(t.Context(), Publication(t, mem, 4, 1, head+"null a 1 0\n")); err == nil || !strings.Contains(err.Error(), `key column "k" holds NULL [AS4007]`) {
		t.Errorf("a NULL in the key: %v", err)
	}
	// Appended rows with a key replace each other, also where all columns are keys.
	keys := d.Table(t)
	s = d.Sink(d.URL(t), keys, "k", "s")
	bind(t, mem, s, twoColumns)
	for epoch := range uint64(2) {
		p := Publication(t, mem, 1+epoch, 1, twoColumns+"\n1 a\n1 a\n2 b\n")
		p.Sink += "keys"
		publish(t, s, p)
	}
	d.Want(t, keys, "1 a", "2 b")
}

func (d Database) once(t *testing.T) {
	table, mem := d.Table(t), columnartest.Allocator(t)
	s := d.Sink(d.URL(t), table)
	bind(t, mem, s, twoColumns)
	one := Publication(t, mem, 1, 1, twoColumns+"\n1 a\n")
	publish(t, s, one)
	publish(t, s, one)
	publish(t, s, Publication(t, mem, 2, 1, twoColumns+"\n2 b\n"))
	// Another process publishes the last epoch again, then the next ones; some
	// of them without rows or in many batches.
	s = d.Sink(d.URL(t), table)
	bind(t, mem, s, twoColumns)
	publish(t, s, Publication(t, mem, 2, 2, twoColumns+"\n2 b\n"))
	publish(t, s, Publication(t, mem, 3, 2))
	publish(t, s, Publication(t, mem, 5, 2, twoColumns+"\n5 e\n", twoColumns+"\n6 f\n"))
	publish(t, s, Publication(t, mem, 1, 3, twoColumns+"\n1 a\n"))
	d.Want(t, table, "1 a", "2 b", "5 e", "6 f")
	// Another sink of the same job has its own epochs.
	other := Publication(t, mem, 1, 2, twoColumns+"\n7 g\n")
	other.Sink = t.Name() + strings.Repeat("long name ", 100)
	s = d.Sink(d.URL(t), table)
	bind(t, mem, s, twoColumns)
	publish(t, s, other)
	publish(t, s, other)
	d.Want(t, table, "1 a", "2 b", "5 e", "6 f", "7 g")
}

func (d Database) ambiguous(t *testing.T) {
	table, mem := d.Table(t), columnartest.Allocator(t)
	proxy := NewProxy(t, host(t, d.URL(t)))
	s := d.Sink(through(t, d.URL(t), proxy.Address()), table)
	bind(t, mem, s, twoColumns)
	var want []string
	for epoch := range uint64(5) {
		// The answer is lost, so that it is not known whether the commit happened.
		proxy.Swallow(d.Commit)
		row := fmt.Sprintf("%d x", epoch)
		publish(t, s, Publication(t, mem, epoch+1, 1, twoColumns+"\n"+row+"\n"))
		if proxy.Breaks() != 1 {
			t.Fatal("no answer was lost")
		}
		want = append(want, row)
	}
	// The answer does not come, and the connection stays open.
	s = d.NewSink(through(t, d.URL(t), proxy.Address()), table, time.Second, nil)
	bind(t, mem, s, twoColumns)
	publish(t, s, Publication(t, mem, 6, 1, twoColumns+"\n6 x\n"))
	proxy.Stall(d.Commit)
	publish(t, s, Publication(t, mem, 7, 1, twoColumns+"\n7 x\n"))
	if proxy.Breaks() != 1 {
		t.Fatal("no answer was held back")
	}
	d.Want(t, table, append(want, "6 x", "7 x")...)
}

// lossy publishes over a network that is slow and breaks.
func (d Database) lossy(t *testing.T) {
	mem := columnartest.Allocator(t)
	for seed := range uint64(2) {
		table := d.Table(t)
		f := &nettest.Faults{Seed: seed, Breaks: 4, After: 3000, Piece: 200, Delay: time.Millisecond}
		s := d.Sink(through(t, d.URL(t), f.Proxy(t, host(t, d.URL(t)))), table)
		bind(t, mem, s, twoColumns)
		var want []string
		for epoch := uint64(0); epoch < 12 || f.Broken() == 0; epoch++ {
			row := fmt.Sprintf("%d %s", epoch, strings.Repeat("x", 300))
			p := Publication(t, mem, epoch+1, 1, twoColumns+"\n"+row+"\n")
			p.Sink = table
			publish(t, s, p)
			want = append(want, row)
		}
		d.Want(t, table, want...)
	}
}

func (d Database) fenced(t *testing.T) {
	table, mem := d.Table(t), columnartest.Allocator(t)
	old, next := d.Sink(d.URL(t), table), d.Sink(d.URL(t), table)
	bind(t, mem, old, twoColumns)
	bind(t, mem, next, twoColumns)
	publish(t, old, Publication(t, mem, 1, 1, twoColumns+"\n1 a\n"))
	publish(t, next, Publication(t, mem, 2, 2, twoColumns+"\n2 b\n"))
	for epoch := range uint64(4) {
		if err := old.Publish(t.Context(), Publication(t, mem, epoch+1, 1, twoColumns+"\n3 zombie\n")); !errors.Is(err, arrowstream.ErrFenced) {
			t.Errorf("epoch %d of the older incarnation: %v", epoch+1, err)
		}
	}
	d.Want(t, table, "1 a", "2 b")
}

// claimed has a process claim the sink before it publishes: an older one that
// is connected or comes late cannot take the next epoch from it.
func (d Database) claimed(t *testing.T) {
	for _, connected := range []bool{false, true} {
		table, mem := d.Table(t), columnartest.Allocator(t)
		old, next := d.Sink(d.URL(t), table), d.Sink(d.URL(t), table)
		bind(t, mem, old, twoColumns)
		bind(t, mem, next, twoColumns)
		epoch := func(epoch, incarnation uint64, rows string) arrowstream.Publication {
			p := Publication(t, mem, epoch, incarnation, twoColumns+"\n"+rows+"\n")
			p.Sink = table
			return p
		}
		committed := arrowstream.Epoch(0)
		claim := func(s arrowstream.Publisher, incarnation uint64) error {
			return s.Claim(t.Context(), arrowstream.Publication{Job: job, Sink: table, Epoch: committed, Incarnation: incarnation})
		}
		want := []string{"2 b"}
		if connected {
			if err := claim(old, 1); err != nil {
				t.Fatal(err)
			}
			publish(t, old, epoch(1, 1, "1 a"))
			committed, want = 1, append(want, "1 a")
		}
		for range 2 { // the second finds it done
			if err := claim(next, 2); err != nil {
				t.Fatal(err)
			}
		}
		if err := old.Publish(t.Context(), epoch(2, 1, "3 zombie")); !errors.Is(err, arrowstream.ErrFenced) {
			t.Errorf("epoch 2 of the older incarnation: %v", err)
		}
		if err := claim(old, 1); !errors.Is(err, arrowstream.ErrFenced) {
			t.Errorf("a claim of the older incarnation: %v", err)
		}
		publish(t, next, epoch(2, 2, "2 b"))
		d.Want(t, table, want...)
	}
}

// overlap publishes an epoch while an older process is in the middle of it.
func (d Database) overlap(t *testing.T) {
	mem := columnartest.Allocator(t)
	for _, dies := range []bool{false, true} {
		table := d.Table(t)
		old, next := d.Sink(d.URL(t), table), d.Sink(d.URL(t), table)
		bind(t, mem, old, twoColumns)
		bind(t, mem, next, twoColumns)
		first, row := Publication(t, mem, 1, 1, twoColumns+"\n0 z\n"), Publication(t, mem, 2, 1, twoColumns+"\n1 a\n")
		first.Sink, row.Sink = table, table
		publish(t, old, first)
		middle, goOn := make(chan bool), make(chan bool)
		pause := sync.OnceFunc(func() { // the row of the sink is locked
			middle <- true
			<-goOn
		})
		slow := row
		slow.Rows = func(yield func(arrowstream.Batch, error) bool) {
			row.Rows(func(b arrowstream.Batch, err error) bool {
				pause()
				return yield(b, err)
			})
		}
		ends := make(chan error, 2)
		go func() { ends <- old.Publish(t.Context(), slow) }()
		select {
		case <-middle:
		case err := <-ends:
			t.Fatalf("the older process has ended before its rows were read: %v", err)
		}
		row.Incarnation = 2
		go func() { ends <- next.Publish(t.Context(), row) }()
		select {
		case err := <-ends:
			t.Fatalf("the newer process did not wait for the older one: %v", err)
		case <-time.After(500 * time.Millisecond):
		}
		if dies {
			d.Kill(t, d.URL(t))
		}
		close(goOn)
		for range 2 {
			// The older one finds what it had begun done, by itself or by the other.
			if err := <-ends; err != nil && !(dies && errors.Is(err, arrowstream.ErrFenced)) {
				t.Error(err)
			}
		}
		d.Want(t, table, "0 z", "1 a")
	}
}

func (d Database) broken(t *testing.T) {
	mem := columnartest.Allocator(t)
	for _, key := range [][]string{nil, {"k"}} {
		table := d.Table(t)
		proxy := NewProxy(t, host(t, d.URL(t)))
		s := d.Sink(through(t, d.URL(t), proxy.Address()), table, key...)
		bind(t, mem, s, twoColumns)
		var want []string
		epoch := uint64(0)
		for _, at := range []string{"BEGIN", "UPDATE ", d.Write, d.Upsert, d.Commit, "SELECT", "arrowstream_epochs"} {
			for skip := range 3 {
				epoch++
				proxy.Break(at, skip)
				row := fmt.Sprintf("%d x", epoch)
				p := Publication(t, mem, epoch, 1, twoColumns+"\n"+row+"\n")
				p.Sink += strings.Join(key, "")
				publish(t, s, p)
				want = append(want, row)
			}
		}
		proxy.Break("no such text", 0)
		// Connections that the server ends between two epochs, and in one.
		d.Kill(t, d.URL(t))
		p := Publication(t, mem, epoch+1, 1, twoColumns+"\n0 killed\n")
		p.Sink += strings.Join(key, "")
		rows := p.Rows
		kills := 0
		p.Rows = func(yield func(arrowstream.Batch, error) bool) {
			rows(func(b arrowstream.Batch, err error) bool {
				if kills++; kills == 1 {
					d.Kill(t, d.URL(t))
				}
				return yield(b, err)
			})
		}
		publish(t, s, p)
		if kills < 2 {
			t.Error("the epoch was not read again")
		}
		d.Want(t, table, append(want, "0 killed")...)
	}
	// Without a store the same breaks may write rows twice, never lose one.
	table := d.Table(t)
	proxy := NewProxy(t, host(t, d.URL(t)))
	s := d.Sink(through(t, d.URL(t), proxy.Address()), table, "k")
	bind(t, mem, s, twoColumns)
	for i := range 5 {
		proxy.Swallow(d.Commit)
		if err := s.Write(t.Context(), columnartest.Batch(t, mem, fmt.Sprintf("%s\n%d x\n", twoColumns, i))); err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	d.Want(t, table, "0 x", "1 x", "2 x", "3 x", "4 x")
}

func (d Database) misfits(t *testing.T) {
	mem := columnartest.Allocator(t)
	table := d.Table(t)
	d.Run(t, d.URL(t), "CREATE TABLE "+table+" (id BIGINT NOT NULL, name VARCHAR(5), day DATE, ts TIMESTAMP NULL, price DECIMAL(5,2), n INTEGER NOT NULL DEFAULT 7, PRIMARY KEY (id))")
	for _, c := range []struct {
		columns, key, want, hint string
	}{
		{"idd:int64", "", `there is no column "idd"`, `did you mean "id"`},
		{"id:utf8", "", `column "id" is bigint`, "CAST(id AS BIGINT)"},
		{"id:float64", "", `column "id" is bigint`, "does not hold float64"},
		{"id:int64 day:timestamp[us]", "", `column "day" is date`, "CAST(day AS DATE)"},
		{"id:int64 price:float64", "", `column "price" is`, "CAST(price AS DECIMAL(5, 2))"},
		{"id:int64 price:decimal(10,3)", "", `column "price" is`, "CAST(price AS DECIMAL(5, 2))"},
		{"id:int64 name:binary", "", `column "name" is`, "CAST(name AS STRING)"},
		{"name:utf8", "", `column "id" is NOT NULL and has no default`, "add it to the query"},
		{"id:int64 name:utf8", "name", "has no primary key or unique index of", "its primary key is"},
	} {
		var key []string
		if c.key != "" {
			key = []string{c.key}
		}
		s := d.Sink(d.URL(t), table, key...)
		bind(t, mem, s, c.columns)
		err := s.Publish(t.Context(), Publication(t, mem, 1, 1))
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(c.want)) || !strings.Contains(err.Error(), c.hint) || !strings.Contains(err.Error(), "AS4150") {
			t.Errorf("%s: %v", c.columns, err)
		}
	}
	s := d.Sink(d.URL(t), table, "nokey")
	if err := s.Bind(iotest.Schema(t, "id:int64"), arrowstream.Env{Allocator: mem}); err == nil || !strings.Contains(err.Error(), `no column "nokey"`) {
		t.Errorf("a key that is no column: %v", err)
	}
	s = d.Sink(d.URL(t), table)
	if err := s.Bind(iotest.Schema(t, "id:int64 __op:int8"), arrowstream.Env{Allocator: mem}); err == nil || !strings.Contains(err.Error(), "takes no updates") {
		t.Errorf("a changelog without a key: %v", err)
	}
	if _, err := iotest.Read(t, d.Source(d.URL(t), "no_such_table"), 0); err == nil || !strings.Contains(err.Error(), "no_such_table does not exist") || !strings.Contains(err.Error(), "AS3003") {
		t.Errorf("a table that is not there: %v", err)
	}
}

func (d Database) badValues(t *testing.T) {
	mem := columnartest.Allocator(t)
	table := d.Table(t)
	d.Run(t, d.URL(t), "CREATE TABLE "+table+" (id SMALLINT NOT NULL, name VARCHAR(5), price DECIMAL(5,2), PRIMARY KEY (id))")
	for i, c := range []struct{ rows, want string }{
		{"id:int64\n1\n40000\n", ""},
		{"id:int64\n1\nnull\n", ""},
		{"id:int64\n1\n1\n", ""},
		{"id:int64 name:utf8\n1 a\n2 toolong\n", ""},
		{"id:int64 price:decimal(10,2)\n1 1.25\n2 12345.25\n", ""},
	} {
		columns, _, _ := strings.Cut(c.rows, "\n")
		s := d.Sink(d.URL(t), table)
		bind(t, mem, s, columns)
		p := Publication(t, mem, 1, 1, c.rows)
		p.Sink += fmt.Sprint(i)
		err := s.Publish(t.Context(), p)
		if err == nil || !strings.Contains(err.Error(), "AS4151") {
			t.Errorf("%q: %v", c.rows, err)
		}
		d.Want(t, table)
	}
}

func (d Database) unreachable(t *testing.T) {
	mem := columnartest.Allocator(t)
	proxy := NewProxy(t, "127.0.0.1:1") // accepts, and hangs up
	closed := NewProxy(t, "127.0.0.1:1")
	closed.listener.Close()
	for _, p := range []*Proxy{proxy, closed} {
		u := through(t, d.URL(t), p.Address())
		s := d.NewSink(u, "t", time.Second, nil)
		bind(t, mem, s, twoColumns)
		start := time.Now()
		err := s.Publish(t.Context(), Publication(t, mem, 1, 1, twoColumns+"\n1 a\n"))
		if took := time.Since(start); err == nil || took > 5*time.Second || took < 500*time.Millisecond {
			t.Errorf("%v after %s", err, took)
		}
		if err != nil && (!strings.Contains(err.Error(), "AS3001") || !strings.Contains(err.Error(), p.Address()) || !strings.Contains(err.Error(), "gave up after 1s")) {
			t.Error(err)
		}
	}
	// A wrong password is no reason to try again, and is not printed.
	u := strings.Replace(d.URL(t), ":arrowstream@", ":s3cret@", 1)
	s := d.Sink(u, "t")
	bind(t, mem, s, twoColumns)
	start := time.Now()
	err := s.Publish(t.Context(), Publication(t, mem, 1, 1, twoColumns+"\n1 a\n"))
	if err == nil || !strings.Contains(err.Error(), "AS3001") || strings.Contains(err.Error(), "s3cret") || time.Since(start) > time.Second {
		t.Errorf("a wrong password: %v", err)
	}
}

func (d Database) longChunks(t *testing.T) {
	mem := columnartest.Allocator(t)
	table := d.Table(t)
	s := d.Sink(d.URL(t), table, "k")
	bind(t, mem, s, twoColumns)
	var sb strings.Builder
	sb.WriteString(twoColumns + "\n")
	for i := range 3000 {
		fmt.Fprintf(&sb, "%d %q\n", i%2900, strings.Repeat("x", i%1500))
	}
	publish(t, s, Publication(t, mem, 1, 1, sb.String(), twoColumns+"\n7 "+strings.Repeat("y", 3<<20)+"\n"))
	rows := d.Rows(t, table)
	if len(rows) != 2900 || rows[7] != "7 "+strings.Repeat("y", 3<<20) || rows[50] != "50 "+strings.Repeat("x", 2950%1500) {
		t.Errorf("%d rows", len(rows))
	}
}

func (d Database) columns(t *testing.T) {
	mem := columnartest.Allocator(t)
	table := d.Table(t)
	d.Run(t, d.URL(t), "CREATE TABLE "+table+" (a INTEGER NOT NULL DEFAULT 3, b VARCHAR(9), k BIGINT NOT NULL, PRIMARY KEY (k))")
	// Columns go by name, and what is not written is left alone.
	s := d.Sink(d.URL(t), table, "k")
	bind(t, mem, s, "k:int32 b:dict")
	publish(t, s, Publication(t, mem, 1, 1, "k:int32 b:dict\n1 x\n2 null\n"))
	d.Run(t, d.URL(t), "UPDATE "+table+" SET a = 4 WHERE k = 1")
	publish(t, s, Publication(t, mem, 2, 1, "k:int32 b:dict\n1 y\n"))
	d.Want(t, table, "4 y 1", "3 null 2")
}
