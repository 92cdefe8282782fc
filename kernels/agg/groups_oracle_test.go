package agg_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

// numbering is the naive version of agg.Groups: a map from keys to slots.
type numbering struct {
	slot map[any]uint32
	free []uint32
	next uint32
}

func newNumbering() *numbering { return &numbering{slot: map[any]uint32{}} }

func (n *numbering) find(key any) uint32 {
	s, ok := n.slot[key]
	if ok {
		return s
	}
	if k := len(n.free); k > 0 {
		s, n.free = n.free[k-1], n.free[:k-1]
	} else {
		s = n.next
		n.next++
	}
	n.slot[key] = s
	return s
}

// optional is an int64 or NULL.
type optional struct {
	v    int64
	null bool
}

func int64Column(mem memory.Allocator, cells []optional) arrow.Array {
	b := array.NewInt64Builder(mem)
	defer b.Release()
	for _, c := range cells {
		if c.null {
			b.AppendNull()
		} else {
			b.Append(c.v)
		}
	}
	return b.NewArray()
}

// checkInts looks cells up in batches of the given size, takes some keys out
// after each of them, and compares every slot and at the end every key.
func checkInts(t *testing.T, cells []optional, batch int, churn *rand.Rand) {
	t.Helper()
	mem := columnartest.Allocator(t)
	g, err := agg.NewGroups(mem, []arrow.DataType{arrow.PrimitiveTypes.Int64})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Release()
	want := newNumbering()
	for part := range slices.Chunk(cells, batch) {
		col, ids := int64Column(mem, part), make([]uint32, len(part))
		if err := g.Lookup([]arrow.Array{col}, ids); err != nil {
			t.Fatal(err)
		}
		for i, c := range part {
			if s, ok := want.slot[c]; ok && ids[i] != s || !ok && ids[i] != agg.NoGroup {
				t.Fatalf("lookup of %v: slot %d, want %d, %v", c, ids[i], s, ok)
			}
		}
		err := g.Find([]arrow.Array{col}, ids)
		col.Release()
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range part {
			if s := want.find(c); ids[i] != s {
				t.Fatalf("%v: slot %d, want %d", c, ids[i], s)
			}
		}
		if g.Live() != len(want.slot) || g.Len() != int(want.next) {
			t.Fatalf("%d live of %d slots, want %d of %d", g.Live(), g.Len(), len(want.slot), want.next)
		}
		if churn == nil {
			continue
		}
		var gone []uint32
		for key, s := range want.slot {
			if churn.IntN(2) == 0 {
				gone = append(gone, s)
				delete(want.slot, key)
			}
		}
		slices.Sort(gone)
		g.Remove(gone)
		want.free = append(want.free, gone...)
	}
	if len(want.slot) == 0 {
		return
	}
	all := g.All()
	keys, err := g.Keys(all)
	if err != nil {
		t.Fatal(err)
	}
	defer keys[0].Release()
	for i, s := range all {
		c := optional{null: keys[0].IsNull(i)}
		if !c.null {
			c.v = keys[0].(*array.Int64).Value(i)
		}
		if want.slot[c] != s {
			t.Fatalf("key %v in slot %d, want %d", c, s, want.slot[c])
		}
	}
}

// TestIntegerRanges moves, extends and bursts the range of an array of places,
// with NULLs, at both ends of int64, in batches of several sizes, with and
// without keys that go.
func TestIntegerRanges(t *testing.T) {
	const lo, hi = math.MinInt64, math.MaxInt64
	for _, c := range []struct {
		name string
		key  func(r *rand.Rand, i int) int64
	}{
		{"constant", func(*rand.Rand, int) int64 { return 7 }},
		{"ascending", func(_ *rand.Rand, i int) int64 { return int64(i) }},
		{"descending", func(_ *rand.Rand, i int) int64 { return int64(-i) }},
		{"both ways", func(_ *rand.Rand, i int) int64 { return int64(i) * int64(1-i%2*2) }},
		{"random", func(r *rand.Rand, _ int) int64 { return r.Int64N(3000) - 1500 }},
		{"steps", func(_ *rand.Rand, i int) int64 { return int64(i/100) * 5000 }},
		{"near the top", func(r *rand.Rand, _ int) int64 { return hi - r.Int64N(500) }},
		{"near the bottom", func(r *rand.Rand, _ int) int64 { return lo + r.Int64N(500) }},
		{"the ends", func(r *rand.Rand, _ int) int64 { return []int64{lo, hi, 0, -1}[r.IntN(4)] }},
		{"bursting", func(r *rand.Rand, i int) int64 { return r.Int64N(1 << min(62, 4+i/100)) }},
		{"two clusters", func(r *rand.Rand, i int) int64 { return int64(i%2)<<40 + r.Int64N(300) }},
		{"anywhere", func(r *rand.Rand, _ int) int64 { return int64(r.Uint64()) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 9))
			cells := make([]optional, 6000)
			for i := range cells {
				if cells[i].null = r.IntN(20) == 0; !cells[i].null {
					cells[i].v = c.key(r, i)
				}
			}
			for _, batch := range []int{1, 7, 511, 513, 6000} {
				if batch > 1 {
					checkInts(t, cells, batch, nil)
				}
				checkInts(t, cells[:min(len(cells), 300*batch)], batch, rand.New(rand.NewPCG(2, 9)))
			}
		})
	}
}

// TestGrowth looks every key up again after each of the sizes at which a table
// grows.
func TestGrowth(t *testing.T) {
	for _, types := range [][]arrow.DataType{
		{arrow.PrimitiveTypes.Int64},
		{arrow.PrimitiveTypes.Float64},
		{arrow.BinaryTypes.String},
		{arrow.PrimitiveTypes.Int64, arrow.BinaryTypes.String},
	} {
		mem := columnartest.Allocator(t)
		g, err := agg.NewGroups(mem, types)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Release()
		const n = 70_000
		r := rand.New(rand.NewPCG(4, 4))
		keys := make([]uint64, n)
		for i := range keys {
			keys[i] = r.Uint64() >> 2
		}
		from := 0
		for _, to := range []int{1, 128, 129, 130, 512, 513, 2048, 2049, 8192, 8193, 16384, 16385, 65536, 65537, n} {
			for _, part := range [][2]int{{from, to}, {0, to}} {
				cols := make([]arrow.Array, len(types))
				for k, typ := range types {
					cols[k] = keyArray(mem, typ, keys[part[0]:part[1]])
				}
				ids := make([]uint32, part[1]-part[0])
				err := g.Find(cols, ids)
				for _, c := range cols {
					c.Release()
				}
				if err != nil {
					t.Fatal(err)
				}
				for i, id := range ids {
					if int(id) != part[0]+i {
						t.Fatalf("%v: key %d of %d has slot %d", types, part[0]+i, to, id)
					}
				}
			}
			from = to
		}
	}
}

// keyArray makes a column of different keys.
func keyArray(mem memory.Allocator, t arrow.DataType, keys []uint64) arrow.Array {
	b := array.NewBuilder(mem, t)
	defer b.Release()
	for _, k := range keys {
		switch b := b.(type) {
		case *array.Int64Builder:
			b.Append(int64(k))
		case *array.Float64Builder:
			b.Append(math.Float64frombits(k))
		case *array.StringBuilder:
			b.Append(strings.Repeat("x", int(k%20)) + fmt.Sprint(k))
		}
	}
	return b.NewArray()
}

// TestFloatKeys: one NaN, one zero, and infinities apart from numbers.
func TestFloatKeys(t *testing.T) {
	mem := columnartest.Allocator(t)
	for _, typ := range []arrow.DataType{arrow.PrimitiveTypes.Float64, arrow.PrimitiveTypes.Float32} {
		b := array.NewBuilder(mem, typ)
		defer b.Release()
		for _, v := range []float64{
			math.NaN(), math.Copysign(0, -1), 0, math.Inf(1), math.Inf(-1), -math.NaN(),
			math.Float64frombits(0x7ff8_0000_2000_0000), 1, math.MaxFloat32,
		} {
			if f, ok := b.(*array.Float64Builder); ok {
				f.Append(v)
			} else {
				b.(*array.Float32Builder).Append(float32(v))
			}
		}
		b.AppendNull()
		col := b.NewArray()
		defer col.Release()
		g, _ := agg.NewGroups(mem, []arrow.DataType{typ})
		defer g.Release()
		ids := make([]uint32, col.Len())
		if err := g.Find([]arrow.Array{col}, ids); err != nil || fmt.Sprint(ids) != "[0 1 1 2 3 0 0 4 5 6]" {
			t.Errorf("%s: %v, %v", typ, ids, err)
		}
	}
}

// TestStringsThatLookAlike have the same first and last bytes, lengths around
// those at which the comparison changes, and zero bytes.
func TestStringsThatLookAlike(t *testing.T) {
	var texts []string
	for n := range 40 {
		zeros, same := string(make([]byte, n)), ""
		for range n {
			same += "a"
		}
		texts = append(texts, zeros, same)
		if n > 0 {
			texts = append(texts, same[:n-1]+"b", "b"+same[1:], same[:n/2]+"c"+same[n/2:n-1])
		}
	}
	mem := columnartest.Allocator(t)
	for _, typ := range []arrow.DataType{arrow.BinaryTypes.String, arrow.BinaryTypes.LargeBinary} {
		g, _ := agg.NewGroups(mem, []arrow.DataType{typ})
		defer g.Release()
		want := newNumbering()
		for range 3 {
			b := array.NewBuilder(mem, typ)
			defer b.Release()
			for _, s := range texts {
				if x, ok := b.(*array.StringBuilder); ok {
					x.Append(s)
				} else {
					b.(*array.BinaryBuilder).AppendString(s)
				}
			}
			b.AppendNull()
			col := b.NewArray()
			defer col.Release()
			ids := make([]uint32, col.Len())
			if err := g.Find([]arrow.Array{col}, ids); err != nil {
				t.Fatal(err)
			}
			for i, s := range texts {
				if ids[i] != want.find(s) {
					t.Fatalf("%q: slot %d, want %d", s, ids[i], want.find(s))
				}
			}
			if ids[len(texts)] != want.find(nil) {
				t.Fatalf("NULL: slot %d", ids[len(texts)])
			}
			var gone []uint32
			for i := 0; i < len(texts); i += 3 {
				if s, ok := want.slot[texts[i]]; ok {
					gone = append(gone, s)
					delete(want.slot, texts[i])
				}
			}
			g.Remove(gone)
			want.free = append(want.free, gone...)
			slices.Reverse(texts)
		}
	}
}

// TestPairsUnderChurn keeps the numbers of a few of many pairs, so that the
// numbers of the parts are swept and reused, and bursts the array of pairs.
func TestPairsUnderChurn(t *testing.T) {
	for _, spread := range []int64{40, 3000, 1 << 40} {
		mem := columnartest.Allocator(t)
		types := []arrow.DataType{arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Int64}
		g, _ := agg.NewGroups(mem, types)
		defer g.Release()
		r, want := rand.New(rand.NewPCG(3, uint64(spread))), newNumbering()
		var held int64
		for round := range 200 {
			const n = 200
			var cells [3][]optional
			for i := range n * len(cells) {
				cells[i%3] = append(cells[i%3], optional{v: r.Int64N(spread)})
			}
			var cols []arrow.Array
			for _, c := range cells {
				cols = append(cols, int64Column(mem, c))
			}
			ids := make([]uint32, n)
			for _, find := range []func([]arrow.Array, []uint32) error{g.Lookup, g.Find} {
				if err := find(cols, ids); err != nil {
					t.Fatal(err)
				}
				for i, id := range ids {
					key := [3]int64{cells[0][i].v, cells[1][i].v, cells[2][i].v}
					if s, ok := want.slot[key]; id == agg.NoGroup && ok || id != agg.NoGroup && id != want.find(key) {
						t.Fatalf("%v: slot %d, want %d, %v", key, id, s, ok)
					}
				}
			}
			for _, c := range cols {
				c.Release()
			}
			var gone []uint32
			for key, s := range want.slot {
				if r.IntN(4) > 0 {
					gone = append(gone, s)
					delete(want.slot, key)
				}
			}
			slices.Sort(gone)
			g.Remove(gone)
			want.free = append(want.free, gone...)
			if round == 100 {
				held = g.Bytes()
			}
		}
		if g.Bytes() > 2*held {
			t.Errorf("spread %d: %d bytes, %d half way", spread, g.Bytes(), held)
		}
	}
}

// FuzzIntegerKeys cuts raw bytes into keys whose distance a byte chooses.
func FuzzIntegerKeys(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, uint8(3))
	f.Add(slices.Repeat([]byte{255, 0, 127, 128, 64}, 40), uint8(1))
	f.Fuzz(func(t *testing.T, raw []byte, batch uint8) {
		var cells []optional
		var at int64
		for ; len(raw) >= 3; raw = raw[3:] {
			step := int64(int16(binary.LittleEndian.Uint16(raw[1:])))
			if at += step << (raw[0] % 48); raw[0] == 255 {
				cells = append(cells, optional{null: true})
			} else {
				cells = append(cells, optional{v: at})
			}
		}
		checkInts(t, cells, int(batch)+1, nil)
		checkInts(t, cells, int(batch)+1, rand.New(rand.NewPCG(1, uint64(batch))))
	})
}
