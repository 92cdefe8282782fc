package generator

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
)

// supply says how many rows of a numbered series may be read: those that are left,
// and with a rate those that the clock has let pass. It is the part of a partition
// that knows its place.
type supply struct {
	name  string // of the source, for errors
	rows  int    // per batch
	count int64  // rows in all, 0 for no end
	rate  int64  // per second, 0 for no limit
	base  int64  // event time of row 0 in µs
	next  int64  // row
	pace  *pace
}

// take waits until there are rows and returns how many; io.EOF behind the last.
func (s *supply) take(ctx context.Context) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	n := int64(s.rows)
	if s.count > 0 {
		n = min(n, s.count-s.next)
	}
	if n <= 0 {
		return 0, io.EOF
	}
	if s.rate > 0 {
		due, err := s.due(ctx)
		if err != nil {
			return 0, err
		}
		n = min(n, due)
	}
	return int(n), nil
}

// due waits until the clock allows at least one row and returns how many.
func (s *supply) due(ctx context.Context) (int64, error) {
	at := func(row int64) int64 { return row * 1000 / s.rate } // ms
	if !s.pace.started() {
		s.pace.start(at(s.next))
	}
	for {
		if rows := s.pace.now()*s.rate/1000 + 1 - s.next; rows > 0 {
			return rows, nil
		}
		if err := s.pace.until(ctx, at(s.next)+1); err != nil {
			return 0, err
		}
	}
}

// Position implements [arrowstream.Replayer]: the next row and the base time,
// which a live run takes from its clock.
func (s *supply) Position() ([]byte, error) {
	return binary.AppendVarint(position(s.next), s.base), nil
}

// Seek implements [arrowstream.Replayer].
func (s *supply) Seek(_ context.Context, pos []byte) error {
	if len(pos) > 1 && pos[0] == 1 {
		next, n := binary.Uvarint(pos[1:])
		if n > 0 && next < 1<<62 {
			if base, m := binary.Varint(pos[1+n:]); m > 0 && 1+n+m == len(pos) {
				s.next, s.base = int64(next), base
				return nil
			}
		}
	}
	return fmt.Errorf("%s: position %x was not written by this source", s.name, pos)
}

// Lag implements [arrowstream.Lagging].
func (s *supply) Lag() int64 {
	if s.count == 0 {
		return -1
	}
	return s.count - s.next
}
