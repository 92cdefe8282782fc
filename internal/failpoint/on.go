//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// armed is what ARROWSTREAM_FAILPOINT says.
type armed struct {
	name, action string
	left         int // hits until it goes off
}

var (
	mu   sync.Mutex
	plan = parse(os.Getenv("ARROWSTREAM_FAILPOINT"))
)

// Hit counts that a place was passed. ARROWSTREAM_FAILPOINT=NAME=ACTION@N acts
// on the N-th time (1 if left out) the place NAME is passed: kill ends the
// process as kill -9 does, stop halts it until SIGCONT, panic panics, and a
// duration waits.
func Hit(name string) {
	mu.Lock()
	p := plan
	if p == nil || p.name != name {
		mu.Unlock()
		return
	}
	p.left--
	fire := p.left == 0
	mu.Unlock()
	if !fire {
		return
	}
	fmt.Fprintln(os.Stderr, "failpoint: "+name+" "+p.action)
	switch p.action {
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "stop":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	case "panic":
		panic("failpoint: " + name)
	default:
		d, err := time.ParseDuration(p.action)
		if err != nil {
			panic("failpoint: unknown action " + p.action)
		}
		time.Sleep(d)
	}
}

func parse(text string) *armed {
	if text == "" {
		return nil
	}
	name, action, _ := strings.Cut(text, "=")
	action, count, counted := strings.Cut(action, "@")
	p := &armed{name: name, action: action, left: 1}
	if n, err := strconv.Atoi(count); counted && err == nil {
		p.left = n
	}
	if !slices.Contains(Names, name) && !slices.Contains(Journal, name) {
		panic("failpoint: unknown place " + name)
	}
	return p
}
