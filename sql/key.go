package sql

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/stage"
)

// unique are columns of n of whose values there is one row at a time; none of
// them means that there is one row in all. ok is false if no such columns are
// known. Sinks with a key, and joins with a single row, rely on it.
func (n *node) unique() (key []string, ok bool) {
	switch {
	case n.uniqueOf != nil:
		return n.uniqueOf()
	case n.table != nil:
		return n.table.key, n.updating() && len(n.table.key) > 0
	case len(n.in) != 1 || !n.passes && n.plain == nil:
		return nil, false
	}
	key, ok = n.in[0].unique()
	if !ok || n.passes {
		return key, ok
	}
	return n.renamed(key)
}

// renamed is a key of the input of n in the columns of n, if it has them all.
func (n *node) renamed(key []string) (out []string, ok bool) {
	for _, k := range key {
		i := slices.IndexFunc(n.schema.Fields(), func(f arrow.Field) bool {
			in, ok := n.plain(f.Name)
			return ok && in == k
		})
		if i < 0 {
			return nil, false
		}
		out = append(out, n.schema.Field(i).Name)
	}
	return out, true
}

// single reports whether n is one row, which may change.
func (n *node) single() bool {
	key, ok := n.unique()
	return ok && len(key) == 0
}

// keyed makes columns the unique key of a node.
func keyed(columns []string) func() ([]string, bool) {
	return func() ([]string, bool) { return columns, true }
}

// covered reports whether all columns of key are in columns.
func covered(key, columns []string) bool {
	return !slices.ContainsFunc(key, func(k string) bool { return !slices.Contains(columns, k) })
}

// unique is the key of a join: that of the side of which every row has at most
// one match, or both keys together.
func (j *joinNode) unique() ([]string, bool) {
	var key [2][]string
	var ok, atMostOne [2]bool // atMostOne: a row of the other side has at most one match in this one
	for i, in := range j.in {
		key[i], ok[i] = in.unique()
		atMostOne[i] = ok[i] && covered(key[i], j.keys[i])
	}
	switch {
	case j.kind == stage.SemiJoin || j.kind == stage.AntiJoin:
		return key[0], ok[0]
	case j.kind == stage.FullJoin:
		return nil, false // the padding of one side may stand for several rows
	case ok[0] && atMostOne[1] && j.kind != stage.RightJoin:
		return key[0], true
	case ok[1] && atMostOne[0] && j.kind != stage.LeftJoin:
		return key[1], true
	case ok[0] && ok[1]:
		return slices.Concat(key[0], key[1]), true
	}
	return nil, false
}
