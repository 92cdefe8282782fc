package stagetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels"
)

// Output is what a run emitted.
type Output struct {
	// Schema is the line of columns of the main output.
	Schema string
	// Ticks are the rows of the main output, tick by tick.
	Ticks [][]string
	// Sides are the rows of the side outputs by name.
	Sides map[string][]string
	// SideSchemas are their lines of columns.
	SideSchemas map[string]string
	// Counts are the counters at the end, summed over the instances.
	Counts arrowstream.Counts
}

// Rows are the rows of the main output.
func (o *Output) Rows() []string { return slices.Concat(o.Ticks...) }

// run plays the ticks of a case in one way.
type run struct {
	t       testing.TB
	mem     memory.Allocator
	v       variant
	schemas []string
	steps   []Step
	make    func() node

	in, bound []*arrow.Schema
	out       *arrow.Schema
	nodes     []node
	output    Output
	tick      int
	low       int64 // last watermark of the output
	mark      int64 // last watermark of the input
	late      bool  // an input row was behind it
	emitted   [][]arrow.Record
	ended     bool
	saved     []arrowstream.State // a snapshot and the deltas since
}

func (r *run) play() (out *Output, err error) {
	ctx := context.Background()
	defer func() {
		for _, n := range r.nodes {
			if cerr := n.close(ctx, r.ended || err != nil); err == nil && cerr != nil {
				err = fmt.Errorf("close: %w", cerr)
			}
		}
		r.releaseEmitted()
		r.forget()
	}()
	if err := r.bindAll(); err != nil {
		return nil, err
	}
	r.low, r.mark = arrowstream.NoEventTime, arrowstream.NoEventTime
	all := ticks(r.steps)
	for i, t := range all {
		r.tick = i
		r.output.Ticks = append(r.output.Ticks, nil)
		if err := r.playTick(ctx, t); err != nil {
			return nil, err
		}
		if r.ended {
			if i < len(all)-1 {
				return nil, fmt.Errorf("stagetest: steps after End")
			}
			break
		}
		if err := r.checkpoint(ctx, t.again, i == len(all)-1); err != nil {
			return nil, fmt.Errorf("checkpoint after tick %d: %w", i, err)
		}
	}
	for _, n := range r.nodes {
		c := n.counts()
		o := &r.output.Counts
		o.Late, o.Skipped, o.Unwindowed = o.Late+c.Late, o.Skipped+c.Skipped, o.Unwindowed+c.Unwindowed
		o.StateRows, o.StateBytes, o.RowsUpdated = o.StateRows+c.StateRows, o.StateBytes+c.StateBytes, o.RowsUpdated+c.RowsUpdated
	}
	return &r.output, nil
}

func (r *run) env() arrowstream.Env { return arrowstream.Env{Allocator: r.mem, Name: "stagetest"} }

func (r *run) newNode() (node, error) {
	n := r.make()
	return n, r.bindNode(n)
}

func (r *run) bindNode(n node) error {
	out, err := n.bind(r.bound, r.env())
	if err != nil {
		return err
	}
	if r.out == nil {
		r.out = out
		r.output.Schema = schemaLine(r.mem, out)
		r.output.Sides, r.output.SideSchemas = map[string][]string{}, map[string]string{}
		for _, s := range n.sides() {
			r.output.Sides[s.Name] = nil
			r.output.SideSchemas[s.Name] = schemaLine(r.mem, s.Schema)
		}
	}
	return nil
}

func (r *run) bindAll() error {
	inputs := max(1, len(r.schemas))
	for i := range inputs {
		line, err := header(r.schemas, i, r.steps)
		if err != nil {
			return err
		}
		s, err := columnartest.Schema(line)
		if err != nil {
			return err
		}
		r.in = append(r.in, s)
		if r.v.dict {
			s = dictionarySchema(s)
		}
		r.bound = append(r.bound, s)
	}
	first := r.make()
	r.nodes = append(r.nodes, first)
	for range max(r.v.clones, 1) - 1 {
		r.nodes = append(r.nodes, node{stage: first.stage.(arrowstream.Parallel).Clone()})
	}
	for _, n := range r.nodes {
		if err := r.bindNode(n); err != nil {
			return err
		}
	}
	r.emitted = make([][]arrow.Record, len(r.nodes))
	return nil
}

// playTick is one round of Process and Advance.
func (r *run) playTick(ctx context.Context, t tick) error {
	for input := range r.in {
		for _, s := range t.rows {
			if s.input == input {
				if err := r.processStep(ctx, s); err != nil {
					return err
				}
			}
		}
	}
	if !t.marked {
		return r.collect()
	}
	out := arrowstream.Watermark{Event: arrowstream.EndOfTime}
	for i, n := range r.nodes {
		if !r.reached(i, t) {
			continue
		}
		if err := r.playEnds(ctx, n, t, r.emit(i)); err != nil {
			return err
		}
		w, err := n.advance(ctx, t.mark, r.emit(i))
		if err != nil {
			return err
		}
		if w.Clock != t.mark.Clock {
			return fmt.Errorf("tick %d: Advance returned clock %d for %d", r.tick, w.Clock, t.mark.Clock)
		}
		out = arrowstream.MinWatermark(out, w)
	}
	if out.Event < r.low {
		return fmt.Errorf("tick %d: the output watermark moved back from %d to %d", r.tick, r.low, out.Event)
	}
	if t.mark.Done() && !out.Done() {
		return fmt.Errorf("tick %d: the output watermark is %d at the end of time", r.tick, out.Event)
	}
	if err := r.collect(); err != nil {
		return err
	}
	r.low, r.mark, r.ended = out.Event, t.mark.Event, out.Done()
	for _, n := range r.nodes {
		if f, ok := n.any().(arrowstream.Finisher); ok && t.mark.Done() {
			if err := f.Finish(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// playEnds tells a join which of its inputs have ended.
func (r *run) playEnds(ctx context.Context, n node, t tick, emit arrowstream.Emit) error {
	j, ok := n.join.(arrowstream.Ending)
	if !ok {
		return nil
	}
	for input := range r.in {
		if t.mark.Done() || input < len(t.ended) && t.ended[input] {
			if err := j.Ended(ctx, input, emit); err != nil {
				return err
			}
		}
	}
	return nil
}

// reached reports whether instance i takes part in the tick: instances without
// keys get whole ticks in turn, and all of them the last one.
func (r *run) reached(i int, t tick) bool {
	return r.v.clones == 0 || len(r.keys()) > 0 || r.tick%len(r.nodes) == i || t.mark.Done()
}

func (r *run) keys() []string {
	if p, ok := r.nodes[0].any().(arrowstream.Parallel); ok {
		return p.Keys()
	}
	return nil
}

func (r *run) processStep(ctx context.Context, s Step) error {
	whole, err := columnartest.Parse(r.mem, schemaLine(r.mem, r.in[s.input])+"\n"+body(r.schemas, s))
	if err != nil {
		return err
	}
	defer whole.Release()
	size := r.v.batch
	if size == 0 {
		size = max(1, int(whole.NumRows()))
	}
	if r.v.empties {
		if err := r.processPart(ctx, s.input, whole, 0, 0); err != nil {
			return err
		}
	}
	for from := 0; from < int(whole.NumRows()) || from == 0 && r.v.batch == 0; from += size {
		if err := r.processPart(ctx, s.input, whole, from, min(from+size, int(whole.NumRows()))); err != nil {
			return err
		}
		if r.v.empties {
			if err := r.processPart(ctx, s.input, whole, from, from); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) processPart(ctx context.Context, input int, whole arrow.Record, from, to int) error {
	// A copy of its own: what the stage keeps must not live on in the source.
	cut := whole.NewSlice(int64(from), int64(to))
	b, err := copiedBatch(r.mem, cut)
	cut.Release()
	if err != nil {
		return err
	}
	defer func() { b.Release() }()
	replace := func(f func() (arrow.Record, error)) error {
		c, err := f()
		if err == nil {
			b.Release()
			b = c
		}
		return err
	}
	if r.v.dict {
		if err := replace(func() (arrow.Record, error) { return dictionary(r.mem, b) }); err != nil {
			return err
		}
	}
	if r.v.prefix > 0 {
		if err := replace(func() (arrow.Record, error) { return prefixed(r.mem, b, r.v.prefix) }); err != nil {
			return err
		}
	}
	if _, _, ok := behind(b, r.mark); ok {
		r.late = true
	}
	if r.v.clones > 0 && len(r.keys()) > 0 {
		return r.processSpread(ctx, b)
	}
	i := 0
	if r.v.clones > 0 {
		i = r.tick % len(r.nodes)
	}
	before := columnartest.Text(b)
	if err := r.nodes[i].process(ctx, input, b, r.emit(i)); err != nil {
		return err
	}
	if after := columnartest.Text(b); after != before {
		return fmt.Errorf("tick %d: Process changed its argument:\n%s", r.tick, columnartest.Diff(after, before))
	}
	return nil
}

// processSpread gives every instance the rows of its keys.
func (r *run) processSpread(ctx context.Context, b arrow.Record) error {
	var keys []int
	for _, name := range r.keys() {
		i := columnar.Index(b.Schema(), name)
		if i < 0 {
			return fmt.Errorf("stagetest: Keys names %q, which is no input column", name)
		}
		keys = append(keys, i)
	}
	parts, err := new(kernels.Partitioner).Split(r.mem, b, keys, len(r.nodes))
	if err != nil {
		return err
	}
	defer func() {
		for _, p := range parts {
			p.Release()
		}
	}()
	for i, p := range parts {
		if err := r.nodes[i].process(ctx, 0, p, r.emit(i)); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) emit(i int) arrowstream.Emit {
	return func(b arrowstream.Batch, port ...int) error {
		want, rows := r.out, rowTexts(b)
		if len(port) > 0 && port[0] > 0 {
			side := r.nodes[i].sides()[port[0]-1]
			want = side.Schema
			r.output.Sides[side.Name] = append(r.output.Sides[side.Name], rows...)
		} else {
			b.Retain()
			r.emitted[i] = append(r.emitted[i], b)
		}
		if !b.Schema().Equal(want) {
			return fmt.Errorf("tick %d: emitted a batch of schema\n%s\nbut Bind said\n%s", r.tick, b.Schema(), want)
		}
		return r.checkEventTime(b, want)
	}
}

// checkEventTime checks that no row is behind the watermark that the stage
// has returned. A stage without side outputs passes rows on that were behind
// the watermark when they came.
func (r *run) checkEventTime(b arrow.Record, schema *arrow.Schema) error {
	if schema != r.out || r.late && len(r.output.Sides) == 0 {
		return nil
	}
	if i, at, ok := behind(b, r.low); ok {
		return fmt.Errorf("tick %d: emitted row %s at %d behind the output watermark %d", r.tick, columnartest.Rows(b)[i], at, r.low)
	}
	return nil
}

// behind is the first row whose event time is before mark.
func behind(b arrow.Record, mark int64) (row int, micros int64, ok bool) {
	at := columnar.EventTime(b.Schema())
	if at < 0 || mark == arrowstream.NoEventTime {
		return 0, 0, false
	}
	col := b.Column(at)
	mul, div, _ := columnar.Micros(col.DataType())
	for i := range col.Len() {
		if col.IsNull(i) {
			continue
		}
		var x int64
		if col.DataType().ID() == arrow.DATE32 {
			x = int64(columnar.Values[int32](col)[i])
		} else {
			x = columnar.Values[int64](col)[i]
		}
		micros := x * mul
		if div > 1 && micros%div < 0 {
			micros -= div
		}
		if micros /= max(div, 1); micros < mark {
			return i, micros, true
		}
	}
	return 0, 0, false
}

// collect ends a tick: the rows of several instances are put in order.
func (r *run) collect() error {
	defer r.releaseEmitted()
	var rows []string
	var refs []rowRef
	for _, batches := range r.emitted {
		for _, b := range batches {
			for i, text := range rowTexts(b) {
				rows = append(rows, text)
				refs = append(refs, rowRef{b, i, text})
			}
		}
	}
	if p, ok := r.nodes[0].any().(arrowstream.Parallel); ok && len(p.Keys()) > 0 && r.v.clones > 0 {
		var order []int
		for _, name := range p.Order() {
			i := columnar.Index(r.out, name)
			if i < 0 {
				return fmt.Errorf("stagetest: Order names %q, which is no output column", name)
			}
			order = append(order, i)
		}
		compare := func(a, b rowRef) int {
			for _, c := range order {
				if d := kernels.Compare(a.b.Column(c), a.i, b.b.Column(c), b.i); d != 0 {
					return d
				}
			}
			return 0
		}
		if len(r.nodes) == 1 && !slices.IsSortedFunc(refs, compare) {
			return fmt.Errorf("tick %d: a single instance does not emit in the order %v:\n%v", r.tick, p.Order(), rows)
		}
		slices.SortStableFunc(refs, compare)
		for i, ref := range refs {
			rows[i] = ref.text
			if i > 0 && compare(refs[i-1], ref) == 0 {
				return fmt.Errorf("tick %d: Order %v does not tell rows apart: %s, %s", r.tick, p.Order(), refs[i-1].text, ref.text)
			}
		}
	}
	r.output.Ticks[r.tick] = rows
	return nil
}

type rowRef struct {
	b    arrow.Record
	i    int
	text string
}

func (r *run) releaseEmitted() {
	for i, batches := range r.emitted {
		for _, b := range batches {
			b.Release()
		}
		r.emitted[i] = nil
	}
}

func schemaLine(mem memory.Allocator, s *arrow.Schema) string {
	b := emptyBatch(mem, s)
	defer b.Release()
	return columnartest.Text(b)
}

// rowTexts are the rows of b as text of their own: that of a single column of
// strings may be a view of the batch.
func rowTexts(b arrow.Record) []string {
	rows := columnartest.Rows(b)
	for i, row := range rows {
		rows[i] = strings.Clone(row)
	}
	return rows
}
