package stage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
)

// SetKind is what a [SetOp] does.
type SetKind int

const (
	// Intersect keeps the rows that are in both inputs.
	Intersect SetKind = iota
	// Except keeps the rows of input 0 that are not in input 1.
	Except
)

func (k SetKind) String() string { return [...]string{"intersect", "except"}[k] }

// SetOp is INTERSECT and EXCEPT of two inputs with the same column types, by
// position; the names are those of input 0. NULL equals NULL. It counts the
// copies of every row in each input, which may be changelogs.
//
// It emits the rows at the end of time, in their order, or with Updates a
// changelog of +I and -D: at every tick the copies of each row of the tick that
// there are more or less.
type SetOp struct {
	Kind SetKind
	// All counts copies: the lesser number of the two inputs, or how many more
	// input 0 has. Otherwise a row is there once or not at all.
	All bool
	// Updates makes the output a changelog.
	Updates bool
	// TTL, with Updates, forgets a row that long after it last came, as in
	// [Aggregate]; in event time if both inputs have one.
	TTL time.Duration

	mem     memory.Allocator
	changes [2]bool
	keys    *grouped.Keys
	out     *arrow.Schema
	open    bool
	ids     []uint32
	counts  [2][]int64 // copies of each row, by input
	touched grouped.Bits
	dirty   []uint32
	was     []int64 // copies in the output, of dirty
	life    lifetime
}

var (
	_ arrowstream.Join    = (*SetOp)(nil)
	_ arrowstream.Counted = (*SetOp)(nil)
)

// Bind implements [arrowstream.Join].
func (s *SetOp) Bind(in []*arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	what := s.Kind.String()
	if len(in) != 2 {
		return nil, planError("AS1101", fmt.Sprintf("%s: %d inputs, want two", what, len(in)), "")
	}
	s.mem = env.Allocator
	var columns [2][]arrow.Field
	for i, schema := range in {
		columns[i] = schema.Fields()
		if s.changes[i] = columnar.Changelog(schema); s.changes[i] {
			columns[i] = columns[i][:len(columns[i])-1]
		}
	}
	if len(columns[0]) != len(columns[1]) {
		return nil, planError("AS1301", fmt.Sprintf("%s: inputs of %d and %d columns", what, len(columns[0]), len(columns[1])), "select the same columns")
	}
	var names []string
	for i, f := range columns[0] {
		names = append(names, f.Name)
		if g := columns[1][i]; !arrow.TypeEqual(plainType(f.Type), plainType(g.Type)) {
			return nil, planError("AS1301", fmt.Sprintf("%s: column %d is %s and %s", what, i+1, columnar.TypeName(f.Type), columnar.TypeName(g.Type)), "cast one of them")
		}
	}
	var err error
	if s.keys, err = grouped.BindKeys(what, in[0], names); err != nil {
		return nil, err
	}
	if s.out = arrow.NewSchema(s.keys.Fields(), nil); s.Updates {
		s.out = columnar.WithChangelog(s.out)
	}
	if err := s.keys.Open(s.mem); err != nil {
		return nil, err
	}
	timed := in[0]
	if columnar.EventTime(in[1]) < 0 {
		timed = in[1]
	}
	s.life = newLifetime(s.TTL, timed, s.Updates)
	s.open = true
	return s.out, nil
}

func plainType(t arrow.DataType) arrow.DataType {
	if d, ok := t.(*arrow.DictionaryType); ok {
		return d.ValueType
	}
	return t
}

// Process implements [arrowstream.Join].
func (s *SetOp) Process(_ context.Context, input int, b arrowstream.Batch, _ arrowstream.Emit) error {
	if b.NumRows() == 0 {
		return nil
	}
	s.ids = slices.Grow(s.ids[:0], int(b.NumRows()))[:b.NumRows()]
	cols := b.Columns()
	if s.changes[input] {
		cols = cols[:len(cols)-1]
	}
	if err := s.keys.FindArrays(cols, s.ids); err != nil {
		return err
	}
	s.grow()
	s.touch()
	back, any := grouped.Back(b, s.changes[input])
	counts := s.counts[input]
	for i, id := range s.ids {
		if any && back.Get(i) {
			counts[id]--
		} else {
			counts[id]++
		}
	}
	return nil
}

func (s *SetOp) grow() {
	n := s.keys.Limit()
	s.counts[0], s.counts[1] = grown(s.counts[0], n), grown(s.counts[1], n)
	s.touched.Grow(n)
	s.life.grow(n)
}

// touch notes the rows of the tick and how often they are in the output.
func (s *SetOp) touch() {
	for _, id := range s.ids {
		if s.touched.Has(id) {
			continue
		}
		if s.life.over(id) {
			s.counts[0][id], s.counts[1][id] = 0, 0
		}
		s.touched.Set(id)
		s.dirty, s.was = append(s.dirty, id), append(s.was, s.copies(id))
	}
}

// copies is how often a row is in the output.
func (s *SetOp) copies(id uint32) int64 {
	a, b := max(s.counts[0][id], 0), max(s.counts[1][id], 0)
	switch {
	case s.Kind == Intersect && s.All:
		return min(a, b)
	case s.Kind == Intersect:
		return min(a, b, 1)
	case s.All:
		return max(a-b, 0)
	case a > 0 && b == 0:
		return 1
	}
	return 0
}

// Advance implements [arrowstream.Join].
func (s *SetOp) Advance(_ context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	if s.life.tell(w) {
		for id := range s.keys.Limit() {
			s.life.see(uint32(id))
		}
	}
	var err error
	switch {
	case s.Updates:
		err = s.emitRows(s.dirty, s.was, emit)
	case w.Done():
		all := s.live()
		err = s.emitRows(all, make([]int64, len(all)), emit)
	}
	s.clean()
	if w.Done() {
		s.Close()
	}
	return w, err
}

// emitRows emits the copies that rows have more or less than they had.
func (s *SetOp) emitRows(ids []uint32, had []int64, emit arrowstream.Emit) error {
	if len(ids) == 0 {
		return nil
	}
	cols, err := s.keys.Columns(ids)
	if err != nil {
		return err
	}
	defer grouped.Release(cols)
	order, err := grouped.Order(cols, len(ids))
	if err != nil {
		return err
	}
	rows := array.NewRecord(arrow.NewSchema(s.keys.Fields(), nil), cols, int64(len(ids)))
	defer rows.Release()
	out := copier{mem: s.mem, rows: rows, out: s.out, changes: s.Updates, emit: emit}
	for _, i := range order {
		op, n := columnar.Insert, s.copies(ids[i])-had[i]
		if n < 0 {
			op, n = columnar.Delete, -n
		}
		if err := out.add(i, op, n); err != nil {
			return err
		}
	}
	return out.flush()
}

// live are the rows that are in an input.
func (s *SetOp) live() []uint32 {
	ids := []uint32{}
	for id := range min(s.keys.Limit(), len(s.counts[0])) {
		if s.counts[0][id] > 0 || s.counts[1][id] > 0 {
			ids = append(ids, uint32(id))
		}
	}
	return ids
}

// clean ends the tick: rows that are in no input, and those that are too old,
// are forgotten.
func (s *SetOp) clean() {
	var gone []uint32
	for _, id := range s.dirty {
		s.touched.Clear(id)
		s.life.see(id)
		if s.counts[0][id] <= 0 && s.counts[1][id] <= 0 {
			gone = append(gone, id)
		}
	}
	s.dirty, s.was = s.dirty[:0], s.was[:0]
	if s.life.due() {
		for _, id := range s.live() {
			if s.life.over(id) {
				gone = append(gone, id)
			}
		}
	}
	for _, id := range gone {
		s.counts[0][id], s.counts[1][id] = 0, 0
	}
	s.keys.Remove(gone)
}

// Snapshot is as in [arrowstream.Stateful]: "rows" has each row with its copies
// in both inputs and its time.
func (s *SetOp) Snapshot(context.Context) (arrowstream.State, error) {
	ids := s.live()
	cols, err := s.keys.Columns(ids)
	if err != nil {
		return nil, err
	}
	defer func() { grouped.Release(cols) }()
	for _, from := range [][]int64{s.counts[0], s.counts[1], s.life.last} {
		vals := make([]int64, len(ids))
		for i, id := range ids {
			if int(id) < len(from) {
				vals[i] = from[id]
			}
		}
		cols = append(cols, int64Array(s.mem, vals))
	}
	return arrowstream.State{
		"meta": grouped.Meta(s.mem, []string{"mark"}, s.life.mark),
		"rows": array.NewRecord(arrow.NewSchema(s.stateFields(), nil), cols, int64(len(ids))),
	}, nil
}

func (s *SetOp) stateFields() []arrow.Field {
	fields := slices.Clone(s.keys.Fields())
	for i := range fields {
		fields[i].Nullable = true
	}
	for _, name := range []string{"__left", "__right", "__time"} {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int64})
	}
	return fields
}

// Restore is as in [arrowstream.Stateful].
func (s *SetOp) Restore(_ context.Context, st arrowstream.State) error {
	meta, ok := grouped.ReadMeta(st["meta"], "mark")
	if !ok {
		return badState(s.Kind.String(), "meta")
	}
	b := st["rows"]
	if !sameTypes(b, s.stateFields()) {
		return badState(s.Kind.String(), "rows")
	}
	gone := s.live()
	for _, id := range gone {
		s.counts[0][id], s.counts[1][id] = 0, 0
	}
	s.keys.Remove(gone)
	s.life.mark = slices.Max(meta[0])
	ids, keys := make([]uint32, b.NumRows()), int(b.NumCols())-3
	if err := s.keys.Restore(b.Columns()[:keys], ids); err != nil {
		return err
	}
	s.grow()
	for c, to := range [][]int64{s.counts[0], s.counts[1], s.life.last} {
		vals := columnar.Values[int64](b.Column(keys + c))
		for i, id := range ids {
			if int(id) < len(to) {
				to[id] = vals[i]
			}
		}
	}
	return nil
}

// Counts implements [arrowstream.Counted].
func (s *SetOp) Counts() arrowstream.Counts {
	var c arrowstream.Counts
	if s.open {
		c.HeapBytes = int64(8*(cap(s.counts[0])+cap(s.counts[1])+cap(s.was))+4*(cap(s.ids)+cap(s.dirty))) + s.touched.Bytes() + s.life.bytes()
		c.StateRows, c.StateBytes = int64(s.keys.Live()), s.keys.Bytes()+c.HeapBytes
	}
	return c
}

// Close frees the memory of a join that is given up; it may be called twice.
func (s *SetOp) Close() error {
	if s.open {
		s.keys.Release()
		s.open = false
	}
	return nil
}
