package stage

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// save puts the rows that wait into st, "rows", in the order of their arrival,
// only those since the last checkpoint if delta is set; and "time".
func (l *timeline) save(st arrowstream.State, delta bool) error {
	var recs []arrow.Record
	for i, r := range l.runs {
		if !delta || !r.saved {
			recs = append(recs, r.rec)
		}
		l.runs[i].saved = true
	}
	rows := emptyRecord(l.mem, l.in)
	if len(recs) > 0 {
		rows.Release()
		var err error
		if rows, err = kernels.Concat(l.mem, recs); err != nil {
			return grouped.Error(l.what, err)
		}
	}
	st["rows"] = rows
	st["time"] = grouped.Meta(l.mem, []string{"event", "late"}, l.event, l.late)
	return nil
}

// load adds what save wrote: rows that the watermark has passed are gone.
func (l *timeline) load(st arrowstream.State) error {
	meta, ok := grouped.ReadMeta(st["time"], "event", "late")
	if !ok {
		return badState(l.what, "time")
	}
	b := st["rows"]
	if !sameTypes(b, l.in.Fields()) {
		return badState(l.what, "rows")
	}
	l.event, l.late = slices.Max(meta[0]), grouped.Sum(meta[1], l.instance)
	l.mark = max(l.mark, l.bound(l.event))
	releaseRuns(l.cut())
	if b.NumRows() == 0 {
		return nil
	}
	rows := withSchema(b, l.in)
	defer rows.Release()
	return l.keep(rows, true)
}
