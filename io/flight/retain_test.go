package flight

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	arrowflight "github.com/apache/arrow/go/v17/arrow/flight"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/hostiletest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

// TestRetainPathErrors checks damage, other jobs, other columns, and zombies.
func TestRetainPathErrors(t *testing.T) {
	mem := columnartest.Allocator(t)
	dir := t.TempDir()
	b := numbers(t, mem, 0, 4)
	s := exporter(t, mem, Sink{RetainPath: dir}, b.Schema())
	if err := s.Claim(t.Context(), publication("job", 0, 7)); err != nil {
		t.Fatal(err)
	}
	publish(t, s, publication("job", 1, 7, b))
	for e := range arrowstream.Epoch(3) {
		if err := s.Publish(t.Context(), publication("job", e, 6, b)); !errors.Is(err, arrowstream.ErrFenced) {
			t.Error(err)
		}
	}
	if err := s.Claim(t.Context(), publication("job", 0, 6)); !errors.Is(err, arrowstream.ErrFenced) {
		t.Error(err)
	}
	failing := publication("job", 2, 7, b)
	failing.Rows = func(yield func(arrow.Record, error) bool) { yield(nil, errors.New("disk")) }
	if err := s.Publish(t.Context(), failing); err == nil || err.Error() != "disk" {
		t.Error(err)
	}
	s.Hub.Close()
	again := func(s Sink, p arrowstream.Publication, schema *arrow.Schema) error {
		s.RetainPath = dir
		e := exporter(t, mem, s, schema)
		return errors.Join(e.Publish(t.Context(), p), e.Close())
	}
	if err := again(Sink{}, publication("other", 1, 1, b), b.Schema()); err == nil || !strings.Contains(err.Error(), "another job") {
		t.Error(err)
	}
	c := columnartest.Batch(t, mem, "y:int64\n1\n")
	if err := again(Sink{}, publication("job", 2, 8, c), c.Schema()); err == nil || !strings.Contains(err.Error(), "other columns") {
		t.Error(err)
	}
	plain := exporter(t, mem, Sink{RetainPath: t.TempDir()}, b.Schema())
	if err := plain.Write(t.Context(), b); err == nil || !strings.Contains(err.Error(), "state directory") {
		t.Error(err)
	}
	// Every truncation and every flipped byte is an error at the start or when it
	// is sent, never other rows.
	names, _ := filepath.Glob(dir + "/n/*.epoch")
	if len(names) != 1 {
		t.Fatal(names)
	}
	whole, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	want := columnartest.Rows(b)
	readAll := func() ([]string, error) {
		sh, head, entries, err := openShelf(nil, dir, "n", nil)
		if err != nil {
			return nil, err
		}
		st, err := newStream("n", "job", b.Schema(), Retention{Path: dir}, mem)
		if err != nil {
			return nil, err
		}
		if err := st.takeUp(sh, head, entries); err != nil {
			return nil, err
		}
		st.Close()
		var rows []string
		queue := make(chan *arrowflight.FlightData, 10)
		if err := st.serve(t.Context(), ticket{}, func(ticket) []byte { return nil }, func(m *arrowflight.FlightData) error { queue <- m; return nil }); err != nil {
			return nil, err
		}
		close(queue)
		r, err := newReceiver("t", nil, func() (*arrowflight.FlightData, error) {
			if m, ok := <-queue; ok {
				return m, nil
			}
			return nil, io.EOF
		}, mem)
		if err != nil {
			return nil, err
		}
		defer r.Release()
		for {
			b, err := r.Read()
			if err == io.EOF {
				return rows, nil
			}
			if err != nil {
				return nil, err
			}
			rows = append(rows, columnartest.Rows(b)...)
			b.Release()
		}
	}
	if got, err := readAll(); err != nil || !slices.Equal(got, want) {
		t.Fatal(got, err)
	}
	for i := 0; i < len(whole); i += 3 {
		damaged := slices.Clone(whole)
		damaged[i] ^= 1 << (i % 8)
		for how, text := range map[string][]byte{"flipped": damaged, "cut": whole[:i]} {
			if err := os.WriteFile(names[0], text, 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := readAll(); err == nil && !slices.Equal(got, want) {
				t.Fatalf("byte %d %s: %q", i, how, got)
			} else if err == nil && how == "cut" {
				t.Errorf("cut at %d is not noticed", i)
			}
		}
	}
}

func TestSlowSubscriberOfAFolder(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "s:utf8\n"+strings.Repeat(strings.Repeat("x", 16<<10)+"\n", 16)) // 256 KiB
	s := exporter(t, mem, Sink{RetainPath: t.TempDir(), RetainEpochs: 3}, b.Schema())
	publish(t, s, publication("job", 1, 1, b))
	stream, err := dial(t, s.URI()).DoGet(t.Context(), &arrowflight.Ticket{Ticket: []byte("n")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	for e := range 30 { // nobody reads
		publish(t, s, publication("job", arrowstream.Epoch(e+2), 1, b))
	}
	for err = nil; err == nil; {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "by the ticket as1.") {
		t.Error(err)
	}
}

// TestMissingEpoch loses a file out of the middle.
func TestMissingEpoch(t *testing.T) {
	mem := columnartest.Allocator(t)
	dir := t.TempDir()
	b := numbers(t, mem, 0, 2)
	s := exporter(t, mem, Sink{RetainPath: dir}, b.Schema())
	for e := range 4 {
		publish(t, s, publication("job", arrowstream.Epoch(e+1), 1, b))
	}
	s.Hub.Close()
	if err := os.Remove(s.stream.shelf.name(2)); err != nil {
		t.Fatal(err)
	}
	s = exporter(t, mem, Sink{RetainPath: dir}, b.Schema())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for pos, want := range map[string]string{
		`{"job":"job","epoch":1,"seq":0}`: "the oldest is batch 0 of epoch 3",
		`{"job":"job","epoch":2,"seq":0}`: "the oldest is batch 0 of epoch 3",
		`{"job":"job","epoch":3,"seq":0}`: "",
	} {
		p := open(t, &Source{URI: s.server.URI(), Stream: "n", Finite: true}, mem, 0)
		seek(t, p, []byte(pos))
		rows, err := iotest.Rows(context.Background(), p, 0)
		if want == "" && (err != nil || len(rows) != 4) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %d rows, %v", pos, len(rows), err)
		}
	}
}

// TestEveryOperationFails has each change of the disk fail once, for the process
// that claims a folder and publishes, and for the one that goes on after it: the
// error comes out, and a third has every epoch once.
func TestEveryOperationFails(t *testing.T) {
	mem := columnartest.Allocator(t)
	schema := numbers(t, mem, 0, 1).Schema()
	errDisk := errors.New("disk")
	for n, done := 0, false; !done; n++ {
		dir := t.TempDir()
		for run, at := range []int{n, (n*7)%13 + 1, -1} {
			count := 0
			s := exporter(t, mem, Sink{RetainPath: dir, before: func(op, path string) error {
				if count++; count == at+1 {
					return fmt.Errorf("%s %s: %w", op, path, errDisk)
				}
				return nil
			}}, schema)
			committed := arrowstream.Epoch(min(run, 1) * 4) // none for the first, which has it all to do
			err := s.Claim(t.Context(), publication("job", committed, uint64(run+1)))
			for e := 1; e <= 4 && err == nil; e++ {
				err = s.Publish(t.Context(), publication("job", arrowstream.Epoch(e), uint64(run+1), numbers(t, mem, 10*e, 10)))
			}
			switch {
			case err == nil && run == 0:
				done = true
			case err != nil && (at < 0 || !errors.Is(err, errDisk)):
				t.Fatalf("operation %d, run %d: %v", n, run, err)
			case run == 2:
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				p := open(t, &Source{URI: s.server.URI(), Stream: "n", Finite: true}, mem, 0)
				seek(t, p, []byte(`{"job":"job","epoch":1,"seq":0}`))
				rows, err := iotest.Rows(t.Context(), p, 0)
				if err != nil {
					t.Fatalf("operation %d: %v", n, err)
				}
				iotest.EqualRows(t, rows, columnartest.Rows(numbers(t, mem, 10, 40)))
			}
			s.Hub.Close()
		}
		if n > 100 {
			t.Fatal("the operations do not end")
		}
	}
}

// FuzzEpochFile reads any bytes as a file of a retained epoch, and the messages
// it says it has.
func FuzzEpochFile(f *testing.F) {
	dir := f.TempDir()
	s := &shelf{dir: dir}
	w, err := s.create(epochHead{Job: "job", Epoch: 1})
	if err != nil {
		f.Fatal(err)
	}
	for i := range 2 {
		if err := w.add(&arrowflight.FlightData{DataHeader: []byte("head"), DataBody: []byte("body")}, entry{rows: 3, end: i == 1}); err != nil {
			f.Fatal(err)
		}
	}
	entries, err := w.commit(func() error { return nil })
	if err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(entries[0].where.file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-3])
	f.Add([]byte(epochMagic + "\xff\xff\xff\x7f"))
	name := s.name(1)
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = os.Remove(name)
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		hostiletest.Within(t, len(b), func() {
			_, entries, err := readEpoch(nil, name)
			if err != nil {
				return
			}
			for _, e := range entries {
				_, _ = s.load(e.where)
			}
		})
	})
}
