package window

import (
	"time"

	"github.com/arrowstream/arrowstream/internal/grouped"
)

// Agg is one aggregate column of a window: Func over Args, per window and key.
// It is the same type as stage.Agg.
type Agg = grouped.Agg

// NullTime is the policy for rows whose event time is NULL.
type NullTime int

const (
	// SkipNullTime leaves the row out and counts it as skipped.
	SkipNullTime NullTime = iota
	// FailOnNullTime ends the run with error AS4006, which names the column.
	FailOnNullTime
)

// options are the fields that all kinds of window share.
type options struct {
	time       string
	by         []string
	aggs       []Agg
	windowTime bool
	delay      time.Duration
	lateness   time.Duration
	timeout    time.Duration
	updates    bool
	nulls      NullTime
	zone       string
}
