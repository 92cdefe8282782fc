package spill

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// TestMerge merges runs of many lengths, with batches of many lengths, by two
// columns with nulls.
func TestMerge(t *testing.T) {
	mem := columnartest.Allocator(t)
	for _, count := range []int{0, 1, 2, 7, 64} {
		f, err := Create(mem, arrowstream.NewSpill(t.TempDir(), 0, nil))
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(1, uint64(count)))
		texts := make([][]string, count)
		var want []string
		for i := range 40 * count {
			// Ordered as text: null, then numbers of three digits.
			line := fmt.Sprintf("%d k%05d", 100+i/9, i)
			if i < 9 {
				line = fmt.Sprintf("null k%05d", i)
			}
			want = append(want, line)
			run := r.IntN(count)
			texts[run] = append(texts[run], line)
		}
		runs := make([]Run, count)
		for i, lines := range texts {
			for len(lines) > 0 {
				n := min(1+r.IntN(9), len(lines))
				b := columnartest.Batch(t, mem, "a:int64 b:utf8\n"+strings.Join(lines[:n], "\n"))
				p, err := f.Append(b)
				b.Release()
				if err != nil {
					t.Fatal(err)
				}
				runs[i], lines = append(runs[i], p), lines[n:]
			}
		}
		var got []string
		err = Merge(mem, f, runs, 2, 5, 1<<20, func(b arrow.Record) error {
			if b.NumRows() > 5 {
				t.Errorf("a batch of %d rows", b.NumRows())
			}
			got = append(got, columnartest.Rows(b)...)
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%d runs: %v\n%v\n%v", count, err, got, want)
		}
		f.Close()
	}
}

// TestFileErrors cuts files and takes them away.
func TestFileErrors(t *testing.T) {
	mem := columnartest.Allocator(t)
	f, err := Create(mem, arrowstream.NewSpill(t.TempDir(), 0, nil))
	if err != nil {
		t.Fatal(err)
	}
	b := columnartest.Batch(t, mem, "a:int64 b:utf8\n1 x\n2 y")
	defer b.Release()
	p, err := f.Append(b)
	if err != nil {
		t.Fatal(err)
	}
	name := f.f.Name()
	for size := range p.size - 8 { // an end of stream may be missing
		if err := f.f.Truncate(size); err != nil {
			t.Fatal(err)
		}
		if got, err := f.Read(p); err == nil || !strings.Contains(err.Error(), "spill: read "+name) {
			t.Fatalf("cut at %d of %d: %v %v", size, p.size, got, err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Append(b); err == nil || !strings.Contains(err.Error(), "spill: write "+name) {
		t.Errorf("closed: %v", err)
	}
}

// TestPartsFollowEquality divides equal keys alike, and others evenly, also those
// of one part on the next level.
func TestPartsFollowEquality(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "f:float64 s:utf8\n0 a\n-0 a\nnull a\nNaN null\nNaN null")
	defer b.Release()
	var d Divider
	for level := range Levels {
		p, err := d.Of(b.Columns(), level)
		if err != nil {
			t.Fatal(err)
		}
		if p[0] != p[1] || p[3] != p[4] {
			t.Errorf("level %d: %v", level, p)
		}
	}
	ib := array.NewInt64Builder(mem)
	defer ib.Release()
	for i := range int64(1 << 18) {
		ib.Append(i)
	}
	keys := []arrow.Array{ib.NewArray()}
	defer func() { keys[0].Release() }()
	for level := range Levels {
		parts, err := d.Of(keys, level)
		if err != nil {
			t.Fatal(err)
		}
		rows := Rows(parts)
		n := keys[0].Len()
		for p, part := range rows {
			if len(part) < n/Parts*9/10-30 || len(part) > n/Parts*11/10+30 || !slices.IsSorted(part) {
				t.Errorf("level %d: part %d of %d has %d rows", level, p, n, len(part))
			}
		}
		values := keys[0].(*array.Int64).Int64Values()
		for _, row := range rows[5] {
			ib.Append(values[row])
		}
		if keys[0].Release(); level == 0 {
			keys[0] = ib.NewArray()
			continue
		}
		keys[0] = ib.NewArray()
		break
	}
}

// TestFullDisk writes where there is no space.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "a:int64 b:utf8\n1 x\n2 y")
	defer b.Release()
	for name, write := range map[string]func(f *File) (Piece, error){
		"append": func(f *File) (Piece, error) { return f.Append(b) },
		"copy":   func(f *File) (Piece, error) { return f.copy(make([]byte, 100)) },
	} {
		f := &File{mem: mem, f: full, buf: bufio.NewWriter(full)}
		if _, err := write(f); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "spill: write /dev/full") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCompact takes rows of a long dictionary, NULL among them, to a file.
func TestCompact(t *testing.T) {
	mem := columnartest.Allocator(t)
	f, err := Create(mem, arrowstream.NewSpill(t.TempDir(), 0, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	db := array.NewDictionaryBuilder(mem, columnar.Dict).(*array.BinaryDictionaryBuilder)
	defer db.Release()
	for i := range 10000 {
		_ = db.AppendString(fmt.Sprint("entry ", i))
	}
	db.AppendNull()
	all := db.NewArray()
	defer all.Release()
	schema := arrow.NewSchema([]arrow.Field{{Name: "d", Type: columnar.Dict, Nullable: true}}, nil)
	whole := array.NewRecord(schema, []arrow.Array{all}, int64(all.Len()))
	defer whole.Release()
	some := whole.NewSlice(9998, 10001)
	defer some.Release()
	p, err := f.Append(some)
	if err != nil || p.size > 2000 {
		t.Fatalf("%d bytes, %v", p.size, err)
	}
	got, err := f.Read(p)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Release()
	if rows, want := columnartest.Rows(got), columnartest.Rows(some); !slices.Equal(rows, want) {
		t.Errorf("%v, want %v", rows, want)
	}
}
