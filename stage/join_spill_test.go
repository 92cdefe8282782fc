package stage_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

// joinTicks are ticks of two inputs with rows of many keys, NULL among them; with
// changes a third of the rows takes back an earlier one. The right one ends at
// half of the ticks if early is set.
func joinTicks(t *testing.T, ticks, rows int, changes, early bool, step time.Duration) (in []*arrow.Schema, out []stagetest.SpilledTick) {
	mem := columnartest.Allocator(t)
	r := rand.New(rand.NewPCG(3, uint64(rows)))
	for _, name := range []string{"a", "b"} {
		s := arrow.NewSchema([]arrow.Field{
			{Name: "k", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: name, Type: columnar.Dict, Nullable: true},
		}, nil)
		if changes {
			s = columnar.WithChangelog(s)
		}
		in = append(in, s)
	}
	var sent [2][][3]int
	for i := range ticks {
		tick := stagetest.SpilledTick{
			Rows: make([][]arrow.Record, 2), Mark: arrowstream.Watermark{Event: arrowstream.NoEventTime, Clock: int64(i) * step.Microseconds()},
		}
		for side := range 2 {
			if side == 1 && early && i >= ticks/2 {
				if i == ticks/2 {
					tick.Ended = []int{1}
				}
				continue
			}
			rb := array.NewRecordBuilder(mem, in[side])
			for range rows {
				row, op := [3]int{r.IntN(rows * ticks / 3), r.IntN(3), r.IntN(1000)}, columnar.Insert
				if changes && len(sent[side]) > 0 && r.IntN(3) == 0 {
					last := len(sent[side]) - 1
					k := r.IntN(last + 1)
					row, op = sent[side][k], columnar.Delete
					sent[side][k], sent[side] = sent[side][last], sent[side][:last]
				} else {
					sent[side] = append(sent[side], row)
				}
				if row[0]%50 == 7 {
					rb.Field(0).AppendNull()
				} else {
					rb.Field(0).(*array.StringBuilder).Append(strings.Repeat("k", row[0]%30) + fmt.Sprint(row[0]))
				}
				rb.Field(1).(*array.Int64Builder).Append(int64(row[1]))
				_ = rb.Field(2).(*array.BinaryDictionaryBuilder).AppendString(fmt.Sprint("value ", row[2]))
				if changes {
					rb.Field(3).(*array.Int8Builder).Append(int8(op))
				}
			}
			b := rb.NewRecord()
			rb.Release()
			t.Cleanup(b.Release)
			tick.Rows[side] = []arrow.Record{b}
		}
		out = append(out, tick)
	}
	return in, append(out, stagetest.SpilledTick{Rows: make([][]arrow.Record, 2), Ended: []int{0, 1}, Mark: arrowstream.Watermark{Event: arrowstream.EndOfTime}})
}

// TestHashJoinSpills compares joins of all kinds that fit into memory with those
// that do not: inputs that append or change, that end together or one before the
// other, with a condition, NULL keys that match, and rows that are forgotten.
func TestHashJoinSpills(t *testing.T) {
	for _, kind := range joinKinds {
		for name, c := range map[string]struct {
			changes, early bool
			step           time.Duration
			join           stage.HashJoin
		}{
			"append":  {join: stage.HashJoin{}, step: time.Second},
			"early":   {early: true, step: 11 * time.Second},
			"changes": {changes: true, step: 3 * time.Second, join: stage.HashJoin{Updates: true}},
			"ttl":     {join: stage.HashJoin{Updates: true, LeftTTL: 4 * time.Second, RightTTL: 7 * time.Second}, step: 2 * time.Second},
		} {
			if (name == "early" || name == "ttl") && kind != stage.FullJoin && kind != stage.SemiJoin {
				continue
			}
			t.Run(kind.String()+"/"+name, func(t *testing.T) {
				in, ticks := joinTicks(t, 8, 150, c.changes, c.early, c.step)
				stagetest.RunSpilled(t, stagetest.Spilled{
					New: func() any {
						j := c.join
						j.Kind = kind
						j.JoinColumns = stage.JoinColumns{
							LeftKeys: []string{"k", "n"}, RightKeys: []string{"k", "n"}, NullSafe: []bool{c.early, false},
							Left: []string{"k", "n", "a"}, Right: []string{"rk", "rn", "b"},
							Where: call("ne", col("a"), col("b")),
						}
						return &j
					},
					In: in, Ticks: ticks, Limits: []int64{1 << 18},
				})
			})
		}
	}
}
