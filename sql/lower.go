package sql

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/state"
)

// plan is the whole graph of a script.
type plan struct {
	s     *session
	roots []*root
	order []*node // inputs before their users
}

// root is a node whose rows leave the plan: to an output, or nowhere for a
// model that is only trained.
type root struct {
	node *node
	out  *output
}

// finish collects the roots of the script: what is written, what is shown and
// the models that nothing else trains.
func (s *session) finish() (*plan, error) {
	p := &plan{s: s}
	for _, o := range s.outputs {
		if o.table != nil && o.table.connector == nil && o.table.node != nil {
			o.hidden = true // a table inside the script that queries read
			continue
		}
		n, err := unionAll(o.nodes)
		if err != nil {
			return nil, err
		}
		p.roots = append(p.roots, &root{n, o})
	}
	seen := map[*node]bool{}
	for _, r := range p.roots {
		r.node.walk(seen, func(n *node) { p.order = append(p.order, n) })
	}
	for _, m := range s.trained {
		if s.analyzing && m.learner == nil && m.name != s.analyzed {
			continue
		}
		if m.train == nil || m.broken || m.learner != nil && seen[m.learner] {
			continue
		}
		if m.learner == nil || m.input != nil {
			if err := s.trainOnly(m); err != nil {
				return nil, err
			}
			m.input = nil
		}
		p.roots = append(p.roots, &root{node: m.learner})
		m.learner.walk(seen, func(n *node) { p.order = append(p.order, n) })
	}
	if err := p.unranked(); err != nil {
		return nil, err
	}
	p.share()
	p.needs()
	p.push()
	return p, nil
}

// needs passes the wanted columns from the roots down to the scans.
func (p *plan) needs() {
	for _, n := range p.order {
		n.want = columns{}
	}
	for _, r := range p.roots {
		r.node.want.all = true
	}
	for i := len(p.order) - 1; i >= 0; i-- {
		n := p.order[i]
		if et := n.eventTime(); et != "" {
			n.want.add(et)
		}
		n.wantOne()
		for j, in := range n.in {
			switch {
			case n.side != "":
				// The main output of the stage need not be wanted by anyone;
				// late rows have all columns of the input.
				if in.kind == "window" || in.kind == "regroup" {
					in.in[0].want.all = true
				}
			case n.needsOf != nil:
				in.want.merge(n.needsOf(j, n.want))
			case n.needs != nil:
				in.want.merge(n.needs(n.want.copy()))
			default:
				in.want.all = true
			}
		}
	}
}

// wantOne makes n give one column where none is wanted, since a batch without
// columns has no rows to count: one that it reads anyway, if there is any.
func (n *node) wantOne() {
	names := visibleNames(n.schema)
	if n.want.all || len(names) == 0 || slices.ContainsFunc(names, n.want.has) {
		return
	}
	if n.where != nil {
		var read columns
		exprColumns(n.where, &read)
		if i := slices.IndexFunc(names, read.has); i >= 0 {
			n.want.add(names[i])
			return
		}
	}
	n.want.add(names[0])
}

func (c columns) copy() columns {
	out := columns{all: c.all}
	for n := range c.names {
		out.add(n)
	}
	return out
}

// lower builds the pipeline.
func (p *plan) lower() (*arrowstream.Pipeline, error) {
	opts := p.s.opts.Pipeline
	if opts.Name == "" {
		opts.Name = p.s.job()
	}
	opts.Code = p.s.code
	if dir := p.s.jobSetting(opts.Name, "state"); opts.State == nil && dir != "" {
		opts.State = state.Dir{Path: dir, FS: state.OS{Access: opts.Access}}
		if p.s.opts.State != nil {
			store, err := p.s.opts.State(dir)
			if err != nil {
				return nil, err
			}
			opts.State = store
		}
	}
	if opts.State != nil {
		opts.Program = canonical(p.s.script)
	}
	if opts.CheckpointInterval == 0 {
		opts.CheckpointInterval = p.s.durationSetting("job.epoch", 0)
	}
	if every, err := p.s.trigger(opts.Name).every(); err == nil && opts.CheckpointInterval == 0 {
		opts.CheckpointInterval = every // an epoch is what becomes visible together
	}
	if opts.Workers == 0 {
		opts.Workers, _ = strconv.Atoi(p.s.setting("job.parallelism", ""))
	}
	opts.Record = opts.Record || strings.EqualFold(p.s.jobSetting(opts.Name, "record"), "true")
	pl := arrowstream.New(opts)
	if err := p.build(pl); err != nil {
		return nil, errors.Join(err, pl.Close())
	}
	return pl, nil
}

// build adds all nodes and sinks to pl.
func (p *plan) build(pl *arrowstream.Pipeline) error {
	for _, n := range p.order {
		if err := p.lowerNode(pl, n); err != nil {
			return err
		}
		if err := pl.Err(); err != nil {
			return p.error(n, err)
		}
	}
	for _, r := range p.roots {
		if r.out == nil {
			continue
		}
		sink, err := p.sink(r)
		if err != nil {
			return err
		}
		r.node.stream.To(sink, r.out.name)
		if err := pl.Err(); err != nil {
			return p.sinkError(r, err)
		}
	}
	return nil
}

// error gives an error of the root package a code.
func (p *plan) error(n *node, err error) error {
	e := toError(err)
	if e.Code == "" {
		e.Code = "AS1101"
		e.Msg = fmt.Sprintf("%s: %s", n.kind, e.Msg)
	}
	return e
}

func (p *plan) sinkError(r *root, err error) error {
	e := toError(err)
	if e.Code == "" {
		e.Code = "AS1504"
	}
	if e.Code == "AS1406" && r.node.updating() {
		e.Msg = fmt.Sprintf("%s takes appended rows only, but the query updates rows: %s", r.out.name, r.node.updater().operator())
		e.Hint = "group by a window and emit when it closes, or write to a sink that takes updates: one with a PRIMARY KEY, a format with a column of changes"
	}
	if e.Pos.Line == 0 && r.out.table != nil {
		e.Pos = p.s.src.Pos(r.out.table.at)
	}
	return e
}

func (p *plan) lowerNode(pl *arrowstream.Pipeline, n *node) error {
	switch {
	case n.table != nil:
		return p.lowerScan(pl, n)
	case n.side != "":
		n.stream = n.in[0].stream.Side(n.side)
	case n.join != nil:
		j, err := n.join(n.want)
		if err != nil {
			return p.error(n, err)
		}
		streams := make([]*arrowstream.Stream, len(n.in))
		for i, in := range n.in {
			streams[i] = in.stream
		}
		n.stream = pl.Join(j, streams...)
		if n.uid != "" {
			n.stream.UID(n.uid)
		}
	case n.build != nil:
		st, err := n.build(n.want)
		if err != nil {
			return p.error(n, err)
		}
		n.stream = n.in[0].stream.Via(st)
		if n.uid != "" {
			n.stream.UID(n.uid)
		}
		if n.onError != nil {
			n.stream.OnError(n.onError.policy)
		}
	default: // union
		parts := make([]*arrowstream.Stream, len(n.in))
		for i, in := range n.in {
			parts[i] = in.stream
			if want, have := n.want.list(n.schema), columnar.Names(in.stream.Schema()); i > 0 || strings.Join(want, "\x00") != strings.Join(have, "\x00") {
				parts[i] = in.stream.Via(projectStage(passColumns(want)))
			}
		}
		n.stream = parts[0].Merge(parts[1:]...)
	}
	return nil
}

// lowerScan reads a table: only the wanted columns, computed ones inside the
// reader so that the watermark can be made of them.
func (p *plan) lowerScan(pl *arrowstream.Pipeline, n *node) error {
	t := n.table
	if n.kind == "values" {
		n.stream = pl.From(t.name, t.source)
		return nil
	}
	want := n.want.list(n.schema)
	src := t.source
	var computed []outColumn
	if len(t.computed) > 0 {
		cols, err := p.s.computedColumns(t, columnar.WithEventTime(t.base, ""))
		if err != nil {
			return err
		}
		var keep []outColumn
		var need columns
		for _, c := range cols {
			if n.want.has(c.Name) {
				keep = append(keep, c)
				exprColumns(c.Expr, &need)
			}
		}
		computed = keep
		want = need.list(t.base)
	}
	if !n.want.all && len(want) < t.base.NumFields() && setColumns(src, want) {
		n.notes = append(n.notes, "columns: "+strings.Join(want, ", "))
	}
	setPredicates(src, n.pushed)
	if computed != nil {
		src = stage.Through(src, projectStage(computed))
	}
	et := arrowstream.EventTime{Column: t.eventTime, Delay: t.delay, Idle: t.idle, MaxDrift: t.drift}
	if et.Idle == 0 {
		et.Idle = p.s.durationSetting("watermark.idle-timeout", 0)
	}
	if v, ok := p.s.settings["watermark.idle-timeout"]; ok && v == "0" {
		et.Idle = -1
	}
	n.stream = pl.From(t.name, src, et)
	if n.goesOn {
		n.stream.GoesOn()
	}
	if n.onError != nil {
		n.stream.OnError(n.onError.policy)
	}
	return nil
}

// sink makes the sink of a root.
func (p *plan) sink(r *root) (arrowstream.Sink, error) {
	o := r.out
	if p.s.opts.Sink != nil {
		return p.s.opts.Sink(o.name)
	}
	if o.table == nil || o.table.connector == nil {
		return p.display(o.name)
	}
	spec := p.s.spec(o.table)
	if o.table.inferred {
		spec.Schema = nil
	}
	sink, err := o.table.connector.Sink(spec)
	if err != nil {
		return nil, p.s.tableError(o.table, o.table.at, err)
	}
	return sink, nil
}

func (p *plan) display(name string) (arrowstream.Sink, error) {
	if p.s.opts.Display != nil {
		return p.s.opts.Display(name)
	}
	conn, err := p.s.connector("console")
	if err != nil || conn.Sink == nil {
		return nil, &arrowstream.Error{Code: "AS1504", Msg: "there is no console to show results on", Hint: "use INSERT INTO"}
	}
	return conn.Sink(arrowstream.Table{Name: name, Options: map[string]string{}, Stdio: p.s.opts.Stdio})
}

// info describes an output.
func (o *output) info() SinkInfo {
	i := SinkInfo{Name: o.name}
	if o.table == nil || o.table.connector == nil {
		return i
	}
	i.Connector = o.table.connector.Name
	for _, k := range []string{"path", "topic", "stream", "name", "address", "url", "host"} {
		if v, ok := o.table.options[k]; ok && !syntax.Secret(k) {
			i.Target = syntax.Redact(v)
			break
		}
	}
	return i
}
