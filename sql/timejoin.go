package sql

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
)

// timed plans a join of two streams that do not end whose conditions bound how
// far apart in time two rows are, so that rows need not be remembered for ever;
// nil if they do not.
func (j *joinNode) timed() (*node, error) {
	for _, in := range j.in {
		if in.bounded || in.updating() {
			return nil, nil
		}
	}
	if n, err := j.windowJoin(); n != nil || err != nil {
		return n, err
	}
	if err := j.procTimes(); err != nil {
		return nil, err
	}
	return j.intervalJoin()
}

// windowColumn follows a column down to the window that made it.
func (n *node) windowColumn(column string) (from *node, name string) {
	for n.project != nil || n.where != nil || n.kind == "window join" {
		i, in, ok := n.passed(column)
		if !ok {
			return nil, ""
		}
		n, column = n.in[i], in
	}
	switch {
	case n.kind == "regroup", (n.kind == "window" || n.kind == "assign window") && n.window.kind != "count":
		return n, column
	}
	return nil, ""
}

// windowJoin plans a join of rows of the same window.
func (j *joinNode) windowJoin() (*node, error) {
	var bounds [2][2]string // window_start and window_end, by input
	var used []int
	for k := range j.keys[0] {
		l, left := j.in[0].windowColumn(j.keys[0][k])
		r, right := j.in[1].windowColumn(j.keys[1][k])
		if l == nil || r == nil || left != right || j.nullSafe[k] {
			continue
		}
		at := slices.Index([]string{"window_start", "window_end"}, left)
		if at < 0 || bounds[0][at] != "" {
			continue
		}
		bounds[0][at], bounds[1][at], used = j.keys[0][k], j.keys[1][k], append(used, k)
	}
	if len(used) < 2 {
		return nil, nil
	}
	for i := len(used) - 1; i >= 0; i-- {
		k := used[i]
		j.keys[0], j.keys[1], j.nullSafe = slices.Delete(j.keys[0], k, k+1), slices.Delete(j.keys[1], k, k+1), slices.Delete(j.nullSafe, k, k+1)
	}
	mark := ""
	if et := j.in[0].eventTime(); et != "" && j.keepsLeft() {
		if _, column := j.in[0].windowColumn(et); column == "window_time" {
			mark = et
		}
	}
	j.times = [2][]string{bounds[0][:], bounds[1][:]}
	n := &node{kind: "window join", detail: j.text()}
	n.notes = append(n.notes, "state: rows of open windows, until the watermark passes their end")
	n.join = func(want columns) (arrowstream.Join, error) {
		c := j.columns(n, want)
		c.EventTime = mark
		return &stage.WindowJoin{JoinColumns: c, Kind: j.kind, Start: bounds[0][0], End: bounds[0][1], RightStart: bounds[1][0], RightEnd: bounds[1][1]}, nil
	}
	j.where = allOf(j.rest)
	return j.derive(n)
}

// keepsLeft reports whether every row of the result has one of the left input.
func (j *joinNode) keepsLeft() bool { return j.kind != stage.RightJoin && j.kind != stage.FullJoin }

// clock is the time of the rows of an input: its event time or, where a query
// left that out, the end of their window. Rows come before the watermark passes
// it.
type clock struct {
	in     *node
	column string
	end    time.Duration // from the clock to window_end
	size   time.Duration // of windows, 0 if it differs
}

// clock is the clock of in; ok is false when there is none.
func (in *node) clock() (c clock, ok bool) {
	c.in = in
	window := in
	if et := in.eventTime(); et != "" {
		c.column = et
		from, column := in.windowColumn(et)
		if from == nil || column != "window_time" {
			return c, true
		}
		f, _ := from.field("window_time")
		window = from
		switch f.Type.(*arrow.TimestampType).Unit {
		case arrow.Millisecond:
			c.end = time.Millisecond
		case arrow.Microsecond:
			c.end = time.Microsecond
		default:
			return c, true
		}
	} else {
		for _, f := range visible(in.schema) {
			if from, column := in.windowColumn(f.Name); column == "window_end" {
				c.column, window = f.Name, from
				break
			}
		}
		if c.column == "" {
			return c, false
		}
	}
	if w := window.window; w != nil && (w.kind == "tumble" || w.kind == "hop") {
		c.size = w.size
	}
	return c, true
}

// offset is how far after the clock x is, for x a time of the input plus and
// minus constants.
func (c clock) offset(x expr.Expr) (time.Duration, bool) {
	switch x := x.(type) {
	case expr.Col:
		if x.Name == c.column {
			return 0, true
		}
		from, column := c.in.windowColumn(x.Name)
		base, clockColumn := c.in.windowColumn(c.column)
		switch {
		case from == nil || from != base || clockColumn != "window_end" && (clockColumn != "window_time" || c.end == 0):
		case column == "window_end":
			return c.end, true
		case column == "window_start" && c.size > 0:
			return c.end - c.size, true
		}
	case expr.Call:
		if len(x.Args) != 2 || x.Name != "add" && x.Name != "sub" {
			return 0, false
		}
		of, by := x.Args[0], x.Args[1]
		if _, isLit := of.(expr.Lit); isLit && x.Name == "add" {
			of, by = by, of
		}
		d, ok1 := lengthOf(by)
		at, ok2 := c.offset(of)
		if x.Name == "sub" {
			d = -d
		}
		return at + d, ok1 && ok2
	}
	return 0, false
}

// lengthOf is a constant length of time of whole microseconds.
func lengthOf(x expr.Expr) (time.Duration, bool) {
	l, ok := x.(expr.Lit)
	if !ok {
		return 0, false
	}
	v, ok := l.Value.(arrow.Duration)
	t, isDuration := l.Type.(*arrow.DurationType)
	if !ok || !isDuration {
		return 0, false
	}
	d := time.Duration(v) * t.Unit.Multiplier()
	return d, d%time.Microsecond == 0 && d < math.MaxInt64/8 && d > math.MinInt64/8
}

// interval is how much later rows of the right input are.
type interval struct {
	lower, upper time.Duration
	has          [2]bool
	until        string      // column of the left input instead of upper
	rest         []expr.Expr // conditions that it does not stand for
}

// bounded reports whether rows of both inputs are over some time.
func (iv *interval) bounded() bool { return iv.has[0] && (iv.has[1] || iv.until != "") }

// intervals finds the bounds of the distance in time in the conditions.
func (j *joinNode) intervals(clocks [2]clock) interval {
	var iv interval
	for _, x := range j.rest {
		kept := false
		for _, part := range comparisonsOf(x) {
			if !iv.add(part, clocks, j.kind == stage.InnerJoin) {
				kept = true
			}
		}
		if kept {
			iv.rest = append(iv.rest, x)
		}
	}
	return iv
}

// comparisonsOf takes BETWEEN apart.
func comparisonsOf(x expr.Expr) []expr.Call {
	c, ok := x.(expr.Call)
	switch {
	case !ok:
		return []expr.Call{{}}
	case c.Name == "between" && len(c.Args) == 3:
		return []expr.Call{{Name: "ge", Args: c.Args[:2]}, {Name: "le", Args: []expr.Expr{c.Args[0], c.Args[2]}}}
	}
	return []expr.Call{c}
}

// add makes the interval smaller by a comparison; it is false if that says more
// or other things.
func (iv *interval) add(c expr.Call, clocks [2]clock, inner bool) bool {
	if len(c.Args) != 2 {
		return false
	}
	op, l, r := c.Name, c.Args[0], c.Args[1]
	turned := map[string]string{"ge": "le", "gt": "lt", "le": "ge", "lt": "gt", "eq": "eq"}
	if turned[op] == "" {
		return false
	}
	left, ok := clocks[0].offset(l)
	if !ok {
		if _, ok = clocks[0].offset(r); !ok {
			return iv.addUntil(c, clocks, inner)
		}
		op, l, r = turned[op], r, l
		left, _ = clocks[0].offset(l)
	}
	right, ok := clocks[1].offset(r)
	if !ok {
		return false
	}
	// left time + left op right time + right
	d := left - right
	if op == "gt" || op == "ge" || op == "eq" { // right - left <= d
		most := d
		if op == "gt" {
			most -= time.Microsecond
		}
		if !iv.has[1] || most < iv.upper {
			iv.upper, iv.has[1] = most, true
		}
	}
	if op == "lt" || op == "le" || op == "eq" {
		least := d
		if op == "lt" {
			least += time.Microsecond
		}
		if !iv.has[0] || least > iv.lower {
			iv.lower, iv.has[0] = least, true
		}
	}
	return true
}

// addUntil takes a time of the left row that the right one must not be after.
func (iv *interval) addUntil(c expr.Call, clocks [2]clock, inner bool) bool {
	if !inner || iv.until != "" {
		return false
	}
	l, r := c.Args[0], c.Args[1]
	switch c.Name {
	case "ge":
	case "le":
		l, r = r, l
	default:
		return false
	}
	col, isCol := l.(expr.Col)
	at, ok := clocks[1].offset(r)
	if !isCol || !ok || at != 0 {
		return false
	}
	f, ok := clocks[0].in.field(col.Name)
	if !ok || !coarse(f.Type) {
		return false
	}
	iv.until = col.Name
	return true
}

// coarse reports whether t is a time that whole microseconds tell.
func coarse(t arrow.DataType) bool {
	if _, _, ok := columnar.Micros(t); !ok {
		return false
	}
	ts, ok := t.(*arrow.TimestampType)
	return !ok || ts.Unit != arrow.Nanosecond
}

// intervalJoin plans a join of rows that are close together in time.
func (j *joinNode) intervalJoin() (*node, error) {
	var clocks [2]clock
	for i, in := range j.in {
		var ok bool
		if clocks[i], ok = in.clock(); !ok {
			return nil, nil
		}
		if f, _ := in.field(clocks[i].column); !coarse(f.Type) {
			return nil, nil
		}
	}
	iv := j.intervals(clocks)
	if !iv.bounded() && j.kind == stage.InnerJoin {
		// A row of the right input may tell how long it is open.
		swapped := j.intervals([2]clock{clocks[1], clocks[0]})
		if swapped.bounded() {
			iv, clocks = swapped, [2]clock{clocks[1], clocks[0]}
			j.in[0], j.in[1], j.keys[0], j.keys[1], j.ttl[0], j.ttl[1] = j.in[1], j.in[0], j.keys[1], j.keys[0], j.ttl[1], j.ttl[0]
		}
	}
	if !iv.bounded() || iv.has[1] && iv.lower > iv.upper {
		return nil, nil
	}
	if iv.has[1] && iv.until != "" { // the interval says enough
		iv.until = ""
		iv.rest = j.intervalRest(clocks)
	}
	j.rest, j.where = iv.rest, allOf(iv.rest)
	j.times = [2][]string{{clocks[0].column}, {clocks[1].column}}
	mark, upper := "", past(iv.upper)
	if iv.until != "" {
		j.times[0] = append(j.times[0], iv.until)
		mark, upper = j.in[1].eventTime(), syntax.QuoteName(iv.until)
	} else if j.keepsLeft() {
		mark = j.in[0].eventTime()
	}
	n := &node{kind: "interval join", detail: j.text()}
	n.notes = append(n.notes, fmt.Sprintf("state: rows of the left input until the watermark passes %s, of the right input until it passes %s", upper, past(-iv.lower)))
	n.join = func(want columns) (arrowstream.Join, error) {
		c := j.columns(n, want)
		c.EventTime = mark
		return &stage.IntervalJoin{JoinColumns: c, Kind: j.kind, LeftTime: clocks[0].column, RightTime: clocks[1].column, Lower: iv.lower, Upper: iv.upper, LeftUntil: iv.until}, nil
	}
	return j.derive(n)
}

// past is a time of a row and a length, in words.
func past(d time.Duration) string {
	switch {
	case d > 0:
		return "their time + " + d.String()
	case d < 0:
		return "their time - " + (-d).String()
	}
	return "their time"
}

// intervalRest are the conditions that bounds by constants do not stand for.
func (j *joinNode) intervalRest(clocks [2]clock) (rest []expr.Expr) {
	for _, x := range j.rest {
		var iv interval
		if slices.ContainsFunc(comparisonsOf(x), func(c expr.Call) bool { return !iv.add(c, clocks, false) }) {
			rest = append(rest, x)
		}
	}
	return rest
}
