package generator

import (
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// ClicksConnector is the row of the clicks source in the table of connectors.
var ClicksConnector = arrowstream.Connector{
	Name:    "clicks",
	Aliases: []string{"generator"},
	Source: func(t arrowstream.Table) (arrowstream.Source, error) {
		s := &Clicks{Fields: t.Schema}
		if err := arrowstream.DecodeOptions(t.Options, s); err != nil {
			return nil, err
		}
		return s, nil
	},
	Options: []any{&Clicks{}},
}

// Clicks generates page views with twelve features and whether there was a
// click, for streaming classifiers:
//
//	ts timestamp[us]   event time, slightly out of order
//	user_id int64      few users are many of the views
//	category dict      one of eight words
//	f1 ... f12 float64 standard normal, one row in 256 has one of them NULL
//	label int64        1 with probability 1/(1+exp(-w.f))
//
// The weights w turn by a right angle at row DriftAt, so that a model learned
// before is worth no more than a coin right after. Runs of 64 rows share a
// part of their features, so that labels follow each other a little. The best
// possible accuracy is 0.89, that of repeating the last label 0.60.
type Clicks struct {
	// Rows is the number of rows; 0 means no end.
	Rows int64 `option:"rows"`
	// Seed of everything random; 0 means 1.
	Seed uint64 `option:"seed"`
	// Rate emits so many rows per second of the clock; 0 means as fast as the
	// pipeline takes them.
	Rate int64 `option:"rate,rows-per-second"`
	// Interval is the event time between two rows; default 300µs, or the
	// inverse of Rate.
	Interval time.Duration `option:"interval"`
	// OutOfOrder bounds how far event times go back; default 2s. One row in
	// eight is late.
	OutOfOrder time.Duration `option:"out-of-order"`
	// BaseTime is the event time of row 0; default 2024-01-01T00:00:00Z, or
	// the start of the run when Rate is given.
	BaseTime Instant `option:"base-time"`
	// DriftAt is the row from which the second weights hold; default Rows/2,
	// 1,000,000 without an end; negative means never.
	DriftAt int64 `option:"drift-at"`
	// Users is the number of users; default 10,000.
	Users int64 `option:"users"`

	// Fields are the columns wanted, nil for all of them.
	Fields *arrow.Schema
}

const features = 12

const clicksBaseTime = 1704067200000 // 2024-01-01T00:00:00Z in ms

func clicksFields() []arrow.Field {
	fields := []arrow.Field{
		{Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Microsecond}},
		{Name: "user_id", Type: bigint},
		{Name: "category", Type: columnar.Dict},
	}
	for i := range features {
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("f%d", i+1), Type: arrow.PrimitiveTypes.Float64, Nullable: true})
	}
	return append(fields, arrow.Field{Name: "label", Type: bigint})
}

// Schema implements [arrowstream.Source].
func (s *Clicks) Schema() (*arrow.Schema, error) {
	bad := ""
	switch {
	case s.Rows < 0 || s.Rows > 1e15:
		bad = "rows must be between 0 and 1e15"
	case s.Rate < 0 || s.Rate > 1e9:
		bad = "rate must be between 0 and 1e9 rows per second"
	case s.Interval < 0 || s.Interval > time.Hour || s.OutOfOrder < 0 || s.OutOfOrder > 24*time.Hour:
		bad = "interval must be at most 1h and out-of-order at most 24h"
	case s.Users < 0 || s.Users > 1<<40:
		bad = "users must be positive"
	}
	if bad != "" {
		return nil, &arrowstream.Error{Code: "AS2161", Msg: "clicks: " + bad}
	}
	have := clicksFields()
	if s.Fields == nil {
		return columnar.WithEventTime(arrow.NewSchema(have, nil), "ts"), nil
	}
	fields := s.Fields.Fields()
	for i, f := range fields {
		g, err := find(have, f)
		if err != nil {
			return nil, err
		}
		fields[i].Type = g.Type
	}
	md := s.Fields.Metadata()
	return arrow.NewSchema(fields, &md), nil
}

// find returns the generated column that f asks for: the same type, or text
// for a dictionary of text.
func find(have []arrow.Field, f arrow.Field) (arrow.Field, error) {
	names := make([]string, len(have))
	for i, g := range have {
		names[i] = g.Name
		if !strings.EqualFold(g.Name, f.Name) {
			continue
		}
		if arrow.TypeEqual(f.Type, g.Type) || f.Type.ID() == arrow.STRING && g.Type.ID() == arrow.DICTIONARY {
			return g, nil
		}
		return g, &arrowstream.Error{Code: "AS2160", Msg: fmt.Sprintf("clicks: column %q is %s, not %s", f.Name, columnar.TypeName(g.Type), columnar.TypeName(f.Type))}
	}
	return f, &arrowstream.Error{Code: "AS2160", Msg: fmt.Sprintf("clicks: there is no column %q", f.Name), Hint: arrowstream.Suggest(f.Name, names, "columns")}
}

// Bounded implements [arrowstream.Source].
func (s *Clicks) Bounded() bool { return s.Rows > 0 && s.Rate == 0 }

// RowCount returns the number of rows; it is not known if there is no end.
func (s *Clicks) RowCount() (rows int64, known bool) { return s.Rows, s.Rows > 0 }

// Delivers implements [arrowstream.Guaranteed].
func (s *Clicks) Delivers() (arrowstream.Guarantee, string) {
	return arrowstream.ExactlyOnce, "rows are a function of seed and number"
}
