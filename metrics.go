package arrowstream

import (
	"sync/atomic"
	"time"
)

// operatorMetrics are the counters of one node, written by the goroutine that
// runs it and read by the progress report.
type operatorMetrics struct {
	rowsIn, rowsOut, busy               atomic.Int64
	late, skipped, unwindowed, dead     atomic.Int64
	stateRows, stateBytes, stateUpdated atomic.Int64
	spilled                             atomic.Int64
	lateness                            [len(latenessNames)]atomic.Int64
	warning                             atomic.Pointer[string]
	lanes                               atomic.Pointer[[]*operatorMetrics] // of the instances of a parallel stage
}

// counts is what the part of n counts itself, if it does.
func (n *node) counts() (c Counts, ok bool) {
	for _, part := range [3]any{n.stage, n.join, n.sink} {
		if counted, ok := part.(Counted); ok {
			return counted.Counts(), true
		}
	}
	return c, false
}

// read takes over what the parts of n count themselves.
func (m *operatorMetrics) read(n *node) {
	c, ok := n.counts()
	if !ok {
		return
	}
	m.late.Store(c.Late)
	if c.Late > 0 {
		for i, n := range c.Lateness {
			m.lateness[i].Store(n)
		}
	}
	m.skipped.Store(c.Skipped)
	m.unwindowed.Store(c.Unwindowed)
	m.stateRows.Store(c.StateRows)
	m.stateBytes.Store(c.StateBytes)
	m.stateUpdated.Store(c.RowsUpdated)
	m.spilled.Store(c.Spilled)
	if c.Warning != "" {
		w := c.Warning // a copy for the heap, mostly none
		m.warning.Store(&w)
	}
}

// OperatorProgress are the counters of one operator since the start.
type OperatorProgress struct {
	Name       string        `json:"uid"`
	RowsIn     int64         `json:"rowsIn"`
	RowsOut    int64         `json:"rowsOut"`
	Late       int64         `json:"lateRows,omitempty"`
	Lateness   Lateness      `json:"lateness,omitzero"`
	Skipped    int64         `json:"skippedRows,omitempty"`
	Unwindowed int64         `json:"unwindowedRows,omitempty"`
	StateRows  int64         `json:"stateRows,omitempty"`
	StateBytes int64         `json:"stateBytes,omitempty"`
	Updated    int64         `json:"-"`
	Spilled    int64         `json:"spilledBytes,omitempty"`
	Memory     int64         `json:"memoryBytes,omitempty"`
	Busy       time.Duration `json:"-"`
	BusyMs     int64         `json:"busyMs"`
	Warning    string        `json:"warning,omitempty"`
	Stateful   bool          `json:"-"`
}

func (n *node) progress() OperatorProgress {
	p := OperatorProgress{Name: n.name}
	all := []*operatorMetrics{&n.metrics}
	if lanes := n.metrics.lanes.Load(); lanes != nil {
		all = append(all, *lanes...)
	}
	for _, m := range all {
		p.RowsIn += m.rowsIn.Load()
		p.RowsOut += m.rowsOut.Load()
		p.Late += m.late.Load()
		for i := range p.Lateness {
			p.Lateness[i] += m.lateness[i].Load()
		}
		p.Skipped += m.skipped.Load()
		p.Unwindowed += m.unwindowed.Load()
		p.StateRows += m.stateRows.Load()
		p.StateBytes += m.stateBytes.Load()
		p.Updated += m.stateUpdated.Load()
		p.Spilled += m.spilled.Load()
		if w := m.warning.Load(); w != nil {
			p.Warning = *w
		}
		p.Busy += time.Duration(m.busy.Load())
	}
	p.Skipped += n.rejects.Skipped()
	if n.rejects != nil && p.Warning == "" {
		reasons := map[string]Reason{}
		n.rejects.count(reasons)
		p.Warning = warning(reasons)
	}
	if n.combiner != nil {
		c := n.combiner.progress()
		p.RowsIn = c.RowsIn
		p.Busy += c.Busy
	}
	p.BusyMs = p.Busy.Milliseconds()
	_, p.Stateful = n.stage.(Stateful)
	if account, ok := n.env.Allocator.(interface{ Used() int64 }); ok {
		p.Memory = account.Used()
	}
	return p
}
