package stage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

// outside is a table of rows of k:int64 s:utf8 v:int64, which it gives for the
// keys it is asked for, and for others too.
type outside struct {
	schema string
	rows   []string
	asked  []string // the keys of each question
	fail   error
	open   int
}

func newOutside(rows ...string) *outside {
	return &outside{schema: "k:int64 s:utf8 v:int64", rows: rows}
}

func (o *outside) types() *arrow.Schema {
	s, err := columnartest.Schema(o.schema)
	if err != nil {
		panic(err)
	}
	return s
}

func (o *outside) Bounded() bool                  { return true }
func (o *outside) Schema() (*arrow.Schema, error) { return o.types(), nil }
func (o *outside) Open(context.Context, arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	return nil, errors.New("read as a whole")
}

func (o *outside) Search(_ context.Context, key []string, env arrowstream.Env) (arrowstream.Lookup, error) {
	o.open++
	return &outsideLookup{outside: o, key: len(key), env: env}, nil
}

type outsideLookup struct {
	*outside
	key int
	env arrowstream.Env
}

func (o *outsideLookup) Schema() *arrow.Schema { return o.types() }

func (o *outsideLookup) Find(_ context.Context, keys arrowstream.Batch) ([]arrowstream.Batch, error) {
	if o.fail != nil {
		return nil, o.fail
	}
	wanted := columnartest.Rows(keys)
	o.asked = append(o.asked, strings.Join(wanted, ","))
	var out []arrowstream.Batch
	for _, row := range o.rows {
		if cells := strings.Fields(row); slices.Contains(wanted, strings.Join(cells[:o.key], " ")) || cells[0] == "0" {
			b, err := columnartest.Parse(o.env.Allocator, o.schema+"\n"+row)
			if err != nil {
				return nil, err
			}
			out = append(out, b)
		}
	}
	return out, nil
}

func (o *outsideLookup) Close() error {
	o.open--
	return nil
}

func TestLookupJoin(t *testing.T) {
	rows := []string{"1 a 10", "2 b 20", "2 b 21", "3 null 30", "0 z 1", "null n 9"}
	for _, c := range []struct {
		name string
		join stage.LookupJoin
		want string
	}{
		{"inner", stage.LookupJoin{}, `k:int64 x:int64 rk:int64 s:utf8 v:int64
			1 1 1 a 10
			2 2 2 b 20
			2 2 2 b 21
			1 4 1 a 10
			3 6 3 null 30`},
		{"left", stage.LookupJoin{Kind: stage.LeftJoin}, `k:int64 x:int64 rk:int64 s:utf8 v:int64
			1 1 1 a 10
			2 2 2 b 20
			2 2 2 b 21
			null 3 null null null
			1 4 1 a 10
			9 5 null null null
			3 6 3 null 30`},
		{"left with a condition", stage.LookupJoin{
			Kind:        stage.LeftJoin,
			JoinColumns: stage.JoinColumns{Where: expr.Call{Name: "gt", Args: []expr.Expr{expr.Col{Name: "v"}, expr.Lit{Value: int64(20)}}}, Columns: []string{"x", "v"}},
		}, `x:int64 v:int64
			1 null
			2 21
			3 null
			4 null
			5 null
			6 30`},
	} {
		for _, cache := range []int64{0, 2, 1000} {
			t.Run(fmt.Sprintf("%s, %d rows", c.name, cache), func(t *testing.T) {
				stagetest.Run(t, stagetest.Case{
					New: func() arrowstream.Stage {
						j := c.join
						table := newOutside(rows...)
						j.Table, j.Schema, j.CacheRows = table, table.types(), cache
						j.LeftKeys, j.RightKeys, j.Right = []string{"k"}, []string{"k"}, []string{"rk", "s", "v"}
						return &j
					},
					Schema: "k:int64 x:int64",
					In:     []stagetest.Step{stagetest.Rows("1 1\n2 2\nnull 3\n1 4"), stagetest.Idle(), stagetest.Rows("9 5\n3 6"), stagetest.End()},
					Want:   c.want,
				})
			})
		}
	}
}

// TestLookupJoinAsks looks at what the table is asked, and when it is asked again.
func TestLookupJoinAsks(t *testing.T) {
	mem := columnartest.Allocator(t)
	table := newOutside("1 a 10", "2 b 20")
	j := &stage.LookupJoin{
		Kind: stage.LeftJoin, Table: table, Schema: table.types(), CacheRows: 6, CacheTTL: time.Second,
		JoinColumns: stage.JoinColumns{LeftKeys: []string{"k", "s"}, RightKeys: []string{"k", "s"}, Right: []string{"rk", "rs", "v"}, Columns: []string{"k", "v"}},
	}
	in := columnartest.Batch(t, mem, "k:int64 s:utf8\n")
	if _, err := j.Bind(in.Schema(), arrowstream.Env{Allocator: mem, Name: "lookup"}); err != nil {
		t.Fatal(err)
	}
	if len(table.asked) > 0 || table.open > 0 {
		t.Fatal("the table was asked when the stage was bound")
	}
	step := func(clock time.Duration, rows, want, asked string) {
		t.Helper()
		table.asked = nil
		var got []string
		emit := func(b arrowstream.Batch, _ ...int) error {
			got = append(got, columnartest.Rows(b)...)
			return nil
		}
		if _, err := j.Advance(t.Context(), arrowstream.Watermark{Event: arrowstream.NoEventTime, Clock: clock.Microseconds()}, emit); err != nil {
			t.Fatal(err)
		}
		if err := j.Process(t.Context(), columnartest.Batch(t, mem, "k:int64 s:utf8\n"+rows), emit); err != nil {
			t.Fatal(err)
		}
		if strings.Join(got, ",") != want || strings.Join(table.asked, ";") != asked {
			t.Errorf("%q, asked %q; want %q, %q", got, table.asked, want, asked)
		}
	}
	step(0, "1 a\n1 a\n7 x\nnull a\n1 null", "1 10,1 10,7 null,null null,1 null", "1 a,7 x")
	table.rows = []string{"1 a 11", "7 x 70"}
	step(500*time.Millisecond, "1 a\n7 x\n2 b", "1 10,7 null,2 null", "2 b")
	step(1200*time.Millisecond, "1 a\n7 x\n2 b", "1 11,7 70,2 null", "1 a,7 x") // 2 is good for 300 ms more
	step(1300*time.Millisecond, "3 c\n4 d\n5 e", "3 null,4 null,5 null", "3 c,4 d,5 e")
	step(1400*time.Millisecond, "1 a\n3 c\n8 h\n9 i", "1 11,3 null,8 null,9 null", "8 h,9 i")
	if c := j.Counts(); c.StateRows == 0 || c.StateRows > 12 || c.StateBytes == 0 {
		t.Errorf("%+v", c)
	}
	table.fail = errors.New("away")
	if err := j.Process(t.Context(), columnartest.Batch(t, mem, "k:int64 s:utf8\n100 q"), nil); !errors.Is(err, table.fail) {
		t.Error(err)
	}
	if err := errors.Join(j.Close(), j.Close()); err != nil || table.open != 0 {
		t.Errorf("%v, %d open", err, table.open)
	}
}

// TestLookupJoinOfManyRows joins rows with so many that they come in pieces.
func TestLookupJoinOfManyRows(t *testing.T) {
	mem := columnartest.Allocator(t)
	var rows []string
	for i := range 500 {
		rows = append(rows, fmt.Sprintf("1 a %d", i))
	}
	table := newOutside(rows...)
	j := &stage.LookupJoin{Table: table, Schema: table.types(), JoinColumns: stage.JoinColumns{LeftKeys: []string{"k"}, RightKeys: []string{"k"}, Columns: []string{"x", "v"}}}
	in := columnartest.Batch(t, mem, "k:int64 x:int64\n"+strings.Repeat("1 5\n", 300))
	j.Right = []string{"rk", "s", "v"}
	if _, err := j.Bind(in.Schema(), arrowstream.Env{Allocator: mem}); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	n, batches, sum := 0, 0, 0
	err := j.Process(t.Context(), in, func(b arrowstream.Batch, _ ...int) error {
		n, batches = n+int(b.NumRows()), batches+1
		for _, r := range columnartest.Rows(b) {
			var x, v int
			if _, err := fmt.Sscan(r, &x, &v); err != nil {
				return err
			}
			sum += v
		}
		return nil
	})
	if err != nil || n != 150_000 || batches < 4 || sum != 300*499*250 {
		t.Errorf("%v: %d rows in %d batches, sum %d", err, n, batches, sum)
	}
}

func TestLookupJoinIsRefused(t *testing.T) {
	table := newOutside()
	keys := stage.JoinColumns{LeftKeys: []string{"k"}, RightKeys: []string{"k"}, Right: []string{"rk", "s", "v"}}
	for want, c := range map[string]struct {
		join   stage.LookupJoin
		schema string
	}{
		"AS1408": {stage.LookupJoin{Kind: stage.FullJoin, JoinColumns: keys}, "k:int64"},
		"AS1410": {stage.LookupJoin{}, "k:int64"},
		"AS1101": {stage.LookupJoin{JoinColumns: keys, CacheRows: -1}, "k:int64"},
		"AS1406": {stage.LookupJoin{JoinColumns: keys}, "k:int64 __op:int8!"},
		"AS1301": {stage.LookupJoin{JoinColumns: keys}, "k:utf8"},
	} {
		in, err := columnartest.Schema(c.schema)
		if err != nil {
			t.Fatal(err)
		}
		c.join.Table, c.join.Schema = table, table.types()
		_, err = c.join.Bind(in, arrowstream.Env{Allocator: columnartest.Allocator(t)})
		var e *arrowstream.Error
		if !errors.As(err, &e) || e.Code != want {
			t.Errorf("%v, want %s", err, want)
		}
		if err := c.join.Close(); err != nil {
			t.Error(err)
		}
	}
}
