package parquet

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/parquet-go/parquet-go/format"

	"github.com/arrowstream/arrowstream/columnar"
)

// maxStatBytes bounds texts in statistics; a column with longer extremes gets
// none.
const maxStatBytes = 128

// stats are the least and the greatest value of a column chunk.
type stats struct {
	physical format.Type
	unsigned bool
	seen     bool
	lowI     int64
	highI    int64
	lowF     float64
	highF    float64
	low      []byte
	high     []byte
}

func newStats(e *format.SchemaElement) stats {
	s := stats{physical: e.Type.V}
	if t, ok := e.LogicalType.Value.(*format.IntType); ok {
		s.unsigned = !t.IsSigned
	}
	return s
}

// fixed takes values as they are stored.
func (s *stats) fixed(b []byte) {
	switch {
	case len(b) == 0:
	case s.physical == format.Int32 && s.unsigned:
		low, high := extremes(columnar.AsValues[uint32](b))
		s.ints(int64(low), int64(high))
	case s.physical == format.Int32:
		low, high := extremes(columnar.AsValues[int32](b))
		s.ints(int64(low), int64(high))
	case s.physical == format.Int64 && s.unsigned:
		// Shifted by half the range, unsigned numbers order as signed ones.
		low, high := extremes(columnar.AsValues[uint64](b))
		s.ints(int64(low^1<<63), int64(high^1<<63))
	case s.physical == format.Int64:
		s.ints(extremes(columnar.AsValues[int64](b)))
	case s.physical == format.Float:
		for _, x := range columnar.AsValues[float32](b) {
			s.float(float64(x))
		}
	case s.physical == format.Double:
		for _, x := range columnar.AsValues[float64](b) {
			s.float(x)
		}
	}
}

func extremes[T columnar.Fixed](v []T) (low, high T) {
	low, high = v[0], v[0]
	for _, x := range v {
		low, high = min(low, x), max(high, x)
	}
	return low, high
}

func (s *stats) ints(low, high int64) {
	if !s.seen {
		s.seen, s.lowI, s.highI = true, low, high
		return
	}
	s.lowI, s.highI = min(s.lowI, low), max(s.highI, high)
}

// float leaves NaN out, as the format demands.
func (s *stats) float(x float64) {
	switch {
	case x != x:
	case !s.seen:
		s.seen, s.lowF, s.highF = true, x, x
	case x < s.lowF:
		s.lowF = x
	case x > s.highF:
		s.highF = x
	}
}

func (s *stats) bools(v []byte) {
	for _, x := range v {
		s.ints(int64(x), int64(x))
	}
}

func (s *stats) text(v []byte) {
	switch {
	case !s.seen:
		s.seen = true
		s.low, s.high = append(s.low[:0], v...), append(s.high[:0], v...)
	case bytes.Compare(v, s.low) < 0:
		s.low = append(s.low[:0], v...)
	case bytes.Compare(v, s.high) > 0:
		s.high = append(s.high[:0], v...)
	}
}

// result is the statistics of chunk c.
func (s *stats) result(c *chunkOut) format.Statistics {
	out := format.Statistics{NullCount: c.nulls}
	switch {
	case c.coded == 0:
	case c.width > 0:
		s.fixed(c.dict.data)
	default:
		for b := c.dict.data; len(b) > 0; {
			n := binary.LittleEndian.Uint32(b)
			s.text(b[4 : 4+n])
			b = b[4+n:]
		}
	}
	if !s.seen {
		return out
	}
	switch s.physical {
	case format.Boolean:
		out.MinValue, out.MaxValue = []byte{byte(s.lowI)}, []byte{byte(s.highI)}
	case format.Int32:
		out.MinValue = binary.LittleEndian.AppendUint32(nil, uint32(s.lowI))
		out.MaxValue = binary.LittleEndian.AppendUint32(nil, uint32(s.highI))
	case format.Int64:
		low, high := uint64(s.lowI), uint64(s.highI)
		if s.unsigned {
			low, high = low^1<<63, high^1<<63
		}
		out.MinValue = binary.LittleEndian.AppendUint64(nil, low)
		out.MaxValue = binary.LittleEndian.AppendUint64(nil, high)
	case format.Float, format.Double:
		low, high := s.lowF, s.highF
		if low == 0 {
			low = math.Copysign(0, -1)
		}
		if high == 0 {
			high = 0
		}
		if s.physical == format.Float {
			out.MinValue = binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(low)))
			out.MaxValue = binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(high)))
		} else {
			out.MinValue = binary.LittleEndian.AppendUint64(nil, math.Float64bits(low))
			out.MaxValue = binary.LittleEndian.AppendUint64(nil, math.Float64bits(high))
		}
	case format.ByteArray:
		if len(s.low) <= maxStatBytes && len(s.high) <= maxStatBytes {
			out.MinValue, out.MaxValue = append([]byte{}, s.low...), append([]byte{}, s.high...)
		}
	}
	return out
}
