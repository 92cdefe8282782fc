package stage

import (
	"cmp"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// WindowJoin joins rows of two inputs that append, by equal keys, within the same
// window: both have the columns window_start and window_end. A pair is emitted
// when its second row comes; a row without a match when the watermark reaches the
// end of the window, which is forgotten then. The output appends.
//
// Rows of windows that have ended are counted as late and dropped.
type WindowJoin struct {
	JoinColumns
	Kind JoinKind
	// Start and End are the columns of the window. Default: window_start and
	// window_end. RightStart and RightEnd are those of the right input, the same
	// by default.
	Start, End           string
	RightStart, RightEnd string

	spanJoin
}

var (
	_ arrowstream.Join        = (*WindowJoin)(nil)
	_ arrowstream.Ending      = (*WindowJoin)(nil)
	_ arrowstream.Incremental = (*WindowJoin)(nil)
	_ arrowstream.Counted     = (*WindowJoin)(nil)
)

// Bind implements [arrowstream.Join].
func (j *WindowJoin) Bind(in []*arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	const what = "window join"
	if len(in) != 2 {
		return nil, planError("AS1302", what+": it has two inputs", "")
	}
	start, end := cmp.Or(j.Start, "window_start"), cmp.Or(j.End, "window_end")
	rightStart, rightEnd := cmp.Or(j.RightStart, start), cmp.Or(j.RightEnd, end)
	var ends [2]int
	var unit [2]int64
	for i, name := range []string{end, rightEnd} {
		var err error
		if ends[i], err = instantColumn(what, in[i], name); err != nil {
			return nil, err
		}
		mul, _, _ := columnar.Micros(in[i].Field(ends[i]).Type)
		unit[i] = mul
	}
	columns := j.JoinColumns
	columns.LeftKeys = append(slices.Clone(j.LeftKeys), start, end)
	columns.RightKeys = append(slices.Clone(j.RightKeys), rightStart, rightEnd)
	if j.NullSafe != nil {
		columns.NullSafe = append(slices.Clone(j.NullSafe), false, false)
	}
	return j.open(in, env, HashJoin{JoinColumns: columns, Kind: j.Kind, spanOf: func(input int, b arrow.Record, from, until []int64) {
		// All rows of a window have one span: its last instant.
		instants(b.Column(ends[input]), until)
		for i, t := range until {
			if t != never {
				until[i] = after(t, -unit[input])
			}
		}
		copy(from, until)
	}})
}
