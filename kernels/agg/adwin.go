package agg

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

func bindADWIN(f *Function, args []arrow.DataType) (*Spec, error) {
	i64, f64 := arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Float64
	types := []arrow.DataType{i64, i64, f64, f64, arrow.ListOf(i64), arrow.ListOf(f64), arrow.ListOf(f64)}
	return driftSpec(f, args, 2, types, func(mem memory.Allocator) Accumulator { return &adwin{mem: mem} })
}

// adwin is adwin(x, delta): the number of drifts that ADWIN of Bifet and Gavaldà
// (2007) signals in the rows of a group, in their order, as River computes it. It
// keeps a window of the values since the last drift as buckets of 1, 2, 4 ...
// values, at most 5 of a size, and every 32 values looks for a cut at which the
// means before and behind differ by more than chance would have it, with
// confidence delta. A window costs 24 bytes per bucket, about 5 log2(values/5) of them.
// It begins anew after a drift. NULL, NaN and infinite values are passed over.
// State: int64 values since the last drift, int64 drifts, float64 total and
// variance of the window times its width, and per bucket, the oldest first, the
// logarithm of its size, its total and its variance. States cannot be merged.
type adwin struct {
	mem     memory.Allocator
	windows []adwinWindow
	held    int64 // buckets
}

type adwinWindow struct {
	n, drifts       int64
	width           int64
	total, variance float64
	buckets         []adwinBucket // the oldest first: their sizes descend
}

// adwinBucket is 1<<level values.
type adwinBucket struct {
	level           int64
	total, variance float64
}

const (
	adwinClock = 32 // values between two searches for a cut
	adwinSame  = 5  // buckets of a size
	adwinLeast = 5  // values on each side of a cut
	adwinGrace = 10 // values of a window that is not searched
)

func (a *adwin) grow(n int) {
	if n > len(a.windows) {
		a.windows = append(a.windows, make([]adwinWindow, n-len(a.windows))...)
	}
}

// Update implements Accumulator.
func (a *adwin) Update(groups []uint32, n int, args ...arrow.Array) error {
	a.grow(max(n, 1))
	vals := columnar.Values[float64](args[0])
	for i := range columnar.Validity(args[0]).Ones() {
		delta, err := parameter(args, 1, i, 0.002, 1, "adwin: delta, below 1,")
		if err != nil {
			return err
		}
		if measured(vals[i]) {
			w := &a.windows[at(groups, i)]
			had := cap(w.buckets)
			w.add(vals[i], delta)
			a.held += int64(cap(w.buckets) - had)
		}
	}
	return nil
}

// add is one value.
func (w *adwinWindow) add(x, delta float64) {
	if w.width > 0 {
		d := x - w.total/float64(w.width)
		w.variance += float64(float64(w.width)*d) * d / float64(w.width+1)
	}
	w.n++
	w.width++
	w.total += x
	w.buckets = append(w.buckets, adwinBucket{total: x})
	w.compress()
	if w.n%adwinClock == 0 && w.width > adwinGrace && w.search(delta) {
		*w = adwinWindow{drifts: w.drifts + 1, buckets: w.buckets[:0]}
	}
}

// compress merges the two oldest buckets of a size of which there are too many.
func (w *adwinWindow) compress() {
	end := len(w.buckets)
	for level := int64(0); ; level++ {
		from := end
		for from > 0 && w.buckets[from-1].level == level {
			from--
		}
		if end-from <= adwinSame {
			return
		}
		a, b := &w.buckets[from], w.buckets[from+1]
		size := float64(int64(1) << level)
		d := a.total/size - b.total/size
		a.variance += b.variance + float64(float64(size/2*d)*d)
		a.total += b.total
		a.level++
		w.buckets = append(w.buckets[:from+1], w.buckets[from+2:]...)
		end = from + 1
	}
}

// search drops the oldest buckets as long as there is a cut; it reports whether
// there was one.
func (w *adwinWindow) search(delta float64) (found bool) {
	for w.cut(delta) {
		found = true
		w.drop()
	}
	return found
}

// cut reports whether the window has one.
func (w *adwinWindow) cut(delta float64) bool {
	n0, n1, u0, u1 := int64(0), w.width, 0.0, w.total
	d := math.Log(2 * math.Log(float64(w.width)) / delta)
	v := w.variance / float64(w.width)
	for _, b := range w.buckets[:max(len(w.buckets)-1, 0)] {
		size := int64(1) << b.level
		n0, n1, u0, u1 = n0+size, n1-size, u0+b.total, u1-b.total
		if n0 < adwinLeast || n1 < adwinLeast {
			continue
		}
		m := 1/float64(n0-adwinLeast+1) + 1/float64(n1-adwinLeast+1)
		if math.Abs(u0/float64(n0)-u1/float64(n1)) > math.Sqrt(float64(float64(2*m)*v)*d)+float64(float64(2.0/3*d)*m) {
			return true
		}
	}
	return false
}

// drop takes the oldest bucket out of the window.
func (w *adwinWindow) drop() {
	b := w.buckets[0]
	size := float64(int64(1) << b.level)
	w.width -= int64(1) << b.level
	w.total -= b.total
	d := b.total/size - w.total/float64(w.width)
	w.variance -= b.variance + float64(float64(size*float64(w.width))*d)*d/(size+float64(w.width))
	w.buckets = append(w.buckets[:0], w.buckets[1:]...)
}

// Merge implements Accumulator for groups in their initial state.
func (a *adwin) Merge(groups []uint32, n int, state ...arrow.Array) error {
	a.grow(max(n, 1))
	values, drifts := columnar.Values[int64](state[0]), columnar.Values[int64](state[1])
	totals, variances := columnar.Values[float64](state[2]), columnar.Values[float64](state[3])
	for i := range values {
		if values[i] == 0 && drifts[i] == 0 {
			continue
		}
		w := &a.windows[at(groups, i)]
		if w.n > 0 || w.drifts > 0 {
			return errDrift
		}
		w.n, w.drifts, w.total, w.variance = values[i], drifts[i], totals[i], variances[i]
	}
	owners, levels := flatten(groups, state[4])
	defer levels.Release()
	_, sums := flatten(groups, state[5])
	defer sums.Release()
	_, spreads := flatten(groups, state[6])
	defer spreads.Release()
	sum, spread := columnar.Values[float64](sums), columnar.Values[float64](spreads)
	for i, level := range columnar.Values[int64](levels) {
		w := &a.windows[owners[i]]
		had := cap(w.buckets)
		w.buckets = append(w.buckets, adwinBucket{level, sum[i], spread[i]})
		w.width += 1 << level
		a.held += int64(cap(w.buckets) - had)
	}
	return nil
}

// State implements Accumulator.
func (a *adwin) State(groups []uint32) ([]arrow.Array, error) {
	a.grow(need(groups))
	groups = all(groups, len(a.windows))
	buckets := 0
	for _, g := range groups {
		buckets += len(a.windows[g].buckets)
	}
	values, drifts := newResult[int64](a.mem, len(groups)), newResult[int64](a.mem, len(groups))
	totals, variances := newResult[float64](a.mem, len(groups)), newResult[float64](a.mem, len(groups))
	levels := newResult[int64](a.mem, buckets)
	sums, spreads := newResult[float64](a.mem, buckets), newResult[float64](a.mem, buckets)
	var ends [3]*result[int32]
	for k := range ends {
		ends[k] = newResult[int32](a.mem, len(groups)+1)
	}
	k := 0
	for i, g := range groups {
		w := &a.windows[g]
		values.v[i], drifts.v[i], totals.v[i], variances.v[i] = w.n, w.drifts, w.total, w.variance
		for _, b := range w.buckets {
			levels.v[k], sums.v[k], spreads.v[k] = b.level, b.total, b.variance
			k++
		}
		ends[0].v[i+1], ends[1].v[i+1], ends[2].v[i+1] = int32(k), int32(k), int32(k)
	}
	i64, f64 := arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Float64
	out := []arrow.Array{values.array(i64), drifts.array(i64), totals.array(f64), variances.array(f64)}
	for k, flat := range []arrow.Array{levels.array(i64), sums.array(f64), spreads.array(f64)} {
		out = append(out, listArray(flat.DataType(), ends[k], flat))
		flat.Release()
	}
	return out, nil
}

// Final implements Accumulator.
func (a *adwin) Final(groups []uint32) (arrow.Array, error) {
	a.grow(need(groups))
	groups = all(groups, len(a.windows))
	out := newResult[int64](a.mem, len(groups))
	for i, g := range groups {
		out.v[i] = a.windows[g].drifts
	}
	return out.array(arrow.PrimitiveTypes.Int64), nil
}

// Reset implements Accumulator.
func (a *adwin) Reset(groups []uint32) {
	for _, g := range all(groups, len(a.windows)) {
		if int(g) < len(a.windows) {
			a.held -= int64(cap(a.windows[g].buckets))
			a.windows[g] = adwinWindow{}
		}
	}
}

// Bytes implements Accumulator.
func (a *adwin) Bytes() int64 { return 24*a.held + 64*int64(cap(a.windows)) }

// Release implements Accumulator.
func (a *adwin) Release() { a.windows, a.held = nil, 0 }
