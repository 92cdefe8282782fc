package crashtest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// binary is arrowstream with failpoints, built once; input is a folder of clicks.
var binary, input string

const rows = 120_000

func TestMain(m *testing.M) {
	code, err := setUp(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func setUp(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "crashtest")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	binary, input = filepath.Join(dir, "arrowstream"), filepath.Join(dir, "clicks")
	if err := build(binary, "failpoints"); err != nil {
		return 1, err
	}
	generate := exec.Command(binary, "generate", "clicks", "--rows", fmt.Sprint(rows), "--seed", "7", "--out", input)
	if out, err := generate.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("%w\n%s", err, out)
	}
	if err := writeLines(filepath.Join(input, "lines.json")); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// build makes the program at a path.
func build(path, tags string) error {
	cmd := exec.Command("go", "build", "-tags", tags, "-o", path, "github.com/arrowstream/arrowstream/cmd/arrowstream")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// writeLines writes rows of JSON, of which some cannot be decoded.
func writeLines(path string) error {
	var text bytes.Buffer
	for i := range rows / 2 {
		switch {
		case i%11 == 3:
			fmt.Fprintf(&text, "{\"n\":%d,\"name\":\n", i)
		case i%500 < 20:
			fmt.Fprintf(&text, "{\"n\":\"%d\"}\n", i)
		default:
			fmt.Fprintf(&text, "{\"n\":%d,\"name\":\"row %d\"}\n", i, i)
		}
	}
	return os.WriteFile(path, text.Bytes(), 0o600)
}

// process is one job in one folder, started as often as it takes.
type process struct {
	dir     string // holds the script, the state and the models
	epoch   time.Duration
	workers int
	state   string   // where its state is; empty is a folder in dir
	env     []string // what it needs for that
	in      string   // the folder of its input; empty is input
	args    []string // more of its command line
	program string   // what is run; empty is binary
}

// start runs the job until it ends or after was passed, when it is killed; 0
// waits. It reports whether the job came to its end.
func (p *process) start(t *testing.T, failpoint string, after time.Duration) (done bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	if after > 0 {
		ctx, cancel = context.WithTimeout(t.Context(), after)
		defer cancel()
	}
	cmd, out := p.command(ctx, failpoint)
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return true
	case after > 0 && errors.Is(err, context.DeadlineExceeded): // before it began
		return false
	case errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL && (after > 0 || strings.Contains(out.String(), "failpoint: ")):
		return false
	}
	t.Fatalf("run in %s, failpoint %q: %v\n%s", p.dir, failpoint, err, out.String())
	return false
}

// command is a run of the job, and what it prints.
func (p *process) command(ctx context.Context, failpoint string) (*exec.Cmd, *bytes.Buffer) {
	state := cmp.Or(p.state, filepath.Join(p.dir, "state"))
	args := []string{"run", filepath.Join(p.dir, "job.sql"), "--state", state, "--epoch", p.epoch.String(), "--retain", "3", "--progress", "off", "-q"}
	if p.workers > 0 {
		args = append(args, "--workers", fmt.Sprint(p.workers))
	}
	cmd := exec.CommandContext(ctx, cmp.Or(p.program, binary), append(args, p.args...)...)
	cmd.Env = append(append(os.Environ(), "IN="+cmp.Or(p.in, input), "OUT="+p.dir), p.env...)
	if failpoint != "" {
		cmd.Env = append(cmd.Env, "ARROWSTREAM_FAILPOINT="+failpoint)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	return cmd, &out
}

// models are the bytes of the models that the job has left.
func (p *process) models(t *testing.T) string {
	t.Helper()
	var all []byte
	for _, name := range []string{"ctr.model", "segments.model"} {
		b, err := os.ReadFile(filepath.Join(p.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return string(all)
}

// query runs SQL and returns the lines of its result.
func query(t *testing.T, sql string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, "run", "-e", sql, "--format", "csv", "-q", "--progress", "off", "--workers", "1")
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", sql, err, stderr.String())
	}
	return strings.Split(strings.TrimSpace(out.String()), "\n")
}
