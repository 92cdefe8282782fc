package window

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels"
)

// lateSchema is in with the columns late_by and watermark.
func lateSchema(in *arrow.Schema, u unit) *arrow.Schema {
	zone := ""
	if t, ok := u.typ.(*arrow.TimestampType); ok {
		zone = t.TimeZone
	}
	var fields []arrow.Field
	for _, f := range in.Fields() {
		if f.Name != "late_by" && f.Name != "watermark" {
			fields = append(fields, f)
		}
	}
	fields = append(fields,
		arrow.Field{Name: "late_by", Type: arrow.FixedWidthTypes.Duration_us},
		arrow.Field{Name: "watermark", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: zone}, Nullable: true})
	md := in.Metadata()
	return arrow.NewSchema(fields, &md)
}

// emitLate counts the rows idx of b, whose times are ts, as late and sends
// them to the side output.
func (c *core) emitLate(b arrow.Record, ts []int64, idx []int32, emit arrowstream.Emit) error {
	if len(idx) == 0 {
		return nil
	}
	c.counted.Late += int64(len(idx))
	rows, err := c.taken(b, idx)
	if err != nil {
		return err
	}
	defer rows.Release()
	mark := c.event
	if mark == arrowstream.NoEventTime || mark == arrowstream.EndOfTime || c.u.micros(c.horizon) > mark {
		mark = c.u.micros(c.horizon) // closed by a timeout
	}
	by, marks := make([]int64, len(idx)), make([]int64, len(idx))
	for i, k := range idx {
		by[i], marks[i] = apart(mark, c.u.micros(ts[k])), mark
	}
	fields := c.late.Fields()
	var cols []arrow.Array
	for i, f := range c.in.Fields() {
		if f.Name != "late_by" && f.Name != "watermark" {
			rows.Column(i).Retain()
			cols = append(cols, rows.Column(i))
		}
	}
	cols = append(cols, timeArray(c.mem, fields[len(fields)-2].Type, by), timeArray(c.mem, fields[len(fields)-1].Type, marks))
	out := array.NewRecord(c.late, cols, int64(len(idx)))
	defer out.Release()
	for _, col := range cols {
		col.Release()
	}
	return emit(out, 1)
}

// apart is x - y, the greatest duration when that overflows.
func apart(x, y int64) int64 {
	if d := x - y; (d > x) == (y < 0) {
		return d
	}
	return math.MaxInt64
}

// classified are the rows of a batch by what becomes of them.
type classified struct {
	keep, late []int32
	nulls      int
	unwindowed int
}

// extremes are the least and the greatest of ts, which is not empty.
func extremes(ts []int64) (least, greatest int64) {
	least, greatest = ts[0], ts[0]
	for _, t := range ts {
		least, greatest = min(least, t), max(greatest, t)
	}
	return least, greatest
}

// split takes the rows of cl.keep out of b; it counts the others and emits the
// late ones. The caller releases the record.
func (c *core) split(b arrow.Record, ts []int64, cl *classified, emit arrowstream.Emit) (arrow.Record, error) {
	c.counted.Unwindowed += int64(cl.unwindowed)
	if cl.nulls > 0 {
		if err := c.null(cl.nulls); err != nil {
			return nil, err
		}
	}
	if err := c.emitLate(b, ts, cl.late, emit); err != nil {
		return nil, err
	}
	return kernels.TakeRecord(c.mem, b, cl.keep)
}
