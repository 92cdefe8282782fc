package crashtest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream/internal/failpoint"
)

// TestStoppedProcess halts a job, has another process end it and wakes the
// first up. The kernel keeps the lock of a process that is halted; removing its
// file stands for a lock that is lost, as it is when a host is cut off.
func TestStoppedProcess(t *testing.T) {
	for i, target := range targets {
		if target.name == "flight" {
			continue // a halted process keeps its address, which no other can take
		}
		t.Run(target.name, func(t *testing.T) {
			t.Parallel()
			want, _ := undisturbed(t, target)
			places := []string{failpoint.StateSynced, failpoint.CommitAppend, failpoint.CommitSynced, failpoint.PublishBefore, failpoint.PublishAfter}
			for j, name := range places {
				if *seeds == 1 && (i+j)%3 > 0 {
					continue
				}
				p, at := prepare(t, target)
				ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
				defer cancel()
				cmd, out := p.command(ctx, name+"=stop")
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				var status syscall.WaitStatus
				for {
					if _, err := syscall.Wait4(cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != syscall.EINTR {
						break
					}
				}
				if !status.Stopped() {
					t.Fatalf("%s: it was not stopped: %v\n%s", name, status, out)
				}
				if err := os.Remove(filepath.Join(p.dir, "state", "LOCK")); err != nil && target.keep == nil {
					t.Fatal(err)
				}
				p.start(t, "", 0)
				if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
					t.Fatal(err)
				}
				if err := cmd.Wait(); err == nil || !strings.Contains(out.String(), "AS5006") {
					t.Errorf("%s: the stopped process ended with %v\n%s", name, err, out)
				}
				collect(t, p, at).compare(t, want, name)
			}
		})
	}
}
