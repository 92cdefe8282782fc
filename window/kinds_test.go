package window_test

import (
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage/stagetest"
	"github.com/arrowstream/arrowstream/window"
)

func TestHopping(t *testing.T) {
	const schema = "ts:timestamp[s]@ k:utf8 x:float64"
	aggs := []window.Agg{countAll, sumX}
	for name, c := range map[string]stagetest.Case{
		"size is no multiple of slide": {
			New: func() arrowstream.Stage {
				return &window.Hopping{Size: 10 * time.Second, Slide: 4 * time.Second, By: []string{"k"}, Aggs: aggs}
			},
			Schema: schema,
			In: []stagetest.Step{
				stagetest.Rows("5 a 0.5\n7 a 1\n9 b 2"), stagetest.Advance(10 * second),
				stagetest.Rows("8 a 4\n1 a 100"), stagetest.End(),
			},
			Want: `window_start:timestamp[s]! window_end:timestamp[s]@! k:utf8 n:int64! s:float64
				-4 6 a 1 0.5
				0 10 a 2 1.5
				0 10 b 1 2
				4 14 a 3 5.5
				4 14 b 1 2
				8 18 a 1 4
				8 18 b 1 2`,
			Side:   map[string]string{"late": "rows\n1 a 100 9000000 10000000"},
			Counts: &arrowstream.Counts{Late: 1},
		},
		"gaps": {
			New: func() arrowstream.Stage {
				return &window.Hopping{Size: 2 * time.Second, Slide: 10 * time.Second, Offset: 11 * time.Second, Aggs: aggs}
			},
			Schema: schema,
			In:     []stagetest.Step{stagetest.Rows("1 a 1\n2 a 2\n3 a 3\n0 a 4\n-9 a 5"), stagetest.Advance(3 * second), stagetest.Rows("4 a 1\n2 a 1"), stagetest.End()},
			Want:   "rows\n-9 -7 1 5\n1 3 2 3",
			Side:   map[string]string{"late": "rows\n2 a 1 1000000 3000000"},
			Counts: &arrowstream.Counts{Late: 1, Unwindowed: 3},
		},
		"panes merge in the order of time": {
			New: func() arrowstream.Stage {
				return &window.Hopping{Size: 4 * time.Second, Slide: time.Second, Aggs: []window.Agg{sumX}}
			},
			Schema: schema,
			// Added in the order of time: (1e16 + 1) + -1e16 + 1.
			In:   []stagetest.Step{stagetest.Rows("3 a 1\n2 a -1e16\n1 a 1\n0 a 1e16"), stagetest.Advance(4 * second)},
			Want: "rows\n-3 1 1e+16\n-2 2 1e+16\n-1 3 0\n0 4 1",
		},
		"updates of several windows": {
			New: func() arrowstream.Stage {
				return &window.Hopping{Size: 4 * time.Second, Slide: 2 * time.Second, By: []string{"k"}, Updates: true, Aggs: []window.Agg{countAll}}
			},
			Schema: schema,
			In:     []stagetest.Step{stagetest.Rows("1 a 1\n2 a 1"), stagetest.Advance(0), stagetest.Rows("3 a 1\n3 b 1"), stagetest.End()},
			Want:   "rows\n-2 2 a 1 0\n0 4 a 2 0\n2 6 a 1 0\n0 4 a 2 1\n0 4 a 3 2\n0 4 b 1 0\n2 6 a 1 1\n2 6 a 2 2\n2 6 b 1 0",
		},
	} {
		t.Run(name, func(t *testing.T) { stagetest.Run(t, c) })
	}
}

func TestCumulating(t *testing.T) {
	stagetest.Run(t, stagetest.Case{
		New: func() arrowstream.Stage {
			return &window.Cumulating{Step: 2 * time.Second, Max: 6 * time.Second, By: []string{"k"}, Aggs: []window.Agg{countAll}, WindowTime: true}
		},
		Schema: "ts:timestamp[ms]@ k:utf8",
		In: []stagetest.Step{
			stagetest.Rows("500 a\n2500 b"), stagetest.Advance(2 * second), stagetest.Rows("100 a\n5999 a"), stagetest.Advance(6 * second),
			stagetest.Rows("5999 z\n6000 b"), stagetest.End(),
		},
		Want: `window_start:timestamp[ms]! window_end:timestamp[ms]! window_time:timestamp[ms]@! k:utf8 n:int64!
			0 2000 1999 a 1
			0 4000 3999 a 2
			0 4000 3999 b 1
			0 6000 5999 a 3
			0 6000 5999 b 1
			6000 8000 7999 b 1
			6000 10000 9999 b 1
			6000 12000 11999 b 1`,
		Side:   map[string]string{"late": "rows\n5999 z 1000 6000000"},
		Counts: &arrowstream.Counts{Late: 1},
	})
}

func TestSession(t *testing.T) {
	const schema = "ts:timestamp[s]@ k:utf8 x:int64"
	session := func(change func(s *window.Session)) func() arrowstream.Stage {
		return func() arrowstream.Stage {
			s := &window.Session{Gap: 5 * time.Second, By: []string{"k"}, Aggs: []window.Agg{countAll, sumX}}
			if change != nil {
				change(s)
			}
			return s
		}
	}
	for name, c := range map[string]stagetest.Case{
		"exactly gap apart, merging and late": {
			New: session(nil), Schema: schema,
			In: []stagetest.Step{
				stagetest.Rows("1 a 1\n6 a 2\n20 a 4\n1 b 1\n7 b 1\nnull b 1"), stagetest.Advance(11 * second),
				stagetest.Rows("15 a 8\n5 a 99\n10 a 16"), stagetest.Advance(12 * second), stagetest.End(),
			},
			Want: `window_start:timestamp[s]! window_end:timestamp[s]@! k:utf8 n:int64! s:int64
				1 6 b 1 1
				1 11 a 2 3
				7 12 b 1 1
				5 25 a 4 127`,
			Counts: &arrowstream.Counts{Skipped: 1},
		},
		"late rows, and one that a session reaches": {
			New: session(nil), Schema: schema,
			In: []stagetest.Step{
				stagetest.Rows("30 a 1"), stagetest.Advance(31 * second),
				stagetest.Rows("20 a 2\n26 a 4\n21 a 8\n14 a 16\n26 b 1"), stagetest.Advance(32 * second), stagetest.End(),
			},
			Want: "rows\n20 35 a 4 15",
			Side: map[string]string{"late": `ts:timestamp[s]@ k:utf8 x:int64 late_by:duration[us]! watermark:timestamp[us]
				14 a 16 17000000 31000000
				26 b 1 5000000 31000000`},
			Counts: &arrowstream.Counts{Late: 2},
		},
		"long gaps": {
			New: session(func(s *window.Session) { s.Gap = 1000 * time.Hour }), Schema: schema,
			In: []stagetest.Step{
				stagetest.Rows("-9000000 a 1\n0 a 2\n3600000 a 4\n7200001 a 8"), stagetest.Advance(0), stagetest.End(),
			},
			Want: "rows\n-9000000 -5400000 a 1 1\n0 7200000 a 2 6\n7200001 10800001 a 1 8",
		},
		"max span": {
			New: session(func(s *window.Session) { s.MaxSpan = 10 * time.Second }), Schema: schema,
			In: []stagetest.Step{
				stagetest.Rows("0 a 1\n4 a 1\n8 a 1\n9 a 1\n10 a 1\n12 a 1\n13 a 1\n30 b 1\n33 b 1"), stagetest.Advance(10 * second),
				stagetest.Rows("16 a 1\n19 a 1\n20 a 1"), stagetest.End(),
			},
			Want: "rows\n0 10 a 4 4\n10 20 a 5 5\n20 25 a 1 1\n30 38 b 2 2",
		},
		"lateness": {
			New: session(func(s *window.Session) { s.Lateness = 10 * time.Second }), Schema: schema,
			In: []stagetest.Step{
				stagetest.Rows("1 a 1\n8 a 2"), stagetest.Advance(13 * second),
				stagetest.Rows("5 a 4\n2 b 1"), stagetest.Advance(17 * second),
				stagetest.Rows("12 a 8"), stagetest.Advance(17 * second),
				stagetest.Rows("2 b 1"), stagetest.Advance(27 * second), stagetest.Rows("11 a 1\n12 a 0"), stagetest.End(),
			},
			Want: `window_start:timestamp[s]! window_end:timestamp[s]@! k:utf8 n:int64! s:int64 __op:int8!
				1 6 a 1 1 0
				8 13 a 1 2 0
				1 6 a 1 1 3
				2 7 b 1 1 0
				1 13 a 3 7 0
				8 13 a 1 2 3
				1 13 a 3 7 3
				1 17 a 4 15 0`,
			Counts: &arrowstream.Counts{Late: 3},
			Side:   map[string]string{"late": "rows\n2 b 1 15000000 17000000\n11 a 1 16000000 27000000\n12 a 0 15000000 27000000"},
		},
		"updates": {
			New: session(func(s *window.Session) {
				s.Updates = true
				s.Aggs = []window.Agg{{Name: "m", Func: "max", Args: []expr.Expr{col("x")}}}
			}), Schema: schema,
			In: []stagetest.Step{
				stagetest.Rows("1 a 1\n8 a 2"), stagetest.Advance(0), stagetest.Rows("8 a 1\n3 b 1"), stagetest.Advance(1 * second),
				stagetest.Rows("8 a 7"), stagetest.Advance(6 * second), stagetest.Rows("4 b 9"), stagetest.End(),
			},
			Want: "rows\n1 6 a 1 0\n8 13 a 2 0\n3 8 b 1 0\n8 13 a 2 1\n8 13 a 7 2\n3 8 b 1 3\n3 9 b 9 0",
		},
		"timeout": {
			New: session(func(s *window.Session) { s.Timeout = time.Minute }), Schema: schema,
			In: []stagetest.Step{
				stagetest.Rows("1 a 1\n20 b 1"), stagetest.AdvanceClock(10 * second), stagetest.AdvanceClock(69 * second), stagetest.AdvanceClock(70 * second),
				stagetest.Rows("19 b 1\n26 b 1"), stagetest.AdvanceClock(71 * second), stagetest.End(),
			},
			Want:   "rows\n1 6 a 1 1\n20 25 b 1 1\n26 31 b 1 1",
			Side:   map[string]string{"late": "rows\n19 b 1 6000000 25000000"},
			Counts: &arrowstream.Counts{Late: 1},
		},
		"out of range": {
			New: session(nil), Schema: schema, In: []stagetest.Step{stagetest.Rows("9223372036854775800 a 1"), stagetest.End()}, Err: "AS4001",
		},
	} {
		t.Run(name, func(t *testing.T) { stagetest.Run(t, c) })
	}
}

func TestRegroup(t *testing.T) {
	most := []window.Agg{{Name: "most", Func: "max", Args: []expr.Expr{col("n")}}}
	for name, c := range map[string]stagetest.Case{
		"most rows of a key per window": {
			New:    func() arrowstream.Stage { return &window.Regroup{Aggs: most} },
			Schema: "window_start:timestamp[us] window_end:timestamp[us]@ k:utf8 n:int64",
			In: []stagetest.Step{
				stagetest.Rows("0 10 a 3\n0 10 b 5\n0 20 b 9\n10 20 b 1"), stagetest.Advance(10),
				stagetest.Rows("10 20 a 7\n0 10 c 1\nnull 30 a 1"), stagetest.End(),
			},
			Want: `window_start:timestamp[us]! window_end:timestamp[us]@! most:int64
				0 10 5
				0 20 9
				10 20 7`,
			Side:   map[string]string{"late": "rows\n0 10 c 1 0 10"},
			Counts: &arrowstream.Counts{Late: 1, Skipped: 1},
		},
		"other columns, with a key and updates": {
			New: func() arrowstream.Stage {
				return &window.Regroup{Start: "s", End: "e", By: []string{"k"}, Aggs: []window.Agg{countAll}, Updates: true}
			},
			Schema: "s:timestamp[us] e:timestamp[us] k:utf8",
			In:     []stagetest.Step{stagetest.Rows("0 10 a\n0 10 b"), stagetest.Advance(5), stagetest.Rows("0 10 b\n5 10 b"), stagetest.End()},
			Want:   "rows\n0 10 a 1 0\n0 10 b 1 0\n0 10 b 1 1\n0 10 b 2 2\n5 10 b 1 0",
		},
		"types differ": {
			New:    func() arrowstream.Stage { return &window.Regroup{} },
			Schema: "window_start:timestamp[ms] window_end:timestamp[us]@", In: []stagetest.Step{stagetest.End()}, Err: "AS1407",
		},
	} {
		t.Run(name, func(t *testing.T) { stagetest.Run(t, c) })
	}
}

func TestAssign(t *testing.T) {
	for name, c := range map[string]stagetest.Case{
		"tumbling": {
			New:    func() arrowstream.Stage { return &window.Assign{Size: 10 * time.Second, WindowTime: true} },
			Schema: "ts:timestamp[s]@ k:utf8",
			In:     []stagetest.Step{stagetest.Rows("1 a\nnull b\n-1 c\n20 null"), stagetest.Advance(20 * second), stagetest.Rows("1 z"), stagetest.End()},
			Want: `ts:timestamp[s]@ k:utf8 window_start:timestamp[s]! window_end:timestamp[s]! window_time:timestamp[s]!
				1 a 0 10 9
				-1 c -10 0 -1
				20 null 20 30 29
				1 z 0 10 9`,
			Counts: &arrowstream.Counts{Skipped: 1},
		},
		"hopping": {
			New: func() arrowstream.Stage {
				return &window.Assign{Size: 5 * time.Second, Slide: 2 * time.Second, Time: "at"}
			},
			Schema: "at:timestamp[s] __op:int8",
			In:     []stagetest.Step{stagetest.Rows("4 0\n5 3"), stagetest.End()},
			Want: `at:timestamp[s] window_start:timestamp[s]! window_end:timestamp[s]! __op:int8
				4 0 5 0
				4 2 7 0
				4 4 9 0
				5 2 7 3
				5 4 9 3`,
		},
		"gaps": {
			New:    func() arrowstream.Stage { return &window.Assign{Size: 2 * time.Second, Slide: 5 * time.Second} },
			Schema: "ts:timestamp[s]@", In: []stagetest.Step{stagetest.Rows("1\n2\n5"), stagetest.End()},
			Want: "rows\n1 0 2\n5 5 7", Counts: &arrowstream.Counts{Unwindowed: 1},
		},
		"cumulating": {
			New:    func() arrowstream.Stage { return &window.Assign{Size: 6 * time.Second, Step: 2 * time.Second} },
			Schema: "ts:timestamp[s]@", In: []stagetest.Step{stagetest.Rows("3\n4"), stagetest.End()},
			Want: "rows\n3 0 4\n3 0 6\n4 0 6",
		},
		"null": {
			New:    func() arrowstream.Stage { return &window.Assign{Size: time.Second, Nulls: window.FailOnNullTime} },
			Schema: "ts:timestamp[s]@", In: []stagetest.Step{stagetest.Rows("null"), stagetest.End()}, Err: "AS4006",
		},
		"slide and step": {
			New:    func() arrowstream.Stage { return &window.Assign{Size: 4, Slide: 1, Step: 2} },
			Schema: "ts:timestamp[ns]@", In: []stagetest.Step{stagetest.End()}, Err: "both Slide and Step",
		},
	} {
		t.Run(name, func(t *testing.T) { stagetest.Run(t, c) })
	}
}
