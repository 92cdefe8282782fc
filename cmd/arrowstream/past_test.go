package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// mixed is a job whose results depend on when rows come: those of a generator, of
// a topic with several partitions and of a socket meet in one model, and sessions
// time out; what is counted and met depends on the clock.
const mixed = `SET job.name = 'mixed';
SET job.mixed.record = true;
CREATE TABLE made (WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('connector' = 'clicks', 'rate' = '3000');
CREATE TABLE topic (f1 DOUBLE, f2 DOUBLE, label BIGINT, ts TIMESTAMP, WATERMARK FOR ts AS ts - INTERVAL '100' MILLISECOND)
  WITH ('connector' = 'kafka', 'brokers' = 'BROKER', 'topic' = 'rows', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE sent (f1 DOUBLE, f2 DOUBLE, label BIGINT, ts TIMESTAMP, WATERMARK FOR ts AS ts - INTERVAL '100' MILLISECOND)
  WITH ('connector' = 'socket', 'listen' = 'SOCKET', 'format' = 'json', 'journal' = 'true');
CREATE VIEW every AS SELECT f1, f2, label FROM made UNION ALL SELECT f1, f2, label FROM topic UNION ALL SELECT f1, f2, label FROM sent;
CREATE MODEL m OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['label'], update_mode = 'mini_batch', model_path = 'm.model') AS SELECT f1, f2, label FROM every;
CREATE TABLE scored WITH ('connector' = 'json', 'path' = 'scored/', 'roll.age' = '1 ms');
CREATE TABLE sessions WITH ('connector' = 'json', 'path' = 'sessions/', 'roll.age' = '1 ms');
INSERT INTO scored SELECT f1, label, predicted_label FROM ML_PREDICT(TABLE every, MODEL m);
INSERT INTO sessions SELECT label, window_start, window_end, count(*) AS n, sum(f1) AS f
  FROM SESSION(TABLE topic PARTITION BY label, DESCRIPTOR(ts), INTERVAL '2' SECOND) GROUP BY label, window_start, window_end
  EMIT ON WINDOW CLOSE TIMEOUT INTERVAL '60' MILLISECOND;
SET state.unbounded = allow;
CREATE TABLE clocked WITH ('connector' = 'json', 'path' = 'clocked/', 'roll.age' = '1 ms');
CREATE TABLE met WITH ('connector' = 'json', 'path' = 'met/', 'roll.age' = '1 ms');
INSERT INTO clocked SELECT label, window_start, count(*) AS n
  FROM TABLE(TUMBLE((SELECT label, PROCTIME() AS proc FROM topic), DESCRIPTOR(proc), INTERVAL '50' MILLISECOND)) GROUP BY label, window_start, window_end;
INSERT INTO met SELECT t.f1, s.n, PROCTIME() AS at
  FROM topic AS t JOIN (SELECT label, count(*) AS n FROM sent GROUP BY label) FOR SYSTEM_TIME AS OF PROCTIME() AS s ON t.label = s.label;
`

// TestReplayOfARecord kills a live job on the way, stops it later and replays its
// record: the same rows in the same order, the same bytes of the model.
func TestReplayOfARecord(t *testing.T) {
	t.Chdir(t.TempDir())
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "rows"))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	socket := l.Addr().String()
	l.Close()
	script := strings.NewReplacer("BROKER", broker.ListenAddrs()[0], "SOCKET", socket).Replace(mixed)
	if err := os.WriteFile("mixed.sql", []byte(script), 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	sending := make(chan struct{})
	go func() {
		defer close(sending)
		feed(ctx, broker.ListenAddrs()[0], socket)
	}()
	run := []string{"run", "mixed.sql", "--state", "job", "--epoch", "50ms", "--retain", "100000", "--progress", "json"}
	cmd, _ := start(t, run...)
	time.Sleep(time.Second)
	send(t, cmd, syscall.SIGKILL)
	_ = cmd.Wait()
	cmd, said := start(t, run...)
	outputs := []string{"scored", "sessions", "clocked", "met"}
	few := func(name string) bool { return strings.Count(parts(t, name), "\n") < 10 }
	for deadline := time.Now().Add(2 * time.Minute); slices.ContainsFunc(outputs, few); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("too few rows come\n%s", said.String())
		}
	}
	send(t, cmd, syscall.SIGTERM)
	if code := codeOf(cmd.Wait()); code != 0 {
		t.Fatalf("exit %d\n%s", code, said.String())
	}
	stop()
	<-sending

	before := snapshot(t, "job")
	succeed(t, "replay", "-q", "mixed.sql", "--state", "job", "--out", "again", "--speed", "max")
	for _, name := range outputs {
		want, got := parts(t, name), read(t, filepath.Join("again", name+".json"))
		if lines := strings.Count(want, "\n"); lines < 10 || got != want {
			t.Errorf("%s: %d rows, want %d, or not the same", name, strings.Count(got, "\n"), lines)
		}
	}
	if read(t, "m.model") != read(t, filepath.Join("again", "m.model")) {
		t.Error("the models differ")
	}
	if after := snapshot(t, "job"); after != before {
		t.Errorf("the state was\n%s\nand is\n%s", before, after)
	}
	if o := command(t.Context(), "replay", "-q", "mixed.sql", "--state", "job", "--out", "again"); o.code != exitUsage || !strings.Contains(o.err, "is there already") {
		t.Errorf("written again: exit %d\n%s", o.code, o.err)
	}
	first, epoch := "", 1
	for first == "" {
		epoch++ // on a slow machine the first ones are empty
		first = succeed(t, "replay", "-q", "mixed.sql", "--state", "job", "--to-epoch", fmt.Sprint(epoch))
	}
	if len(first) >= len(read(t, "again/scored.json")) {
		t.Errorf("up to epoch %d: %d bytes", epoch, len(first))
	}
}

// feed sends rows to a topic and a socket at random moments, with pauses, in which
// sessions time out.
func feed(ctx context.Context, broker, socket string) {
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	if err != nil {
		return
	}
	defer client.Close()
	var conn net.Conn
	for i := 0; ctx.Err() == nil; i++ {
		row := fmt.Appendf(nil, `{"f1":%g,"f2":%g,"label":%d,"ts":"%s"}`, rand.NormFloat64(), rand.NormFloat64(), i%2, time.UnixMilli(1_700_000_000_000+int64(i)).UTC().Format("2006-01-02 15:04:05.000"))
		client.Produce(ctx, &kgo.Record{Topic: "rows", Partition: rand.Int32N(3), Value: row}, nil)
		if conn == nil {
			conn, _ = net.Dial("tcp", socket)
		} else if _, err := conn.Write(append(row, '\n')); err != nil {
			conn.Close()
			conn = nil
		}
		wait := time.Duration(rand.IntN(3000)) * time.Microsecond
		if rand.IntN(100) == 0 {
			wait = 150 * time.Millisecond
		}
		time.Sleep(wait)
	}
	if conn != nil {
		conn.Close()
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// parts are the files of a folder, one behind the other.
func parts(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	var all strings.Builder
	for _, name := range names {
		all.WriteString(read(t, name))
	}
	return all.String()
}

// snapshot lists the files below a folder with their sizes and times.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var sb strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			fmt.Fprintln(&sb, path, info.Size(), info.ModTime().UnixNano())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sb.String()
}
