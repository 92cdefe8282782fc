// Package agg is floor 2: grouped accumulators. One accumulator holds the
// state of one aggregate for every group at once, as dense columns indexed by
// group; [Groups] turns key columns into the dense group numbers.
//
// Finding groups and updating them are two steps, so that one probe of the
// hash table serves any number of aggregates:
//
//	groups.Find(keys, ids)                     // key columns -> ids, one per row
//	sum.Update(ids, groups.Len(), price)       // sum[ids[i]] += price[i]
//	sum.Final(closed)                          // one result per group
//
// # One invariant
//
// State and result are a function of the sequence of rows alone: never of how
// the rows were cut into calls of Update. State followed by Merge into fresh
// groups gives back the bits, whatever is updated afterwards.
//
// # Adding an aggregate
//
// Write <name>.go with a type that implements [Accumulator] and a bind
// function, and add one line to functions.go.
package agg
