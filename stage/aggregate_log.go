package stage

import (
	"context"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/internal/spill"
)

// aggregateLog is what has come to the log of an aggregate that is spilled since
// the last checkpoint.
//
// An aggregate that a store keeps and that outgrows its share leaves memory as a
// whole: what it remembers is then, part by part, states and the rows behind them
// in files that only grow, and so is what the store has of it. The snapshot and the deltas
// of the time in memory stay as they are; the first checkpoint after it adds
// the states that have changed since the last one ("groups"), and every one the
// rows since then ("rows"), in the pieces in which they were spilled. The store
// writes them from the file, so that an epoch may be larger than memory, and
// nothing is written to it twice.
//
// A restart feeds all of it through Apply, in order: states replace those of
// their groups, rows are added to them. It may have another share: what fits is
// aggregated in memory, and the next checkpoint is a snapshot; what does not is
// spilled again, and the log goes on.
//
// The cost is that every row since the aggregate was spilled is written twice, to the
// folder and to the store, where it stays until the end of the job.
type aggregateLog struct {
	on     bool
	states []spill.Piece
	rows   []spill.Piece
}

var _ arrowstream.Logged = (*Aggregate)(nil)

// beginLog begins the log of o, when a store keeps the table, with the states
// that it has not seen.
func (a *Aggregate) beginLog(o *overflow) error {
	if !a.spill.Stored || o.level > 0 {
		return nil
	}
	o.log.on = true
	if a.restoring {
		return nil
	}
	groups := a.groups()
	if a.changed.On() {
		groups = a.changed.IDs()
	}
	return a.writeStates(o.file, groups, &o.log.states)
}

// add notes a piece that was spilled.
func (l *aggregateLog) add(p spill.Piece, rows bool) {
	if l.on && rows {
		l.rows = append(l.rows, p)
	}
}

// Logs implements [arrowstream.Logged].
func (a *Aggregate) Logs() bool { return a.over != nil && a.over.log.on }

// Renews implements [arrowstream.Logged]: nothing is written to the store twice.
func (a *Aggregate) Renews() bool { return false }

// Log implements [arrowstream.Logged].
func (a *Aggregate) Log(context.Context) (arrowstream.State, arrowstream.Log, error) {
	o := a.over
	if err := a.flush(o); err != nil {
		return nil, nil, err
	}
	log := arrowstream.Log{}
	if len(o.log.states) > 0 {
		log["groups"] = o.file.Pieces(arrow.NewSchema(a.stateFields(), nil), o.log.states)
	}
	if len(o.log.rows) > 0 {
		log["rows"] = o.file.Pieces(a.input, o.log.rows)
	}
	o.log.states, o.log.rows = nil, nil
	return arrowstream.State{"count": grouped.Meta(a.mem, []string{"seen"}, a.seen)}, log, nil
}

// restoreStates takes what a store has of groups, and restoreRows of the rows
// that were added to them later.
func (a *Aggregate) restoreStates(b arrow.Record) error { return a.restore(b, a.addStates) }

func (a *Aggregate) restoreRows(b arrow.Record) error {
	return a.restore(b, func(b arrow.Record) error {
		if a.over == nil {
			return a.update(b)
		}
		return a.scatter(a.over, b, true) // at once: a piece is of one part
	})
}

func (a *Aggregate) restore(b arrow.Record, add func(b arrow.Record) error) error {
	a.restoring = true
	defer func() { a.restoring = false }()
	err := a.makeRoom()
	if err == nil {
		err = add(b)
	}
	if a.Logs() {
		a.over.log.rows = nil // the store has them
	}
	return err
}

// inputSchema is that of spilled rows: keys and arguments.
func (a *Aggregate) inputSchema() *arrow.Schema {
	return arrow.NewSchema(append(slices.Clone(a.stateFields()[:len(a.By)]), a.plan.ArgFields()...), nil)
}
