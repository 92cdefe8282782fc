package stage

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/internal/spill"
	"github.com/arrowstream/arrowstream/kernels"
)

// overflow is what a table of groups has in a file: of some parts of its keys
// the states from when they left memory, and the rows since then.
type overflow struct {
	file    *spill.File
	level   int
	kept    int // parts that are in memory: those below
	parts   [spill.Parts][]spilledPiece
	waiting []arrow.Record // rows that are not yet in the file
	bytes   int64
	divider spill.Divider
	log     aggregateLog
}

// spilledPiece are states, which are in place of what was there of their groups,
// or rows that are added to it.
type spilledPiece struct {
	spill.Piece
	rows bool
}

// Spills implements [arrowstream.Spilling]: a changelog needs the old results of
// all groups, and there is nothing to divide without keys.
func (a *Aggregate) Spills() bool { return a.spill != nil }

// makeRoom has half of the parts that are in memory leave it when the table has
// more than its share. It is called between batches: the error of a budget that
// is used up comes in the middle of an update.
func (a *Aggregate) makeRoom() error {
	if a.spill == nil || a.level == spill.Levels || a.over != nil && a.over.kept == 0 || a.tableBytes() <= a.spill.Share() {
		return nil
	}
	if a.over == nil {
		f, err := spill.Create(a.mem, a.spill)
		if err != nil {
			return err
		}
		a.over = &overflow{file: f, level: a.level, kept: spill.Parts}
		if err := a.beginLog(a.over); err != nil {
			return err
		}
	}
	o := a.over
	groups, free, err := a.divide(o)
	defer free()
	if err != nil {
		return err
	}
	was := o.kept
	if o.kept /= 2; o.log.on {
		o.kept = 0
	}
	var stay []spill.Piece
	for p := range groups[:was] {
		var states []spill.Piece
		if err := a.writeStates(o.file, groups[p], &states); err != nil {
			return err
		}
		if p < o.kept {
			stay = append(stay, states...)
			continue
		}
		for _, piece := range states {
			o.parts[p] = append(o.parts[p], spilledPiece{piece, false})
		}
	}
	if err := a.renew(); err != nil {
		return err
	}
	for _, piece := range stay {
		if err := a.readBack(o.file, piece, a.mergeStates); err != nil {
			return err
		}
	}
	return nil
}

func (a *Aggregate) tableBytes() int64 { return a.set.Bytes() + a.keys.Bytes() }

// perBytes is how many groups take about so many bytes.
func (a *Aggregate) perBytes(size int64, most int) int {
	const least = 16
	each := a.tableBytes()/int64(max(a.keys.Limit(), 1)) + 1
	return int(min(max(size/each, least), int64(most)))
}

// divide returns the groups of each part, and what gives back their memory.
func (a *Aggregate) divide(o *overflow) (groups [spill.Parts][]uint32, free func(), err error) {
	const most = 8 // bytes of a group in a list that grows by doubling
	free = columnar.Charge(a.mem, int64(a.keys.Limit())*most)
	all := a.groups()
	for from := 0; from < len(all); from += sortedRows {
		some := all[from:min(from+sortedRows, len(all))]
		keys, err := a.keys.Columns(some)
		if err != nil {
			return groups, free, err
		}
		parts, err := o.divider.Of(keys, o.level)
		grouped.Release(keys)
		if err != nil {
			return groups, free, err
		}
		for i, p := range parts {
			groups[p] = append(groups[p], some[i])
		}
	}
	return groups, free, nil
}

// writeStates appends the states of groups to a file, a megabyte at a time.
func (a *Aggregate) writeStates(f *spill.File, groups []uint32, to *[]spill.Piece) error {
	size := a.perBytes(1<<20, sortedRows)
	for some := range slices.Chunk(groups, size) {
		b, err := a.states(some)
		if err == nil {
			err = a.write(f, b, to)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// write appends b to a file; it takes it over.
func (a *Aggregate) write(f *spill.File, b arrow.Record, to *[]spill.Piece) error {
	defer b.Release()
	if b.NumRows() == 0 {
		return nil
	}
	p, err := f.Append(b)
	a.spilled += p.Size()
	*to = append(*to, p)
	return err
}

// renew empties the table and gives its memory back.
func (a *Aggregate) renew() error {
	a.set.Release()
	a.keys.Release()
	a.set = a.plan.NewSet(a.mem)
	return a.keys.Open(a.mem)
}

// readBack gives a piece of a file to take.
func (a *Aggregate) readBack(f *spill.File, p spill.Piece, take func(b arrow.Record) error) error {
	b, err := f.Read(p)
	if err != nil {
		return err
	}
	defer b.Release()
	return take(b)
}

// spillRows takes the rows of b, of which those of parts that are in memory go
// into the table.
func (a *Aggregate) spillRows(b arrow.Record) error {
	args, err := a.set.Args(b)
	if err != nil {
		return err
	}
	defer grouped.Release(args)
	cols := make([]arrow.Array, 0, a.input.NumFields())
	defer func() { grouped.Release(cols) }()
	for _, c := range slices.Concat(a.keys.Of(b), args) {
		if c, err = kernels.DecodeDictionary(a.mem, c); err != nil {
			return err
		}
		cols = append(cols, c)
	}
	rows := array.NewRecord(a.input, cols, b.NumRows())
	defer rows.Release()
	return a.addRows(rows)
}

// addRows adds rows of keys and arguments.
func (a *Aggregate) addRows(b arrow.Record) error {
	o := a.over
	if o == nil {
		return a.update(b)
	}
	rest, err := a.keep(o, b, a.update)
	if err != nil {
		return err
	}
	if rest.NumRows() == 0 {
		rest.Release()
		return nil
	}
	o.waiting = append(o.waiting, rest)
	for _, c := range rest.Columns() {
		o.bytes += int64(c.Data().SizeInBytes())
	}
	const buffered = 8 // of the share; rows are there three times while they are divided
	if o.bytes < a.spill.Share()/buffered {
		return nil
	}
	return a.flush(o)
}

// addStates is addRows for states.
func (a *Aggregate) addStates(b arrow.Record) error {
	o := a.over
	if o == nil {
		return a.mergeStates(b)
	}
	rest, err := a.keep(o, b, a.mergeStates)
	if err != nil {
		return err
	}
	defer rest.Release()
	if err := a.flush(o); err != nil { // rows of the same groups may wait
		return err
	}
	return a.scatter(o, rest, false)
}

// keep gives the rows of the parts that are in memory to take and returns the
// others, owned.
func (a *Aggregate) keep(o *overflow, b arrow.Record, take func(b arrow.Record) error) (rest arrow.Record, err error) {
	if o.kept == 0 {
		b.Retain()
		return b, nil
	}
	parts, err := o.divider.Of(b.Columns()[:len(a.By)], o.level)
	if err != nil {
		return nil, err
	}
	in := columnar.NewBitmap(len(parts))
	for i, p := range parts {
		if int(p) < o.kept {
			in.Set(i)
		}
	}
	mine, err := kernels.Filter(a.mem, b, in)
	if err != nil {
		return nil, err
	}
	defer mine.Release()
	if mine.NumRows() > 0 {
		if err := take(mine); err != nil {
			return nil, err
		}
	}
	in.Invert()
	return kernels.Filter(a.mem, b, in)
}

// flush writes the rows that wait, in their order.
func (a *Aggregate) flush(o *overflow) error {
	if len(o.waiting) == 0 {
		return nil
	}
	all, err := kernels.Concat(a.mem, o.waiting)
	if err != nil {
		return err
	}
	defer all.Release()
	o.forget()
	return a.scatter(o, all, true)
}

func (o *overflow) forget() {
	for _, b := range o.waiting {
		b.Release()
	}
	clear(o.waiting)
	o.waiting, o.bytes = o.waiting[:0], 0
}

// scatter writes states, or rows, to their parts.
func (a *Aggregate) scatter(o *overflow, b arrow.Record, rows bool) error {
	parts, err := o.divider.Of(b.Columns()[:len(a.By)], o.level)
	if err != nil {
		return err
	}
	for p, some := range spill.Rows(parts) {
		if len(some) == 0 {
			continue
		}
		var pieces []spill.Piece
		part, err := kernels.TakeRecord(a.mem, b, some)
		if err == nil {
			err = a.write(o.file, part, &pieces)
		}
		if err != nil {
			return err
		}
		for _, piece := range pieces {
			o.parts[p] = append(o.parts[p], spilledPiece{piece, rows})
			o.log.add(piece, rows)
		}
	}
	return nil
}

// update adds rows of keys and arguments to the table.
func (a *Aggregate) update(b arrow.Record) error {
	a.ids = slices.Grow(a.ids[:0], int(b.NumRows()))[:b.NumRows()]
	if err := a.keys.FindArrays(b.Columns()[:len(a.By)], a.ids); err != nil {
		return err
	}
	return a.set.Add(b.Columns()[len(a.By):], a.ids, a.keys.Limit())
}

// emitSpilled emits the result of every group, ordered by key, when some are not
// in memory: the results of the table and of each part are sorted runs of a
// file, which are merged.
func (a *Aggregate) emitSpilled(emit arrowstream.Emit) error {
	results, err := spill.Create(a.mem, a.spill)
	if err != nil {
		return err
	}
	defer results.Close()
	runs, err := a.runs(results)
	if err != nil {
		return err
	}
	return spill.Merge(a.mem, results, runs, len(a.By), sortedRows, a.spill.Share()/4, func(b arrow.Record) error { return emit(b) })
}

// runs writes the results of the table and of what it has spilled, and empties it.
func (a *Aggregate) runs(results *spill.File) (runs []spill.Run, err error) {
	o := a.over
	if o != nil {
		defer o.close()
		if err := a.flush(o); err != nil {
			return nil, err
		}
	}
	var run spill.Run
	// Rows of results are smaller than those of the table.
	err = a.emitTable(a.perBytes(a.runBytes(), sortedRows/2), func(b arrowstream.Batch, _ ...int) error {
		b.Retain()
		return a.write(results, b, (*[]spill.Piece)(&run))
	})
	if err == nil {
		err = a.renew()
	}
	if err != nil {
		return nil, err
	}
	if len(run) > 0 {
		runs = append(runs, run)
	}
	if o == nil {
		return runs, nil
	}
	for p := range o.parts {
		part, err := a.runOf(o, o.parts[p], results)
		if err != nil {
			return nil, err
		}
		if len(part) > 0 {
			runs = append(runs, part)
		}
	}
	return runs, nil
}

// runOf reads a part of o back, goes on with the rows since it was written and
// returns its results as one run.
func (a *Aggregate) runOf(o *overflow, part []spilledPiece, results *spill.File) (run spill.Run, err error) {
	a.over, a.level = nil, o.level+1
	defer func() { a.over, a.level = o, o.level }()
	for _, piece := range part {
		add := a.addStates
		if piece.rows {
			add = a.addRows
		}
		if err = a.makeRoom(); err == nil {
			err = a.readBack(o.file, piece.Piece, add)
		}
		if err != nil {
			break
		}
	}
	var runs []spill.Run
	if err == nil {
		runs, err = a.runs(results)
	}
	if err != nil && a.over != nil {
		a.over.close()
	}
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	if len(runs) == 1 {
		return runs[0], nil
	}
	err = spill.Merge(a.mem, results, runs, len(a.By), sortedRows/2, a.runBytes(), func(b arrow.Record) error {
		b.Retain()
		return a.write(results, b, (*[]spill.Piece)(&run))
	})
	return run, err
}

// runBytes is the size of a batch of a run: a merge has one of each.
func (a *Aggregate) runBytes() int64 { return a.spill.Share() / spill.Parts }

// close frees the file and the rows that wait; it may be called twice.
func (o *overflow) close() {
	o.forget()
	if o.file != nil {
		o.file.Close()
		o.file = nil
	}
}
