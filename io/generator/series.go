package generator

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
)

// Series makes one row for each of From, From+Step ... up to To, which is the
// last one if it is met; none if To lies behind From. Rows are made batch by
// batch, so that a series of any length takes no memory. Cost: 1 ns per row.
type Series struct {
	// Column is the name of the only column. Default: "value".
	Column string
	// Type is BIGINT or a type of times with 64 bits. Default: BIGINT.
	Type arrow.DataType
	// From, To and Step are values of the type, or their counts of its unit.
	// Step is not 0.
	From, To, Step int64
}

var (
	_ arrowstream.Source   = (*Series)(nil)
	_ arrowstream.Replayer = (*seriesReader)(nil)
	_ arrowstream.Lagging  = (*seriesReader)(nil)
)

// Schema implements [arrowstream.Source].
func (s *Series) Schema() (*arrow.Schema, error) {
	if s.Step == 0 {
		return nil, &arrowstream.Error{Code: "AS2161", Msg: "series: a step of 0", Hint: "count up or down"}
	}
	name, t := s.Column, s.Type
	if name == "" {
		name = "value"
	}
	if t == nil {
		t = arrow.PrimitiveTypes.Int64
	}
	if id := t.ID(); id != arrow.INT64 && id != arrow.TIMESTAMP {
		return nil, &arrowstream.Error{Code: "AS2161", Msg: fmt.Sprintf("series: values of type %s", t), Hint: "use int64 or timestamp"}
	}
	return arrow.NewSchema([]arrow.Field{{Name: name, Type: t}}, nil), nil
}

// Bounded implements [arrowstream.Source].
func (s *Series) Bounded() bool { return true }

// Delivers implements [arrowstream.Guaranteed].
func (s *Series) Delivers() (arrowstream.Guarantee, string) {
	return arrowstream.ExactlyOnce, "rows are a function of their number"
}

// rows is the number of values: one more than fits for all of them by 1.
func (s *Series) rows() uint64 {
	switch {
	case s.Step > 0 && s.From > s.To, s.Step < 0 && s.From < s.To:
		return 0
	case s.Step > 0:
		return (uint64(s.To)-uint64(s.From))/uint64(s.Step) + 1
	}
	return (uint64(s.From)-uint64(s.To))/-uint64(s.Step) + 1
}

// Open implements [arrowstream.Source].
func (s *Series) Open(_ context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	schema, err := s.Schema()
	if err != nil {
		return nil, err
	}
	r := &seriesReader{series: *s, schema: schema, mem: env.Allocator, limit: env.BatchRows, total: s.rows()}
	if s.Step == 1 && s.To-s.From == -1 && s.From < s.To || s.Step == -1 && s.From-s.To == -1 && s.From > s.To {
		r.total-- // 1<<64 values: the last one is left out
	}
	if r.limit <= 0 {
		r.limit = 16384
	}
	return []arrowstream.Partition{r}, nil
}

// seriesReader reads a series; its position is the number of rows.
type seriesReader struct {
	series Series
	schema *arrow.Schema
	mem    memory.Allocator
	limit  int
	total  uint64
	read   uint64
}

// Read implements [arrowstream.Partition].
func (r *seriesReader) Read(ctx context.Context) (arrowstream.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n := int(min(r.total-r.read, uint64(r.limit)))
	if n == 0 {
		return nil, io.EOF
	}
	buf := memory.NewResizableBuffer(r.mem)
	defer buf.Release()
	buf.Resize(8 * n)
	v := r.series.From + int64(r.read)*r.series.Step // wraps round to what it is
	for i := range n {
		binary.LittleEndian.PutUint64(buf.Bytes()[8*i:], uint64(v))
		v += r.series.Step
	}
	d := array.NewData(r.schema.Field(0).Type, n, []*memory.Buffer{nil, buf}, nil, 0, 0)
	defer d.Release()
	col := array.MakeFromData(d)
	defer col.Release()
	r.read += uint64(n)
	return array.NewRecord(r.schema, []arrow.Array{col}, int64(n)), nil
}

// Position implements [arrowstream.Replayer].
func (r *seriesReader) Position() ([]byte, error) {
	return binary.AppendUvarint([]byte{1}, r.read), nil
}

// Seek implements [arrowstream.Replayer].
func (r *seriesReader) Seek(_ context.Context, pos []byte) error {
	if len(pos) > 1 && pos[0] == 1 {
		if row, n := binary.Uvarint(pos[1:]); n == len(pos)-1 && row <= r.total {
			r.read = row
			return nil
		}
	}
	return fmt.Errorf("generator: position %x is not one of this series", pos)
}

// Lag implements [arrowstream.Lagging].
func (r *seriesReader) Lag() int64 { return int64(min(r.total-r.read, 1<<62)) }

// Close implements [arrowstream.Partition].
func (r *seriesReader) Close() error { return nil }
