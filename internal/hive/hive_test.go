package hive

import (
	"fmt"
	"math"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

func TestRunsNameFoldersThatReadBack(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	b := columnartest.Batch(t, mem, "k:dict d:date32 x:int64\na 2024-01-01 1\na 2024-01-01 2\nnull 2024-01-01 3\nnull null 4\n\"a/b=c%\" 2024-01-02 5\n\"..\" 2024-01-02 6\n\"_x\" 2024-01-02 7")
	defer b.Release()
	k, err := NewKeys("csv", "out", b.Schema(), []string{"k", "d"})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(k.Rest, k.Files.Field(0).Name); got != "[2]x" {
		t.Errorf("the files hold %s", got)
	}
	var got []string
	for from := range b.NumRows() { // slices, whose offset is not 0
		for to := from + 1; to <= b.NumRows(); to++ {
			s := b.NewSlice(from, to)
			runs, err := k.Runs(s)
			s.Release()
			if err != nil {
				t.Fatal(err)
			}
			at := 0
			for _, r := range runs {
				if r.From != at || r.To <= r.From {
					t.Fatalf("rows %d to %d: runs %v", from, to, runs)
				}
				at = r.To
				if from == 0 && to == b.NumRows() {
					got = append(got, fmt.Sprint(r.To-r.From, " ", r.Dir))
				}
			}
		}
	}
	want := "2 k=a/d=2024-01-01;1 k=__HIVE_DEFAULT_PARTITION__/d=2024-01-01;1 k=__HIVE_DEFAULT_PARTITION__/d=__HIVE_DEFAULT_PARTITION__;1 k=a%2Fb%3Dc%25/d=2024-01-02;1 k=%2E./d=2024-01-02;1 k=%5Fx/d=2024-01-02"
	if s := strings.Join(got, ";"); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	v, ok := Find(Values(path.Join("out", "k=a%2Fb%3Dc%25", "d="+Null, "part.csv")), "k")
	if !ok || v.Text != "a/b=c%" || v.Null {
		t.Errorf("read back as %+v", v)
	}
}

func TestRunsRefuses(t *testing.T) {
	mem := memory.NewGoAllocator()
	b := columnartest.Batch(t, mem, "k:utf8 f:float64\n"+strings.Repeat("x", 300)+" 1")
	for _, c := range []struct{ columns, code string }{{"k f", "AS1504"}, {"f", "AS1504"}, {"kk", "AS1203"}, {"k", "AS4142"}} {
		k, err := NewKeys("csv", "out", b.Schema(), strings.Fields(c.columns))
		if err == nil {
			_, err = k.Runs(b)
		}
		if e, ok := err.(*arrowstream.Error); !ok || e.Code != c.code {
			t.Errorf("%s: %v", c.columns, err)
		}
	}
}

func TestExcludes(t *testing.T) {
	day := time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		file   string
		op     string
		value  any
		answer bool
	}{
		{"k=b/f", "=", "b", false}, {"k=b/f", "=", "a", true}, {"k=b/f", "<", "b", true}, {"k=b/f", ">=", "b", false},
		{"k=10/f", "<", int64(9), true}, {"k=10/f", ">", int64(9), false}, {"k=x/f", "=", int64(9), false},
		{"k=2024-01-02/f", "<=", day, false}, {"k=2024-01-03/f", "<=", day, true}, {"k=2024-01-02 00%3A00%3A01/f", "<=", day, true},
		{"k=true/f", "=", false, true}, {"k=true/f", "=", true, false},
		{"k=1.5/f", "<", 1.5, true}, {"k=1.5/f", "<", math.NaN(), false},
		{"k=" + Null + "/f", "=", "a", true}, {"k=" + Null + "/f", "is null", nil, false}, {"k=a/f", "is null", nil, true}, {"k=" + Null + "/f", "is not null", nil, true},
		{"k=a/k=b/f", "=", "b", false}, {"k=a/k=b/f", "=", "a", true}, {"j=a/f", "=", "b", false}, {"k=a", "=", "b", false},
	} {
		p := []arrowstream.Predicate{{Column: "k", Op: c.op, Value: c.value}}
		if got := Excludes(Values(c.file), p); got != c.answer {
			t.Errorf("%s with k %s %v: %v", c.file, c.op, c.value, got)
		}
	}
}
