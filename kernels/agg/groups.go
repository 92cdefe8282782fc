package agg

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// NoGroup is the group that [Groups.Lookup] gives for a key that is not there.
const NoGroup = ^uint32(0)

// Groups numbers the distinct keys of a stream: each key has a slot, counted
// from 0 in the order in which the keys are first seen, so that the numbers do
// not depend on how the rows are cut into batches. Slots of removed keys are
// given to new keys again, the last removed first. Keys are equal in the sense
// of GROUP BY: NULL equals NULL, NaN equals NaN, -0 equals +0, a dictionary
// entry equals its value.
type Groups struct {
	mem   memory.Allocator
	types []arrow.DataType
	plain []arrow.DataType
	slots slots
	keys  keyTable // nil until there is one to look up
}

// keyTable is a table from keys of one or more columns to slots.
type keyTable interface {
	// find stores the slot of every row in ids. A key that is not there gets
	// a slot from s, or NoGroup when s is nil.
	find(keys []arrow.Array, ids []uint32, s *slots) error
	// remove takes the key of a live slot out.
	remove(slot uint32)
	// columns are the keys of live slots.
	columns(slots []uint32) ([]arrow.Array, error)
	// reserve makes room for n keys, where that is known to help.
	reserve(n int, s *slots)
	bytes() int64
	release()
}

// NewGroups returns an empty set of keys of the given types. Without types
// there is one key, the empty one, as in an aggregation without GROUP BY.
// Views, unions, maps and run-end encoding cannot be keys.
func NewGroups(mem memory.Allocator, keyTypes []arrow.DataType) (*Groups, error) {
	plain, err := checkKeyTypes(keyTypes)
	if err != nil {
		return nil, err
	}
	return &Groups{mem: mem, types: keyTypes, plain: plain, slots: newSlots(mem)}, nil
}

// table makes the table when it is needed: operators that are only planned, and
// instances that no row reaches, have none.
func (g *Groups) table() keyTable {
	if g.keys == nil {
		g.keys = newKeyTable(g.mem, g.plain)
	}
	return g.keys
}

// newKeyTable is the table of a key of columns of plain types: pairs of pairs,
// to the left, when there are many.
func newKeyTable(mem memory.Allocator, types []arrow.DataType) keyTable {
	last := len(types) - 1
	switch last {
	case -1:
		return &unitTable{}
	case 0:
		return newCodeTable(mem, newValueTable(mem, types[0]))
	}
	return newPairTable(mem, newKeyTable(mem, types[:last]), newKeyTable(mem, types[last:]))
}

// newValueTable is the table of one column that is not dictionary-encoded.
func newValueTable(mem memory.Allocator, t arrow.DataType) keyTable {
	switch {
	case wordKey(t):
		return newWordTable(mem, t)
	case textual(t), fixedWidth(t) > 0:
		return newTextTable(mem, t)
	}
	return newRowTable(mem, t)
}

// checkKeyTypes returns the types without dictionaries, and an error if one of
// them cannot be a key.
func checkKeyTypes(types []arrow.DataType) (plain []arrow.DataType, err error) {
	for _, t := range types {
		if !encodable(t) {
			return nil, &kernels.Error{Code: kernels.CodeTypes, Msg: "cannot group by a column of type " + kernels.SQLName(t)}
		}
		plain = append(plain, Plain(t))
	}
	return plain, nil
}

// Find stores the slot of the key of every row in ids, which has as many
// elements as the key columns have rows. A new key gets the next slot. The
// columns are borrowed. Where a key type is a dictionary, plain values do as
// well, and the other way round.
func (g *Groups) Find(keys []arrow.Array, ids []uint32) error {
	return g.find(keys, ids, &g.slots)
}

// Lookup is Find for keys that are there: others give [NoGroup].
func (g *Groups) Lookup(keys []arrow.Array, ids []uint32) error {
	return g.find(keys, ids, nil)
}

func (g *Groups) find(keys []arrow.Array, ids []uint32, s *slots) error {
	if len(keys) != len(g.types) {
		return fmt.Errorf("agg: %d key columns, want %d", len(keys), len(g.types))
	}
	for i, k := range keys {
		if k.Len() != len(ids) {
			return fmt.Errorf("agg: key column of %d rows, want %d", k.Len(), len(ids))
		}
		if Plain(k.DataType()).ID() != g.plain[i].ID() {
			return fmt.Errorf("agg: key column of type %s, want %s", columnar.TypeName(k.DataType()), columnar.TypeName(g.types[i]))
		}
	}
	return g.table().find(keys, ids, s)
}

// Reserve makes room for n keys in all, so that the table does not grow step by
// step while they are added.
func (g *Groups) Reserve(n int) {
	g.slots.live.reserve(n)
	g.table().reserve(n, &g.slots)
}

// Len is the number of slots, those of removed keys included: every slot is
// less.
func (g *Groups) Len() int { return g.slots.n }

// Live is the number of keys.
func (g *Groups) Live() int { return g.slots.used() }

// All are the slots of all keys, ascending.
func (g *Groups) All() []uint32 {
	out := make([]uint32, 0, g.Live())
	for i, live := range g.slots.live.v {
		if live {
			out = append(out, uint32(i))
		}
	}
	return out
}

// Keys returns the key columns of the given slots, in that order; nil means
// all slots, and needs that none was removed. Dictionaries are resolved. The
// caller releases the columns.
func (g *Groups) Keys(groups []uint32) ([]arrow.Array, error) {
	groups = all(groups, g.slots.n)
	for _, slot := range groups {
		if int(slot) >= g.slots.n || !g.slots.live.v[slot] {
			return nil, fmt.Errorf("agg: no key in slot %d", slot)
		}
	}
	return g.table().columns(groups)
}

// Types are the types of the columns of Keys.
func (g *Groups) Types() []arrow.DataType { return g.plain }

// Remove forgets the keys of the given slots; their slots are reused. Slots
// without a key are passed over.
func (g *Groups) Remove(groups []uint32) {
	for _, slot := range groups {
		if int(slot) >= g.slots.n || !g.slots.live.v[slot] {
			continue
		}
		g.keys.remove(slot)
		g.slots.give(slot)
	}
}

// Bytes is the memory held, in bytes.
func (g *Groups) Bytes() int64 {
	if g.keys == nil {
		return g.slots.bytes()
	}
	return g.keys.bytes() + g.slots.bytes()
}

// Release frees everything.
func (g *Groups) Release() {
	if g.keys != nil {
		g.keys.release()
	}
	g.slots.live.release()
}

// String names the key types, for messages.
func (g *Groups) String() string {
	names := make([]string, len(g.types))
	for i, t := range g.types {
		names[i] = columnar.TypeName(t)
	}
	return "groups by (" + strings.Join(names, ", ") + ")"
}
