package stage

import (
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// IntervalJoin joins two inputs that append by equal keys and event times that
// lie close together: Lower <= right - left <= Upper. A pair is emitted when its
// second row comes; a row without a match when the watermark is past all rows that
// could match it. It is forgotten then, so that the state holds an interval of
// rows. The output appends.
//
// Rows behind the watermark are counted as late and dropped. A row without a time
// matches nothing.
type IntervalJoin struct {
	JoinColumns
	Kind JoinKind
	// LeftTime and RightTime are the event times. Default: the columns that the
	// inputs mark.
	LeftTime, RightTime string
	// Lower and Upper bound how much later the right row is; either may be
	// negative.
	Lower, Upper time.Duration
	// LeftUntil is a time of the left row up to which right rows match it, in
	// place of Upper. Default: none. Where it is NULL there is no match.
	LeftUntil string

	spanJoin
}

var (
	_ arrowstream.Join        = (*IntervalJoin)(nil)
	_ arrowstream.Ending      = (*IntervalJoin)(nil)
	_ arrowstream.Incremental = (*IntervalJoin)(nil)
	_ arrowstream.Counted     = (*IntervalJoin)(nil)
)

// Bind implements [arrowstream.Join].
func (j *IntervalJoin) Bind(in []*arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	const what = "interval join"
	if len(in) != 2 {
		return nil, planError("AS1302", what+": it has two inputs", "")
	}
	if j.LeftUntil == "" && j.Lower > j.Upper {
		return nil, planError("AS1404", what+": the interval ends before it begins", "")
	}
	var times [2]int
	for i, name := range []string{j.LeftTime, j.RightTime} {
		var err error
		if times[i] = columnar.EventTime(in[i]); name != "" {
			times[i], err = instantColumn(what, in[i], name)
		} else if times[i] < 0 {
			err = planError("AS1402", what+": an input has no event time", "declare a watermark for it")
		}
		if err != nil {
			return nil, err
		}
	}
	until := -1
	if j.LeftUntil != "" {
		var err error
		if until, err = instantColumn(what, in[0], j.LeftUntil); err != nil {
			return nil, err
		}
	}
	lower, upper := j.Lower.Microseconds(), j.Upper.Microseconds()
	out, err := j.open(in, env, HashJoin{JoinColumns: j.JoinColumns, Kind: j.Kind, spanOf: func(input int, b arrow.Record, from, end []int64) {
		instants(b.Column(times[input]), from)
		if input == 0 && until >= 0 {
			instants(b.Column(until), end)
		} else {
			by := -lower
			if input == 0 {
				by = upper
			}
			for i, t := range from {
				end[i] = after(t, by)
			}
		}
		for i, t := range from {
			if t == never {
				end[i] = never
			}
		}
	}})
	if err != nil {
		return nil, err
	}
	// An old row comes out with a new one of the other input.
	if c, ok := j.hash.eventTime(); ok && c.input == 1 {
		j.delay = max(0, -lower)
	} else if ok && until >= 0 {
		return nil, planError("AS1403", what+": the event time of a left row may be long over when it is joined", "take that of the right row")
	} else if ok {
		j.delay = max(0, upper)
	}
	j.lateFrom = true
	return out, nil
}
