package sql

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// operatorJSON is an operator of EXPLAIN FORMAT JSON. Inputs are ids of
// operators further up in the list.
type operatorJSON struct {
	ID        int      `json:"id"`
	Kind      string   `json:"operator"`
	Detail    string   `json:"detail,omitempty"`
	Inputs    []int    `json:"inputs,omitempty"`
	Columns   []string `json:"columns"`
	Bounded   bool     `json:"bounded"`
	Changelog bool     `json:"changelog,omitempty"`
	EventTime string   `json:"eventTime,omitempty"`
	Pushed    []string `json:"pushedDown,omitempty"`
	Notes     []string `json:"notes,omitempty"`
	Rows      *int64   `json:"estimatedRows,omitempty"`
	Ran       *ranJSON `json:"ran,omitempty"`
}

// ranJSON is what an operator did, of EXPLAIN ANALYZE.
type ranJSON struct {
	RowsIn     int64 `json:"rowsIn"`
	RowsOut    int64 `json:"rowsOut"`
	BusyMicros int64 `json:"busyMicros"`
	LateRows   int64 `json:"lateRows,omitempty"`
	StateRows  int64 `json:"stateRows,omitempty"`
	StateBytes int64 `json:"stateBytes,omitempty"`
}

// sinkJSON is a place that rows go to; Input is the id of an operator.
type sinkJSON struct {
	Name      string `json:"name"`
	Connector string `json:"connector,omitempty"`
	Target    string `json:"target,omitempty"`
	Input     int    `json:"input"`
	Guarantee string `json:"guarantee,omitempty"`
}

// json is the plan for programs; ran is nil if it was not run.
func (p *plan) json(ran *arrowstream.Summary) string {
	var out struct {
		Operators []operatorJSON `json:"operators"`
		Sinks     []sinkJSON     `json:"sinks,omitempty"`
		Seconds   float64        `json:"seconds,omitempty"`
		RowsRead  int64          `json:"rowsRead,omitempty"`
		PeakBytes int64          `json:"peakBytes,omitempty"`
	}
	ids, estimated := map[*node]int{}, estimates{}
	for _, n := range p.order {
		ids[n] = len(ids) + 1
		o := operatorJSON{
			ID: ids[n], Kind: n.kind, Detail: n.detail, Columns: columnar.Names(n.schema), Bounded: n.bounded, Changelog: n.updating(), EventTime: n.eventTime(), Notes: n.notes,
		}
		for _, in := range n.in {
			o.Inputs = append(o.Inputs, ids[in])
		}
		for _, q := range n.pushed {
			o.Pushed = append(o.Pushed, q.text)
		}
		if rows, known := estimated.whole(n); known {
			o.Rows = &rows
		}
		if m, ok := n.ran(ran); ok {
			o.Ran = &ranJSON{m.RowsIn, m.RowsOut, m.Busy.Microseconds(), m.Late, m.StateRows, m.StateBytes}
		}
		out.Operators = append(out.Operators, o)
	}
	for _, r := range p.roots {
		if r.out == nil {
			continue
		}
		i := r.out.info()
		s := sinkJSON{Name: i.Name, Connector: i.Connector, Target: i.Target, Input: ids[r.node]}
		if sink, err := p.sink(r); err == nil && ran == nil {
			g, _ := arrowstream.SinkGuarantee(sink)
			s.Guarantee = fmt.Sprint(g)
		}
		out.Sinks = append(out.Sinks, s)
	}
	if ran != nil {
		out.Seconds, out.RowsRead, out.PeakBytes = ran.Duration.Seconds(), ran.RowsIn, ran.PeakBytes
	}
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	_ = e.Encode(out) // texts and numbers always can be
	return text.String()
}

// ran is what the operator of n did in a run.
func (n *node) ran(sum *arrowstream.Summary) (arrowstream.OperatorProgress, bool) {
	if sum == nil || n.stream == nil {
		return arrowstream.OperatorProgress{}, false
	}
	return sum.Operator(n.stream.Name())
}

// measured is the plan of a run with what its operators did.
func (p *plan) measured(format string, ran *arrowstream.Summary) string {
	if format == "JSON" {
		return p.json(ran)
	}
	return p.text(ran) + fmt.Sprintf("ran %s; %d rows read; peak of memory %s; nothing was written\n", ran.Duration.Round(time.Microsecond), ran.RowsIn, sizeText(ran.PeakBytes))
}

// ranText is what an operator did, in one line.
func ranText(n *node, m arrowstream.OperatorProgress) string {
	text := fmt.Sprintf("%d rows out", m.RowsOut)
	if len(n.in) > 0 {
		text = fmt.Sprintf("%d rows in, %s", m.RowsIn, text)
	}
	text += fmt.Sprintf(", %s", m.Busy.Round(time.Microsecond))
	if m.StateRows > 0 || m.StateBytes > 0 {
		text += fmt.Sprintf(", state of %d rows and %s", m.StateRows, sizeText(m.StateBytes))
	}
	if m.Late > 0 {
		text += fmt.Sprintf(", %d rows late", m.Late)
	}
	return text
}

// sizeText is a number of bytes for people.
func sizeText(n int64) string {
	for _, u := range []struct {
		bytes int64
		name  string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= u.bytes {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(u.bytes), u.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
