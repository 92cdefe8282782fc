package stage

import (
	"context"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

// Snapshot implements [arrowstream.Stateful]: "versions" has the last row of each
// key behind the watermark; "left.rows", "right.rows" and "left.time" and
// "right.time" are what waits for it.
func (j *TemporalJoin) Snapshot(context.Context) (st arrowstream.State, err error) {
	st = arrowstream.State{}
	defer func() {
		if err != nil {
			st.Release()
		}
	}()
	if !j.Arrival {
		for name, l := range map[string]*timeline{"left.": &j.left, "right.": &j.right} {
			part := arrowstream.State{}
			if err := l.save(part, false); err != nil {
				return st, err
			}
			for k, b := range part {
				st[name+k] = b
			}
		}
	}
	records := j.versions.records()
	var places []kernels.Place
	for kid := range j.versions.at {
		if p := j.versions.first(uint32(kid)); p != kernels.NoPlace {
			places = append(places, p)
		}
	}
	rows, err := kernels.GatherRecord(j.mem, j.versions.schema, records, places)
	if err == nil {
		st["versions"] = rows
	}
	return st, err
}

// Restore implements [arrowstream.Stateful].
func (j *TemporalJoin) Restore(_ context.Context, st arrowstream.State) error {
	if !j.Arrival {
		for name, l := range map[string]*timeline{"left.": &j.left, "right.": &j.right} {
			part := arrowstream.State{}
			for k, b := range st {
				if rest, ok := strings.CutPrefix(k, name); ok {
					part[rest] = b
				}
			}
			if err := l.load(part); err != nil {
				return err
			}
		}
	}
	b := st["versions"]
	if !sameTypes(b, j.versions.schema.Fields()) {
		return badState(temporal, "versions")
	}
	n := int(b.NumRows())
	kids := make([]uint32, n)
	j.groups.Reserve(n)
	if err := j.number(1, b, kids, j.groups.Find); err != nil {
		return err
	}
	seen := make([]bool, max(j.groups.Len(), 1))
	places := make([]kernels.Place, n)
	for i, kid := range kids {
		if kid == agg.NoGroup || seen[kid] {
			return badState(temporal, "versions")
		}
		seen[kid], places[i] = true, kernels.Place{Row: uint32(i)}
	}
	return j.putVersions(kids, places, []arrow.Record{b})
}
