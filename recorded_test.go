package arrowstream

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
)

// planLog keeps what is recorded.
type planLog struct {
	EpochLog
	items []byte
}

func (l *planLog) Plan(_ Epoch, items []byte) error {
	l.items = append(l.items, items...)
	return nil
}

// TestRecordOfTicks writes ticks and reads them again: watermarks from no event
// time to the end of time, and a clock that stands still.
func TestRecordOfTicks(t *testing.T) {
	ticks := []planned{
		{clock: 1_700_000_000_000_000, marks: []int64{NoEventTime, NoEventTime}},
		{clock: 0, marks: []int64{NoEventTime, 7}, puts: []plannedPut{{0, 16384}, {3, 1}, {0, 1 << 20}}},
		{clock: 1000, marks: []int64{-5, EndOfTime}, puts: []plannedPut{{200, 3}}},
		{clock: 1, marks: []int64{math.MaxInt64, EndOfTime}, ended: true},
	}
	log, d := &planLog{}, &driver{sources: make([]*node, 2)}
	d.marks = slices.Grow(d.marks, 2)[:2]
	r := &recording{log: log, marks: []int64{NoEventTime, NoEventTime}}
	for i := range d.marks {
		d.marks[i].Store(NoEventTime)
	}
	for _, p := range ticks {
		d.clock += p.clock
		for i, m := range p.marks {
			d.marks[i].Store(m)
		}
		for _, put := range p.puts {
			r.put(put.partition, put.rows)
		}
		if err := r.tick(1, d, p.ended); err != nil {
			t.Fatal(err)
		}
	}
	marks, items := []int64{NoEventTime, NoEventTime}, log.items
	for i, want := range ticks {
		got, rest, err := readPlanned(items, 2)
		if err != nil {
			t.Fatal(err)
		}
		items = rest
		for j := range marks {
			marks[j] += got.marks[j]
		}
		if got.clock != want.clock || got.ended != want.ended || !slices.Equal(got.puts, want.puts) || !slices.Equal(marks, want.marks) {
			t.Errorf("tick %d is %+v with watermarks %d, want %+v", i, got, marks, want)
		}
	}
	if len(items) > 0 {
		t.Errorf("%d bytes are left", len(items))
	}
	one := len(log.items)
	r.put(1, 500)
	d.clock += 1100
	d.marks[1].Add(-1000)
	if err := r.tick(1, d, false); err != nil || len(log.items)-one > 11 {
		t.Errorf("a tick of one partition has %d bytes: %v", len(log.items)-one, err)
	}
}

// FuzzReadPlanned takes hostile records apart: it is an error, or it ends.
func FuzzReadPlanned(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{4, 10, 2, 2, 1, 100, 1, 10, 0, 0})
	f.Add(binary.AppendUvarint(nil, math.MaxUint64))
	f.Add([]byte{8<<2 | 2, '{', '}'})
	f.Fuzz(func(t *testing.T, items []byte) {
		_, rest, err := readBegin(items)
		for err == nil && len(rest) > 0 {
			var p planned
			before := len(rest)
			if p, rest, err = readPlanned(rest, 2); err == nil && (len(rest) >= before || len(p.puts) > before) {
				t.Fatalf("%d bytes are %d puts and %d bytes", before, len(p.puts), len(rest))
			}
		}
	})
}
