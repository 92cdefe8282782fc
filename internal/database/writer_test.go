package database

import (
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

var twoColumns = []Column{{Name: "k", SQL: "bigint", Type: arrow.PrimitiveTypes.Int64}, {Name: "s", SQL: "text", Type: arrow.BinaryTypes.String}}

func rowsOf(t *testing.T, texts ...string) iter.Seq2[arrowstream.Batch, error] {
	var all []arrowstream.Batch
	for _, text := range texts {
		all = append(all, columnartest.Batch(t, columnartest.Allocator(t), text))
	}
	return func(yield func(arrowstream.Batch, error) bool) {
		for _, b := range all {
			b.Retain()
			if !yield(b, nil) {
				return
			}
		}
	}
}

func want(t *testing.T, f *fake, text string) {
	t.Helper()
	if got := f.take(); got != strings.TrimSpace(text) {
		t.Errorf("the server was asked\n%s\nwant\n%s", got, strings.TrimSpace(text))
	}
}

func TestPublish(t *testing.T) {
	f := newFake(twoColumns...)
	w := bound(t, f, "k:int64 s:utf8")
	p := arrowstream.Publication{Job: "j", Sink: "a", Epoch: 7, Incarnation: 2, Count: 2, Rows: rowsOf(t, "k:int64 s:utf8\n1 x\n", "k:int64 s:utf8\n2 \"a\tb\"\n")}
	if err := w.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	want(t, f, `
CONNECT
SELECT epoch FROM "s"."arrowstream_epochs" WHERE job = j AND sink = a
INSERT INTO "s"."arrowstream_epochs" (job, sink, epoch, incarnation) VALUES (j, a, 0, 0) UNLESS [job sink]
BEGIN
UPDATE "s"."arrowstream_epochs" SET epoch = 7, incarnation = 2 WHERE job = j AND sink = a AND epoch < 7 AND incarnation <= 2
LOAD "s"."t" [k s] 2
1	x
2	a\tb
COMMIT`)
	// Done already, by this incarnation or an older one.
	f.changed = 0
	f.rows["FOR UPDATE"] = []string{"7", "1"}
	if err := w.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	want(t, f, `
BEGIN
UPDATE "s"."arrowstream_epochs" SET epoch = 7, incarnation = 2 WHERE job = j AND sink = a AND epoch < 7 AND incarnation <= 2
SELECT epoch, incarnation FROM "s"."arrowstream_epochs" WHERE job = j AND sink = a FOR UPDATE
ROLLBACK`)
	// A newer incarnation is at work, whatever its epoch.
	for _, epoch := range []string{"6", "7", "8"} {
		f.rows["FOR UPDATE"] = []string{epoch, "3"}
		if err := w.Publish(t.Context(), p); !errors.Is(err, arrowstream.ErrFenced) {
			t.Errorf("epoch %s of a newer incarnation: %v", epoch, err)
		}
	}
}

func TestClaim(t *testing.T) {
	f := newFake(twoColumns...)
	w := bound(t, f, "k:int64 s:utf8")
	p := arrowstream.Publication{Job: "j", Sink: "a", Epoch: 7, Incarnation: 2}
	f.rows["FOR UPDATE"] = []string{"7", "2"}
	if err := w.Claim(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	want(t, f, `
CONNECT
SELECT epoch FROM "s"."arrowstream_epochs" WHERE job = j AND sink = a
INSERT INTO "s"."arrowstream_epochs" (job, sink, epoch, incarnation) VALUES (j, a, 0, 0) UNLESS [job sink]
BEGIN
UPDATE "s"."arrowstream_epochs" SET incarnation = 2 WHERE job = j AND sink = a AND incarnation < 2
SELECT epoch, incarnation FROM "s"."arrowstream_epochs" WHERE job = j AND sink = a FOR UPDATE
COMMIT`)
	// Again, because the answer was lost.
	f.changed = 0
	f.rows["FOR UPDATE"] = []string{"7", "2"}
	f.fail["COMMIT"] = errLost
	if err := w.Claim(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	log := f.take()
	if strings.Count(log, "COMMIT") != 2 || !strings.HasSuffix(log, `SELECT epoch, incarnation FROM "s"."arrowstream_epochs" WHERE job = j AND sink = a FOR UPDATE
COMMIT`) {
		t.Errorf("after a lost answer:\n%s", log)
	}
	f.rows["FOR UPDATE"] = []string{"0", "3"}
	if err := w.Claim(t.Context(), p); !errors.Is(err, arrowstream.ErrFenced) {
		t.Errorf("a newer incarnation is at work: %v", err)
	}
	// The state was taken back.
	f.rows["FOR UPDATE"] = []string{"8", "2"}
	f.take()
	var ahead *arrowstream.Error
	if err := w.Claim(t.Context(), p); !errors.As(err, &ahead) || ahead.Code != "AS5009" || strings.Contains(f.take(), "COMMIT") {
		t.Errorf("the table has an epoch that the state does not have: %v", err)
	}
}

// TestPublishAgain loses the connection at every statement.
func TestPublishAgain(t *testing.T) {
	for _, at := range []string{"CONNECT", "SELECT", "INSERT INTO \"s\".\"arrow", "BEGIN", "UPDATE", "DELETE FROM", "LOAD", "INSERT INTO \"s\".\"t\"", "COMMIT", "STAGE"} {
		f := newFake(twoColumns...)
		f.table.Unique = [][]string{{"k"}}
		w := bound(t, f, "k:int64 s:utf8", "k")
		f.fail[at] = errLost
		p := arrowstream.Publication{Job: "j", Sink: "a", Epoch: 7, Incarnation: 2, Count: 1, Rows: rowsOf(t, "k:int64 s:utf8\n1 x\n")}
		if err := w.Publish(t.Context(), p); err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		log := f.take()
		_, last, _ := strings.Cut(log[strings.LastIndex(log, "BEGIN"):], "\n")
		if len(f.fail) != 0 || !strings.HasPrefix(last, "UPDATE") || !strings.Contains(last, "LOAD") || !strings.HasSuffix(last, "COMMIT") || f.open != 1 {
			t.Errorf("after the loss of %s:\n%s", at, log)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		at   string
		err  error
		want string
	}{
		{"CONNECT", errNo, "fake: publish epoch 1 in table s.t at host:1/db: not allowed [AS3001]"},
		{"UPDATE", errNo, "fake: publish epoch 1 in table s.t at host:1/db: not allowed [AS3004]"},
		{"LOAD", errBad, "fake: publish epoch 1 in table s.t at host:1/db: bad value [AS4151]"},
	} {
		f := newFake(twoColumns...)
		w := bound(t, f, "k:int64 s:utf8")
		f.fail[c.at] = c.err
		err := w.Publish(t.Context(), arrowstream.Publication{Epoch: 1, Count: 1, Rows: rowsOf(t, "k:int64 s:utf8\n1 x\n")})
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v", c.at, err)
		}
		if len(f.fail) != 0 {
			t.Errorf("%s was not reached", c.at)
		}
	}
	// An error of the rows is no trouble of the connection.
	f := newFake(twoColumns...)
	w := bound(t, f, "k:int64 s:utf8")
	err := w.Publish(t.Context(), arrowstream.Publication{Epoch: 1, Count: 1, Rows: func(yield func(arrowstream.Batch, error) bool) { yield(nil, errLost) }})
	if !errors.Is(err, errLost) || f.sessions != 1 {
		t.Errorf("%v after %d connections", err, f.sessions)
	}
}

func TestNetEffect(t *testing.T) {
	f := newFake(twoColumns...)
	f.table.Key, f.table.Unique = []string{"k"}, [][]string{{"k"}}
	w := bound(t, f, "k:int64 s:utf8 __op:int8", "k")
	const head = "k:int64 s:utf8 __op:int8\n"
	p := arrowstream.Publication{Job: "j", Sink: "a", Epoch: 1, Incarnation: 1, Count: 8, Rows: rowsOf(t, head+"1 a 0\n2 b 0\n1 a 1\n1 c 2\n", head+"2 b 3\n3 d 1\n4 d 2\n5 e 0\n")}
	if err := w.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	log := f.take()
	_, log, _ = strings.Cut(log, "incarnation <= 1\n")
	const sent = `DELETE FROM "arrowstream_stage"
LOAD "arrowstream_stage" [k s __op] 5
1	c	0
2	b	1
3	d	1
4	d	0
5	e	0
DELETE "s"."t"."k" = "arrowstream_stage"."k" IF "arrowstream_stage"."__op" = 1
INSERT INTO "s"."t" ("k", "s") SELECT "k", "s" FROM "arrowstream_stage" WHERE "__op" = 0 UPSERT [k] [s]
COMMIT`
	if log != sent {
		t.Errorf("the server was asked\n%s\nwant\n%s", log, sent)
	}
}

func TestFlush(t *testing.T) {
	f := newFake()
	b := columnartest.Batch(t, columnartest.Allocator(t), "k:int64! s:utf8\n1 x\n2 y\n")
	w := bound(t, f, "k:int64! s:utf8")
	w.BatchRows = 3
	f.fail["CREATE"] = errNo
	if err := w.Flush(t.Context()); err != nil || f.sessions != 0 {
		t.Errorf("a flush of nothing: %v", err)
	}
	for range 2 { // the second brings it to four rows
		if err := w.Write(t.Context(), b); err != nil && !errors.Is(err, errNo) {
			t.Fatal(err)
		}
	}
	want(t, f, `
CONNECT
CREATE TABLE IF NOT EXISTS "s"."t" ("k" INT64 NOT NULL, "s" UTF8 NULL)`)
	f.table.Columns = twoColumns
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(t, f, "CONNECT\nBEGIN\nLOAD \"s\".\"t\" [k s] 4\n1\tx\n2\ty\n1\tx\n2\ty\nCOMMIT")
	// After an abort what waits is dropped.
	if err := w.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	w.Abort(errNo)
}
