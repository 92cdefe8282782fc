package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// job is the main job, started as often as it is killed, and what feeds it.
type job struct {
	binary string
	o      options
	topic  string // of the input; the output's has _scored behind it
	feeder *exec.Cmd
	cmd    *exec.Cmd
	latest *latest
}

func newJob(binary string, o options) *job {
	return &job{binary: binary, o: o, topic: fmt.Sprintf("soak_%d", time.Now().UnixMilli()), latest: &latest{}}
}

// features are the columns that the models see.
const features = "f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12"

// declare is a table on a topic, of which rows have been written before if it is
// bounded.
func (j *job) declare(name, topic, columns string, bounded bool) string {
	end := ""
	if bounded {
		end = ", 'scan.bounded.mode' = 'latest'"
	}
	return fmt.Sprintf("CREATE TABLE %s (%s) WITH ('connector' = 'kafka', 'brokers' = '%s', 'topic' = '%s', 'format' = 'json'%s);\n",
		name, columns, j.o.brokers, topic, end)
}

const (
	scoredColumns = "ts TIMESTAMP(3), user_id BIGINT, category STRING, label BIGINT, predicted_label BIGINT, centroid_id BIGINT"
	clickColumns  = "ts TIMESTAMP(3), user_id BIGINT, category STRING, label BIGINT, f1 DOUBLE, f2 DOUBLE, f3 DOUBLE, f4 DOUBLE, f5 DOUBLE, f6 DOUBLE, " +
		"f7 DOUBLE, f8 DOUBLE, f9 DOUBLE, f10 DOUBLE, f11 DOUBLE, f12 DOUBLE"
)

// script is the main job between Kafka and Kafka, with files beside it.
func (j *job) script() string {
	return j.declare("clicks", j.topic, clickColumns+", WATERMARK FOR ts AS ts - INTERVAL 2 SECOND", false) +
		j.declare("scored_topic", j.topic+"_scored", scoredColumns, false) + fmt.Sprintf(`
CREATE TABLE scored_files USING parquet OPTIONS (path = '%[1]s/out', 'roll.age' = '%[3]d ms');
CREATE TABLE accuracy USING json OPTIONS (path = '%[1]s/accuracy/', 'roll.age' = '%[3]d ms');
CREATE MODEL ctr
  OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['label'], learn_rate_strategy = 'constant', learn_rate = 0.0005, model_path = '%[1]s/ctr.model')
  AS SELECT %[2]s, label FROM clicks;
CREATE MODEL segments
  OPTIONS (model_type = 'KMEANS', num_clusters = 8, half_life = 100000, time_unit = 'points', seed = 1)
  AS SELECT %[2]s FROM clicks;
CREATE VIEW scored AS
  SELECT ts, user_id, category, label, predicted_label, centroid_id
  FROM ML_PREDICT(TABLE (SELECT * FROM ML_PREDICT(TABLE clicks, MODEL ctr, DESCRIPTOR(%[2]s))), MODEL segments, DESCRIPTOR(%[2]s));
INSERT INTO scored_topic SELECT * FROM scored;
INSERT INTO scored_files SELECT * FROM scored;
INSERT INTO accuracy SELECT window_start, label, count(*) AS n, avg(IF(predicted_label = label, 1, 0)) AS accuracy
  FROM TUMBLE(TABLE scored, DESCRIPTOR(ts), INTERVAL 10 SECOND) GROUP BY window_start, label;
`, j.o.dir, features, j.own(20*time.Second).Milliseconds())
}

// feed starts what writes the topic, at the rate, for as long as the job is
// watched and killed.
func (j *job) feed(ctx context.Context) error {
	rate := j.o.rate * j.o.speed
	rows := float64(rate) * (j.o.backlog + j.own(j.o.length) + time.Duration(j.o.kills)*3*time.Second).Seconds()
	text := fmt.Sprintf("CREATE TABLE made USING clicks OPTIONS (rows = %.0f, rate = %d, interval = '%d us');\n", rows, rate, 1_000_000/j.o.rate) +
		j.declare("clicks", j.topic, clickColumns, false) + "INSERT INTO clicks SELECT ts, user_id, category, label, " + features + " FROM made;"
	j.feeder = j.command(ctx, "run", "-q", "--progress", "off", "-e", text)
	j.feeder.Stderr = os.Stderr
	return j.feeder.Start()
}

// own is what the clock shows when the job has lived for d.
func (j *job) own(d time.Duration) time.Duration { return d / time.Duration(j.o.speed) }

func (j *job) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, j.binary, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	return cmd
}

// start runs the job in its folder. At first it has a backlog to catch up with:
// so what keeps its size, the pool of columns, ticks and encoders, has from the
// beginning that of a machine which stops for some seconds. All of it is bounded,
// by the rows of a tick and fetch.max.bytes; without the backlog it would grow now
// and then, whenever the machine is slower for a moment than ever before, and look
// like a leak that is none.
func (j *job) start(ctx context.Context) error {
	script := filepath.Join(j.o.dir, "job.sql")
	if err := os.WriteFile(script, []byte("SET job.name = soak;\n"+j.script()), 0o600); err != nil {
		return err
	}
	j.cmd = j.command(ctx, "run", script, "--state", filepath.Join(j.o.dir, "state"), "--epoch", j.own(time.Second).String(), "--progress", "json")
	j.cmd.Stderr = j.latest
	return j.cmd.Start()
}

// kill ends the job with SIGKILL after a while, and starts it again.
func (j *job) kill(ctx context.Context, after time.Duration) error {
	select {
	case <-time.After(after):
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := j.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("%w; %s", err, j.latest.tail())
	}
	_ = j.cmd.Wait() // that it was killed
	return j.start(ctx)
}

func (j *job) stop() {
	for _, cmd := range []*exec.Cmd{j.feeder, j.cmd} {
		if cmd != nil && cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
}

// watch takes samples of the job, and writes them to out as they come.
func (j *job) watch(ctx context.Context, out io.Writer) ([]sample, error) {
	var samples []sample
	start := time.Now()
	tick := time.NewTicker(j.o.every)
	defer tick.Stop()
	fmt.Fprintln(out, "seconds,"+strings.Join(names[:], ","))
	for time.Since(start) < j.own(j.o.length) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return samples, nil // what there is
		}
		s := sample{at: time.Since(start) * time.Duration(j.o.speed)}
		if err := j.measure(&s); err != nil {
			return nil, fmt.Errorf("%w; the job says: %s", err, j.latest.tail())
		}
		fmt.Fprintln(out, s)
		samples = append(samples, s)
	}
	return samples, nil
}

func (j *job) measure(s *sample) error {
	proc := fmt.Sprintf("/proc/%d", j.cmd.Process.Pid)
	status, err := os.ReadFile(proc + "/status")
	if err != nil {
		return err
	}
	_, after, found := strings.Cut(string(status), "VmRSS:")
	if !found {
		return errors.New("the job has ended")
	}
	kib, err := strconv.ParseFloat(strings.Fields(after)[0], 64)
	if err != nil {
		return err
	}
	open, err := os.ReadDir(proc + "/fd")
	if err != nil {
		return err
	}
	p := j.latest.progress()
	s.values[resident], s.values[descriptors] = kib/1024, float64(len(open))
	s.values[heap], s.values[live], s.values[goroutines] = p.HeapBytes/(1<<20), p.LiveBytes/(1<<20), p.Goroutines
	s.values[stateFiles] = float64(count(filepath.Join(j.o.dir, "state"), func(string) bool { return true }))
	s.values[hiddenFiles] = float64(count(filepath.Join(j.o.dir, "out"), func(name string) bool { return strings.HasPrefix(name, ".") }))
	return nil
}

// count is the number of files below dir that are of a kind.
func count(dir string, kind func(name string) bool) (n int) {
	// What is removed while the folder is walked does not count.
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && kind(e.Name()) {
			n++
		}
		return nil
	})
	return n
}

// check waits until the outputs have what the input has, and compares.
func (j *job) check(ctx context.Context, out io.Writer) error {
	if err := j.feeder.Wait(); err != nil {
		return fmt.Errorf("feeder: %w", err)
	}
	const sum = "SELECT count(*) AS n, sum(user_id) AS users, sum(label) AS labels, max(ts) AS last FROM "
	want, err := j.query(ctx, j.declare("t", j.topic, clickColumns, true)+sum+"t")
	if err != nil {
		return err
	}
	var topic, files string
	for range 30 { // of seconds, until the last file is visible
		if topic, err = j.query(ctx, j.declare("t", j.topic+"_scored", scoredColumns, true)+sum+"t"); err != nil {
			return err
		}
		if files, err = j.query(ctx, sum+"'"+j.o.dir+"/out/*.parquet'"); err != nil {
			return err
		}
		if topic == want && files == want {
			fmt.Fprintf(out, "after %d kills both outputs have the rows of the input: %s\n", j.o.kills, want)
			return nil
		}
		time.Sleep(2 * time.Second)
	}
	return fmt.Errorf("the outputs differ from the input:\ninput %s\ntopic %s\nfiles %s", want, topic, files)
}

func (j *job) query(ctx context.Context, text string) (string, error) {
	cmd := j.command(ctx, "run", "-q", "--progress", "off", "--format", "csv", "-e", text)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	b, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, errs.String())
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines[len(lines)-1], nil
}

// latest keeps the end of what the job reports.
type latest struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (l *latest) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	if n := len(l.text); n > 1<<16 {
		l.text = append(l.text[:0], l.text[n-1<<15:]...)
	}
	return len(p), nil
}

func (l *latest) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text[max(0, len(l.text)-2000):])
}

// usage is the part of a progress report that is looked at.
type usage struct {
	Goroutines float64 `json:"goroutines"`
	HeapBytes  float64 `json:"heapBytes"`
	LiveBytes  float64 `json:"heapLiveBytes"`
}

// progress is the last whole report.
func (l *latest) progress() usage {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := bytes.Split(l.text, []byte("\n"))
	for i := len(lines) - 2; i >= 0; i-- {
		var report struct {
			Arrowstream usage `json:"arrowstream"`
		}
		if json.Unmarshal(lines[i], &report) == nil && report.Arrowstream.Goroutines > 0 {
			return report.Arrowstream
		}
	}
	return usage{}
}
