package parquet

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/big"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	pq "github.com/parquet-go/parquet-go"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// holds is the row-at-a-time meaning of a predicate. known is false where the
// source leaves the question to SQL.
func holds(a arrow.Array, i int, p Predicate) (yes, known bool) {
	switch {
	case p.Op == "is null":
		return a.IsNull(i), true
	case p.Op == "is not null":
		return a.IsValid(i), true
	}
	order := 0
	switch a := a.(type) {
	case *array.Dictionary:
		v, ok := p.Value.(string)
		if known = ok; a.IsValid(i) {
			order = strings.Compare(a.Dictionary().(*array.String).Value(a.GetValueIndex(i)), v)
		}
	case *array.String:
		v, ok := p.Value.(string)
		order, known = strings.Compare(a.Value(i), v), ok
	case *array.Boolean:
		v, ok := p.Value.(bool)
		truth := map[bool]int{true: 1}
		order, known = truth[a.Value(i)]-truth[v], ok
	default:
		x, isNaN := rational(a, i)
		y, ok := constant(a.DataType(), p.Value)
		switch known = ok && (x != nil || isNaN); {
		case isNaN:
			order = 1
		case known:
			order = x.Cmp(y)
		}
	}
	yes = map[string]bool{"=": order == 0, "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[p.Op]
	return yes && a.IsValid(i), known
}

// rational is a number, or a time in microseconds.
func rational(a arrow.Array, i int) (x *big.Rat, isNaN bool) {
	num := int64(0)
	switch a := a.(type) {
	case *array.Int8:
		num = int64(a.Value(i))
	case *array.Int16:
		num = int64(a.Value(i))
	case *array.Int32:
		num = int64(a.Value(i))
	case *array.Int64:
		num = a.Value(i)
	case *array.Uint8:
		num = int64(a.Value(i))
	case *array.Uint16:
		num = int64(a.Value(i))
	case *array.Uint32:
		num = int64(a.Value(i))
	case *array.Float32:
		return ratOf(float64(a.Value(i)))
	case *array.Float64:
		return ratOf(a.Value(i))
	case *array.Date32:
		num = int64(a.Value(i))
	case *array.Timestamp:
		num = int64(a.Value(i))
	default:
		return nil, false
	}
	x = new(big.Rat).SetInt64(num)
	if mul, div, ok := columnar.Micros(a.DataType()); ok {
		x.Mul(x, big.NewRat(mul, div))
	}
	return x, false
}

// ratOf is x; infinities are beyond all other numbers.
func ratOf(x float64) (*big.Rat, bool) {
	if math.IsInf(x, 0) {
		huge := new(big.Int).Lsh(big.NewInt(int64(math.Copysign(1, x))), 2000)
		return new(big.Rat).SetInt(huge), false
	}
	if math.IsNaN(x) {
		return nil, true
	}
	return new(big.Rat).SetFloat64(x), false
}

func constant(t arrow.DataType, v any) (*big.Rat, bool) {
	_, _, isTime := columnar.Micros(t)
	switch v := v.(type) {
	case int64:
		if arrow.IsFloating(t.ID()) && (v > 1<<53 || v < -1<<53 || t.ID() == arrow.FLOAT32 && int64(float32(v)) != v) {
			return nil, false
		}
		if isTime && t.ID() == arrow.TIMESTAMP && t.(*arrow.TimestampType).Unit == arrow.Nanosecond && (v > math.MaxInt64/1000 || v < math.MinInt64/1000) {
			return nil, false
		}
		return new(big.Rat).SetInt64(v), true
	case float64:
		if isTime || math.IsNaN(v) || t.ID() == arrow.FLOAT32 && float64(float32(v)) != v || arrow.IsInteger(t.ID()) && math.Abs(v) >= 1<<53 {
			return nil, false
		}
		x, _ := ratOf(v)
		return x, true
	case time.Time:
		return new(big.Rat).SetInt64(v.UnixMicro()), isTime
	}
	return nil, false
}

// randomPredicate asks about a random column, mostly near a value of it.
func randomPredicate(r *rand.Rand, b arrow.Record) Predicate {
	c := r.IntN(int(b.NumCols()))
	p := Predicate{Column: b.ColumnName(c), Op: []string{"=", "<", "<=", ">", ">=", "is null", "is not null"}[r.IntN(7)]}
	a, i := b.Column(c), r.IntN(int(b.NumRows()))
	switch a := a.(type) {
	case *array.Boolean:
		p.Value = a.Value(i)
	case *array.Dictionary:
		p.Value = a.Dictionary().(*array.String).Value(r.IntN(a.Dictionary().Len())) + []string{"", "", "x"}[r.IntN(3)]
	case *array.String:
		p.Value = a.Value(i)
	default:
		if x, isNaN := rational(a, i); x != nil {
			f, _ := x.Float64()
			if p.Value = f + float64(r.IntN(3)-1)/2; r.IntN(2) == 0 && x.IsInt() && x.Num().IsInt64() {
				p.Value = x.Num().Int64() + r.Int64N(3) - 1
			}
		} else if p.Value = int64(r.IntN(100)); isNaN || r.IntN(20) == 0 {
			p.Value = math.NaN()
		}
	}
	return p
}

// TestSieve compares what is read under random predicates with what holds row
// by row, for every type and every way of reading.
func TestSieve(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for _, nulls := range []float64{0, 0.3} {
		mem := columnartest.Allocator(t)
		fields := append(slices.Clone(allTypes(nulls > 0).Fields()), arrow.Field{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true})
		b := randomBatch(t, mem, r, arrow.NewSchema(fields, nil), 2500, nulls)
		all := rowsOf(b)
		path := filepath.Join(t.TempDir(), "a.parquet")
		write(t, mem, &Sink{Path: path, RowGroupRows: 1000}, b)
		for range 60 {
			var preds []Predicate
			for range 1 + r.IntN(2) {
				preds = append(preds, randomPredicate(r, b))
			}
			checkSieved(t, r, &Source{Path: path, Predicates: preds}, testEnv(mem, []int{0, 7, 1000}[r.IntN(3)], 1+r.IntN(4)), b, all)
		}
	}
}

// TestSieveOfPages does the same with a file of many small pages in which some
// columns have dictionaries that overflow.
func TestSieveOfPages(t *testing.T) {
	type row struct {
		A int64   `parquet:"a,delta"`
		B string  `parquet:"b,delta"`
		C float64 `parquet:"c,split"`
		D *int32  `parquet:"d,optional,dict"`
		F string  `parquet:"f,dict"`
		G bool    `parquet:"g"`
	}
	r := rand.New(rand.NewPCG(13, 14))
	rows := make([]row, 3000)
	for i := range rows {
		rows[i] = row{A: int64(i), B: fmt.Sprintf("prefix-%d", i/7), C: float64(i / 50), F: fmt.Sprintf("f%d", r.IntN(40)), G: i%1000 < 30}
		if r.IntN(3) > 0 {
			d := int32(i / 100)
			rows[i].D = &d
		}
	}
	for _, version := range []int{1, 2} {
		path := filepath.Join(t.TempDir(), "a.parquet")
		if err := pq.WriteFile(path, rows, pq.DataPageVersion(version), pq.PageBufferSize(700), pq.MaxRowsPerRowGroup(1300), pq.Compression(&pq.Snappy)); err != nil {
			t.Fatal(err)
		}
		mem := columnartest.Allocator(t)
		b := readAll(t, &Source{Path: path}, testEnv(mem, 1<<20, 1))
		all := rowsOf(b)
		for range 60 {
			var preds []Predicate
			for range 1 + r.IntN(3) {
				preds = append(preds, randomPredicate(r, b))
			}
			checkSieved(t, r, &Source{Path: path, Predicates: preds}, testEnv(mem, []int{0, 7, 1000}[r.IntN(3)], 1+r.IntN(4)), b, all)
		}
		b.Release()
	}
}

// readAll reads a source as one batch.
func readAll(t *testing.T, s *Source, env arrowstream.SourceEnv) arrow.Record {
	t.Helper()
	parts, err := s.Open(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	defer parts[0].Close()
	var recs []arrow.Record
	for {
		b, err := parts[0].Read(t.Context())
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		defer b.Release()
		recs = append(recs, b)
	}
	var cols []arrow.Array
	for c := range recs[0].NumCols() {
		var parts []arrow.Array
		for _, b := range recs {
			parts = append(parts, b.Column(int(c)))
		}
		a, err := array.Concatenate(parts, env.Allocator)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Release()
		cols = append(cols, a)
	}
	return array.NewRecord(recs[0].Schema(), cols, -1)
}

// checkSieved reads s, with a stop at a random batch, and checks that the rows
// are those of b that pass, as far as the source decides that.
func checkSieved(t *testing.T, r *rand.Rand, s *Source, env arrowstream.SourceEnv, b arrow.Record, all []string) {
	t.Helper()
	var must, may []string // rows that must be there, rows that may be
	for i, row := range all {
		pass, possible := true, true
		for _, p := range s.Predicates {
			col := b.Column(b.Schema().FieldIndices(p.Column)[0])
			yes, known := holds(col, i, p)
			pass, possible = pass && yes && known, possible && (yes || !known)
		}
		if pass {
			must = append(must, row)
		}
		if possible {
			may = append(may, row)
		}
	}
	got, err := readInTwo(t, s, env, r.IntN(6))
	if err != nil {
		t.Fatalf("%v: %v", s.Predicates, err)
	}
	for _, l := range []struct{ part, of []string }{{must, got}, {got, may}} {
		of := l.of
		for _, row := range l.part {
			i := slices.Index(of, row)
			if i < 0 {
				t.Fatalf("%v: %d rows, %d must be there, %d may: misses or has too many of %s", s.Predicates, len(got), len(must), len(may), row)
			}
			of = of[i+1:]
		}
	}
}

// readInTwo reads some batches, and the rest with another source that starts
// at the position where the first stopped.
func readInTwo(t *testing.T, s *Source, env arrowstream.SourceEnv, stop int) (rows []string, err error) {
	first, err := s.Open(t.Context(), env)
	if err != nil {
		return nil, err
	}
	defer first[0].Close()
	for range stop {
		b, err := first[0].Read(t.Context())
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		for _, r := range columnartest.Rows(b) {
			rows = append(rows, strings.Clone(r))
		}
		b.Release()
	}
	pos, err := first[0].(arrowstream.Replayer).Position()
	if err != nil {
		return nil, err
	}
	second, err := (&Source{Path: s.Path, Predicates: s.Predicates}).Open(t.Context(), env)
	if err != nil {
		return nil, err
	}
	defer second[0].Close()
	if err := second[0].(arrowstream.Replayer).Seek(t.Context(), pos); err != nil {
		return nil, err
	}
	for {
		b, err := second[0].Read(t.Context())
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		for _, r := range columnartest.Rows(b) {
			rows = append(rows, strings.Clone(r))
		}
		b.Release()
	}
}

func TestSpans(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	for range 200 {
		n := 1 + r.IntN(1000)
		keep := columnar.NewBitmap(n)
		keep.Set(r.IntN(n))
		for range r.IntN(6) {
			for i, end := r.IntN(n), r.IntN(n); i < end; i++ {
				keep.Set(i)
			}
		}
		spans := spansOf(keep)
		bits := within(keep, spans)
		at, last, ones := 0, -1, 0
		for _, s := range spans {
			if s.from <= last || s.to > n || !keep.Get(s.from) || !keep.Get(s.to-1) {
				t.Fatalf("span %v after %d", s, last)
			}
			for i := s.from; i < s.to; i++ {
				if bits.Get(at) != keep.Get(i) {
					t.Fatalf("row %d of span %v", i, s)
				}
				at++
			}
			last = s.to
		}
		if ones = bits.Count(); bits.N != at || ones != keep.Count() {
			t.Fatalf("%d bits, %d rows in spans; %d set, want %d", bits.N, at, ones, keep.Count())
		}
	}
}

func TestDeposit(t *testing.T) {
	keep, bits := columnar.NewBitmap(200), columnar.NewBitmap(3)
	for _, i := range []int{3, 64, 199} {
		keep.Set(i)
	}
	bits.Set(0)
	bits.Set(2)
	got := deposit(keep, bits)
	if got.Count() != 2 || !got.Get(3) || !got.Get(199) {
		t.Fatalf("%x", got.Bits)
	}
	all := deposit(columnar.Bitmap{N: 3}, bits)
	if !bytes.Equal(all.Bits, bits.Bits) || &all.Bits[0] == &bits.Bits[0] {
		t.Fatal("not a copy")
	}
}
