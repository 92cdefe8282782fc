package stage

import (
	"context"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// Column is a column of a projection.
type Column struct {
	// Name of the output column; that of the input column if Expr is a plain
	// column and Name is empty.
	Name string
	Expr expr.Expr
}

// Project computes the columns of the output. The event time stays marked
// where its column is passed on, under its own or another name. A changelog
// keeps its column of changes without being asked: a -U and its +U may become
// equal, which takes a row back and gives it again.
type Project struct {
	Columns []Column
	// EventTime, if set, names the output column that is the event time from
	// here on. No row of it may be behind the watermark.
	EventTime string

	stateless
	list *expr.List
	out  *arrow.Schema
	mem  memory.Allocator
}

var _ arrowstream.Rowwise = (*Project)(nil)

// Bind implements [arrowstream.Stage].
func (p *Project) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	p.mem, p.list = env.Allocator, expr.NewList(in)
	columns := p.Columns
	if columnar.Changelog(in) {
		columns = append(append([]Column{}, columns...), Column{Expr: expr.Col{Name: columnar.OpColumn}})
	}
	if len(columns) == 0 {
		return nil, planError("AS1101", "project: no columns", "")
	}
	event, mark := columnar.EventTime(in), p.EventTime
	var fields []arrow.Field
	for i, c := range columns {
		b, err := p.list.Bind(c.Expr)
		if err != nil {
			return nil, grouped.Error(fmt.Sprintf("project: column %d", i+1), err)
		}
		f := arrow.Field{Name: c.Name, Type: b.Type(), Nullable: b.Nullable()}
		if from := b.Column(); from >= 0 {
			f.Metadata = in.Field(from).Metadata
			if f.Name == "" {
				f.Name = in.Field(from).Name
			}
			if from == event && mark == "" {
				mark = f.Name
			}
		}
		if f.Name == "" {
			return nil, planError("AS1101", fmt.Sprintf("project: column %d has no name", i+1), "")
		}
		p.list.Add(b)
		fields = append(fields, f)
	}
	if err := grouped.Distinct("project", fields); err != nil {
		return nil, err
	}
	p.out = columnar.NewSchema(fields, in.Metadata(), mark)
	if p.EventTime != "" {
		i, err := grouped.Column("project", p.out, p.EventTime)
		if err != nil {
			return nil, err
		}
		if _, _, ok := columnar.Micros(fields[i].Type); !ok {
			return nil, planError("AS1403", fmt.Sprintf("project: column %q is %s and cannot be the event time", p.EventTime, fields[i].Type), "")
		}
	}
	return p.out, nil
}

// Process implements [arrowstream.Stage].
func (p *Project) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	cols := make([]arrow.Array, p.out.NumFields())
	defer grouped.Release(cols)
	if i, err := p.list.Eval(p.mem, b, cols); err != nil {
		return grouped.Failed(p.Columns[i].Expr, p.out.Field(i).Name, err)
	}
	out := array.NewRecord(p.out, cols, b.NumRows())
	defer out.Release()
	return emit(out)
}

// Fails implements [arrowstream.Rowwise].
func (p *Project) Fails() bool { return p.list.Fails() }

// Clone implements [arrowstream.Parallel].
func (p *Project) Clone() arrowstream.Stage {
	return &Project{Columns: p.Columns, EventTime: p.EventTime}
}
