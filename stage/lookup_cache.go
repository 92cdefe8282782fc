package stage

import (
	"context"
	"slices"
	"time"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

// lookupCache is what is remembered of a table outside, in two generations: what
// was looked up since the last of them began, and what was before. When the young
// one has half of what there may be it takes the place of the old one, which is
// forgotten as a whole.
type lookupCache struct {
	mem        memory.Allocator
	plan       *joinPlan
	keys       *arrow.Schema // of the keys that the table is asked for
	table      arrowstream.Lookup
	rows       int64
	ttl        int64
	now        int64 // by the clock of the job
	old, young *lookups
	ids, olds  []uint32
}

// lookups are the keys of a generation, and the rows that were found.
type lookups struct {
	groups  *agg.Groups
	keys    []lookedUp // by group
	records []arrow.Record
	n       int64 // keys and rows
	bytes   int64 // of records
}

// lookedUp is what is known of a key.
type lookedUp struct {
	state  lookupState
	at     int64 // when it was looked up
	places []kernels.Place
}

type lookupState int8

const (
	neverAsked lookupState = iota
	asked                  // it is about to be looked up
	answered
)

// foundRows are the rows of a key: places in chunks that are counted from chunk.
type foundRows struct {
	places []kernels.Place
	chunk  uint32
}

func newLookupCache(plan *joinPlan, mem memory.Allocator, rows int64, ttl time.Duration) (c *lookupCache, err error) {
	c = &lookupCache{mem: mem, plan: plan, rows: rows, ttl: ttl.Microseconds()}
	var fields []arrow.Field
	for i, k := range plan.inputs[1].keys {
		fields = append(fields, arrow.Field{Name: plan.inputs[1].schema.Field(k).Name, Type: plan.types[i]})
	}
	c.keys = arrow.NewSchema(fields, nil)
	if c.old, err = c.generation(); err != nil {
		return nil, err
	}
	c.young, err = c.generation()
	return c, err
}

func (c *lookupCache) generation() (*lookups, error) {
	g, err := agg.NewGroups(c.mem, c.plan.types)
	if err != nil {
		return nil, grouped.Error(lookupJoin, err)
	}
	return &lookups{groups: g}, nil
}

// find tells for every row of keys, those of the left input, what the table has.
func (c *lookupCache) find(ctx context.Context, keys []arrow.Array, found []foundRows) error {
	c.ids, c.olds = sized(c.ids, len(found)), sized(c.olds, len(found))
	if err := c.young.groups.Find(keys, c.ids); err != nil {
		return grouped.Error(lookupJoin, err)
	}
	c.young.keys = grown(c.young.keys, c.young.groups.Len())
	if err := c.old.groups.Lookup(keys, c.olds); err != nil {
		return grouped.Error(lookupJoin, err)
	}
	c.young.groups.Remove(c.plan.dropNulls(keys, c.ids, nil)) // NULL has no rows
	var missing []uint32
	for i, id := range c.ids {
		if id == agg.NoGroup || c.fresh(c.young, id) || c.fresh(c.old, c.olds[i]) {
			continue
		}
		if k := &c.young.keys[id]; k.state != asked {
			k.state, k.places, missing = asked, nil, append(missing, id)
		}
	}
	if err := c.ask(ctx, missing); err != nil {
		return err
	}
	young := uint32(len(c.old.records))
	for i, id := range c.ids {
		switch {
		case id == agg.NoGroup:
			found[i] = foundRows{}
		case c.fresh(c.young, id):
			found[i] = foundRows{c.young.keys[id].places, young}
		default:
			found[i] = foundRows{c.old.keys[c.olds[i]].places, 0}
		}
	}
	return nil
}

// fresh reports whether a key is known, and not for too long.
func (c *lookupCache) fresh(l *lookups, id uint32) bool {
	if int(id) >= len(l.keys) {
		return false
	}
	k := &l.keys[id]
	return k.state == answered && (c.ttl == 0 || c.now-k.at < c.ttl)
}

// ask looks up keys that are not known.
func (c *lookupCache) ask(ctx context.Context, missing []uint32) error {
	if len(missing) == 0 {
		return nil
	}
	l := c.young
	cols, err := l.groups.Keys(missing)
	if err != nil {
		return grouped.Error(lookupJoin, err)
	}
	keys := array.NewRecord(c.keys, cols, int64(len(missing)))
	grouped.Release(cols)
	defer keys.Release()
	batches, err := c.table.Find(ctx, keys)
	if err != nil {
		return err
	}
	for i, b := range batches {
		if err = c.take(b); err != nil {
			releaseRecords(batches[i:])
			return err
		}
	}
	for _, id := range missing {
		l.keys[id].state, l.keys[id].at = answered, c.now
	}
	l.n += int64(len(missing))
	return nil
}

// take notes which rows of b belong to keys that were asked for, and takes it over
// unless it fails.
func (c *lookupCache) take(b arrow.Record) error {
	l, schema := c.young, c.plan.inputs[1].schema
	if !sameTypes(b, schema.Fields()) {
		return planError("AS1410", lookupJoin+": the table has other columns now", "start the job again")
	}
	ids := make([]uint32, b.NumRows())
	if err := l.groups.Lookup(c.plan.inputs[1].keysOf(b, nil), ids); err != nil {
		return grouped.Error(lookupJoin, err)
	}
	chunk := uint32(len(l.records))
	for row, id := range ids {
		if id == agg.NoGroup || l.keys[id].state != asked {
			continue
		}
		k := &l.keys[id]
		k.places = append(k.places, kernels.Place{Chunk: chunk, Row: uint32(row)})
	}
	l.records = append(l.records, b)
	l.n += b.NumRows()
	l.bytes += recordBytes(b)
	return nil
}

// records are all rows, those of the old generation first.
func (c *lookupCache) records() []arrow.Record { return slices.Concat(c.old.records, c.young.records) }

// roll forgets the old generation when the young one has become too large.
func (c *lookupCache) roll() (err error) {
	if c.young.n <= c.rows/2 {
		return nil
	}
	gone := c.young
	if c.rows > 0 {
		gone, c.old = c.old, c.young
	}
	gone.release()
	c.young, err = c.generation()
	return err
}

func (c *lookupCache) counts() (n arrowstream.Counts) {
	for _, l := range []*lookups{c.old, c.young} {
		n.StateRows += l.n
		n.StateBytes += l.bytes + l.groups.Bytes()
		n.HeapBytes += int64(cap(l.keys)) * int64(unsafe.Sizeof(lookedUp{}))
	}
	return n
}

// close lets go of the table and of all rows; it may be called twice.
func (c *lookupCache) close() (err error) {
	c.old.release()
	c.young.release()
	if c.table != nil {
		err = c.table.Close()
		c.table = nil
	}
	return err
}

func (l *lookups) release() {
	l.groups.Release()
	releaseRecords(l.records)
	l.records, l.keys, l.n, l.bytes = nil, nil, 0, 0
}
