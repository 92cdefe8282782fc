package crashtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream/internal/failpoint"
)

// visible are the lines of the files in a folder, sorted.
func visible(t *testing.T, dir string) (lines []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Split(strings.TrimSpace(string(b)), "\n")...)
	}
	slices.Sort(lines)
	return lines
}

// until runs a job, which listens and has no end, until something holds, and
// drains it.
func (p *process) until(t *testing.T, address string, holds func() bool) {
	t.Helper()
	cmd, out := p.command(t.Context(), "")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(4 * time.Minute)
	listens := func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err == nil
	}
	for !listens() || !holds() {
		if time.Now().After(deadline) {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			t.Fatalf("the job does not get there\n%s", out)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// deliveries are what a web hook was sent, by Idempotency-Key.
type deliveries struct {
	mu     sync.Mutex
	bodies map[string]string
	again  int
}

func (d *deliveries) serve(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the sender was killed
		}
		key := r.Header.Get("Idempotency-Key")
		d.mu.Lock()
		defer d.mu.Unlock()
		if old, ok := d.bodies[key]; ok {
			if d.again++; old != string(body) {
				t.Errorf("key %s came with two bodies", key)
			}
		}
		d.bodies[key] = string(body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func (d *deliveries) lines() (lines []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, body := range d.bodies {
		lines = append(lines, strings.Split(strings.TrimSpace(body), "\n")...)
	}
	slices.Sort(lines)
	return lines
}

// TestPostedRowsKilled kills a job at random places and moments while clients
// post rows to it, each again until it is answered. Every row is in the files
// once, and in the web hook once for every key.
func TestPostedRowsKilled(t *testing.T) {
	const clients, bodies, rows = 4, 60, 20
	killed := 0
	for seed := range uint64(2 * *seeds) {
		rng := rand.New(rand.NewPCG(seed, 7))
		address := freeAddress(t)
		hook := &deliveries{bodies: map[string]string{}}
		p := &process{dir: t.TempDir(), epoch: 5 * time.Millisecond, workers: 1 + int(seed%2)}
		out := filepath.Join(p.dir, "out")
		script := fmt.Sprintf(`SET job.name = posted;
CREATE TABLE i (n BIGINT, name STRING) USING http OPTIONS (listen = '%s', path = '/in', format = 'json', journal = true, 'journal.retention' = '1 ms');
CREATE TABLE o USING json OPTIONS (path = '%s/', 'roll.age' = '1 ms');
CREATE TABLE w USING http OPTIONS (url = '%s', format = 'json', 'batch.rows' = '7');
INSERT INTO o SELECT n, name FROM i;
INSERT INTO w SELECT n, name FROM i;`, address, out, hook.serve(t))
		if err := os.WriteFile(filepath.Join(p.dir, "job.sql"), []byte(script), 0o644); err != nil {
			t.Fatal(err)
		}
		var want []string
		ctx, cancel := context.WithCancel(t.Context())
		var posting sync.WaitGroup
		sent := make(chan struct{})
		for c := range clients {
			var list [][]byte
			for i := range bodies {
				var body bytes.Buffer
				for j := range rows {
					line := fmt.Sprintf(`{"n":%d,"name":"row of %d"}`, (c*bodies+i)*rows+j, c)
					want = append(want, line)
					body.WriteString(line + "\n")
				}
				list = append(list, body.Bytes())
			}
			posting.Go(func() {
				for i, body := range list {
					insist(ctx, "http://"+address+"/in", fmt.Sprintf("%d-%d", c, i), body)
				}
			})
		}
		go func() {
			posting.Wait()
			close(sent)
		}()
		slices.Sort(want)
		places := slices.Concat(failpoint.Names, failpoint.Journal, failpoint.Journal)
		for run, all := 0, false; run < 8 && !all; run++ {
			name := places[rng.IntN(len(places))]
			if p.start(t, fmt.Sprintf("%s=kill@%d", name, 1+rng.IntN(6)), time.Duration(100+rng.IntN(900))*time.Millisecond) {
				t.Fatal("a job without an end has ended")
			}
			killed++
			select {
			case <-sent:
				all = true
			default:
			}
		}
		p.until(t, address, func() bool {
			select {
			case <-sent:
				return len(visible(t, out)) >= len(want) && len(hook.lines()) >= len(want)
			default:
				return false
			}
		})
		cancel()
		if got := visible(t, out); !slices.Equal(got, want) {
			t.Fatalf("seed %d: %d rows in files, want %d", seed, len(got), len(want))
		}
		if got := hook.lines(); !slices.Equal(got, want) {
			t.Fatalf("seed %d: %d rows in the web hook, want %d", seed, len(got), len(want))
		}
		t.Logf("seed %d: %d bodies came again", seed, hook.again)
	}
	t.Logf("%d kills", killed)
}

// insist posts a body until it is answered, at times once more.
func insist(ctx context.Context, url, key string, body []byte) {
	client := &http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return
		}
		r.Header.Set("Idempotency-Key", key)
		answer, err := client.Do(r)
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusNoContent {
				return
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestJournaledSocketKilled kills a job that has committed nothing: what its
// journal has is read again.
func TestJournaledSocketKilled(t *testing.T) {
	address := freeAddress(t)
	p := &process{dir: t.TempDir(), epoch: 10 * time.Minute}
	out := filepath.Join(p.dir, "out")
	script := fmt.Sprintf(`SET job.name = sent;
CREATE TABLE i (n BIGINT) USING socket OPTIONS (listen = '%s', format = 'json', journal = true);
CREATE TABLE o USING json OPTIONS (path = '%s/', 'roll.age' = '1 ms');
INSERT INTO o SELECT n FROM i;`, address, out)
	if err := os.WriteFile(filepath.Join(p.dir, "job.sql"), []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd, output := p.command(t.Context(), "")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range 20_000 {
		want = append(want, fmt.Sprintf(`{"n":%d}`, i))
	}
	text := strings.Join(want, "\n") + "\n"
	var c net.Conn
	var err error
	for range 6000 {
		if c, err = net.Dial("tcp", address); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	c.Close()
	deadline := time.Now().Add(2 * time.Minute)
	for journalBytes(t, p) < int64(len(text)) {
		if time.Now().After(deadline) {
			t.Fatalf("the journal has %d bytes of %d\n%s", journalBytes(t, p), len(text), output)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if n := len(visible(t, out)); n > 0 {
		t.Fatalf("%d rows are visible without a commit", n)
	}
	p.epoch = 5 * time.Millisecond
	p.until(t, address, func() bool { return len(visible(t, out)) >= len(want) })
	slices.Sort(want)
	if got := visible(t, out); !slices.Equal(got, want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
}

// journalBytes is how much the journals of a job hold.
func journalBytes(t *testing.T, p *process) (n int64) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(p.dir, "state", "journal"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestPutRowsKilled kills two jobs at random places and moments, of which one
// puts rows to the other.
func TestPutRowsKilled(t *testing.T) {
	killed := 0
	for seed := range uint64(2 * *seeds) {
		rng := rand.New(rand.NewPCG(seed, 9))
		address := freeAddress(t)
		from := &process{dir: t.TempDir(), epoch: 5 * time.Millisecond, workers: 1 + int(seed%2)}
		to := &process{dir: t.TempDir(), epoch: 5 * time.Millisecond, workers: 2 - int(seed%2)}
		out := filepath.Join(to.dir, "out")
		for p, script := range map[*process]string{
			from: fmt.Sprintf(`SET job.name = putting;
CREATE TABLE clicks USING parquet OPTIONS (path = '${IN}/*.parquet');
CREATE TABLE o USING flight OPTIONS (uri = 'grpc://%s', stream = 'i', 'connect.timeout' = '60 s');
INSERT INTO o SELECT user_id, f1 FROM clicks WHERE user_id %% 3 = 0;`, address),
			to: fmt.Sprintf(`SET job.name = taking;
CREATE TABLE i (user_id BIGINT, f1 DOUBLE) USING flight OPTIONS (listen = '%s', journal = true, 'journal.retention' = '1 ms');
CREATE TABLE o USING json OPTIONS (path = '%s/', 'roll.age' = '1 ms');
INSERT INTO o SELECT * FROM i;`, address, out),
		} {
			if err := os.WriteFile(filepath.Join(p.dir, "job.sql"), []byte(script), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		delays := make([]time.Duration, 4)
		for i := range delays {
			delays[i] = time.Duration(100+rng.IntN(500)) * time.Millisecond
		}
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for _, after := range delays {
				if from.start(t, "", after) {
					return
				}
			}
			from.start(t, "", 0)
		}()
		places := slices.Concat(failpoint.Names, failpoint.Journal, failpoint.Journal)
		for range 6 {
			name := places[rng.IntN(len(places))]
			to.start(t, fmt.Sprintf("%s=kill@%d", name, 1+rng.IntN(4)), time.Duration(100+rng.IntN(700))*time.Millisecond)
			killed++
		}
		reference := filepath.Join(t.TempDir(), "want")
		query(t, fmt.Sprintf("CREATE TABLE o USING json OPTIONS (path = '%s/'); INSERT INTO o SELECT user_id, f1 FROM '%s/*.parquet' WHERE user_id %% 3 = 0", reference, input))
		want := visible(t, reference)
		to.until(t, address, func() bool {
			select {
			case <-sent:
				return len(visible(t, out)) >= len(want)
			default:
				return false
			}
		})
		if got := visible(t, out); !slices.Equal(got, want) {
			t.Fatalf("seed %d: %d rows, want %d", seed, len(got), len(want))
		}
	}
	t.Logf("%d kills of the reader", killed)
}
