package arrowstream

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
	"sync"
)

// DefaultMemoryLimit is 70 % of the memory that the control group allowed, when
// it was first asked, or without one of what the machine has; 0 where neither can
// be read.
func DefaultMemoryLimit() int64 { return memoryLimit() }

var memoryLimit = sync.OnceValue(func() int64 {
	total := machineMemory()
	if b, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && (total == 0 || n < total) {
			total = n
		}
	}
	return total / 10 * 7
})

// readBytes is what one read of a partition should return at most: those of a
// tick, or a sixteenth of the memory limit, because readers look at the limit
// between two reads and what they build is there several times while it grows.
func (o Options) readBytes() int64 {
	if o.MemoryLimit == 0 {
		return o.TickBytes
	}
	return min(o.TickBytes, max(o.MemoryLimit/16, 1<<20))
}

func machineMemory() int64 {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		if f := strings.Fields(s.Text()); len(f) >= 2 && f[0] == "MemTotal:" {
			kib, _ := strconv.ParseInt(f[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}
