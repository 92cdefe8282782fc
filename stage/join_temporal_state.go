package stage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

// Snapshot implements [arrowstream.Stateful]: "versions" has the last row of each
// key behind the watermark; "left.rows", "right.rows" and "left.time" and
// "right.time" are what waits for it.
func (j *TemporalJoin) Snapshot(context.Context) (arrowstream.State, error) {
	kids := make([]uint32, len(j.versions.at))
	for i := range kids {
		kids[i] = uint32(i)
	}
	return j.state(kids, false)
}

// Delta implements [arrowstream.Incremental]: "versions" has the keys that have
// another one, "gone" those that have none any more. What does not wait any more
// follows from the watermark.
func (j *TemporalJoin) Delta(context.Context) (arrowstream.State, error) {
	return j.state(j.changed.IDs(), true)
}

func (j *TemporalJoin) state(kids []uint32, delta bool) (st arrowstream.State, err error) {
	st = arrowstream.State{}
	defer func() {
		if err != nil {
			st.Release()
		}
	}()
	for name, l := range j.timelines() {
		part := arrowstream.State{}
		if err := l.save(part, delta); err != nil {
			return st, err
		}
		for k, b := range part {
			st[name+k] = b
		}
	}
	records := j.versions.records()
	var places []kernels.Place
	for _, kid := range kids {
		if p := j.versions.first(kid); p != kernels.NoPlace {
			places = append(places, p)
		}
	}
	rows, err := kernels.GatherRecord(j.mem, j.versions.schema, records, places)
	if err != nil {
		return st, err
	}
	st["versions"] = rows
	if delta && len(j.gone) > 0 {
		gone, err := kernels.Concat(j.mem, j.gone)
		if err != nil {
			return st, err
		}
		st["gone"] = gone
	}
	j.clearChanges()
	return st, nil
}

// clearChanges begins to note changes anew.
func (j *TemporalJoin) clearChanges() {
	releaseRecords(j.gone)
	j.gone = nil
	j.changed.Clear()
}

// timelines are what waits, by the beginning of its names in the state.
func (j *TemporalJoin) timelines() map[string]*timeline {
	if j.Arrival {
		return nil
	}
	return map[string]*timeline{"left.": &j.left, "right.": &j.right}
}

func (j *TemporalJoin) keySchema() *arrow.Schema {
	fields := make([]arrow.Field, len(j.plan.types))
	for i, t := range j.groups.Types() {
		fields[i] = arrow.Field{Name: fmt.Sprint(i), Type: t, Nullable: true}
	}
	return arrow.NewSchema(fields, nil)
}

// Restore implements [arrowstream.Stateful].
func (j *TemporalJoin) Restore(ctx context.Context, st arrowstream.State) error {
	return j.Apply(ctx, st)
}

// Apply implements [arrowstream.Incremental].
func (j *TemporalJoin) Apply(_ context.Context, st arrowstream.State) error {
	for name, l := range j.timelines() {
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
	if b := st["gone"]; b != nil {
		if !sameTypes(b, j.keySchema().Fields()) {
			return badState(temporal, "gone")
		}
		kids := make([]uint32, b.NumRows())
		if err := j.groups.Lookup(b.Columns(), kids); err != nil {
			return grouped.Error(temporal, err)
		}
		if err := j.forget(slices.DeleteFunc(kids, func(kid uint32) bool { return kid == agg.NoGroup })); err != nil {
			return err
		}
	}
	return j.loadVersions(st["versions"])
}

// loadVersions makes the rows of b the versions of their keys.
func (j *TemporalJoin) loadVersions(b arrow.Record) error {
	if !sameTypes(b, j.versions.schema.Fields()) {
		return badState(temporal, "versions")
	}
	n := int(b.NumRows())
	kids := make([]uint32, n)
	if j.groups.Len() == 0 {
		j.groups.Reserve(n)
	}
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
