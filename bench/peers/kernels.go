package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/bench/peers/report"
	"github.com/arrowstream/arrowstream/columnar"
)

const (
	kernelRows  = 65_536
	kernelTurn  = time.Millisecond // one measurement repeats the call for about so long
	kernelPairs = 4                // measurements per pair of the command line: they are short
	vectorLen   = 64
)

const kernelsText = "Calls on columns of 65,536 rows that stay in the cache, nanoseconds per row. Both sides get the same arrays, and results that are columns come " +
	"from the same pooled allocator; gonum writes into a slice that is there."

// call computes a result: a float64, a []float64 or an arrow.Array, which
// whoever asked releases.
type call func() (any, error)

// versus is one of our kernels and what others have for it.
type versus struct {
	name  string
	ours  call
	peers map[string]call
}

// inputs are the columns the kernels work on.
type inputs struct {
	f, g, nullable, i, j arrow.Array
	half, tenth          arrow.Array // booleans, true in so many rows
	u, v                 arrow.Array // vectors of vectorLen
}

func newInputs() inputs {
	var in inputs
	floats := func(draw int, nulls bool) arrow.Array {
		b := array.NewFloat64Builder(columnar.Pool)
		defer b.Release()
		for i := range kernelRows {
			if nulls && noise(i, 7)%10 == 0 {
				b.AppendNull()
			} else {
				b.Append(fraction(noise(i, draw)))
			}
		}
		return b.NewArray()
	}
	ints := func(draw int) arrow.Array {
		b := array.NewInt64Builder(columnar.Pool)
		defer b.Release()
		for i := range kernelRows {
			b.Append(int64(noise(i, draw) >> 33))
		}
		return b.NewArray()
	}
	choice := func(share float64) arrow.Array {
		b := array.NewBooleanBuilder(columnar.Pool)
		defer b.Release()
		for i := range kernelRows {
			b.Append(fraction(noise(i, 5)) < share)
		}
		return b.NewArray()
	}
	vectors := func(values arrow.Array) arrow.Array {
		defer values.Release()
		data := array.NewData(columnar.Vector(vectorLen), kernelRows/vectorLen, []*memory.Buffer{nil}, []arrow.ArrayData{values.Data()}, 0, 0)
		defer data.Release()
		return array.MakeFromData(data)
	}
	in.f, in.g, in.nullable = floats(1, false), floats(2, false), floats(3, true)
	in.i, in.j = ints(1), ints(2)
	in.half, in.tenth = choice(0.5), choice(0.1)
	in.u, in.v = vectors(floats(3, false)), vectors(floats(4, false))
	return in
}

// compareKernels runs each kernel and its peers in turn, after a look at
// whether their results agree.
func compareKernels(ctx context.Context, c config, done func(report.Row)) error {
	in := newInputs()
	for _, v := range kernelTable(ctx, in) {
		for _, peer := range peerOrder {
			theirs, ok := v.peers[peer]
			if !ok || !c.only.MatchString(v.name) {
				continue
			}
			if err := agree(v.ours, theirs); err != nil {
				return fmt.Errorf("kernel %s against %s: %w", v.name, peer, err)
			}
			n := repeats(v.ours, theirs)
			a, b, err := alternate(kernelPairs*c.pairs, timed(repeated(v.ours, n)), timed(repeated(theirs, n)))
			if err != nil {
				return fmt.Errorf("kernel %s against %s: %w", v.name, peer, err)
			}
			done(compared(report.Row{Suite: "kernels", Name: v.name, Peer: peer, Threads: 1, Unit: "ns/row"}, a, b, float64(n*kernelRows)))
		}
	}
	return nil
}

// repeats is how many calls of the faster side last for a turn.
func repeats(sides ...call) int {
	n := 1
	for _, side := range sides {
		began, calls := time.Now(), 0
		for time.Since(began) < kernelTurn {
			if v, err := side(); err == nil {
				drop(v)
			}
			calls++
		}
		n = max(n, calls)
	}
	return n
}

func repeated(side call, n int) func() error {
	return func() error {
		for range n {
			v, err := side()
			if err != nil {
				return err
			}
			drop(v)
		}
		return nil
	}
}

func drop(v any) {
	if a, ok := v.(arrow.Array); ok {
		a.Release()
	}
}

// agree compares two results, numbers up to rounding.
func agree(ours, theirs call) error {
	a, err := ours()
	if err != nil {
		return err
	}
	defer drop(a)
	b, err := theirs()
	if err != nil {
		return err
	}
	defer drop(b)
	if x, ok := a.(arrow.Array); ok {
		if y, ok := b.(arrow.Array); ok {
			if !array.ApproxEqual(x, y) {
				return fmt.Errorf("columns differ: %v and %v", x, y)
			}
			return nil
		}
	}
	x, y := numbers(a), numbers(b)
	if len(x) != len(y) {
		return fmt.Errorf("%d values and %d", len(x), len(y))
	}
	for i := range x {
		if !(math.Abs(x[i]-y[i]) <= 1e-9*math.Abs(x[i])) {
			return fmt.Errorf("value %d: %v and %v", i, x[i], y[i])
		}
	}
	return nil
}

func numbers(v any) []float64 {
	switch v := v.(type) {
	case float64:
		return []float64{v}
	case arrow.Array:
		return columnar.Values[float64](v)
	default:
		return v.([]float64)
	}
}
