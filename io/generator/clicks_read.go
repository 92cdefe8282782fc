package generator

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

var (
	_ arrowstream.Source   = (*Clicks)(nil)
	_ arrowstream.Replayer = (*shop)(nil)
	_ arrowstream.Lagging  = (*shop)(nil)
)

// Open implements [arrowstream.Source]: one partition.
func (s *Clicks) Open(_ context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	schema, err := s.Schema()
	if err != nil {
		return nil, err
	}
	p := &shop{schema: schema, mem: env.Allocator}
	p.supply = supply{name: "clicks", rows: env.BatchRows, count: s.Rows, rate: s.Rate, pace: newPace(env.Clock)}
	p.base = clicksBaseTime * 1000
	if s.Rate > 0 {
		p.base = p.pace.clock.Now().UnixMicro()
	}
	if s.BaseTime.set {
		p.base = s.BaseTime.millis * 1000
	}
	if env.Past {
		p.rate = 0 // its rows have been due before
	}
	if p.rows <= 0 {
		p.rows = 8192
	}
	k := &p.clicker
	k.run, k.seed, k.users = -1, or(s.Seed, 1), float64(or(s.Users, 10000))
	k.interval = int64(s.Interval)
	if k.interval == 0 && s.Rate > 0 {
		k.interval = int64(time.Second) / s.Rate
	}
	k.interval = or(k.interval, 300_000)
	k.outOfOrder = uint64(or(int64(s.OutOfOrder), int64(2*time.Second)) / 1000)
	if k.driftAt = s.DriftAt; k.driftAt == 0 {
		k.driftAt = 1_000_000
		if s.Rows > 0 {
			k.driftAt = s.Rows / 2
		}
	} else if k.driftAt < 0 {
		k.driftAt = 1 << 62
	}
	sb := array.NewStringBuilder(env.Allocator)
	defer sb.Release()
	sb.AppendValues(words8[:], nil)
	p.words = sb.NewArray()
	return []arrowstream.Partition{p}, nil
}

// shop is the partition.
type shop struct {
	clicker
	supply
	schema *arrow.Schema
	mem    memory.Allocator
	words  arrow.Array
}

// Read implements [arrowstream.Partition].
func (p *shop) Read(ctx context.Context) (arrowstream.Batch, error) {
	n, err := p.take(ctx)
	if err != nil {
		return nil, err
	}
	return p.batch(n), nil
}

// batch computes the next n rows column by column of the schema.
func (p *shop) batch(n int) arrow.Record {
	var out clickColumns
	out.make(p.mem, n)
	var c click
	for i := range n {
		p.row(p.next+int64(i), &c)
		out.ts[i] = p.base + c.micros
		out.user[i] = c.user
		out.category[i] = int32(c.category)
		out.label[i] = c.label
		for j, x := range c.f {
			out.f[j][i] = x
		}
		if c.null >= 0 {
			out.setNull(int(c.null), i)
		}
	}
	p.next += int64(n)
	cols := make([]arrow.Array, p.schema.NumFields())
	for i, f := range p.schema.Fields() {
		cols[i] = out.column(f, n, p.words)
	}
	rec := array.NewRecord(p.schema, cols, int64(n))
	for _, c := range cols {
		c.Release()
	}
	out.release()
	return rec
}

// clickColumns are the buffers of one batch.
type clickColumns struct {
	buffers  [features + 4]*memory.Buffer
	valid    [features]*memory.Buffer
	nulls    [features]int
	ts, user []int64
	category []int32
	label    []int64
	f        [features][]float64
}

func (o *clickColumns) make(mem memory.Allocator, n int) {
	for i := range o.buffers {
		width := 8
		if i == 2 {
			width = 4
		}
		o.buffers[i] = newBuffer(mem, n*width)
	}
	o.ts = columnar.AsValues[int64](o.buffers[0].Bytes())
	o.user = columnar.AsValues[int64](o.buffers[1].Bytes())
	o.category = columnar.AsValues[int32](o.buffers[2].Bytes())
	o.label = columnar.AsValues[int64](o.buffers[3].Bytes())
	for j := range o.f {
		o.f[j] = columnar.AsValues[float64](o.buffers[4+j].Bytes())
		o.valid[j] = newBuffer(mem, columnar.BitmapBytes(n))
		all := o.valid[j].Bytes()
		for i := range all {
			all[i] = 0xFF
		}
	}
}

func newBuffer(mem memory.Allocator, size int) *memory.Buffer {
	b := memory.NewResizableBuffer(mem)
	b.Resize(size)
	return b
}

func (o *clickColumns) setNull(j, i int) {
	o.valid[j].Bytes()[i>>3] &^= 1 << (i & 7)
	o.f[j][i] = 0
	o.nulls[j]++
}

// column is the array of a field.
func (o *clickColumns) column(f arrow.Field, n int, words arrow.Array) arrow.Array {
	var d *array.Data
	switch name := strings.ToLower(f.Name); name {
	case "ts":
		d = array.NewData(f.Type, n, []*memory.Buffer{nil, o.buffers[0]}, nil, 0, 0)
	case "user_id":
		d = array.NewData(f.Type, n, []*memory.Buffer{nil, o.buffers[1]}, nil, 0, 0)
	case "category":
		d = array.NewDataWithDictionary(f.Type, n, []*memory.Buffer{nil, o.buffers[2]}, 0, 0, words.Data().(*array.Data))
	case "label":
		d = array.NewData(f.Type, n, []*memory.Buffer{nil, o.buffers[3]}, nil, 0, 0)
	default:
		var j int
		fmt.Sscanf(name, "f%d", &j)
		valid := o.valid[j-1]
		if o.nulls[j-1] == 0 {
			valid = nil
		}
		d = array.NewData(f.Type, n, []*memory.Buffer{valid, o.buffers[3+j]}, nil, o.nulls[j-1], 0)
	}
	defer d.Release()
	return array.MakeFromData(d)
}

func (o *clickColumns) release() {
	for _, b := range o.buffers {
		b.Release()
	}
	for _, b := range o.valid {
		b.Release()
	}
}

// Close implements [arrowstream.Partition].
func (p *shop) Close() error {
	p.pace.close()
	if p.words != nil {
		p.words.Release()
		p.words = nil
	}
	return nil
}
