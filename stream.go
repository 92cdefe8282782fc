package arrowstream

import (
	"fmt"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
)

// Stream is one output of a node of a pipeline: something to go on from. Using
// it twice fans it out. After an error of the pipeline all its methods do
// nothing; see [Pipeline.Err].
type Stream struct {
	pipeline *Pipeline
	node     *node
	port     int
}

// From reads src. et says where the event time is; without it the column that
// the schema of src marks, with no delay.
func (p *Pipeline) From(name string, src Source, et ...EventTime) *Stream {
	if p.err != nil {
		return &Stream{pipeline: p}
	}
	schema, err := src.Schema()
	if err != nil {
		return p.fail(name, err)
	}
	sn := &sourceNode{source: src}
	if len(et) > 0 {
		sn.eventTime = et[0]
	}
	if sn.eventTime.Idle == 0 {
		sn.eventTime.Idle = time.Minute
	}
	if sn.eventTime.Column != "" {
		schema = columnar.WithEventTime(schema, sn.eventTime.Column)
		if columnar.EventTime(schema) < 0 {
			return p.fail(name, &Error{
				Code: "AS1203", Msg: fmt.Sprintf("event-time column %q not found in %s", sn.eventTime.Column, name),
				Hint: Suggest(sn.eventTime.Column, columnar.Names(schema), "columns"),
			})
		}
	}
	if sn.column = columnar.EventTime(schema); sn.column >= 0 {
		f := schema.Field(sn.column)
		if _, _, ok := columnar.Micros(f.Type); !ok {
			return p.fail(name, &Error{
				Code: "AS1403", Msg: fmt.Sprintf("column %q of %s is %s, which cannot be an event time", f.Name, name, columnar.TypeName(f.Type)),
				Hint: "use a TIMESTAMP or DATE column; TO_TIMESTAMP_LTZ makes one of a number",
			})
		}
	}
	if name == "" {
		name = kindOf(src)
	}
	n := p.add("source", name, &node{source: sn, ports: []*arrow.Schema{schema}, users: make([][]edge, 1)})
	return &Stream{pipeline: p, node: n}
}

// Schema is the schema of the stream; nil after an error of the pipeline.
func (s *Stream) Schema() *arrow.Schema {
	if s.node == nil {
		return nil
	}
	return s.node.ports[s.port]
}

// GoesOn says of a source that ends, s, that it does so for this run only, as one
// that takes what there is now does: a job with a State stops there as if it were
// drained, with what is open in windows and joins, and the next run goes on. A
// partition that has ended holds the watermark where its rows have brought it.
// Without a State it changes nothing.
func (s *Stream) GoesOn() *Stream {
	if p := s.pipeline; p.err == nil && p.opts.State != nil {
		s.node.source.goesOn = true
	}
	return s
}

// Via passes the stream through a stage, which is bound at once.
func (s *Stream) Via(st Stage, name ...string) *Stream {
	p := s.pipeline
	if p.err != nil {
		return s
	}
	n := p.add(kindOf(st), first(name), &node{stage: st, inputs: []*Stream{s}, users: make([][]edge, 1)})
	out, err := st.Bind(s.Schema(), n.env)
	if err != nil {
		return p.fail(n.name, err)
	}
	n.ports, n.bound = []*arrow.Schema{out}, true
	if sided, ok := st.(Sided); ok {
		for _, side := range sided.Sides() {
			n.ports = append(n.ports, side.Schema)
			n.users = append(n.users, nil)
		}
	}
	return &Stream{pipeline: p, node: n}
}

// UID gives the stage that s comes from a name in the state, so that it is found
// again there when its keys or what it reads have changed. Stages of one kind and
// name are numbered in the order of the graph.
func (s *Stream) UID(name string) *Stream {
	if s.pipeline.err == nil {
		s.node.given = name
	}
	return s
}

// Side is the named side output of the stage that s comes from: the late rows
// of a window, say. That of a source or a Rowwise stage, [Errors], has its dead
// letters.
func (s *Stream) Side(name string) *Stream {
	p := s.pipeline
	if p.err != nil {
		return s
	}
	if name == Errors && (s.node.source != nil || s.node.rowwise()) {
		return s.errors()
	}
	var names []string
	if sided, ok := s.node.stage.(Sided); ok {
		for i, side := range sided.Sides() {
			if side.Name == name {
				return &Stream{pipeline: p, node: s.node, port: i + 1}
			}
			names = append(names, side.Name)
		}
	}
	return p.fail(s.node.name, &Error{Code: "AS1207", Msg: fmt.Sprintf("no side output %q", name), Hint: Suggest(name, names, "side outputs")})
}

// Merge puts streams of the same columns into one. In every tick the rows of
// the first stream come first, then those of the second, and so on.
func (s *Stream) Merge(others ...*Stream) *Stream {
	p := s.pipeline
	streams := append([]*Stream{s}, others...)
	if p.err != nil {
		return s
	}
	for _, o := range others {
		if !sameColumns(s.Schema(), o.Schema()) {
			return p.fail("merge", &Error{Code: "AS1302", Msg: fmt.Sprintf("streams of different columns cannot be merged: %s and %s", describe(s.Schema()), describe(o.Schema()))})
		}
	}
	n := p.add("merge", "", &node{inputs: streams, users: make([][]edge, 1), ports: []*arrow.Schema{mergedSchema(streams)}})
	return &Stream{pipeline: p, node: n}
}

// mergedSchema is the schema of the first stream; a column is nullable if it is
// in any of them.
func mergedSchema(streams []*Stream) *arrow.Schema {
	schema := streams[0].Schema()
	fields := append([]arrow.Field{}, schema.Fields()...)
	for _, o := range streams[1:] {
		for i, f := range o.Schema().Fields() {
			fields[i].Nullable = fields[i].Nullable || f.Nullable
		}
	}
	md := schema.Metadata()
	return arrow.NewSchema(fields, &md)
}

// Join brings streams together in an operator with several inputs, which is
// bound at once.
func (p *Pipeline) Join(j Join, inputs ...*Stream) *Stream {
	if p.err != nil {
		return &Stream{pipeline: p}
	}
	schemas := make([]*arrow.Schema, len(inputs))
	for i, in := range inputs {
		schemas[i] = in.Schema()
	}
	n := p.add(kindOf(j), "", &node{join: j, inputs: inputs, users: make([][]edge, 1)})
	out, err := j.Bind(schemas, n.env)
	if err != nil {
		return p.fail(n.name, err)
	}
	n.ports, n.bound = []*arrow.Schema{out}, true
	return &Stream{pipeline: p, node: n}
}

// To writes the stream to a sink, which is bound at once. A stream with a
// changelog needs a sink that takes one.
func (s *Stream) To(sink Sink, name ...string) *Stream {
	p := s.pipeline
	if p.err != nil {
		return s
	}
	n := p.add(kindOf(sink), first(name), &node{sink: sink, inputs: []*Stream{s}})
	if u, ok := sink.(Updating); columnar.Changelog(s.Schema()) && (!ok || u.Takes() == AppendOnly) {
		p.fail(n.name, &Error{
			Code: "AS1406", Msg: fmt.Sprintf("%s takes appended rows only, but the stream updates rows", n.name),
			Hint: "emit on window close, or write to a sink that takes updates",
		})
		return s
	}
	if err := sink.Bind(s.Schema(), n.env); err != nil {
		p.fail(n.name, err)
		return s
	}
	n.bound = true
	return s
}

// Name is the name of the node that s comes from.
func (s *Stream) Name() string {
	if s.node == nil {
		return ""
	}
	return s.node.name
}

func first(names []string) string {
	if len(names) > 0 {
		return names[0]
	}
	return ""
}

// sameColumns reports whether batches of b may stand for batches of a: names
// and types agree; nullability and metadata may differ.
func sameColumns(a, b *arrow.Schema) bool {
	if a.NumFields() != b.NumFields() {
		return false
	}
	for i, f := range a.Fields() {
		if f.Name != b.Field(i).Name || !arrow.TypeEqual(f.Type, b.Field(i).Type) {
			return false
		}
	}
	return true
}

func describe(s *arrow.Schema) string {
	text := "("
	for i, f := range s.Fields() {
		if i > 0 {
			text += ", "
		}
		text += f.Name + " " + columnar.TypeName(f.Type)
	}
	return text + ")"
}
