package agg_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

// keyCell is a random key with few distinct values.
func keyCell(r *rand.Rand, typ string, card int) string {
	k := r.IntN(card + 1)
	if k == card || typ == "null" {
		return "null"
	}
	switch typ {
	case "bool":
		return []string{"true", "false"}[k%2]
	case "float64", "float32":
		return []string{"NaN", "-0", "0", "1.5", "Inf"}[k%5]
	case "utf8", "dict", "binary", "large_utf8":
		return fmt.Sprintf("key_%d", k)
	case "decimal(12,2)":
		return fmt.Sprintf("%d.00", k)
	case "list<int64>":
		return fmt.Sprintf("[%d,null]", k)
	case "struct<a:int64,b:utf8>":
		return fmt.Sprintf("{%d,x}", k)
	case "vector[2]":
		return fmt.Sprintf("[%d,-0]", k)
	}
	return fmt.Sprint(k)
}

// canonicalKey is the text under which equal keys are equal.
func canonicalKey(cell string) string { return strings.ReplaceAll(cell, "-0", "0") }

func TestGroupsAgainstMap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, types := range [][]string{
		{"int64"},
		{"int8"},
		{"uint16"},
		{"date32"},
		{"float64"},
		{"float32"},
		{"bool"},
		{"utf8"},
		{"dict"},
		{"timestamp[us]"},
		{"binary"},
		{"decimal(12,2)"},
		{"list<int64>"},
		{"struct<a:int64,b:utf8>"},
		{"vector[2]"},
		{"null"},
		{"large_utf8"},
		{"utf8", "int64"},
		{"dict", "dict"},
		{"float64", "list<int64>", "bool"},
		{"int32", "int64"},
		{"float64", "bool", "int8"},
		{"timestamp[us]", "int64"},
		{},
	} {
		t.Run(strings.Join(types, " "), func(t *testing.T) {
			mem := columnartest.Allocator(t)
			var keyTypes []arrow.DataType
			head := ""
			for i, name := range types {
				dt, err := columnar.ParseType(name)
				if err != nil {
					t.Fatal(err)
				}
				keyTypes = append(keyTypes, dt)
				head += fmt.Sprintf("c%d:%s ", i, name)
			}
			g, err := agg.NewGroups(mem, keyTypes)
			if err != nil {
				t.Fatal(err)
			}
			defer g.Release()
			slotOf, keyOf := map[string]uint32{}, map[uint32]string{}
			next, free := uint32(0), []uint32{}
			for range 30 {
				n, skip := r.IntN(60), r.IntN(3)
				text, cells := head, []string{}
				for i := range n + skip {
					row := ""
					for _, typ := range types {
						row += keyCell(r, typ, 1+r.IntN(40)) + " "
					}
					text += "\n" + row
					if i >= skip {
						cells = append(cells, strings.TrimSpace(canonicalKey(row)))
					}
				}
				var keys []arrow.Array
				if len(types) > 0 {
					b, err := columnartest.Parse(mem, text)
					if err != nil {
						t.Fatal(err)
					}
					s := b.NewSlice(int64(skip), int64(n+skip))
					b.Release()
					defer s.Release()
					keys = s.Columns()
				}
				ids := make([]uint32, n)
				if err := g.Lookup(keys, ids); err != nil {
					t.Fatal(err)
				}
				for i, id := range ids {
					want, ok := slotOf[cells[i]]
					if !ok {
						want = agg.NoGroup
					}
					if id != want {
						t.Fatalf("lookup of %q: slot %d, want %d", cells[i], id, want)
					}
				}
				if err := g.Find(keys, ids); err != nil {
					t.Fatal(err)
				}
				for i, id := range ids {
					want, ok := slotOf[cells[i]]
					if !ok {
						if k := len(free); k > 0 {
							want, free = free[k-1], free[:k-1]
						} else {
							want = next
							next++
						}
						slotOf[cells[i]], keyOf[want] = want, cells[i]
					}
					if id != want {
						t.Fatalf("key %q: slot %d, want %d", cells[i], id, want)
					}
				}
				if g.Len() != int(next) || g.Live() != len(slotOf) {
					t.Fatalf("%d slots, %d live; want %d, %d", g.Len(), g.Live(), next, len(slotOf))
				}
				checkKeys(t, g, keyOf)
				var gone []uint32
				for _, id := range g.All() {
					if r.IntN(3) == 0 {
						gone = append(gone, id)
						delete(slotOf, keyOf[id])
						delete(keyOf, id)
					}
				}
				g.Remove(gone)
				free = append(free, gone...)
			}
		})
	}
}

// checkKeys compares the key columns with what was put in.
func checkKeys(t *testing.T, g *agg.Groups, keyOf map[uint32]string) {
	t.Helper()
	ids := g.All()
	slices.Reverse(ids)
	cols, err := g.Keys(ids)
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		var cells []string
		for k, c := range cols {
			if c.DataType().ID() == arrow.DICTIONARY || !arrow.TypeEqual(c.DataType(), g.Types()[k]) {
				t.Fatalf("key column of type %s", c.DataType())
			}
			cell := columnartest.Cell(c, i)
			if cell == "(null)" {
				cell = "null"
			}
			cells = append(cells, strings.ReplaceAll(cell, "+Inf", "Inf"))
		}
		got, want := strings.Join(cells, " "), keyOf[id]
		if len(cols) == 1 && (cols[0].DataType().ID() == arrow.DATE32 || cols[0].DataType().ID() == arrow.TIMESTAMP) {
			want = got // written as a date: equal slots already tell equal keys
		}
		if got != want {
			t.Fatalf("slot %d: key %q, want %q", id, got, want)
		}
	}
	for _, c := range cols {
		c.Release()
	}
}

func TestDictionariesThatChange(t *testing.T) {
	mem := columnartest.Allocator(t)
	g, err := agg.NewGroups(mem, []arrow.DataType{columnar.Dict})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Release()
	find := func(text string) string {
		b := columnartest.Batch(t, mem, "k:"+text)
		ids := make([]uint32, b.NumRows())
		if err := g.Find(b.Columns(), ids); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(ids)
	}
	for _, c := range []struct{ text, want string }{
		{"dict\na\nb\na", "[0 1 0]"},
		{"dict\nb\nc\nnull\na", "[1 2 3 0]"},
		{"utf8\nc\nnull\nd", "[2 3 4]"},
	} {
		if got := find(c.text); got != c.want {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
	}
}

func TestDictionaryWithRepeatedAndNullEntries(t *testing.T) {
	mem := columnartest.Allocator(t)
	values := columnartest.Batch(t, mem, "v:utf8\na\na\nnull\nb").Column(0)
	codes := columnartest.Batch(t, mem, "c:int32\n0\n1\n2\n3\nnull").Column(0)
	keys := array.NewDictionaryArray(columnar.Dict, codes, values)
	defer keys.Release()
	g, _ := agg.NewGroups(mem, []arrow.DataType{columnar.Dict})
	defer g.Release()
	ids := make([]uint32, 5)
	for range 2 {
		if err := g.Find([]arrow.Array{keys}, ids); err != nil || fmt.Sprint(ids) != "[0 0 1 2 1]" {
			t.Fatalf("got %v, %v", ids, err)
		}
	}
	g.Remove([]uint32{0, 1})
	if err := g.Find([]arrow.Array{keys}, ids); err != nil || fmt.Sprint(ids) != "[1 1 0 2 0]" {
		t.Fatalf("after removal: %v, %v", ids, err)
	}
}

func TestGroupsErrors(t *testing.T) {
	mem := columnartest.Allocator(t)
	if _, err := agg.NewGroups(mem, []arrow.DataType{arrow.MapOf(arrow.BinaryTypes.String, arrow.BinaryTypes.String)}); err == nil {
		t.Error("no error for a map as key")
	}
	g, _ := agg.NewGroups(mem, []arrow.DataType{arrow.PrimitiveTypes.Int64})
	defer g.Release()
	x := columnartest.Batch(t, mem, "x:utf8\na").Column(0)
	for _, keys := range [][]arrow.Array{{}, {x}, {x, x}} {
		if err := g.Find(keys, make([]uint32, 1)); err == nil {
			t.Errorf("no error for %v", keys)
		}
	}
	if _, err := g.Keys([]uint32{0}); err == nil {
		t.Error("no error for a slot without a key")
	}
}

// recordOf is a record with the given columns.
func recordOf(cols []arrow.Array) arrow.Record {
	fields := make([]arrow.Field, len(cols))
	for i, c := range cols {
		fields[i] = arrow.Field{Name: fmt.Sprintf("c%d", i), Type: c.DataType(), Nullable: true}
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), cols, int64(cols[0].Len()))
}

// TestGroupsUnderChurn makes chains of collisions that removals must close.
func TestGroupsUnderChurn(t *testing.T) {
	for _, types := range []string{"a:int64", "a:int64 b:int64", "a:utf8", "a:utf8 b:int64"} {
		mem := columnartest.Allocator(t)
		r := rand.New(rand.NewPCG(5, 5))
		var keyTypes []arrow.DataType
		schema, err := columnartest.Schema(types)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range schema.Fields() {
			keyTypes = append(keyTypes, f.Type)
		}
		g, err := agg.NewGroups(mem, keyTypes)
		if err != nil {
			t.Fatal(err)
		}
		slotOf := map[string]uint32{}
		for range 400 {
			text := types
			var cells []string
			for range 40 {
				k := fmt.Sprint(r.IntN(3000))
				cells = append(cells, k)
				text += "\n" + strings.TrimSpace(strings.Repeat(k+" ", len(keyTypes)))
			}
			b, err := columnartest.Parse(mem, text)
			if err != nil {
				t.Fatal(err)
			}
			ids := make([]uint32, 40)
			if err := g.Lookup(b.Columns(), ids); err != nil {
				t.Fatal(err)
			}
			for i, k := range cells {
				if want, ok := slotOf[k]; ok != (ids[i] != agg.NoGroup) || ok && ids[i] != want {
					t.Fatalf("%s: key %s is in slot %d, want %d, %v", types, k, ids[i], want, ok)
				}
			}
			if err := g.Find(b.Columns(), ids); err != nil {
				t.Fatal(err)
			}
			b.Release()
			for i, k := range cells {
				slotOf[k] = ids[i]
			}
			for k, slot := range slotOf { // keep about 100 keys
				if len(slotOf) <= 100 {
					break
				}
				g.Remove([]uint32{slot})
				delete(slotOf, k)
			}
		}
		if g.Len() > 200 {
			t.Errorf("%s: %d slots for 140 keys", types, g.Len())
		}
		g.Release()
	}
}
