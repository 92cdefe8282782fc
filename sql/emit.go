package sql

import (
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/window"
)

// emission is what the streaming clauses say about a window.
type emission struct {
	delay, lateness, timeout time.Duration
	updates                  bool
}

// emission reads the streaming clauses of the block.
func (p *block) emission() (e emission, err error) {
	p.emitted = true
	c := p.clauses
	for _, d := range []struct {
		from syntax.Expr
		into *time.Duration
		what string
	}{{c.Delay, &e.delay, "the delay"}, {c.Lateness, &e.lateness, "the lateness"}, {c.Timeout, &e.timeout, "the timeout"}} {
		if d.from != nil {
			if *d.into, err = p.s.duration(d.from, d.what); err != nil {
				return e, err
			}
		}
	}
	switch {
	case c.Lateness != nil && c.Emit == syntax.EmitOnClose:
		return e, p.s.src.Error(c.At, "AS1406", "use EMIT ON UPDATE", "ALLOW LATENESS corrects results, EMIT ON WINDOW CLOSE never does")
	}
	e.updates = c.Emit == syntax.EmitOnUpdate || c.Emit == syntax.EmitPeriodic
	return e, nil
}

// periodic is the result of the block with EMIT PERIODIC or WITH BATCH: its
// changes come out together, every so often.
func (p *block) periodic(n *node) (*node, error) {
	c := p.clauses
	if c.Every == nil {
		return n, nil
	}
	every, err := p.s.duration(c.Every, "the period")
	if err != nil {
		return nil, err
	}
	if every < time.Microsecond {
		return nil, p.s.src.Error(c.Every.Range(), "AS1301", "write a microsecond or more", "the period is "+every.String())
	}
	if !n.updating() {
		if n.bounded {
			return n, nil
		}
		return nil, p.s.src.Error(c.At, "AS1406", "leave EMIT out", "the result is never updated, its rows come out once")
	}
	key, ok := n.unique()
	out := &node{kind: "periodic", detail: "every " + every.String(), plain: same}
	out.build = func(columns) (arrowstream.Stage, error) { return &stage.Periodic{Every: every, By: key}, nil }
	if ok {
		out.uniqueOf = keyed(key)
	}
	out.notes = append(out.notes, "state: the changes of a period")
	return derive(out, n)
}

// windowNode aggregates per window and key.
func (p *block) windowNode(in *node, w *windowSpec, by []string, aggs []window.Agg, at syntax.Span) (*node, error) {
	e, err := p.emission()
	if err != nil {
		return nil, err
	}
	n := &node{kind: "window", detail: w.text() + " " + groupText(by, aggs), aggs: aggs, window: w}
	n.build = func(columns) (arrowstream.Stage, error) {
		switch w.kind {
		case "tumble":
			return &window.Tumbling{Size: w.size, Offset: w.offset, Time: w.time, By: by, Aggs: aggs, WindowTime: true, Delay: e.delay, Lateness: e.lateness, Timeout: e.timeout, Updates: e.updates}, nil
		case "hop":
			return &window.Hopping{Size: w.size, Slide: w.slide, Offset: w.offset, Time: w.time, By: by, Aggs: aggs, WindowTime: true, Delay: e.delay, Lateness: e.lateness, Timeout: e.timeout, Updates: e.updates}, nil
		case "cumulate":
			return &window.Cumulating{Step: w.slide, Max: w.size, Offset: w.offset, Time: w.time, By: by, Aggs: aggs, WindowTime: true, Delay: e.delay, Lateness: e.lateness, Timeout: e.timeout, Updates: e.updates}, nil
		case "session":
			return &window.Session{Gap: w.size, MaxSpan: w.slide, Time: w.time, By: by, Aggs: aggs, WindowTime: true, Delay: e.delay, Lateness: e.lateness, Timeout: e.timeout, Updates: e.updates}, nil
		}
		return &window.Count{Rows: w.rows, Step: w.step, Arrival: w.time == "", Time: w.time, By: by, Aggs: aggs, Delay: e.delay, Timeout: e.timeout}, nil
	}
	if w.kind == "count" && (e.updates || e.lateness > 0) {
		return nil, p.s.src.Error(w.at, "AS1406", "", "a count window emits its result once")
	}
	n.needs = aggNeeds(by, aggs, w.time)
	n.notes = append(n.notes, "state: rows of open windows per key, until the watermark passes their end")
	return p.windowed(n, in, w.at)
}

// regroupNode aggregates rows that carry their window.
func (p *block) regroupNode(in *node, start, end string, by []string, g *aggregation, at syntax.Span) (*node, error) {
	e, err := p.emission()
	if err != nil {
		return nil, err
	}
	var rest []string
	for _, k := range by {
		if k != start && k != end {
			rest = append(rest, k)
		}
	}
	n := &node{kind: "regroup", detail: groupText(by, g.aggs), aggs: g.aggs}
	n.build = func(columns) (arrowstream.Stage, error) {
		return &window.Regroup{Start: start, End: end, By: rest, Aggs: g.aggs, WindowTime: true, Delay: e.delay, Lateness: e.lateness, Timeout: e.timeout, Updates: e.updates}, nil
	}
	n.needs = aggNeeds(rest, g.aggs, start, end)
	n.notes = append(n.notes, "state: groups of open windows, until the watermark passes their end")
	for text, name := range g.byText {
		switch name {
		case start:
			g.byText[text] = "window_start"
		case end:
			g.byText[text] = "window_end"
		}
	}
	return p.windowed(n, in, at)
}

// windowed finishes a window node: its schema and its late rows.
func (p *block) windowed(n *node, in *node, at syntax.Span) (*node, error) {
	if err := p.s.appendOnly(in, "AS1407", "a window", at); err != nil {
		return nil, err
	}
	out, err := derive(n, in)
	if err != nil {
		return nil, p.s.coded(at, "AS1404", err)
	}
	if p.clauses.LateTo == nil {
		return out, nil
	}
	late, err := derive(&node{kind: "side output", detail: "late rows", side: "late"}, out)
	if err != nil || late.schema == nil {
		return nil, p.s.src.Error(p.clauses.LateTo.Span, "AS1406", "", "this window has no late rows")
	}
	return out, p.s.insertNode(late, *p.clauses.LateTo, "", p.clauses.LateTo.Span, nil, syntax.StreamClauses{})
}

// windowKeysOf finds the bounds of a window that the rows carry among the
// grouping keys: the columns that come, unchanged, from a window whose rows are
// in time.
func windowKeysOf(n *node, by []string) (start, end string, ok bool) {
	if n.eventTime() == "" && n.updating() {
		return "", "", false
	}
	for _, k := range by {
		from, column := n.windowColumn(k)
		if n.eventTime() != "" { // rows are in time whatever is between
			from, column = n.origin(k)
		}
		if from == nil || from.kind != "window" && from.kind != "assign window" && from.kind != "regroup" {
			continue
		}
		switch column {
		case "window_start":
			start = k
		case "window_end":
			end = k
		}
	}
	return start, end, start != "" && end != ""
}
