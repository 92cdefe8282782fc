package stage

import (
	"context"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// LookupJoin joins each row with the rows of a table outside that have its key
// when it comes. The table is asked for the keys of a batch at once, and what it
// said is remembered for a while, if that is asked for; what it said of keys that
// it does not have, too. The input appends, and so does the output, in the order
// of the input. A NULL key matches nothing.
//
// What a row meets depends on when it comes: a run that repeats the same input may
// give another output. Nothing is kept in a checkpoint.
//
// Cost: a look-up of the key for each row, and a query for every thousand keys of
// a batch that are not remembered, during which the stage waits.
type LookupJoin struct {
	// JoinColumns are those of the input and of the table: RightKeys are what it
	// is searched by.
	JoinColumns
	// Kind is InnerJoin, or LeftJoin, which also emits rows without a match.
	Kind JoinKind
	// Table is what is asked, Schema are its columns.
	Table  arrowstream.Searchable
	Schema *arrow.Schema
	// CacheRows is about how many keys and rows are remembered between batches;
	// 0 is none.
	CacheRows int64
	// CacheTTL is how long they are good for, by the clock of the job; 0 is for
	// as long as there is room.
	CacheTTL time.Duration

	mem   memory.Allocator
	env   arrowstream.Env
	plan  *joinPlan
	cache *lookupCache
	found []foundRows // by row of the batch
	pairs pairing
}

var (
	_ arrowstream.Stage   = (*LookupJoin)(nil)
	_ arrowstream.Counted = (*LookupJoin)(nil)
)

const lookupJoin = "lookup join"

// Bind implements [arrowstream.Stage]. It does not ask the table.
func (j *LookupJoin) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	switch {
	case j.Kind != InnerJoin && j.Kind != LeftJoin:
		return nil, planError("AS1408", lookupJoin+": it is an inner or a left join, no "+j.Kind.String(), "")
	case len(j.RightKeys) == 0:
		return nil, planError("AS1410", lookupJoin+": nothing to search by", "add an equality with a column of the table")
	case j.CacheRows < 0 || j.CacheTTL < 0:
		return nil, planError("AS1101", lookupJoin+": a negative size or age", "")
	}
	j.mem, j.env = env.Allocator, env
	var err error
	if j.plan, err = j.JoinColumns.bind(lookupJoin, j.Kind, false, []*arrow.Schema{in, j.Schema}); err != nil {
		return nil, err
	}
	if j.plan.inputs[0].updating {
		return nil, planError("AS1406", lookupJoin+": the input updates rows that it has emitted before, and the table may say something else by then", "join a stream that only appends")
	}
	j.cache, err = newLookupCache(j.plan, env.Allocator, j.CacheRows, j.CacheTTL)
	return j.plan.out, err
}

// Process implements [arrowstream.Stage].
func (j *LookupJoin) Process(ctx context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	if b.NumRows() == 0 {
		return nil
	}
	if j.cache.table == nil {
		var err error
		if j.cache.table, err = j.Table.Search(ctx, j.RightKeys, j.env); err != nil {
			return err
		}
	}
	j.found = sized(j.found, int(b.NumRows()))
	if err := j.cache.find(ctx, j.plan.inputs[0].keysOf(b, nil), j.found); err != nil {
		return err
	}
	if err := j.emitAll(b, emit); err != nil {
		return err
	}
	return j.cache.roll()
}

// emitAll emits the rows of b with what was found for them.
func (j *LookupJoin) emitAll(b arrow.Record, emit arrowstream.Emit) error {
	right := &joinRows{schema: j.plan.inputs[1].schema, records: j.cache.records()}
	p := &j.pairs
	p.batch = b
	for i := 0; i < len(j.found); {
		from := i
		p.rows, p.places = p.rows[:0], p.places[:0]
		for ; i < len(j.found) && len(p.rows) < joinedRows; i++ {
			f := j.found[i]
			for _, at := range f.places {
				p.rows = append(p.rows, int32(i))
				p.places = append(p.places, kernels.Place{Chunk: at.Chunk + f.chunk, Row: at.Row})
			}
		}
		keep, err := j.plan.matching(j.mem, *p, right)
		if err != nil {
			return err
		}
		j.choose(from, i, keep)
		if err := j.emitPairs(right, emit); err != nil {
			return err
		}
	}
	p.batch = nil
	return nil
}

// choose leaves the pairs of the rows of a range that are to be kept and, of a
// left join, adds the rows that are left without one.
func (j *LookupJoin) choose(from, to int, keep columnar.Bitmap) {
	p := &j.pairs
	if keep.All() && j.Kind == InnerJoin {
		return
	}
	rows, places := make([]int32, 0, len(p.rows)), make([]kernels.Place, 0, len(p.rows))
	k := 0
	for i := int32(from); i < int32(to); i++ {
		n := len(rows)
		for ; k < len(p.rows) && p.rows[k] == i; k++ {
			if keep.Get(k) {
				rows, places = append(rows, i), append(places, p.places[k])
			}
		}
		if len(rows) == n && j.Kind == LeftJoin {
			rows, places = append(rows, i), append(places, kernels.NoPlace)
		}
	}
	p.rows, p.places = rows, places
}

func (j *LookupJoin) emitPairs(right *joinRows, emit arrowstream.Emit) error {
	n := len(j.pairs.rows)
	if n == 0 {
		return nil
	}
	cols, err := j.plan.gather(j.mem, j.plan.columns, j.pairs, right)
	if err != nil {
		return err
	}
	defer grouped.Release(cols)
	out := array.NewRecord(j.plan.out, cols, int64(n))
	defer out.Release()
	return emit(out)
}

// Advance implements [arrowstream.Stage].
func (j *LookupJoin) Advance(_ context.Context, w arrowstream.Watermark, _ arrowstream.Emit) (arrowstream.Watermark, error) {
	j.cache.now = w.Clock
	if w.Done() {
		return w, j.Close()
	}
	return w, nil
}

// Counts implements [arrowstream.Counted].
func (j *LookupJoin) Counts() arrowstream.Counts { return j.cache.counts() }

// Close implements [io.Closer].
func (j *LookupJoin) Close() error {
	if j.cache == nil {
		return nil
	}
	return j.cache.close()
}
