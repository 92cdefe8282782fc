package stage

import (
	"context"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
)

// ProcTime writes the processing time into columns: that of the tick of a row,
// which a recorded job finds again. Rows wait for the end of their tick.
type ProcTime struct {
	// Columns are what is written; those that the input has are replaced, others
	// come last. None leaves rows as they are.
	Columns []string
	// EventTime is the one of them that is the event time of the output, whose
	// watermark is the clock then: windows, orders and joins of event time become
	// those of processing time. Default: the event time stays what it was.
	EventTime string

	mem     memory.Allocator
	out     *arrow.Schema
	at      []int // columns of the output
	waiting []arrow.Record
}

var _ arrowstream.Stage = (*ProcTime)(nil)

// ProcTimeType is the type of a processing time: TIMESTAMP_LTZ(3).
var ProcTimeType = &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}

// Bind implements [arrowstream.Stage].
func (p *ProcTime) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	const what = "processing time"
	if err := grouped.AppendOnly(what, in); err != nil {
		return nil, err
	}
	*p = ProcTime{Columns: p.Columns, EventTime: p.EventTime, mem: env.Allocator}
	fields := slices.Clone(in.Fields())
	for _, name := range p.Columns {
		i := slices.IndexFunc(fields, func(f arrow.Field) bool { return f.Name == name })
		if i < 0 {
			i = len(fields)
			fields = append(fields, arrow.Field{})
		}
		fields[i] = arrow.Field{Name: name, Type: ProcTimeType}
		p.at = append(p.at, i)
	}
	md := in.Metadata()
	p.out = arrow.NewSchema(fields, &md)
	if p.EventTime != "" {
		if _, err := grouped.Column(what, p.out, p.EventTime); err != nil {
			return nil, err
		}
		p.out = columnar.WithEventTime(p.out, p.EventTime)
	}
	return p.out, nil
}

// Process implements [arrowstream.Stage].
func (p *ProcTime) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	if len(p.at) == 0 {
		return emit(b)
	}
	if b.NumRows() > 0 {
		b.Retain()
		p.waiting = append(p.waiting, b)
	}
	return nil
}

// Advance implements [arrowstream.Stage].
func (p *ProcTime) Advance(_ context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	defer p.Close()
	now := columnar.FloorDiv(w.Clock, 1000)
	for _, b := range p.waiting {
		if err := p.emit(b, now, emit); err != nil {
			return w, err
		}
	}
	if p.EventTime != "" && !w.Done() {
		w.Event = now * 1000
	}
	return w, nil
}

func (p *ProcTime) emit(b arrow.Record, now int64, emit arrowstream.Emit) error {
	n := int(b.NumRows())
	col := grouped.Fixed(p.mem, ProcTimeType, slices.Repeat([]int64{now}, n))
	defer col.Release()
	cols := grows(slices.Clone(b.Columns()), p.out.NumFields())
	for _, i := range p.at {
		cols[i] = col
	}
	out := array.NewRecord(p.out, cols, int64(n))
	defer out.Release()
	return emit(out)
}

// Close lets go of the rows of a tick that is given up.
func (p *ProcTime) Close() error {
	releaseRecords(p.waiting)
	clear(p.waiting)
	p.waiting = p.waiting[:0]
	return nil
}
