package stage

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

// temporalTick is a walk through the rows of both inputs that are due, in the
// order of time: now holds the version of each key at the time that it has come to.
type temporalTick struct {
	records []arrow.Record // what is remembered, and then those of due
	kept    int            // how many are what is remembered
	due     []dueRows
	at      int   // the next right row: of which of due,
	row     int   // its row,
	time    int64 // and its time; no more if over
	over    bool
	passed  int64 // the first time that was not passed before the tick

	now    []kernels.Place // by key
	seen   []bool          // by key: now is of this tick
	keys   []uint32        // that have a version of this tick, or had one taken back
	places []kernels.Place // of left rows
	rows   []int32
	ids    []uint32
}

// dueRows are rows of the right input, in order.
type dueRows struct {
	ts  []int64
	ids []uint32
	ops []int8 // nil if all are inserted
}

// beginTick collects the rows of the right input that are due.
func (j *TemporalJoin) beginTick(w arrowstream.Watermark) error {
	t := &j.tick
	t.passed = math.MinInt64
	if t.records = j.versions.records(); !j.Arrival {
		t.passed = j.right.mark
		if j.mixed && t.passed != math.MinInt64 && t.passed != math.MaxInt64 {
			t.passed = j.right.micros(t.passed)
		}
	}
	t.kept = len(t.records)
	take := func(b arrow.Record, ts []int64) error {
		d := dueRows{ts: j.times(&j.right, ts), ids: make([]uint32, b.NumRows())}
		if j.updating {
			d.ops = columnar.Values[int8](b.Column(int(b.NumCols()) - 1))
		}
		b.Retain()
		t.records, t.due = append(t.records, b), append(t.due, d)
		return j.number(1, b, d.ids, j.groups.Find)
	}
	if j.Arrival {
		for _, b := range j.waiting[1] {
			if err := take(b, make([]int64, b.NumRows())); err != nil {
				return err
			}
		}
	} else if err := j.right.advance(w, take); err != nil {
		return err
	}
	n := max(j.groups.Len(), 1)
	t.now, t.seen = grown(t.now, n), grown(t.seen, n)
	t.at, t.row = 0, -1
	t.next()
	return nil
}

// endTick lets go of the rows of the tick.
func (j *TemporalJoin) endTick() {
	t := &j.tick
	releaseRecords(t.records[min(t.kept, len(t.records)):])
	clear(t.records)
	clear(t.due)
	for _, d := range t.keys {
		t.seen[d] = false
	}
	t.records, t.due, t.keys, t.kept = t.records[:0], t.due[:0], t.keys[:0], 0
	for i := range j.waiting {
		releaseRecords(j.waiting[i])
		clear(j.waiting[i])
		j.waiting[i] = j.waiting[i][:0]
	}
}

// number finds the keys of rows of an input: NoGroup for those that match nothing.
func (j *TemporalJoin) number(input int, b arrow.Record, ids []uint32, find func([]arrow.Array, []uint32) error) error {
	keys := j.plan.inputs[input].keysOf(b, nil)
	if len(keys) == 0 {
		clear(ids)
		return nil
	}
	if err := find(keys, ids); err != nil {
		return grouped.Error(temporal, err)
	}
	unused := j.plan.dropNulls(keys, ids, nil)
	if input == 1 {
		j.groups.Remove(unused)
	}
	return nil
}

// next moves to the next right row.
func (t *temporalTick) next() {
	t.row++
	for t.at < len(t.due) && t.row == len(t.due[t.at].ts) {
		t.at, t.row = t.at+1, 0
	}
	if t.over = t.at == len(t.due); !t.over {
		t.time = t.due[t.at].ts[t.row]
	}
}

// follow makes the right rows up to a time the versions of their keys.
func (j *TemporalJoin) follow(time int64) {
	t := &j.tick
	for ; !t.over && t.time <= time; t.next() {
		d := &t.due[t.at]
		kid := d.ids[t.row]
		if kid == agg.NoGroup {
			continue
		}
		now := j.version(kid)
		if t.time < t.passed && now != kernels.NoPlace && t.time < j.timeOf(now) {
			continue // late, and there is a later one
		}
		place := kernels.Place{Chunk: uint32(t.kept + t.at), Row: uint32(t.row)}
		if d.ops != nil {
			switch columnar.Change(d.ops[t.row]) {
			case columnar.UpdateBefore:
				place = now
			case columnar.Delete:
				place = kernels.NoPlace
			}
		}
		if !t.seen[kid] {
			t.seen[kid], t.keys = true, append(t.keys, kid)
		}
		t.now[kid] = place
	}
}

// version is where the version of a key is.
func (j *TemporalJoin) version(kid uint32) kernels.Place {
	if j.tick.seen[kid] {
		return j.tick.now[kid]
	}
	return j.versions.first(kid)
}

// timeOf is the time of a right row.
func (j *TemporalJoin) timeOf(p kernels.Place) int64 {
	if k := int(p.Chunk) - j.tick.kept; k >= 0 {
		return j.tick.due[k].ts[p.Row]
	}
	one := array.NewSlice(j.tick.records[p.Chunk].Column(j.right.time), int64(p.Row), int64(p.Row)+1)
	defer one.Release()
	return j.times(&j.right, timesOf(one))[0]
}

// join emits the rows of b, which are due, with their versions.
func (j *TemporalJoin) join(b arrow.Record, ts []int64, emit arrowstream.Emit) error {
	t, n := &j.tick, int(b.NumRows())
	t.ids, t.places = sized(t.ids, n), sized(t.places, n)
	if err := j.number(0, b, t.ids, j.groups.Lookup); err != nil {
		return err
	}
	for i, kid := range t.ids {
		if !j.Arrival {
			until := ts[i]
			if j.Nearest == Before {
				until = max(until, math.MinInt64+1) - 1
			}
			if !t.over && t.time <= until {
				j.follow(until)
			}
		}
		t.places[i] = kernels.NoPlace
		if kid != agg.NoGroup && int(kid) < len(t.seen) {
			t.places[i] = j.version(kid)
		}
	}
	return j.emitRows(b, t.places, emit)
}

// joinLater joins left rows with later ones, all at the end: it goes through them
// from the last to the first.
func (j *TemporalJoin) joinLater(w arrowstream.Watermark, emit arrowstream.Emit) error {
	t := &j.tick
	var left []arrow.Record
	var times [][]int64
	defer func() { releaseRecords(left) }()
	err := j.left.advance(w, func(b arrow.Record, ts []int64) error {
		b.Retain()
		left, times = append(left, b), append(times, ts)
		return nil
	})
	if err != nil {
		return err
	}
	places := make([][]kernels.Place, len(left))
	at := len(t.due) - 1
	row := -1
	if at >= 0 {
		row = len(t.due[at].ts) - 1
	}
	for i := len(left) - 1; i >= 0; i-- {
		n := int(left[i].NumRows())
		ids := make([]uint32, n)
		if err := j.number(0, left[i], ids, j.groups.Lookup); err != nil {
			return err
		}
		places[i] = make([]kernels.Place, n)
		for k := n - 1; k >= 0; k-- {
			from := times[i][k]
			for at >= 0 && (t.due[at].ts[row] > from || j.Nearest == AtOrAfter && t.due[at].ts[row] == from) {
				j.goBack(at, row)
				for row--; row < 0 && at >= 0; {
					if at--; at >= 0 {
						row = len(t.due[at].ts) - 1
					}
				}
			}
			if places[i][k] = kernels.NoPlace; ids[k] != agg.NoGroup {
				places[i][k] = j.version(ids[k])
			}
		}
	}
	for i, b := range left {
		if err := j.emitRows(b, places[i], emit); err != nil {
			return err
		}
	}
	return nil
}

// goBack makes a right row the version of its key, unless that is one of the same
// time, which came after it.
func (j *TemporalJoin) goBack(at, row int) {
	t := &j.tick
	d := &t.due[at]
	kid := d.ids[row]
	if kid == agg.NoGroup || t.seen[kid] && j.timeOf(t.now[kid]) == d.ts[row] {
		return
	}
	if !t.seen[kid] {
		t.seen[kid], t.keys = true, append(t.keys, kid)
	}
	t.now[kid] = kernels.Place{Chunk: uint32(t.kept + at), Row: uint32(row)}
}

// emitRows emits the rows of b with right rows at places, which it changes.
func (j *TemporalJoin) emitRows(b arrow.Record, places []kernels.Place, emit arrowstream.Emit) error {
	t := &j.tick
	right := &joinRows{schema: j.plan.inputs[1].schema, records: t.records}
	matched := func() {
		t.rows = t.rows[:0]
		for i, p := range places {
			if p != kernels.NoPlace {
				t.rows = append(t.rows, int32(i))
			}
		}
	}
	pairs := func() pairing {
		of := make([]kernels.Place, len(t.rows))
		for k, i := range t.rows {
			of[k] = places[i]
		}
		return pairing{0, b, t.rows, of}
	}
	if j.plan.where != nil {
		matched()
		keep, err := j.plan.matching(j.mem, pairs(), right)
		if err != nil {
			return err
		}
		for k, i := range t.rows {
			if !keep.Get(k) {
				places[i] = kernels.NoPlace
			}
		}
	}
	var of pairing
	if j.Kind == InnerJoin {
		matched()
		of = pairs()
	} else {
		t.rows = span(t.rows[:0], 0, int32(len(places)))
		of = pairing{0, b, t.rows, places}
	}
	if len(of.rows) == 0 {
		return nil
	}
	cols, err := j.plan.gather(j.mem, j.plan.columns, of, right)
	if err != nil {
		return err
	}
	defer grouped.Release(cols)
	out := array.NewRecord(j.plan.out, cols, int64(len(of.rows)))
	defer out.Release()
	return emit(out)
}

// keepVersions remembers the last rows of keys that have changed.
func (j *TemporalJoin) keepVersions() error {
	t := &j.tick
	var kids, gone []uint32
	var places []kernels.Place
	for _, kid := range t.keys {
		if p := t.now[kid]; p != kernels.NoPlace {
			kids, places = append(kids, kid), append(places, p)
		} else {
			gone = append(gone, kid)
		}
	}
	if len(t.keys) == 0 {
		return nil
	}
	if err := j.forget(gone); err != nil {
		return err
	}
	j.changed.Mark(kids, max(j.groups.Len(), 1))
	return j.putVersions(kids, places, t.records)
}

// forget drops the versions of keys, and the keys.
func (j *TemporalJoin) forget(gone []uint32) error {
	if len(gone) == 0 {
		return nil
	}
	j.versions.drop(gone)
	if len(j.plan.types) == 0 {
		return nil
	}
	if j.changed.On() {
		keys, err := j.groups.Keys(gone)
		if err != nil {
			return err
		}
		defer grouped.Release(keys)
		j.gone = append(j.gone, array.NewRecord(j.keySchema(), keys, int64(len(gone))))
	}
	j.groups.Remove(gone)
	return nil
}

// putVersions remembers rows at places of records.
func (j *TemporalJoin) putVersions(kids []uint32, places []kernels.Place, records []arrow.Record) error {
	rows, err := kernels.GatherRecord(j.mem, j.versions.schema, records, places)
	if err != nil {
		return err
	}
	ones := make([]int32, len(kids))
	for i := range ones {
		ones[i] = 1
	}
	return j.versions.put(kids, ones, rows)
}

func (t *temporalTick) bytes() int64 {
	return int64(8*(cap(t.now)+cap(t.places)) + cap(t.seen) + 4*(cap(t.keys)+cap(t.rows)+cap(t.ids)))
}
