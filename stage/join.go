package stage

import (
	"context"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

// HashJoin joins two inputs by equal keys. It remembers the rows of each input
// for as long as rows of the other may come: a row is joined with all rows of the
// other input that came before it, in their order, and what it adds to the result
// is emitted at once.
//
// With Updates the inputs may be changelogs or endless: a row that is emitted
// because it has no match is taken back when the first match comes, and comes
// again when the last one is taken back. Without, both inputs append, and so does
// the output: rows without a match are emitted when the other input has ended, in
// the order in which they came. An inner join of inputs that append only appends
// in either case.
//
// When an input ends, what is remembered of the other is of no use any more: the
// rest of that one only looks up.
//
// Changes are +I and -D, at the end of their tick, and those that cancel each
// other are left out. The changes of an update may be apart from each other.
//
// With keys and a folder in [arrowstream.Env.Spill] it goes on there when the rows
// outgrow their share, see join_spill.go.
type HashJoin struct {
	JoinColumns
	Kind JoinKind
	// Updates makes the output a changelog, unless it is an inner join of inputs
	// that append.
	Updates bool
	// LeftTTL and RightTTL forget a row that long after it came: in event time if
	// its input has one, else in processing time. It takes effect between ticks,
	// and takes nothing back. A change of a row that is forgotten is passed over.
	// 0 remembers for ever.
	LeftTTL, RightTTL time.Duration
	// NullAware makes an anti join of one key what NOT IN is: no row passes if the
	// right input has a NULL key, and one whose key is NULL only if it has no row.
	NullAware bool
	// LoadFirst has the runtime read a bounded right input to its end before it
	// reads more of the left one.
	LoadFirst bool

	mem     memory.Allocator
	plan    *joinPlan
	updates bool // the output is a changelog
	groups  *agg.Groups
	sides   [2]joinSide
	list    notIn
	spanOf  spanOf // when rows can have matches; nil is always
	from    []int64
	until   []int64
	open    bool
	seen    int64 // rows

	// Of the batch in Process.
	keys    []arrow.Array
	ids     []uint32 // keys of its rows, NoGroup for those that match nothing
	ops     []int8   // of its rows, nil if all are inserted
	own     []uint32 // slots of its rows plus one, 0 for those that are not remembered
	matched []uint32 // matches of its rows
	dead    []uint32 // slots of rows it takes back
	loose   []uint32 // keys that may have no rows any more
	pairs   joinPairs
	out     joinPairs // what is emitted of them, and with
	changes []int8
	net     netChanges

	divisible
}

// joinSide is what a join knows of one input.
type joinSide struct {
	rows  *joinRows // nil when the other input has ended
	ttl   time.Duration
	mark  int64 // time of the last Advance, for ttl
	since int64 // the first mark
	ended bool
}

var (
	_ arrowstream.Join    = (*HashJoin)(nil)
	_ arrowstream.Counted = (*HashJoin)(nil)
)

// Bind implements [arrowstream.Join].
func (j *HashJoin) Bind(in []*arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	const what = "join"
	updating := false
	for _, s := range in {
		updating = updating || columnar.Changelog(s)
	}
	if updating && !j.Updates {
		return nil, planError("AS1406", what+": the inputs update rows, which only a join with Updates can follow", "")
	}
	if j.LeftTTL < 0 || j.RightTTL < 0 {
		return nil, planError("AS1101", what+": negative TTL", "")
	}
	j.mem, j.updates = env.Allocator, updating || j.Updates && j.Kind != InnerJoin
	var err error
	if j.plan, err = j.JoinColumns.bind(what, j.Kind, j.updates, in); err != nil {
		return nil, err
	}
	if err := j.checkNotIn(); err != nil {
		return nil, err
	}
	if j.groups, err = agg.NewGroups(j.mem, j.plan.types); err != nil {
		return nil, grouped.Error(what, err)
	}
	for i, ttl := range []time.Duration{j.LeftTTL, j.RightTTL} {
		j.sides[i] = joinSide{
			rows: &joinRows{
				mem: j.mem, schema: j.plan.inputs[i].schema,
				timed: ttl > 0, hashed: j.plan.inputs[i].updating, spans: j.spanOf != nil,
			},
			ttl: ttl, mark: arrowstream.NoEventTime, since: arrowstream.NoEventTime,
		}
	}
	j.open = true
	j.Over = j.divided(in, env)
	return j.plan.out, nil
}

// Process implements [arrowstream.Join].
func (j *HashJoin) Process(ctx context.Context, input int, b arrowstream.Batch, emit arrowstream.Emit) error {
	if b.NumRows() == 0 {
		return nil
	}
	if j.Over.On() {
		return j.Over.Process(ctx, input, b, emit)
	}
	if j.updates {
		emit = j.net.hold(j.mem, emit)
	}
	j.seen += b.NumRows()
	if err := j.number(input, b); err != nil {
		return err
	}
	if err := j.remember(input, b); err != nil {
		return err
	}
	if err := j.probe(input, b, emit); err != nil {
		return err
	}
	return j.settle(input)
}

// number finds the keys of the rows of b.
func (j *HashJoin) number(input int, b arrowstream.Batch) error {
	n := int(b.NumRows())
	side := &j.plan.inputs[input]
	j.keys = side.keysOf(b, j.keys[:0])
	defer clear(j.keys)
	j.ids = sized(j.ids, n)
	find := j.groups.Find
	if j.sides[input].rows == nil {
		find = j.groups.Lookup
	}
	if err := find(j.keys, j.ids); err != nil {
		return grouped.Error(j.plan.what, err)
	}
	if !j.list.on || input == 1 { // on the left of NOT IN, NULL may pass later
		j.loose = j.plan.dropNulls(j.keys, j.ids, j.loose)
	}
	j.numberSpans(input, b)
	if j.ops = nil; side.updating {
		j.ops = columnar.Values[int8](b.Column(int(b.NumCols()) - 1))
	}
	return nil
}

// takesBack reports whether row i of the batch is a change that takes a row back.
func (j *HashJoin) takesBack(i int) bool {
	return j.ops != nil && (j.ops[i] == int8(columnar.Delete) || j.ops[i] == int8(columnar.UpdateBefore))
}

// remember adds the new rows of b to those of the input, and takes out the ones
// that are taken back. A row that takes back what is not there counts for nothing.
func (j *HashJoin) remember(input int, b arrowstream.Batch) error {
	r := j.sides[input].rows
	if r == nil {
		j.own = nil
		return nil
	}
	n := int(b.NumRows())
	r.growKeys(j.groups.Len())
	j.own = sized(j.own, n)
	clear(j.own)
	rows, kids := make([]int32, 0, n), make([]uint32, 0, n)
	for i, kid := range j.ids {
		if kid != agg.NoGroup && !j.takesBack(i) {
			rows, kids = append(rows, int32(i)), append(kids, kid)
		}
	}
	b = withoutChanges(b, r.schema)
	defer b.Release()
	hashes, err := r.hash(b)
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		kept, err := kernels.TakeRecord(j.mem, b, rows)
		if err != nil {
			return err
		}
		slots := make([]uint32, len(rows))
		r.take(slots)
		r.add(kept, kids, slots)
		r.setSpans(j.from, j.until, rows)
		for k, i := range rows {
			j.own[i] = slots[k] + 1
			r.setHash(slots[k], hashes, int(i))
		}
	}
	if len(rows) == n {
		return nil
	}
	for i, kid := range j.ids {
		if kid == agg.NoGroup || !j.takesBack(i) {
			continue
		}
		j.loose = append(j.loose, kid)
		if slot, ok := r.takeOut(kid, b, i, rows, hashes); ok {
			j.dead = append(j.dead, slot)
		} else {
			j.own[i] = unknown
		}
	}
	return nil
}

// unknown stands for a row that takes back what is not remembered.
const unknown = ^uint32(0)

// settle forgets what the batch has taken back.
func (j *HashJoin) settle(input int) error {
	if r := j.sides[input].rows; r != nil {
		r.drop(j.dead)
		if err := r.tidy(); err != nil {
			return err
		}
	}
	j.dead = j.dead[:0]
	j.removeLoose()
	return nil
}

// removeLoose forgets the keys among loose that have no rows.
func (j *HashJoin) removeLoose() {
	gone := j.loose[:0]
	for _, kid := range j.loose {
		used := false
		for _, s := range j.sides {
			used = used || s.rows != nil && s.rows.first(kid) != 0
		}
		if !used {
			gone = append(gone, kid)
		}
	}
	j.groups.Remove(gone)
	j.loose = gone[:0]
}

// First says which inputs are to be read to their end before the others.
func (j *HashJoin) First() []int {
	if j.LoadFirst {
		return []int{1}
	}
	return nil
}

// Counts implements [arrowstream.Counted].
func (j *HashJoin) Counts() arrowstream.Counts {
	if j.Over.On() {
		return j.Over.Counts()
	}
	c := arrowstream.Counts{RowsUpdated: j.seen}
	if !j.open {
		return c
	}
	c.StateBytes = j.groups.Bytes()
	for _, s := range j.sides {
		if s.rows != nil {
			c.StateRows += int64(s.rows.live)
			c.HeapBytes += s.rows.heapBytes()
			c.StateBytes += s.rows.valueBytes()
		}
	}
	c.HeapBytes += int64(4*(cap(j.ids)+cap(j.own)+cap(j.matched)+cap(j.dead)+cap(j.loose))+cap(j.changes)) + j.pairs.bytes() + j.out.bytes()
	c.StateBytes += c.HeapBytes
	return c
}

// Close frees the memory of a join that is given up; it may be called twice.
func (j *HashJoin) Close() error {
	if j.open {
		j.open = false
		j.net.release()
		j.groups.Release()
		for i := range j.sides {
			j.drop(i)
		}
	}
	return j.Over.Close()
}

// drop forgets the rows of an input.
func (j *HashJoin) drop(input int) {
	if r := j.sides[input].rows; r != nil {
		r.release()
		j.sides[input].rows = nil
	}
}

// sized is s with n elements that hold anything.
func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
