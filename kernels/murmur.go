package kernels

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// MurmurHash3 of A. Appleby for 32 bits, in the form of Spark SQL: the bytes of
// a text behind its last whole word are mixed one by one, as signed words. What
// came before is the seed, so that columns are hashed one after the other and a
// NULL changes nothing.

func murmurMix(h, word uint32) uint32 {
	word = bits.RotateLeft32(word*0xcc9e2d51, 15) * 0x1b873593
	return bits.RotateLeft32(h^word, 13)*5 + 0xe6546b64
}

func murmurEnd(h, size uint32) uint32 {
	h ^= size
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}

func murmurInt(h uint32, v int32) uint32 { return murmurEnd(murmurMix(h, uint32(v)), 4) }

func murmurLong(h uint32, v int64) uint32 {
	return murmurEnd(murmurMix(murmurMix(h, uint32(v)), uint32(uint64(v)>>32)), 8)
}

func murmurBytes(h uint32, s []byte) uint32 {
	size := uint32(len(s))
	for ; len(s) >= 4; s = s[4:] {
		h = murmurMix(h, binary.LittleEndian.Uint32(s))
	}
	for _, c := range s {
		h = murmurMix(h, uint32(int32(int8(c))))
	}
	return murmurEnd(h, size)
}

// bigBytes is b in two's complement, big-endian, in as few bytes as it needs: how
// Java writes a BigInteger.
func bigBytes(b decimal128.Num) []byte {
	var out [16]byte
	binary.BigEndian.PutUint64(out[:], uint64(b.HighBits()))
	binary.BigEndian.PutUint64(out[8:], b.LowBits())
	at := 0
	for at < 15 && (out[at] == 0 && out[at+1] < 0x80 || out[at] == 0xff && out[at+1] >= 0x80) {
		at++
	}
	return out[at:]
}

// murmurFixed mixes the values of a column into the hashes of the rows that are
// valid. m is 0 for a constant.
func murmurFixed[T columnar.Fixed](h []uint32, valid columnar.Bitmap, v []T, m int, mix func(h uint32, v T) uint32) {
	for i := range h {
		if valid.Get(i) {
			h[i] = mix(h[i], v[i&m])
		}
	}
}

// murmurWhole is murmurFixed for integers of at most 32 bits, murmurWide for
// those of 64.
func murmurWhole[T int8 | int16 | int32 | uint8 | uint16](h []uint32, valid columnar.Bitmap, v []T, m int) {
	for i := range h {
		if valid.Get(i) {
			h[i] = murmurInt(h[i], int32(v[i&m]))
		}
	}
}

func murmurWide[T int64 | uint64 | uint32](h []uint32, valid columnar.Bitmap, v []T, m int, per int64) {
	for i := range h {
		if valid.Get(i) {
			h[i] = murmurLong(h[i], columnar.FloorDiv(int64(v[i&m]), per))
		}
	}
}

// murmurColumn mixes the values of a into h, one hash per row. Cost: 2 ns per
// value of fixed width, 1 ns per byte of a text.
func murmurColumn(h []uint32, d Datum) error {
	if d.Null() || d.Type().ID() == arrow.NULL {
		return nil
	}
	a, m, valid := d.Array, d.mask(), validBits(d, len(h))
	switch a.DataType().ID() {
	case arrow.BOOL:
		b := columnar.Bools(a)
		for i := range h {
			if valid.Get(i) {
				v := int32(0)
				if b.Get(i & m) {
					v = 1
				}
				h[i] = murmurInt(h[i], v)
			}
		}
	case arrow.INT8:
		murmurWhole(h, valid, columnar.Values[int8](a), m)
	case arrow.INT16:
		murmurWhole(h, valid, columnar.Values[int16](a), m)
	case arrow.UINT8:
		murmurWhole(h, valid, columnar.Values[uint8](a), m)
	case arrow.UINT16:
		murmurWhole(h, valid, columnar.Values[uint16](a), m)
	case arrow.INT32, arrow.DATE32, arrow.TIME32, arrow.INTERVAL_MONTHS:
		murmurWhole(h, valid, columnar.Values[int32](a), m)
	case arrow.UINT32:
		murmurWide(h, valid, columnar.Values[uint32](a), m, 1)
	case arrow.UINT64:
		murmurWide(h, valid, columnar.Values[uint64](a), m, 1)
	case arrow.INT64, arrow.TIME64:
		murmurWide(h, valid, columnar.Values[int64](a), m, 1)
	case arrow.FLOAT32:
		murmurFixed(h, valid, columnar.Values[float32](a), m, func(h uint32, v float32) uint32 {
			if v != v {
				return murmurInt(h, 0x7fc00000)
			}
			return murmurInt(h, int32(math.Float32bits(v+0))) // one zero
		})
	case arrow.FLOAT64:
		murmurFixed(h, valid, columnar.Values[float64](a), m, func(h uint32, v float64) uint32 {
			if v != v {
				return murmurLong(h, 0x7ff8000000000000)
			}
			return murmurLong(h, int64(math.Float64bits(v+0))) // one zero
		})
	case arrow.TIMESTAMP, arrow.DURATION:
		murmurMicros(h, valid, columnar.Values[int64](a), m, perSecond(unitOf(a.DataType())))
	case arrow.DECIMAL128:
		precision := a.DataType().(*arrow.Decimal128Type).Precision
		v := decimals(a)
		for i := range h {
			switch {
			case !valid.Get(i):
			case precision <= 18:
				h[i] = murmurLong(h[i], int64(v[i&m].LowBits()))
			default:
				h[i] = murmurBytes(h[i], bigBytes(v[i&m]))
			}
		}
	case arrow.STRING, arrow.BINARY:
		s := textsOf(d)
		for i := range h {
			if valid.Get(i) {
				h[i] = murmurBytes(h[i], s.at(i))
			}
		}
	case arrow.STRUCT:
		return murmurStruct(h, d, valid)
	case arrow.LIST, arrow.FIXED_SIZE_LIST, arrow.MAP:
		return murmurList(h, d, valid)
	default:
		return errorf(CodeTypes, "hash of %s", SQLName(a.DataType()))
	}
	return nil
}

// murmurMicros hashes times as their microseconds.
func murmurMicros(h []uint32, valid columnar.Bitmap, v []int64, m int, per int64) {
	if per > 1e6 {
		murmurWide(h, valid, v, m, per/1e6)
		return
	}
	for i := range h {
		if valid.Get(i) {
			h[i] = murmurLong(h[i], v[i&m]*(1e6/per))
		}
	}
}

// murmurStruct mixes the fields of the rows that are valid.
func murmurStruct(h []uint32, d Datum, valid columnar.Bitmap) error {
	s := d.Array.(*array.Struct)
	before := h
	h = append([]uint32{}, h...)
	for k := range s.NumField() {
		if err := murmurColumn(h, Datum{s.Field(k), d.Const}); err != nil {
			return err
		}
	}
	for i := range before {
		if valid.Get(i) {
			before[i] = h[i]
		}
	}
	return nil
}

// murmurList mixes the elements in order, of a map each key and its value: the
// k-th of all rows that have one at once.
func murmurList(h []uint32, d Datum, valid columnar.Bitmap) error {
	l := listOf(d)
	parts := []arrow.Array{l.values}
	if s, ok := d.Array.(*array.Map); ok {
		parts = []arrow.Array{s.Keys(), s.Items()}
	}
	var rows, from []int32
	for i := range h {
		if valid.Get(i) {
			rows = append(rows, int32(i))
		}
	}
	some := make([]uint32, len(rows))
	for k := 0; ; k++ {
		from = from[:0]
		kept := rows[:0]
		for _, i := range rows {
			if a, b := l.at(int(i)); a+k < b {
				kept, from = append(kept, i), append(from, int32(a+k))
			}
		}
		if rows = kept; len(rows) == 0 {
			return nil
		}
		some = some[:len(rows)]
		for j, i := range rows {
			some[j] = h[i]
		}
		for _, p := range parts {
			taken, err := Take(memory.DefaultAllocator, p, from)
			if err != nil {
				return err
			}
			err = murmurColumn(some, Column(taken))
			taken.Release()
			if err != nil {
				return err
			}
		}
		for j, i := range rows {
			h[i] = some[j]
		}
	}
}

// murmurSeed is the seed of HASH in Spark.
const murmurSeed = 42

// murmur is HASH(x, ...), an INT.
func murmur(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	buf, out := fixed[int32](mem, n)
	h := columnar.AsValues[uint32](buf.Bytes())[:len(out)]
	for i := range h {
		h[i] = murmurSeed
	}
	for _, d := range args {
		if err := murmurColumn(h, d); err != nil {
			freeHeader(mem, buf)
			return nil, err
		}
	}
	return finish(int32Type, noNulls(mem, n), buf), nil
}

// bindMurmur takes dictionaries and large texts as what they stand for.
func bindMurmur(f *Function, args []Arg) (*Binding, error) {
	b := &Binding{Args: make([]arrow.DataType, len(args)), Out: int32Type, Nulls: NeverNull, Kernel: murmur}
	for i, a := range args {
		b.Args[i] = Logical(a.Type)
		if !murmurs(b.Args[i]) {
			return nil, f.mismatch(args)
		}
	}
	return b, nil
}

// murmurs reports whether values of a type can be hashed.
func murmurs(t arrow.DataType) bool {
	switch t := t.(type) {
	case *arrow.MapType:
		return murmurs(t.KeyType()) && murmurs(t.ItemType())
	case arrow.ListLikeType:
		return t.ID() != arrow.LARGE_LIST && murmurs(t.Elem())
	case *arrow.StructType:
		for _, f := range t.Fields() {
			if !murmurs(f.Type) {
				return false
			}
		}
		return true
	}
	kind, _ := layoutOf(t)
	return kind == layoutNull || kind == layoutBool || kind == layoutBytes || kind == layoutFixed && t.ID() != arrow.FLOAT16 &&
		t.ID() != arrow.DECIMAL256 && t.ID() != arrow.FIXED_SIZE_BINARY && t.ID() != arrow.INTERVAL_DAY_TIME && t.ID() != arrow.INTERVAL_MONTH_DAY_NANO && t.ID() != arrow.DATE64
}
