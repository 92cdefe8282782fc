package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// live is a job without an end that writes two files.
const live = `CREATE TABLE live (WATERMARK FOR ts AS ts - INTERVAL 2 SECOND) WITH ('connector' = 'clicks', 'rate' = '5000');
CREATE MODEL m OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['label'], model_path = 'm.model') AS SELECT f1, f2, label FROM live;
CREATE VIEW scored AS SELECT ts, label, predicted_label FROM ML_PREDICT(TABLE live, MODEL m);
INSERT INTO 'rows.parquet' SELECT * FROM scored;
INSERT INTO 'rows.csv' SELECT * FROM scored;
`

// start runs a child until it has said something on its standard error.
func start(t *testing.T, args ...string) (*exec.Cmd, *shared) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(cancel)
	cmd := child(ctx, nil, args...)
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(pipe)
	first, err := r.ReadString('\n')
	if err != nil {
		t.Fatalf("%v: %s", err, first)
	}
	said := &shared{}
	_, _ = io.WriteString(said, first)
	go func() { _, _ = io.Copy(said, r) }()
	return cmd, said
}

func send(t *testing.T, cmd *exec.Cmd, s os.Signal) {
	t.Helper()
	if err := cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// files lists the names in the working directory, hidden ones too.
func files(t *testing.T) string {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// TestFirstSignalDrains checks that what was read is finished: whole files with
// the same rows, the model saved, exit 0.
func TestFirstSignalDrains(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(s.String(), func(t *testing.T) {
			t.Chdir(t.TempDir())
			cmd, said := start(t, "run", "--progress", "json", "-e", live)
			waitFor(t, said, `"totalInputRows":[1-9]`)
			send(t, cmd, s)
			if code := codeOf(cmd.Wait()); code != 0 {
				t.Fatalf("exit %d\n%s", code, said.String())
			}
			if got := files(t); got != "m.model rows.csv rows.parquet" {
				t.Errorf("files: %s", got)
			}
			count := func(file string) string {
				return succeed(t, "run", "-q", "-e", "SELECT count(*) AS n FROM '"+file+"'")
			}
			if a, b := count("rows.csv"), count("rows.parquet"); a != b || a == `{"n":0}`+"\n" {
				t.Errorf("rows: %s in the CSV file, %s in the Parquet file; want the same and some", a, b)
			}
		})
	}
}

// TestSecondSignalStops checks that a run that cannot finish is cut off. Here
// it waits for a broker that never answers.
func TestSecondSignalStops(t *testing.T) {
	for s, want := range map[syscall.Signal]int{syscall.SIGINT: exitSIGINT, syscall.SIGTERM: exitSIGTERM} {
		t.Run(s.String(), func(t *testing.T) {
			t.Chdir(t.TempDir())
			broker, err := net.Listen("tcp", "127.0.0.1:0")
			if err == nil {
				err = broker.(*net.TCPListener).SetDeadline(time.Now().Add(time.Minute))
			}
			if err != nil {
				t.Fatal(err)
			}
			defer broker.Close()
			var said shared
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
			defer cancel()
			cmd := child(ctx, nil, "run", "--progress", "off", "-e", `CREATE TABLE t (a BIGINT)
				WITH ('connector' = 'kafka', 'brokers' = '`+broker.Addr().String()+`', 'topic' = 'x', 'format' = 'json', 'connect.timeout' = '10m');
				INSERT INTO 'copy.csv' SELECT * FROM t;`)
			cmd.Stderr = &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			conn, err := broker.Accept() // the child runs
			if err != nil {
				t.Fatalf("%v\n%s", err, said.String())
			}
			defer conn.Close()
			send(t, cmd, s)
			waitFor(t, &said, "draining")
			send(t, cmd, s)
			if code := codeOf(cmd.Wait()); code != want {
				t.Fatalf("exit %d, want %d\n%s", code, want, said.String())
			}
			if !strings.Contains(said.String(), "stopped: the run was cut off") {
				t.Errorf("said %s", said.String())
			}
			if got := files(t); got != "" {
				t.Errorf("left behind: %s", got)
			}
		})
	}
}

// TestSecondSignalEndsHold checks that a stream held open for subscribers does
// not hold up the user.
func TestSecondSignalEndsHold(t *testing.T) {
	t.Chdir(t.TempDir())
	cmd, said := start(t, "run", "--progress", "json", "-e", `CREATE TABLE shown USING flight OPTIONS (listen = '127.0.0.1:0', hold = '1h');`+live+`
		INSERT INTO shown SELECT * FROM scored;`)
	send(t, cmd, syscall.SIGINT)
	waitFor(t, said, "draining")
	send(t, cmd, syscall.SIGINT)
	if code := codeOf(cmd.Wait()); code != exitOK && code != exitSIGINT {
		t.Fatalf("exit %d\n%s", code, said.String())
	}
	if got := files(t); strings.Contains(got, "inprogress") {
		t.Errorf("left behind: %s", got)
	}
}

// waitFor waits until a process has said what a regular expression finds.
func waitFor(t *testing.T, said *shared, what string) {
	t.Helper()
	re := regexp.MustCompile(what)
	for deadline := time.Now().Add(2 * time.Minute); !re.MatchString(said.String()); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no word of %s: %s", what, said.String())
		}
	}
}

// TestFullDisk writes to a device that is always full.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full")
	}
	defer full.Close()
	for _, args := range [][]string{
		{"generate", "clicks", "--rows", "1000"},
		{"generate", "clicks", "--rows", "1000", "--format", "csv"},
		{"generate", "clicks", "--rows", "1000", "--format", "ipc"},
		{"run", "-q", "-e", "CREATE TABLE c WITH ('connector' = 'clicks', 'rows' = '1000'); SELECT * FROM c"},
	} {
		var said shared
		cmd := child(t.Context(), nil, args...)
		cmd.Stdout, cmd.Stderr = full, &said
		if code := codeOf(cmd.Run()); code != exitResources || !strings.Contains(said.String(), "no space left on device") {
			t.Errorf("%v: exit %d, %s; want %d", args, code, said.String(), exitResources)
		}
	}
}

// TestClosedPipe checks that a reader that has seen enough is no error.
func TestClosedPipe(t *testing.T) {
	cmd := child(t.Context(), nil, "generate", "clicks", "--rows", "1000000")
	var said shared
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	out.Close()
	if err := cmd.Wait(); codeOf(err) != 0 && err.Error() != "signal: broken pipe" {
		t.Errorf("%v\n%s", err, said.String())
	}
}
