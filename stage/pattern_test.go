package stage_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

func pattern(p stage.Pattern) func() arrowstream.Stage {
	return func() arrowstream.Stage { return p.Clone() }
}

func plus(v string) stage.RowPattern {
	return stage.Quantified{Of: stage.Var(v), Min: 1, Max: stage.Unbounded}
}

func star(v string) stage.RowPattern { return stage.Quantified{Of: stage.Var(v), Max: stage.Unbounded} }

func option(v string) stage.RowPattern { return stage.Quantified{Of: stage.Var(v), Max: 1} }

// TestPatternNexmark is the set c0 to c3 of Nexmark.
func TestPatternNexmark(t *testing.T) {
	const schema = "ts:timestamp[s]@! auction:int64! price:int64"
	const s = 1_000_000
	price := col("price")
	by := []string{"auction"}
	falls := stage.Define{Var: "D", Cond: call("lt", price, stage.Prev(price, 1))}
	rises := stage.Define{Var: "U", Cond: call("gt", price, stage.Last("D", price, 0))}
	cheap := []stage.Define{{Var: "A", Cond: call("lt", stage.AggOf("A", "avg", price), lit(100.0))}}
	times := []stage.Measure{
		{Name: "first", Expr: stage.First("A", col("ts"), 0)},
		{Name: "last", Expr: stage.Last("A", col("ts"), 0)},
		{Name: "avg", Expr: stage.AggOf("A", "avg", price)},
	}
	in := []stagetest.Step{
		stagetest.Rows("1 1 50\n3 1 30\n2 1 40\n2 2 90"), stagetest.Advance(3 * s), stagetest.Rows("4 1 60\n5 1 10\n6 2 80"), stagetest.Advance(5 * s),
		stagetest.Advance(6 * s), stagetest.Rows("6 1 20\n7 1 200\n8 2 300\n9 2 5"), stagetest.Advance(8 * s), stagetest.Rows("9 1 210\n10 1 3"), stagetest.End(),
	}
	run(t, map[string]stagetest.Case{
		"c0": {
			New: pattern(stage.Pattern{
				By: by, TTL: time.Hour, Pattern: stage.Concat{stage.Var("S"), plus("D"), stage.Var("U")}, Define: []stage.Define{falls, rises},
				Skip: stage.Skip{To: stage.SkipToLast, Var: "U"},
				Measures: []stage.Measure{
					{Name: "s", Expr: stage.First("S", price, 0)},
					{Name: "low", Expr: stage.Last("D", price, 0)},
					{Name: "back", Expr: price},
					{Name: "t", Expr: stage.MatchRowtime()},
				},
			}), Schema: schema, In: in,
			Want: "auction:int64! s:int64 low:int64 back:int64 t:timestamp[s]@!\n1 50 30 60 4\n1 60 10 20 6\n2 90 80 300 8",
		},
		"c1": {
			New:    pattern(stage.Pattern{By: by, Endless: true, Pattern: stage.Concat{plus("A"), stage.Var("B")}, Define: cheap, Measures: times}),
			Schema: schema, In: in,
			Want: "rows\n1 1 9 77.5\n2 2 6 85",
		},
		"c2": {
			New: pattern(stage.Pattern{
				By: by, TTL: time.Hour, Pattern: stage.Concat{plus("A"), stage.Var("B")}, Define: cheap, Measures: times[:2], Skip: stage.Skip{To: stage.SkipToNextRow},
			}),
			Schema: schema, In: in, Want: "any",
		},
		"c3": {
			New: pattern(stage.Pattern{
				By: by, Within: 5 * time.Second, Pattern: stage.Concat{stage.Var("A"), star("B"), stage.Var("C")},
				Define: []stage.Define{
					{Var: "B", Cond: call("gt", price, call("subtract", stage.Last("A", price, 0), lit(int64(50))))},
					{Var: "C", Cond: call("lt", price, call("subtract", stage.Last("A", price, 0), lit(int64(50))))},
				},
				Measures: []stage.Measure{
					{Name: "t", Expr: stage.MatchRowtime()}, {Name: "drop", Expr: call("subtract", stage.Last("A", price, 0), stage.Last("C", price, 0))},
				},
			}),
			Schema: schema, In: in, Want: "auction:int64! t:timestamp[s]@! drop:int64\n1 10 197\n2 9 75",
		},
	})
}

func TestPattern(t *testing.T) {
	const schema = "ts:timestamp[s]@! k:utf8 x:int64"
	const s = 1_000_000
	x := col("x")
	is := func(v string, n int64) stage.Define { return stage.Define{Var: v, Cond: call("eq", x, lit(n))} }
	in := []stagetest.Step{
		stagetest.Rows("1 a 1\n2 a 1\n3 a 2\n1 b 1"), stagetest.Advance(2 * s), stagetest.Rows("4 a 1\n3 b 3\n5 a 2\n6 a 2\n1 a 9"), stagetest.Advance(6 * s),
		stagetest.Advance(9 * s), stagetest.Rows("9 a 1\n9 a 2\n9 null 1\n10 b 1"), stagetest.Advance(20 * s), stagetest.Rows("21 null 2\n21 b 2"), stagetest.End(),
	}
	late := map[string]string{"late": "rows\n1 a 9 1000000 2000000"}
	ab := stage.Concat{plus("A"), plus("B")}
	one := stage.Pattern{
		By: []string{"k"}, Within: 6 * time.Second, Pattern: ab, Define: []stage.Define{is("A", 1), is("B", 2)},
		Measures: []stage.Measure{
			{Name: "n", Expr: stage.AggOf("", "count")},
			{Name: "bs", Expr: stage.AggOf("B", "sum", x)},
			{Name: "m", Expr: stage.MatchNumber()},
			{Name: "c", Expr: stage.Classifier()},
			{Name: "t", Expr: stage.MatchRowtime()},
			{Name: "before", Expr: stage.Prev(x, 1)},
			{Name: "second", Expr: stage.First("", x, 1)},
		},
	}
	all := one
	all.AllRows, all.Measures = true, one.Measures[:4]
	with := func(change func(p *stage.Pattern)) func() arrowstream.Stage {
		c := one
		change(&c)
		return pattern(c)
	}
	run(t, map[string]stagetest.Case{
		"one row": {
			New: pattern(one), Schema: schema, In: in, Side: late,
			Want: `k:utf8 n:int64 bs:int64 m:int64! c:utf8! t:timestamp[s]@! before:int64 second:int64
				a 3 2 1 B 3 1 1
				a 3 4 2 B 6 2 2
				a 2 2 3 B 9 1 2`,
		},
		"all rows": {
			New: pattern(all), Schema: schema, In: in, Side: late,
			Want: `ts:timestamp[s]@! k:utf8 x:int64 n:int64 bs:int64 m:int64! c:utf8!
				1 a 1 1 null 1 A
				2 a 1 2 null 1 A
				3 a 2 3 2 1 B
				4 a 1 1 null 2 A
				5 a 2 2 2 2 B
				6 a 2 3 4 2 B
				9 a 1 1 null 3 A
				9 a 2 2 2 3 B`,
		},
		"to the next row": {
			New: with(func(p *stage.Pattern) {
				p.Skip.To = stage.SkipToNextRow
				p.Measures = p.Measures[:1]
			}), Schema: schema, In: in, Side: late,
			Want: "rows\na 3\na 2\na 3\na 2",
		},
		"reluctant": {
			New: with(func(p *stage.Pattern) {
				p.Pattern = stage.Concat{plus("A"), stage.Quantified{Of: stage.Var("B"), Min: 1, Max: stage.Unbounded, Reluctant: true}}
				p.Measures = p.Measures[:1]
			}), Schema: schema, In: in, Side: late, Want: "rows\na 3\na 2\na 2",
		},
		"a key ends": {
			New: with(func(p *stage.Pattern) {
				p.Within, p.TTL, p.Measures = 0, 3*time.Second, p.Measures[:3]
			}), Schema: schema, In: in, Side: late, Want: "rows\na 3 2 1\na 3 4 2\na 2 2 1",
		},
		"skip to the first row": {
			New: with(func(p *stage.Pattern) { p.Skip = stage.Skip{To: stage.SkipToFirst, Var: "A"} }), Schema: schema, In: in, Err: "AS4009",
		},
		"skip to no row": {
			New: with(func(p *stage.Pattern) {
				p.Pattern, p.Skip = stage.Alt{stage.Var("A"), stage.Var("B")}, stage.Skip{To: stage.SkipToLast, Var: "B"}
			}), Schema: schema, In: in, Err: "AS4009",
		},
		"not bounded":      {New: with(func(p *stage.Pattern) { p.Within = 0 }), Schema: schema, In: in, Err: "AS1409"},
		"nothing":          {New: with(func(p *stage.Pattern) { p.Pattern = star("A") }), Schema: schema, In: in, Err: "AS1409"},
		"no such variable": {New: with(func(p *stage.Pattern) { p.Define = []stage.Define{is("Z", 1)} }), Schema: schema, In: in, Err: "AS1409"},
		"no condition":     {New: with(func(p *stage.Pattern) { p.Define = []stage.Define{{Var: "A", Cond: x}} }), Schema: schema, In: in, Err: "AS1301"},
		"too long": {
			New: with(func(p *stage.Pattern) { p.Pattern = stage.Quantified{Of: plus("A"), Min: 9000, Max: 9000} }), Schema: schema, In: in, Err: "AS1409",
		},
		"changelog": {New: pattern(one), Schema: "ts:timestamp[s]@ k:utf8 x:int64 __op:int8", In: in, Err: "AS1406"},
	})
}

// TestPatternFraud finds small payments with which a card is tried out, and a
// large one after them.
func TestPatternFraud(t *testing.T) {
	amount := col("amount")
	stagetest.Run(t, stagetest.Case{
		New: pattern(stage.Pattern{
			By: []string{"card"}, Within: 10 * time.Minute,
			Pattern: stage.Concat{stage.Quantified{Of: stage.Var("TEST"), Min: 2, Max: stage.Unbounded}, stage.Var("BIG")},
			Define: []stage.Define{
				{Var: "TEST", Cond: call("lt", amount, lit(2.0))},
				{Var: "BIG", Cond: call("gt", amount, call("multiply", lit(100.0), stage.AggOf("TEST", "max", amount)))},
			},
			Measures: []stage.Measure{
				{Name: "tries", Expr: stage.AggOf("TEST", "count")},
				{Name: "amount", Expr: stage.Last("BIG", amount, 0)},
				{Name: "since", Expr: stage.First("TEST", col("ts"), 0)},
				{Name: "at", Expr: stage.MatchRowtime()},
			},
		}),
		Schema: "ts:timestamp[s]@! card:utf8 amount:float64!",
		In: []stagetest.Step{
			stagetest.Rows("0 x 1.5\n10 y 1\n30 x 1\n40 z 1\n50 x 900\n60 y 50"), stagetest.Advance(60_000_000),
			stagetest.Rows("70 y 1\n80 y 0.5\n90 y 1.5\n1000 y 900\n1010 z 1\n1020 z 1\n1100 z 200.5"), stagetest.End(),
		},
		Want: "card:utf8 tries:int64 amount:float64 since:timestamp[s] at:timestamp[s]@!\nx 2 900 0 50\nz 2 200.5 1010 1100",
	})
}

// patRow is a row of the oracle, patStep one of a match.
type patRow struct{ ts, x int }

type patStep struct {
	row int
	v   string
}

// patOracle matches by backtracking.
type patOracle struct {
	rows   []patRow
	within int
	conds  map[string]func(rows []patRow, match []patStep) bool // the last step is tested
}

// try calls then with every way to match p at row i behind match, the preferred
// ones first, until it returns true.
func (o *patOracle) try(p stage.RowPattern, i int, match []patStep, then func(i int, match []patStep) bool) bool {
	switch p := p.(type) {
	case stage.Var:
		if i >= len(o.rows) || len(match) > 0 && o.rows[i].ts-o.rows[match[0].row].ts >= o.within {
			return false
		}
		m := append(match[:len(match):len(match)], patStep{i, string(p)})
		if c := o.conds[string(p)]; c != nil && !c(o.rows, m) {
			return false
		}
		return then(i+1, m)
	case stage.Concat:
		if len(p) == 0 {
			return then(i, match)
		}
		return o.try(p[0], i, match, func(i int, match []patStep) bool { return o.try(p[1:], i, match, then) })
	case stage.Alt:
		for _, a := range p {
			if o.try(a, i, match, then) {
				return true
			}
		}
	case stage.Quantified:
		if p.Max == 0 {
			return then(i, match)
		}
		rest := p
		rest.Min = max(0, p.Min-1)
		if p.Max > 0 {
			rest.Max--
		}
		more := func() bool {
			return o.try(p.Of, i, match, func(k int, m []patStep) bool { return (k > i || p.Min > 0) && o.try(rest, k, m, then) })
		}
		switch {
		case p.Min > 0:
			return more()
		case p.Reluctant:
			return then(i, match) || more()
		}
		return more() || then(i, match)
	}
	return false
}

// randomPattern has no loops over parts that match nothing.
func randomPattern(r *rand.Rand, depth int) stage.RowPattern {
	switch n := r.IntN(8); {
	case depth == 0 || n < 2:
		return stage.Var("ABC"[r.IntN(3):][:1])
	case n < 5:
		c := stage.Concat{randomPattern(r, depth-1)}
		for range 1 + r.IntN(2) {
			c = append(c, randomPattern(r, depth-1))
		}
		return c
	case n < 6:
		return stage.Alt{randomPattern(r, depth-1), randomPattern(r, depth-1)}
	}
	q := stage.Quantified{Of: stage.Var("ABC"[r.IntN(3):][:1]), Min: r.IntN(3), Reluctant: r.IntN(2) == 0}
	if q.Max = q.Min + 1 + r.IntN(2); r.IntN(2) == 0 {
		q.Max = stage.Unbounded
	}
	return q
}

// TestPatternRandom compares with backtracking over the whole input.
func TestPatternRandom(t *testing.T) {
	x := col("x")
	for seed := range rounds(24) {
		r := rand.New(rand.NewPCG(seed, 3))
		o := patOracle{within: 5 + r.IntN(20), conds: map[string]func([]patRow, []patStep) bool{}}
		p := stage.Pattern{
			By: []string{"k"}, Pattern: stage.Concat{option("A"), randomPattern(r, 3), option("B"), stage.Var("C")}, Within: time.Duration(o.within) * time.Microsecond,
			Measures: []stage.Measure{
				{Name: "n", Expr: stage.AggOf("", "count")},
				{Name: "s", Expr: stage.AggOf("A", "sum", x)},
				{Name: "first", Expr: stage.First("B", x, 1)},
				{Name: "last", Expr: stage.Last("C", x, 0)},
				{Name: "c", Expr: stage.Classifier()},
				{Name: "m", Expr: stage.MatchNumber()},
			},
			Skip: stage.Skip{To: stage.SkipTo(r.IntN(2))},
		}
		cur := func(rows []patRow, m []patStep) int { return rows[m[len(m)-1].row].x }
		if r.IntN(2) == 0 {
			n := r.IntN(4)
			p.Define = append(p.Define, stage.Define{Var: "A", Cond: call("ge", x, lit(int64(n)))})
			o.conds["A"] = func(rows []patRow, m []patStep) bool { return cur(rows, m) >= n }
		}
		switch r.IntN(4) {
		case 0:
			p.Define = append(p.Define, stage.Define{Var: "B", Cond: call("gt", x, stage.Prev(x, 1))})
			o.conds["B"] = func(rows []patRow, m []patStep) bool {
				i := m[len(m)-1].row
				return i > 0 && rows[i].x > rows[i-1].x
			}
		case 1:
			p.Define = append(p.Define, stage.Define{Var: "B", Cond: call("le", x, stage.Last("A", x, 0))})
			o.conds["B"] = func(rows []patRow, m []patStep) bool {
				for i := len(m) - 1; i >= 0; i-- {
					if m[i].v == "A" {
						return cur(rows, m) <= rows[m[i].row].x
					}
				}
				return false
			}
		case 2:
			sum := call("add", stage.AggOf("A", "sum", x), stage.AggOf("", "count"))
			p.Define = append(p.Define, stage.Define{Var: "B", Cond: call("gt", sum, call("multiply", x, lit(int64(3))))})
			o.conds["B"] = func(rows []patRow, m []patStep) bool {
				sum, some := len(m), false
				for _, s := range m {
					if s.v == "A" {
						sum, some = sum+rows[s.row].x, true
					}
				}
				return some && sum > 3*cur(rows, m)
			}
		}
		if r.IntN(3) == 0 {
			p.Define = append(p.Define, stage.Define{Var: "C", Cond: call("le", stage.AggOf("C", "sum", x), lit(int64(5)))})
			o.conds["C"] = func(rows []patRow, m []patStep) bool {
				sum := 0
				for _, s := range m {
					if s.v == "C" {
						sum += rows[s.row].x
					}
				}
				return sum <= 5
			}
		}
		var lines []string
		var steps []stagetest.Step
		ts := 0
		for range 5 + r.IntN(40) {
			ts += r.IntN(4)
			o.rows = append(o.rows, patRow{ts, r.IntN(6)})
			lines = append(lines, fmt.Sprintf("%d %d %d", ts, 7, o.rows[len(o.rows)-1].x))
			if r.IntN(6) == 0 {
				steps = append(steps, stagetest.Rows(strings.Join(lines, "\n")), stagetest.Advance(int64(ts-r.IntN(3))))
				lines = nil
				ts += 3
			}
		}
		if lines != nil {
			steps = append(steps, stagetest.Rows(strings.Join(lines, "\n")))
		}
		stagetest.Run(t, stagetest.Case{
			New: pattern(p), Schema: "ts:timestamp[us]@! k:int64! x:int64!", In: append(steps, stagetest.End()), Want: strings.Join(o.matches(p), "\n"),
		})
		if t.Failed() {
			t.Fatalf("seed %d: %+v, within %d", seed, p.Pattern, o.within)
		}
	}
}

// matches are the output rows.
func (o *patOracle) matches(p stage.Pattern) []string {
	out := []string{"rows"}
	for i, number := 0, 1; i < len(o.rows); {
		next := i + 1
		if o.try(p.Pattern, i, nil, func(end int, m []patStep) bool {
			sum, first, last, bs := "null", "null", "null", 0
			total := 0
			for _, s := range m {
				x := o.rows[s.row].x
				switch s.v {
				case "A":
					total += x
					sum = fmt.Sprint(total)
				case "B":
					if bs++; bs == 2 {
						first = fmt.Sprint(x)
					}
				default:
					last = fmt.Sprint(x)
				}
			}
			out = append(out, fmt.Sprintf("7 %d %s %s %s %s %d", len(m), sum, first, last, m[len(m)-1].v, number))
			if p.Skip.To == stage.SkipPastLastRow {
				next = end
			}
			return true
		}) {
			number++
		}
		i = next
	}
	return out
}
