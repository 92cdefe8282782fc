package stagetest

import (
	"bytes"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// variant is one way to run a case.
type variant struct {
	name    string
	batch   int  // rows per batch; 0 leaves the batches as they are
	empties bool // batches without rows in between
	prefix  int  // garbage rows in front of every array, sliced off
	dict    bool // utf8 columns dictionary-encoded
	// snapshot is called for every tick but the last; true takes a snapshot
	// after it, and restore puts it into a new instance.
	snapshot func(tick int) bool
	restore  bool
	// saves, of an incremental stage, tells whether a snapshot, or a delta to
	// it if there is one, is taken after a tick, and whether a new instance
	// is made of all of them then.
	saves  func(tick int) (save, restore bool)
	clones int // instances of a parallel stage; 0 is the stage alone
}

func variants(c Case, n node, nticks int) []variant {
	out := []variant{
		{name: "batch=1", batch: 1},
		{name: "batch=2", batch: 2},
		{name: "batch=7", batch: 7},
		{name: "empty-batches", batch: 3, empties: true},
		{name: "sliced", prefix: 5},
		{name: "sliced/batch=3", prefix: 11, batch: 3},
	}
	if !c.Plain {
		out = append(out, variant{name: "dictionary", dict: true}, variant{name: "dictionary/batch=2", dict: true, batch: 2, prefix: 3})
	}
	if _, ok := n.any().(snapshooter); ok {
		every := func(int) bool { return true }
		out = append(out,
			variant{name: "snapshot", snapshot: every},
			variant{name: "restore", snapshot: every, restore: true},
			variant{name: "restore/batch=2", snapshot: every, restore: true, batch: 2})
		if !c.Plain {
			out = append(out, variant{name: "restore/dictionary", snapshot: every, restore: true, dict: true, prefix: 2})
		}
		for i := range min(nticks-1, 12) {
			out = append(out, variant{name: fmt.Sprintf("restore-after-tick=%d", i), restore: true, snapshot: func(t int) bool { return t == i }})
		}
	}
	if _, ok := n.any().(arrowstream.Incremental); ok {
		out = append(out,
			variant{name: "delta-of-each-tick", saves: func(int) (bool, bool) { return true, true }},
			variant{name: "delta-of-each-tick/batch=2", batch: 2, saves: func(int) (bool, bool) { return true, true }},
			variant{name: "delta-of-three-ticks", saves: func(t int) (bool, bool) { return t%3 == 0, t%3 == 0 }})
		for i := 1; i < min(nticks-1, 12); i++ {
			out = append(out, variant{name: fmt.Sprintf("deltas-to-tick=%d", i), saves: func(t int) (bool, bool) { return t <= i, t == i }})
		}
		if !c.Plain {
			out = append(out, variant{name: "deltas/dictionary", dict: true, prefix: 2, saves: func(t int) (bool, bool) { return true, t == nticks-2 }})
		}
	}
	if p, ok := n.any().(arrowstream.Parallel); ok && !c.Serial {
		_, stateful := n.any().(arrowstream.Stateful)
		if len(p.Keys()) > 0 || !stateful {
			for _, k := range []int{1, 2, 4} {
				out = append(out, variant{name: fmt.Sprintf("clones=%d", k), clones: k})
			}
		}
	}
	return out
}

// prefixed is b with n rows of b's own values, or of nulls, in front of its
// arrays, which are then sliced off, so that every array has an offset.
func prefixed(mem memory.Allocator, b arrow.Record, n int) (arrow.Record, error) {
	rows := int(b.NumRows())
	cols := make([]arrow.Array, b.NumCols())
	defer func() {
		for _, c := range cols {
			if c != nil {
				c.Release()
			}
		}
	}()
	for i, c := range b.Columns() {
		var parts []arrow.Array
		for k := range n {
			if rows > 0 {
				// The last rows first: their order differs from that of the batch.
				at := int64(rows - 1 - k%rows)
				parts = append(parts, array.NewSlice(c, at, at+1))
			} else {
				parts = append(parts, array.MakeArrayOfNull(mem, c.DataType(), 1))
			}
		}
		c.Retain()
		whole, err := array.Concatenate(append(parts, c), mem)
		for _, p := range parts {
			p.Release()
		}
		c.Release()
		if err != nil {
			return nil, err
		}
		cols[i] = array.NewSlice(whole, int64(n), int64(n+rows))
		whole.Release()
	}
	return array.NewRecord(b.Schema(), cols, b.NumRows()), nil
}

// dictionarySchema is s with its utf8 columns dictionary-encoded.
func dictionarySchema(s *arrow.Schema) *arrow.Schema {
	fields := append([]arrow.Field{}, s.Fields()...)
	for i, f := range fields {
		if f.Type.ID() == arrow.STRING {
			fields[i].Type = columnar.Dict
		}
	}
	md := s.Metadata()
	return arrow.NewSchema(fields, &md)
}

// dictionary is b with its utf8 columns dictionary-encoded; the dictionary has
// an entry that no row uses.
func dictionary(mem memory.Allocator, b arrow.Record) (arrow.Record, error) {
	cols := make([]arrow.Array, b.NumCols())
	defer func() {
		for _, c := range cols {
			if c != nil {
				c.Release()
			}
		}
	}()
	for i, c := range b.Columns() {
		s, ok := c.(*array.String)
		if !ok {
			c.Retain()
			cols[i] = c
			continue
		}
		db := array.NewDictionaryBuilder(mem, columnar.Dict).(*array.BinaryDictionaryBuilder)
		err := db.AppendString("stagetest: unused")
		for k := 0; k < s.Len() && err == nil; k++ {
			if s.IsNull(k) {
				db.AppendNull()
			} else {
				err = db.AppendString(s.Value(k))
			}
		}
		if err != nil {
			db.Release()
			return nil, err
		}
		all := db.NewArray()
		db.Release()
		cols[i] = array.NewSlice(all, 1, int64(all.Len()))
		all.Release()
	}
	return array.NewRecord(dictionarySchema(b.Schema()), cols, b.NumRows()), nil
}

// copied sends a state through Arrow IPC, so that nothing is shared with the
// stage it came from.
func copied(mem memory.Allocator, st arrowstream.State) (arrowstream.State, error) {
	out := arrowstream.State{}
	for name, b := range st {
		c, err := copiedBatch(mem, b)
		if err != nil {
			out.Release()
			return nil, fmt.Errorf("state %q: %w", name, err)
		}
		out[name] = c
	}
	return out, nil
}

func copiedBatch(mem memory.Allocator, b arrow.Record) (arrow.Record, error) {
	var buf bytes.Buffer
	w := ipc.NewWriter(&buf, ipc.WithSchema(b.Schema()), ipc.WithAllocator(mem))
	err := w.Write(b)
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	r, err := ipc.NewReader(&buf, ipc.WithAllocator(mem))
	if err != nil {
		return nil, err
	}
	defer r.Release()
	if !r.Next() {
		return nil, fmt.Errorf("no batch: %w", r.Err())
	}
	out := r.Record()
	out.Retain()
	return out, nil
}
