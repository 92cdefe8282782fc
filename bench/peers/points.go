package main

import (
	"fmt"
	"path/filepath"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

const (
	learnBatch = 16_384
	learnTurn  = 6 * learnBatch // rows of one measurement
	learnRows  = 5 * learnTurn  // what both sides hold in memory; then again from the start
	blobs      = 64
)

// points are rows around blobs centers in d dimensions, with a label that
// follows a line through them, one in ten of which is wrong.
type points struct {
	x       [][]float64 // by column
	y       []int64
	batches []arrow.Record // of learnBatch rows: columns x0, x1, ... and y
}

func newPoints(d int) *points {
	p := &points{x: make([][]float64, d), y: make([]int64, learnRows)}
	margin := make([]float64, learnRows)
	for j := range p.x {
		p.x[j] = make([]float64, learnRows)
		weight := 2*fraction(noise(j, 11)) - 1
		for i := range p.x[j] {
			center := 4 * (fraction(noise(int(noise(i, 10)%blobs)*1000+j, 12)) - 0.5)
			draw := noise(i*d+j, 13)
			// The sum of four uniform numbers of 16 bits is near enough to normal.
			v := center + float64(draw&0xffff+draw>>16&0xffff+draw>>32&0xffff+draw>>48)/0x10000 - 2
			p.x[j][i] = v
			margin[i] += weight * v
		}
	}
	for i, m := range margin {
		if (m > 0) != (noise(i, 14)%10 == 0) {
			p.y[i] = 1
		}
	}
	p.cut()
	return p
}

// cut makes the batches, in the memory of the columns.
func (p *points) cut() {
	var fields []arrow.Field
	for j := range p.x {
		fields = append(fields, arrow.Field{Name: fmt.Sprint("x", j), Type: arrow.PrimitiveTypes.Float64})
	}
	fields = append(fields, arrow.Field{Name: "y", Type: arrow.PrimitiveTypes.Int64})
	schema := arrow.NewSchema(fields, nil)
	for from := 0; from < learnRows; from += learnBatch {
		var columns []arrow.Array
		for _, c := range p.x {
			columns = append(columns, view(arrow.PrimitiveTypes.Float64, c[from:from+learnBatch]))
		}
		columns = append(columns, view(arrow.PrimitiveTypes.Int64, p.y[from:from+learnBatch]))
		p.batches = append(p.batches, array.NewRecord(schema, columns, learnBatch))
	}
}

// view is a column without NULLs in the memory of values.
func view[T columnar.Fixed](t arrow.DataType, values []T) arrow.Array {
	data := array.NewData(t, len(values), []*memory.Buffer{nil, memory.NewBufferBytes(columnar.AsBytes(values))}, nil, 0, 0)
	defer data.Release()
	return array.MakeFromData(data)
}

// hand gives the points to the child as its arrays "x" and "y".
func (p *points) hand(py *python, dir string) error {
	x, y := filepath.Join(dir, "x.npy"), filepath.Join(dir, "y.npy")
	if err := writeNPY(x, p.x...); err != nil {
		return err
	}
	if err := writeNPY(y, p.y); err != nil {
		return err
	}
	if _, err := py.Ask(request{"do": "load", "name": "x", "file": x}); err != nil {
		return err
	}
	_, err := py.Ask(request{"do": "load", "name": "y", "file": y})
	return err
}
