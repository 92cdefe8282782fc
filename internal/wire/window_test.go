package wire

import (
	"bytes"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/internal/hostiletest"
)

// TestZstdWindow reads buffers whose frames ask for windows of 64 MiB to 2 TiB.
// The Arrow library sets no limit below 512 MiB and allocates what is asked for.
func TestZstdWindow(t *testing.T) {
	good := encode(t, false, ipc.WithZstd())
	frame := []byte{0x28, 0xB5, 0x2F, 0xFD}
	places := 0
	for at := bytes.Index(good, frame); at >= 0; places++ {
		for exponent := byte(16); exponent < 32; exponent++ {
			bad := bytes.Clone(good)
			bad[at+4], bad[at+5] = 0, exponent<<3 // no length, but a window of 1<<(10+exponent)
			hostiletest.Within(t, len(bad), func() {
				_, _ = readAll(bytes.NewReader(bad), bytes.NewReader(bad), int64(len(bad)), memory.NewGoAllocator())
			})
		}
		next := bytes.Index(good[at+4:], frame)
		if next < 0 {
			break
		}
		at += 4 + next
	}
	if places < 5 {
		t.Errorf("only %d compressed buffers", places)
	}
}
