package sql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/window"
)

// windowSpec is a window as a query describes it.
type windowSpec struct {
	kind                string // tumble, hop, cumulate, session, count
	size, slide, offset time.Duration
	rows, step          int64    // of a count window
	time                string   // time column; "" counts rows by arrival
	partition           []string // PARTITION BY of SESSION and count windows
	at                  syntax.Span
}

// isWindowColumn reports whether name is a column that windows add.
func isWindowColumn(name string) bool {
	switch name {
	case "window_start", "window_end", "window_time", "window_ordinal", "window_rows":
		return true
	}
	return false
}

// windowBound is the window column that TUMBLE_START(...) and the like name.
func windowBound(fn string) (column string, ok bool) {
	name := strings.ToLower(fn)
	for _, prefix := range []string{"tumble_", "tumbling_", "hop_", "hopping_", "session_", "cumulate_"} {
		rest, found := strings.CutPrefix(name, prefix)
		if !found {
			continue
		}
		switch rest {
		case "start", "end":
			return "window_" + rest, true
		case "rowtime":
			return "window_time", true
		}
	}
	return "", false
}

func isWindowBound(fn string) bool { _, ok := windowBound(fn); return ok }

// mentionsWindow reports whether e reads a column of the window.
func mentionsWindow(e syntax.Expr) bool {
	return syntax.Any(e, func(x syntax.Expr) bool {
		c, ok := x.(*syntax.Column)
		if !ok {
			return false
		}
		name := strings.ToLower(c.Last())
		return isWindowColumn(name) || len(c.Parts) > 1 && strings.EqualFold(c.Parts[len(c.Parts)-2].Name, "window") && (name == "start" || name == "end")
	})
}

// windowOf is the window that the rows of n carry, nil if none.
func windowOf(n *node) *windowNames {
	if columnar.Index(n.schema, "window_start") >= 0 && columnar.Index(n.schema, "window_end") >= 0 {
		return &windowNames{"window_start", "window_end"}
	}
	return nil
}

// windowArgs are the arguments of a window function in the order of its
// parameters.
func (s *session) windowArgs(c *syntax.Call, params ...string) ([]syntax.Expr, error) {
	out := make([]syntax.Expr, len(params))
	for i, a := range c.Args {
		at := i
		if a.Name != nil {
			if at = slices.IndexFunc(params, func(p string) bool { return strings.EqualFold(p, a.Name.Name) }); at < 0 {
				return nil, s.src.Error(a.Name.Span, "AS1601", arrowstream.Suggest(a.Name.Name, params, "arguments"), fmt.Sprintf("%s has no argument %q", c.Fn.Last(), a.Name.Name))
			}
		}
		if at >= len(params) {
			return nil, s.src.Error(a.Value.Range(), "AS1601", fmt.Sprintf("usage: %s(%s)", c.Fn.Last(), strings.Join(params, ", ")), fmt.Sprintf("%s has too many arguments", c.Fn.Last()))
		}
		out[at] = a.Value
	}
	return out, nil
}

// need makes the error of a missing argument.
func (s *session) needArg(c *syntax.Call, x syntax.Expr, name, usage string) error {
	if x != nil {
		return nil
	}
	return s.src.Error(c.Span, "AS1601", "usage: "+usage, fmt.Sprintf("%s: argument %s is missing", strings.ToUpper(c.Fn.Last()), name))
}

// tvfUsage is the help of each window table function.
var tvfUsage = map[string]string{
	"tumble":   "TUMBLE(TABLE t, DESCRIPTOR(ts), size [, offset])",
	"hop":      "HOP(TABLE t, DESCRIPTOR(ts), slide, size [, offset])",
	"cumulate": "CUMULATE(TABLE t, DESCRIPTOR(ts), step, max_size [, offset])",
	"session":  "SESSION(TABLE t [PARTITION BY k], DESCRIPTOR(ts), gap [, max_span])",
}

// windowTVF plans TUMBLE(TABLE t, ...) in FROM: the window is made when it is
// known whether the rows are aggregated by it.
func (s *session) windowTVF(f *syntax.TableFunc, env *with) (*relation, error) {
	c := f.Call
	kind := strings.ToLower(c.Fn.Last())
	usage := tvfUsage[kind]
	params := map[string][]string{
		"tumble":   {"DATA", "TIMECOL", "SIZE", "OFFSET"},
		"hop":      {"DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"},
		"cumulate": {"DATA", "TIMECOL", "STEP", "SIZE", "OFFSET"},
		"session":  {"DATA", "TIMECOL", "GAP", "MAX_SPAN"},
	}[kind]
	// A count window without DESCRIPTOR leaves the time column out.
	if len(c.Args) >= 2 && (kind == "tumble" || kind == "hop") {
		if _, rows := c.Args[1].Value.(*syntax.Rows); rows {
			params = slices.Delete(slices.Clone(params), 1, 2)
		}
	}
	args, err := s.windowArgs(c, params...)
	if err != nil {
		return nil, err
	}
	arg := func(name string) syntax.Expr {
		if i := slices.Index(params, name); i >= 0 {
			return args[i]
		}
		return nil
	}
	if err := s.needArg(c, arg("DATA"), "TABLE", usage); err != nil {
		return nil, err
	}
	n, partition, name, err := s.tableArg(arg("DATA"), env)
	if err != nil {
		return nil, err
	}
	w := &windowSpec{kind: kind, at: c.Span}
	sc := newScope(name, n.schema)
	for _, e := range partition {
		x, err := (&binder{s: s, scope: sc}).expr(e)
		if err != nil {
			return nil, err
		}
		col, ok := x.(expr.Col)
		if !ok {
			return nil, s.src.Error(e.Range(), "AS1103", "compute it in a view", "PARTITION BY an expression is not supported yet")
		}
		w.partition = append(w.partition, col.Name)
	}
	if slices.Contains(params, "TIMECOL") {
		if err := s.needArg(c, arg("TIMECOL"), "DESCRIPTOR(ts)", usage); err != nil {
			return nil, err
		}
		if w.time, err = s.timeColumn(arg("TIMECOL"), &binder{s: s, scope: sc, input: &n}); err != nil {
			return nil, err
		}
	}
	if err := s.windowSizes(w, c, usage, arg); err != nil {
		return nil, err
	}
	rel, err := s.aliased(n, name, f.Alias, w)
	if err != nil {
		return nil, err
	}
	for _, col := range w.columns() {
		if columnar.Index(n.schema, col) < 0 {
			rel.scope.columns = append(rel.scope.columns, scopeColumn{table: rel.table, name: col, plan: col})
		}
	}
	rel.scope.window = &windowNames{"window_start", "window_end"}
	return rel, nil
}

// columns are the columns that the window adds to its rows.
func (w *windowSpec) columns() []string {
	switch {
	case w.kind != "count":
		return []string{"window_start", "window_end", "window_time"}
	case w.time != "":
		return []string{"window_start", "window_end", "window_ordinal", "window_rows"}
	}
	return []string{"window_ordinal", "window_rows"}
}

// windowSizes reads the sizes of a window of a table function.
func (s *session) windowSizes(w *windowSpec, c *syntax.Call, usage string, arg func(string) syntax.Expr) error {
	length := func(into *time.Duration, name string, required bool) (err error) {
		e := arg(name)
		if e == nil {
			if required {
				return s.needArg(c, nil, name, usage)
			}
			return nil
		}
		*into, err = s.duration(e, name)
		return err
	}
	isRows := func(e syntax.Expr) bool { _, ok := e.(*syntax.Rows); return ok }
	if isRows(arg("SIZE")) || isRows(arg("SLIDE")) {
		w.kind = "count"
		var err error
		if w.rows, err = s.rowCount(arg("SIZE"), "SIZE"); err != nil {
			return err
		}
		w.step = w.rows
		if e := arg("SLIDE"); e != nil {
			w.step, err = s.rowCount(e, "SLIDE")
		}
		return err
	}
	var err error
	switch w.kind {
	case "tumble":
		err = length(&w.size, "SIZE", true)
	case "hop":
		if err = length(&w.slide, "SLIDE", true); err == nil {
			err = length(&w.size, "SIZE", true)
		}
	case "cumulate":
		if err = length(&w.slide, "STEP", true); err == nil {
			err = length(&w.size, "SIZE", true)
		}
	case "session":
		if err = length(&w.size, "GAP", true); err == nil {
			err = length(&w.slide, "MAX_SPAN", false)
		}
	}
	if err == nil && w.kind != "session" {
		err = length(&w.offset, "OFFSET", false)
	}
	if err != nil {
		return err
	}
	return s.checkWindow(w, c)
}

func (s *session) rowCount(e syntax.Expr, name string) (int64, error) {
	if r, ok := e.(*syntax.Rows); ok {
		if num, ok := r.N.(*syntax.Number); ok {
			if n, err := strconv.ParseInt(num.Text, 10, 64); err == nil && n > 0 {
				return n, nil
			}
		}
	}
	at := syntax.Span{}
	if e != nil {
		at = e.Range()
	}
	return 0, s.src.Error(at, "AS1404", "write ROWS 100", name+" of a count window wants a number of rows")
}

// checkWindow refuses sizes that make no window and warns of swapped ones.
func (s *session) checkWindow(w *windowSpec, c *syntax.Call) error {
	name := strings.ToUpper(c.Fn.Last())
	if w.size <= 0 || (w.kind == "hop" || w.kind == "cumulate") && w.slide <= 0 {
		return s.src.Error(c.Span, "AS1404", "", name+": the sizes of a window must be greater than zero")
	}
	if w.kind == "hop" && w.slide > w.size {
		s.warn(c.Span, "AS1404", "HOP takes slide, size; HOPPING and window() take size, slide", name+": the slide is greater than the size: rows between windows are left out; are the arguments swapped?")
	}
	return nil
}

// tableArg plans the table argument of a table function.
func (s *session) tableArg(e syntax.Expr, env *with) (n *node, partition []syntax.Expr, name string, err error) {
	var t *table
	switch e := e.(type) {
	case *syntax.TableArg:
		partition = e.Partition
		if e.Query != nil {
			n, err = s.query(e.Query, env)
			return n, partition, "", err
		}
		if e.Name != nil {
			name = e.Name.Last()
			t, err = s.resolveTable(*e.Name, "", e.Name.Span, env)
		} else {
			t, err = s.file(e.Path, e.Span)
		}
	case *syntax.Column:
		name = e.Last()
		t, err = s.resolveTable(e.Name, "", e.Span, env)
	case *syntax.Subquery:
		n, err = s.query(e.Query, env)
		return n, nil, "", err
	case *syntax.String:
		t, err = s.file(e.Value, e.Span)
	default:
		return nil, nil, "", s.src.Error(e.Range(), "AS1601", "write TABLE name", "a table is wanted here, not "+syntax.Text(e))
	}
	if err != nil {
		return nil, nil, "", err
	}
	n, err = s.scan(t, e.Range())
	return n, partition, name, err
}

// groupWindow reads a window function in GROUP BY.
func (s *session) groupWindow(c *syntax.Call, in *binder) (*windowSpec, error) {
	name := strings.ToLower(c.Fn.Last())
	for _, a := range c.Args {
		if a.Name != nil {
			return nil, s.src.Error(a.Name.Span, "AS1601", "give the arguments by position", strings.ToUpper(name)+" has no named arguments in GROUP BY")
		}
	}
	args := make([]syntax.Expr, len(c.Args))
	for i, a := range c.Args {
		args[i] = a.Value
	}
	w := &windowSpec{at: c.Span}
	n := *in.input
	if len(args) > 0 && isDuration(args[0]) {
		if w.time = n.eventTime(); w.time == "" {
			return nil, s.src.Error(c.Span, "AS1403", "name the time column: "+strings.ToUpper(name)+"(ts, ...)", "the table has no event time")
		}
	} else if len(args) > 0 {
		var err error
		if w.time, err = s.timeColumn(args[0], in); err != nil {
			return nil, err
		}
		args = args[1:]
	}
	shape := map[string]struct {
		kind  string
		sizes []string
		least int
	}{
		"tumble": {"tumble", []string{"SIZE", "OFFSET"}, 1}, "tumbling": {"tumble", []string{"SIZE", "OFFSET"}, 1},
		"hop": {"hop", []string{"SLIDE", "SIZE", "OFFSET"}, 2}, "hopping": {"hop", []string{"SIZE", "SLIDE", "OFFSET"}, 2},
		"window":  {"hop", []string{"SIZE", "SLIDE", "OFFSET"}, 1},
		"session": {"session", []string{"GAP", "MAX_SPAN"}, 1}, "session_window": {"session", []string{"GAP", "MAX_SPAN"}, 1},
		"cumulate": {"cumulate", []string{"STEP", "SIZE", "OFFSET"}, 2},
	}[name]
	usage := strings.ToUpper(name) + "(ts, " + strings.ToLower(strings.Join(shape.sizes[:shape.least], ", ")) + ")"
	if len(args) < shape.least || len(args) > len(shape.sizes) {
		return nil, s.src.Error(c.Span, "AS1601", "usage: "+usage, strings.ToUpper(name)+" has a wrong number of arguments")
	}
	w.kind = shape.kind
	if name == "window" && len(args) == 1 {
		w.kind = "tumble"
	}
	arg := func(want string) syntax.Expr {
		if i := slices.Index(shape.sizes, want); i >= 0 && i < len(args) {
			return args[i]
		}
		return nil
	}
	return w, s.windowSizes(w, c, usage, arg)
}

// isDuration reports whether e can only be a length of time.
func isDuration(e syntax.Expr) bool {
	switch e.(type) {
	case *syntax.Interval, *syntax.String, *syntax.Number:
		return true
	}
	return false
}

// checkKeys checks the grouping of a window: both bounds where one does not
// tell the other, and all keys of PARTITION BY.
func (w *windowSpec) checkKeys(s *session, windowKeys []string, g *aggregation, sel *syntax.Select) error {
	has := func(name string) bool { return slices.Contains(windowKeys, name) }
	if w.kind == "cumulate" && !(has("window_end") && has("window_start")) || w.kind == "session" && !(has("window_start") || has("window_end")) {
		return s.src.Error(sel.Span, "AS1407", "GROUP BY window_start, window_end", "the grouping does not tell the window")
	}
	for _, k := range w.partition {
		if !slices.ContainsFunc(g.keys, func(c outColumn) bool { return exprText(c.Expr) == syntax.QuoteName(k) }) {
			return s.src.Error(sel.Span, "AS1407", "add "+k+" to GROUP BY", fmt.Sprintf("the window is made per %q, which is not grouped by", k))
		}
	}
	if (w.kind == "session" || w.kind == "count") && len(w.partition) > 0 && len(w.partition) != len(g.keys) {
		return s.src.Error(sel.Span, "AS1103", "group by the same columns as PARTITION BY", "grouping a window made per key by further columns is not supported yet")
	}
	return nil
}

// text describes a window in EXPLAIN.
func (w *windowSpec) text() string {
	switch w.kind {
	case "count":
		return fmt.Sprintf("count %d rows every %d", w.rows, w.step)
	case "tumble":
		return fmt.Sprintf("tumble %s on %s", w.size, w.time)
	case "hop":
		return fmt.Sprintf("hop %s every %s on %s", w.size, w.slide, w.time)
	case "cumulate":
		return fmt.Sprintf("cumulate to %s by %s on %s", w.size, w.slide, w.time)
	}
	return fmt.Sprintf("session gap %s on %s", w.size, w.time)
}

// assign adds the columns of a window to rows that are not aggregated by it.
func (s *session) assign(in *node, w *windowSpec) (*node, error) {
	if w.kind == "session" || w.kind == "count" {
		return nil, s.src.Error(w.at, "AS1103", "GROUP BY window_start, window_end and its key", strings.ToUpper(w.kind)+" windows without aggregation are not supported yet")
	}
	for _, c := range []string{"window_start", "window_end", "window_time"} {
		if columnar.Index(in.schema, c) >= 0 {
			return nil, s.src.Error(w.at, "AS1407", "leave the columns of the first window out, or rename them", fmt.Sprintf("the rows have a column %q already", c))
		}
	}
	n := &node{kind: "assign window", detail: w.text(), window: w}
	n.build = func(columns) (arrowstream.Stage, error) {
		st := &window.Assign{Size: w.size, Offset: w.offset, Time: w.time, WindowTime: true}
		switch w.kind {
		case "hop":
			st.Slide = w.slide
		case "cumulate":
			st.Step = w.slide
		}
		return st, nil
	}
	n.needs = func(want columns) columns {
		out := columns{all: want.all}
		out.add(w.time)
		for c := range want.names {
			if !isWindowColumn(c) {
				out.add(c)
			}
		}
		return out
	}
	n.plain = func(out string) (string, bool) { return out, !isWindowColumn(out) }
	n.rowwise = w.kind == "tumble"
	out, err := derive(n, in)
	if err != nil {
		return nil, s.coded(w.at, "AS1404", err)
	}
	return out, nil
}
