package kafka

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go/compress"
)

// ledgerBatch is a batch of messages of a producer, or of its marker.
func ledgerBatch(base, producer int64, ending int, pairs ...string) []byte {
	var b recordBatch
	b.reset()
	if ending != noMarker {
		b.add(0, []byte{0, 0, 0, byte(ending)}, []byte{0, 0, 0, 0, 0, 0}, noHeaders)
	}
	for i := 0; i < len(pairs); i += 2 {
		b.add(0, []byte(pairs[i]), []byte(pairs[i+1]), noHeaders)
	}
	set, err := b.seal(compress.None, identity{producer: producer})
	if err != nil {
		panic(err)
	}
	set = slices.Clone(set[4:])
	binary.BigEndian.PutUint64(set, uint64(base))
	if ending != noMarker {
		set[22] |= 1 << 5
		binary.BigEndian.PutUint32(set[17:], checksum(set))
	}
	return set
}

func TestLedger(t *testing.T) {
	const one, two, three = `{"v":1,"epoch":1,"incarnation":1,"rows":1}`, `{"v":1,"epoch":2,"incarnation":1,"rows":1}`, `{"v":1,"epoch":3,"incarnation":2,"rows":1}`
	settle := func(sets ...[]byte) (*ledger, error) {
		l := &ledger{key: "j/s", open: map[int64]progress{}}
		f, err := parseFetch(answer(slices.Concat(sets...)), 11)
		if err != nil {
			t.Fatal(err)
		}
		l.chunk = chunk{data: f.block}
		return l, l.chunk.batches(f, 0, l.settle)
	}
	for name, tc := range map[string]struct {
		sets [][]byte
		want uint64
		open int
	}{
		"nothing":        {nil, 0, 0},
		"committed":      {[][]byte{ledgerBatch(0, 7, noMarker, "j/s", one), ledgerBatch(1, 7, commitMarker)}, 1, 0},
		"open":           {[][]byte{ledgerBatch(0, 7, noMarker, "j/s", one), ledgerBatch(1, 7, commitMarker), ledgerBatch(2, 7, noMarker, "j/s", two)}, 1, 1},
		"aborted":        {[][]byte{ledgerBatch(0, 7, noMarker, "j/s", one), ledgerBatch(1, 7, abortMarker), ledgerBatch(2, 7, commitMarker)}, 0, 0},
		"interleaved":    {[][]byte{ledgerBatch(0, 7, noMarker, "j/s", one), ledgerBatch(1, 8, noMarker, "x/y", three), ledgerBatch(2, 8, commitMarker), ledgerBatch(3, 7, commitMarker)}, 1, 0},
		"other open":     {[][]byte{ledgerBatch(0, 8, noMarker, "x/y", three), ledgerBatch(1, 7, noMarker, "j/s", two), ledgerBatch(2, 7, commitMarker)}, 2, 0},
		"other producer": {[][]byte{ledgerBatch(0, 7, noMarker, "j/s", one), ledgerBatch(1, 7, commitMarker), ledgerBatch(2, 9, noMarker, "j/s", three), ledgerBatch(3, 9, commitMarker)}, 3, 0},
		"same batch":     {[][]byte{ledgerBatch(0, 7, noMarker, "x", "?", "j/s", one, "j/s", two), ledgerBatch(3, 7, commitMarker)}, 2, 0},
	} {
		l, err := settle(tc.sets...)
		if err != nil || uint64(l.last.Epoch) != tc.want || len(l.open) != tc.open {
			t.Errorf("%s: epoch %d, %d open, %v", name, l.last.Epoch, len(l.open), err)
		}
	}
	for _, value := range []string{"", "x", `{"v":2,"epoch":1}`} {
		if _, err := settle(ledgerBatch(0, 7, noMarker, "j/s", value)); !errors.Is(err, errCorrupt) || !strings.Contains(err.Error(), "j/s") {
			t.Errorf("%q: %v", value, err)
		}
	}
}
