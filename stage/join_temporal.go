package stage

import (
	"context"
	"math"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

// Nearest says which row of the right input a [TemporalJoin] takes.
type Nearest int

// The right rows that may match a left one are those on one side of its time;
// the nearest of them does, of several with one time the last that came.
const (
	AtOrBefore Nearest = iota // left >= right
	Before                    // left > right
	AtOrAfter                 // left <= right
	After                     // left < right
)

// later reports whether the right row comes later than the left one.
func (n Nearest) later() bool { return n >= AtOrAfter }

// TemporalJoin joins each row of the left input, which appends, with at most one
// row of the right: that of the same key which is nearest in time. It is the ASOF
// join, and the join with a table FOR SYSTEM_TIME AS OF a time: a row of the right
// input is a version of its key, valid from its time on.
//
// The right input may be a changelog: -U counts for nothing, and -D ends the
// versions of its key at the time of the row.
//
// Rows wait until the watermark has passed them; the output appends, in the order
// of the left times and of arrival. What is remembered of the right input behind
// the watermark is the last row of each key. Left rows behind the watermark are
// counted as late and dropped. Right ones are counted, and are what later rows
// find. A row without a time matches nothing. Where does not choose among the
// right rows: it is asked of the one that was found.
//
// Cost: a look-up of the key for each row of both inputs, and a copy of each right
// row that stays.
type TemporalJoin struct {
	JoinColumns
	// Kind is InnerJoin, or LeftJoin, which also emits left rows without a match.
	Kind JoinKind
	// LeftTime and RightTime are the times, of types that compare. Default: the
	// columns that the inputs mark as event time.
	LeftTime, RightTime string
	Nearest             Nearest
	// Arrival takes the last right row that has come instead, whatever its time.
	// Within a tick, those of the right input come first. Nothing waits.
	Arrival bool
	// AtEnd has all rows wait for the end of the input. The times are any columns
	// of integers, dates or timestamps then. After and AtOrAfter need it.
	AtEnd bool
	// LoadFirst has the runtime read a bounded right input to its end first.
	LoadFirst bool

	mem      memory.Allocator
	plan     *joinPlan
	updating bool // the right input is a changelog
	groups   *agg.Groups
	left     timeline
	right    timeline
	mixed    bool // the times have different units
	versions *shelf
	changed  grouped.Dirty  // keys with other versions since the last checkpoint
	gone     []arrow.Record // keys that have lost theirs since
	open     bool
	waiting  [2][]arrow.Record // of the tick, if Arrival is set
	tick     temporalTick
}

var (
	_ arrowstream.Join        = (*TemporalJoin)(nil)
	_ arrowstream.Loading     = (*TemporalJoin)(nil)
	_ arrowstream.Incremental = (*TemporalJoin)(nil)
	_ arrowstream.Counted     = (*TemporalJoin)(nil)
)

const temporal = "temporal join"

// Bind implements [arrowstream.Join].
func (j *TemporalJoin) Bind(in []*arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	switch {
	case j.Kind != InnerJoin && j.Kind != LeftJoin:
		return nil, planError("AS1408", temporal+": it is an inner or a left join, no "+j.Kind.String(), "")
	case j.Nearest.later() && !j.AtEnd:
		return nil, planError("AS1408", temporal+": the wait for later rows has no end on a stream", "look for earlier rows: left.time >= right.time")
	case j.Arrival && (j.AtEnd || j.Nearest != AtOrBefore):
		return nil, planError("AS1101", temporal+": the order of arrival has no other times", "")
	}
	j.mem = env.Allocator
	var err error
	if j.plan, err = j.JoinColumns.bind(temporal, j.Kind, false, in); err != nil {
		return nil, err
	}
	if j.plan.inputs[0].updating {
		return nil, planError("AS1406", temporal+": the left input updates rows that it has emitted before", "join a stream that only appends")
	}
	if j.updating = j.plan.inputs[1].updating; j.updating && j.AtEnd {
		return nil, planError("AS1406", temporal+": the right input updates rows", "join it at the event time of both inputs")
	}
	if err := j.openTimes(in, env); err != nil {
		return nil, err
	}
	if j.groups, err = agg.NewGroups(j.mem, j.plan.types); err != nil {
		return nil, grouped.Error(temporal, err)
	}
	j.versions = newShelf(j.mem, j.plan.inputs[1].schema.Fields())
	j.open = true
	return j.plan.out, nil
}

// openTimes binds the times of both inputs.
func (j *TemporalJoin) openTimes(in []*arrow.Schema, env arrowstream.Env) error {
	if j.Arrival {
		return nil
	}
	j.left, j.right = timeline{final: j.AtEnd}, timeline{final: j.AtEnd}
	if err := j.left.open(temporal, in[0], env, j.LeftTime, nil); err != nil {
		return err
	}
	if err := j.right.open(temporal, plainChanges(in[1]), env, j.RightTime, nil); err != nil {
		return err
	}
	l, r := in[0].Field(j.left.time), in[1].Field(j.right.time)
	if arrow.TypeEqual(l.Type, r.Type) {
		return nil
	}
	j.mixed = true
	if j.AtEnd || zoned(l.Type) != zoned(r.Type) || fine(l.Type) || fine(r.Type) {
		return planError("AS1301", temporal+": the times are "+kernels.SQLName(l.Type)+" "+l.Name+" and "+kernels.SQLName(r.Type)+" "+r.Name, "cast one of them where it is declared")
	}
	return nil
}

// plainChanges is a schema whose column of changes is one like others, so that
// they can be put in order.
func plainChanges(s *arrow.Schema) *arrow.Schema {
	if !columnar.Changelog(s) {
		return s
	}
	fields := slices.Clone(s.Fields())
	fields[len(fields)-1].Name = "change of row"
	md := s.Metadata()
	return arrow.NewSchema(fields, &md)
}

func zoned(t arrow.DataType) bool {
	ts, ok := t.(*arrow.TimestampType)
	return ok && ts.TimeZone != ""
}

// fine reports whether microseconds do not tell all times of t apart.
func fine(t arrow.DataType) bool {
	ts, ok := t.(*arrow.TimestampType)
	return ok && ts.Unit == arrow.Nanosecond
}

// times are those of an input in the unit that the two share.
func (j *TemporalJoin) times(l *timeline, ts []int64) []int64 {
	if !j.mixed {
		return ts
	}
	out := make([]int64, len(ts))
	for i, t := range ts {
		out[i] = l.micros(t)
	}
	return out
}

// Process implements [arrowstream.Join].
func (j *TemporalJoin) Process(_ context.Context, input int, b arrowstream.Batch, emit arrowstream.Emit) error {
	if b.NumRows() == 0 {
		return nil
	}
	if j.Arrival {
		b.Retain()
		j.waiting[input] = append(j.waiting[input], b)
		return nil
	}
	l := &j.left
	if input == 1 {
		l = &j.right
		b = withSchema(b, l.in)
		defer b.Release()
	}
	if valid := columnar.Validity(b.Column(l.time)); !valid.All() {
		if input == 0 && j.Kind == LeftJoin {
			if err := j.emitUntimed(b, valid, emit); err != nil {
				return err
			}
		}
		timed, err := kernels.Filter(j.mem, b, valid)
		if err != nil {
			return err
		}
		defer timed.Release()
		b = timed
	}
	if input == 0 {
		return l.add(b, func(arrowstream.Batch, ...int) error { return nil })
	}
	for _, t := range l.times(b) {
		if t < l.mark {
			l.late++
			l.lateness.Add(l.event - l.micros(t))
		}
	}
	if b.NumRows() == 0 {
		return nil
	}
	return l.keep(b, false)
}

// emitUntimed emits the rows of b that have no time.
func (j *TemporalJoin) emitUntimed(b arrow.Record, valid columnar.Bitmap, emit arrowstream.Emit) error {
	untimed := columnar.NewBitmap(valid.N)
	untimed.CopyFrom(valid)
	untimed.Invert()
	rows, err := kernels.Filter(j.mem, b, untimed)
	if err != nil {
		return err
	}
	defer rows.Release()
	return j.emitRows(rows, slices.Repeat([]kernels.Place{kernels.NoPlace}, int(rows.NumRows())), emit)
}

// Advance implements [arrowstream.Join].
func (j *TemporalJoin) Advance(_ context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	err := j.advance(w, emit)
	j.endTick()
	switch {
	case err == nil && w.Done():
		err = j.Close()
	case j.AtEnd:
		w.Event = arrowstream.NoEventTime // rows of any time follow
	}
	return w, err
}

func (j *TemporalJoin) advance(w arrowstream.Watermark, emit arrowstream.Emit) error {
	if err := j.beginTick(w); err != nil {
		return err
	}
	if j.Arrival {
		j.follow(math.MaxInt64)
		for _, b := range j.waiting[0] {
			if err := j.join(b, nil, emit); err != nil {
				return err
			}
		}
		return j.keepVersions()
	}
	if j.Nearest.later() {
		return j.joinLater(w, emit)
	}
	if err := j.left.advance(w, func(b arrow.Record, ts []int64) error { return j.join(b, j.times(&j.left, ts), emit) }); err != nil {
		return err
	}
	j.follow(math.MaxInt64)
	return j.keepVersions()
}

// First implements [arrowstream.Loading].
func (j *TemporalJoin) First() []int {
	if j.LoadFirst {
		return []int{1}
	}
	return nil
}

// Counts implements [arrowstream.Counted].
func (j *TemporalJoin) Counts() arrowstream.Counts {
	c := arrowstream.Counts{Late: j.left.late + j.right.late, Lateness: j.left.lateness.Plus(j.right.lateness)}
	if !j.open {
		return c
	}
	c.StateRows = j.left.rows + j.right.rows + j.versions.rows
	c.HeapBytes = j.versions.bytes() + j.tick.bytes() + j.changed.Bytes()
	c.StateBytes = c.HeapBytes + j.groups.Bytes() + j.left.bytes() + j.right.bytes()
	for _, b := range j.versions.boxes {
		for _, col := range b.rec.Columns() {
			c.StateBytes += int64(col.Data().SizeInBytes())
		}
	}
	return c
}

// Close frees the memory of a join that is given up; it may be called twice.
func (j *TemporalJoin) Close() error {
	j.endTick()
	if j.open {
		j.open = false
		j.left.release()
		j.right.release()
		j.versions.release()
		j.groups.Release()
		j.clearChanges()
	}
	return nil
}
