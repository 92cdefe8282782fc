package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	arrowmemory "github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/bench/peers/report"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/io/memory"
)

const (
	frameRows  = 4_000_000
	frameBatch = 65_536
)

const framesText = "Queries over 4,000,000 rows in memory (int64 key with 10,000 values, two float64), one thread, nanoseconds per row; ours is SQL, planning included."

// frameQuery is a query over the columns k, x, y in memory and the peers that
// can run it.
type frameQuery struct {
	name, sql, theirs string
	peers             []string
}

var frameQueries = []frameQuery{
	{"sum", "SELECT sum(x) AS s FROM t", "sum", []string{"polars", "numpy"}},
	{"filter and sum", "SELECT sum(x) AS s FROM t WHERE y > 0.5", "filter", []string{"polars", "numpy"}},
	{"sum, avg, min, max by 10K keys", "SELECT k, " + four + " FROM t GROUP BY k", "group", []string{"polars"}},
}

// compareFrames runs the queries in memory with us and with libraries of Python
// in turn.
func compareFrames(ctx context.Context, c config, done func(report.Row)) error {
	py, err := startPython(ctx, c.python)
	if err != nil {
		missing("frames", "polars, numpy", err, done)
		return nil
	}
	defer py.Close()
	for _, peer := range []string{"numpy", "polars"} {
		if py.Version[peer] != "" {
			c.about(peer, py.Version[peer])
		} else {
			missing("frames", peer, fmt.Errorf("%s has no %s", c.python, peer), done)
		}
	}
	if py.Version["numpy"] == "" {
		return nil // the rows are handed over in its format
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	table, err := newFrame(py, c.data)
	if err != nil {
		return err
	}
	for _, q := range frameQueries {
		for _, peer := range q.peers {
			if py.Version[peer] == "" || !c.only.MatchString(q.name) {
				continue
			}
			row, err := q.compare(ctx, py, table, peer, c.pairs)
			if err != nil {
				return fmt.Errorf("%s against %s: %w", q.name, peer, err)
			}
			done(row)
		}
	}
	return nil
}

// newFrame makes the rows, gives them to the child and returns them as a table.
func newFrame(py *python, data string) (*memory.Source, error) {
	k, x, y := make([]int64, frameRows), make([]float64, frameRows), make([]float64, frameRows)
	for i := range frameRows {
		k[i], x[i], y[i] = spread(noise(i, 1), 10_000), fraction(noise(i, 2)), fraction(noise(i, 3))
	}
	dir, err := os.MkdirTemp(data, "frame")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := func(name string) string { return filepath.Join(dir, name+".npy") }
	if err := writeNPY(file("k"), k); err != nil {
		return nil, err
	}
	for name, values := range map[string][]float64{"x": x, "y": y} {
		if err := writeNPY(file(name), values); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"k", "x", "y"} {
		if _, err := py.Ask(request{"do": "load", "name": name, "file": file(name)}); err != nil {
			return nil, err
		}
	}
	if py.Version["polars"] != "" {
		if _, err := py.Ask(request{"do": "frame"}); err != nil {
			return nil, err
		}
	}
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "k", Type: arrow.PrimitiveTypes.Int64}, {Name: "x", Type: arrow.PrimitiveTypes.Float64}, {Name: "y", Type: arrow.PrimitiveTypes.Float64},
	}, nil)
	var batches []arrow.Record
	for i := 0; i < frameRows; i += frameBatch {
		j := min(frameRows, i+frameBatch)
		batches = append(batches, array.NewRecord(schema, []arrow.Array{
			view(arrow.PrimitiveTypes.Int64, k[i:j]), view(arrow.PrimitiveTypes.Float64, x[i:j]), view(arrow.PrimitiveTypes.Float64, y[i:j]),
		}, int64(j-i)))
	}
	return memory.From(batches...), nil
}

// view is a column without NULLs in the memory of values.
func view[T columnar.Fixed](t arrow.DataType, values []T) arrow.Array {
	data := array.NewData(t, len(values), []*arrowmemory.Buffer{nil, arrowmemory.NewBufferBytes(columnar.AsBytes(values))}, nil, 0, 0)
	defer data.Release()
	return array.MakeFromData(data)
}

func (q frameQuery) compare(ctx context.Context, py *python, table *memory.Source, peer string, pairs int) (report.Row, error) {
	row := report.Row{Suite: "frames", Name: q.name, Peer: peer, Threads: 1, Unit: "ns/row"}
	connector := arrowstream.Connector{
		Name:   "frame",
		Source: func(arrowstream.Table) (arrowstream.Source, error) { return table, nil },
	}
	var ours totals
	a, b, err := alternate(pairs, timed(func() error {
		ours = totals{}
		return runSQL(ctx, "CREATE TABLE t WITH ('connector' = 'frame');\n"+q.sql, connector, 1, ours.add)
	}), func() (cost, error) {
		theirs, err := py.Ask(request{"do": "query", "engine": peer, "query": q.theirs})
		if err != nil {
			return cost{}, err
		}
		return theirs.cost(), ours.differs(theirs)
	})
	if err != nil {
		return row, err
	}
	return compared(row, a, b, frameRows), nil
}

// totals are the sums of the floating-point columns of a result.
type totals struct {
	rows int64
	sums []float64
}

func (t *totals) add(n int, columns []column) {
	t.rows += int64(n)
	j := 0
	for _, c := range columns {
		if c.floats == nil {
			continue
		}
		if j == len(t.sums) {
			t.sums = append(t.sums, 0)
		}
		for _, v := range c.floats[:n] {
			t.sums[j] += v
		}
		j++
	}
}

// differs compares with what the child found, of numpy only the values.
func (t *totals) differs(theirs answer) error {
	if theirs.Rows > 0 && theirs.Rows != t.rows {
		return fmt.Errorf("%d rows, theirs %d", t.rows, theirs.Rows)
	}
	if len(theirs.Values) != len(t.sums) {
		return fmt.Errorf("%d columns, theirs %d", len(t.sums), len(theirs.Values))
	}
	for j, v := range t.sums {
		if !(math.Abs(v-theirs.Values[j]) <= 1e-9*math.Abs(v)) {
			return fmt.Errorf("column %d: %v, theirs %v", j+1, v, theirs.Values[j])
		}
	}
	return nil
}
