package generator

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/arrowstream/arrowstream"
)

// pace lets event time pass as fast as the clock. Times are in ms.
type pace struct {
	clock  arrowstream.Clock
	begun  bool
	origin int64 // event time minus clock
	closed chan struct{}
	once   sync.Once
}

func newPace(clock arrowstream.Clock) *pace {
	if clock == nil {
		clock = arrowstream.SystemClock{}
	}
	return &pace{clock: clock, closed: make(chan struct{})}
}

func (p *pace) started() bool { return p.begun }

// start makes now the given event time.
func (p *pace) start(event int64) {
	p.begun = true
	p.origin = event - p.clock.Now().UnixMilli()
}

// now is the event time.
func (p *pace) now() int64 { return p.clock.Now().UnixMilli() + p.origin }

// until waits for an event time.
func (p *pace) until(ctx context.Context, event int64) error {
	wait := max(time.Duration(event-p.now())*time.Millisecond, time.Millisecond)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-p.closed:
		return io.EOF
	}
}

// forever waits for the end of the run.
func (p *pace) forever(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-p.closed:
		return io.EOF
	}
}

func (p *pace) close() { p.once.Do(func() { close(p.closed) }) }

// position encodes the number of a row: version 1, then the row.
func position(row int64) []byte { return binary.AppendUvarint([]byte{1}, uint64(row)) }

// row decodes a position.
func row(pos []byte) (int64, error) {
	if len(pos) > 1 && pos[0] == 1 {
		if v, n := binary.Uvarint(pos[1:]); n == len(pos)-1 && v < 1<<62 {
			return int64(v), nil
		}
	}
	return 0, fmt.Errorf("generator: position %x was not written by this source", pos)
}
