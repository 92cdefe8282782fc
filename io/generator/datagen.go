package generator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// DatagenConnector is the row of the datagen source in the table of connectors.
var DatagenConnector = arrowstream.Connector{
	Name:    "datagen",
	Aliases: []string{"rate"},
	Source: func(t arrowstream.Table) (arrowstream.Source, error) {
		s := &Datagen{Fields: t.Schema, Values: map[string]Values{}}
		fields, rest := map[string]map[string]string{}, map[string]string{}
		for key, value := range t.Options {
			path, ok := strings.CutPrefix(key, "fields.")
			if at := strings.LastIndexByte(path, '.'); ok && at > 0 {
				if fields[path[:at]] == nil {
					fields[path[:at]] = map[string]string{}
				}
				fields[path[:at]][path[at+1:]] = value
			} else {
				rest[key] = value
			}
		}
		for _, path := range slices.Sorted(maps.Keys(fields)) {
			var v Values
			if err := arrowstream.DecodeOptions(fields[path], &v); err != nil {
				e := err.(*arrowstream.Error)
				for option := range fields[path] { // by the name that was written
					e.Msg = strings.Replace(e.Msg, fmt.Sprintf("%q", option), fmt.Sprintf("%q", "fields."+path+"."+option), 1)
				}
				return nil, e
			}
			s.Values[path] = v
		}
		return s, arrowstream.DecodeOptions(rest, s)
	},
	Options: []any{&Datagen{}, &Values{}},
}

// Datagen makes rows of declared columns, for tries and load tests: random values
// or sequences, the same for the same seed whatever the batches are. Columns of
// times follow a timeline of one row per Interval. Without columns there are
// timestamp and value, which counts from 0.
type Datagen struct {
	// Rows is the number of rows; 0 means no end. A sequence that has an end ends
	// the rows too.
	Rows int64 `option:"number-of-rows,rows,numrows"`
	// Rate emits so many rows per second of the clock; 0 means as fast as the
	// pipeline takes them if there is an end, 10,000 if there is none.
	Rate int64 `option:"rows-per-second,rate,rowspersecond,datagen.rows.per.second"`
	// Seed of everything random; 0 means 1.
	Seed uint64 `option:"seed"`
	// Interval is the time between two rows; default the inverse of Rate, 1ms
	// without one.
	Interval time.Duration `option:"interval"`
	// BaseTime is the time of row 0; default 2024-01-01T00:00:00Z, or the start of
	// the run when there is a rate.
	BaseTime Instant `option:"base-time"`

	// Fields are the columns; nil means timestamp and value.
	Fields *arrow.Schema
	// Values say what the columns hold, by name. Fields of a struct are called
	// column.field, elements of a list column.element.
	Values map[string]Values
}

// Values say what a column of a [Datagen] holds.
type Values struct {
	// Kind is random, the default, or sequence, for numbers.
	Kind string `option:"kind"`
	// Start and End are the first and the last value of a sequence; default 0 and
	// no end.
	Start string `option:"start"`
	End   string `option:"end"`
	// Min and Max bound random numbers, both included; default all numbers of an
	// integer type, as many digits as a decimal has, and 0 to 1.
	Min string `option:"min"`
	Max string `option:"max"`
	// Of are the values that one is chosen from.
	Of []string `option:"values"`
	// Length is that of texts, bytes and lists; default 100, for lists 3.
	Length int `option:"length"`
	// VarLen makes Length the longest one.
	VarLen bool `option:"var-len"`
	// NullRate is the part of the values that are NULL.
	NullRate float64 `option:"null-rate"`
	// MaxPast is how far times lie before those of the timeline at most.
	MaxPast time.Duration `option:"max-past"`
}

const (
	defaultRate = 10_000   // that of Flink's source of this name
	maxRowBytes = 16 << 20 // of the longest row
)

// rateFields are the columns where none are declared, those of Spark's source
// called rate.
var rateFields = arrow.NewSchema([]arrow.Field{
	{Name: "timestamp", Type: &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}},
	{Name: "value", Type: bigint},
}, nil)

// Schema implements [arrowstream.Source].
func (s *Datagen) Schema() (*arrow.Schema, error) {
	if _, err := s.columns(); err != nil {
		return nil, err
	}
	return s.fields(), nil
}

func (s *Datagen) fields() *arrow.Schema {
	if s.Fields == nil {
		return columnar.WithEventTime(rateFields, "timestamp")
	}
	return s.Fields
}

// columns checks the options and returns what makes the values.
func (s *Datagen) columns() (*makers, error) {
	bad := ""
	switch {
	case s.Rows < 0 || s.Rows > 1e15:
		bad = "number-of-rows must be between 0 and 1e15"
	case s.Rate < 0 || s.Rate > 1e9:
		bad = "rows-per-second must be between 0 and 1e9"
	case s.Interval < 0 || s.Interval > 24*time.Hour:
		bad = "interval must be between 0 and 24h"
	}
	if bad != "" {
		return nil, &arrowstream.Error{Code: "AS2161", Msg: "datagen: " + bad}
	}
	m := &makers{values: maps.Clone(s.Values), rows: s.Rows}
	if s.Fields == nil && len(s.Values) == 0 {
		m.values = map[string]Values{"value": {Kind: "sequence"}}
	}
	for _, f := range s.fields().Fields() {
		make, err := m.field(f, f.Name)
		if err != nil {
			return nil, err
		}
		m.columns = append(m.columns, make)
	}
	if m.width > maxRowBytes {
		return nil, &arrowstream.Error{Code: "AS2161", Msg: fmt.Sprintf("datagen: a row of %d bytes", m.width), Hint: "lower the lengths of texts and lists"}
	}
	for _, path := range slices.Sorted(maps.Keys(m.values)) {
		return nil, &arrowstream.Error{Code: "AS2160", Msg: fmt.Sprintf("datagen: there is no column %q", path), Hint: arrowstream.Suggest(path, m.paths, "columns")}
	}
	return m, nil
}

// Bounded implements [arrowstream.Source].
func (s *Datagen) Bounded() bool {
	_, ends := s.RowCount()
	return ends && s.Rate == 0
}

// RowCount returns the number of rows; it is not known if there is no end.
func (s *Datagen) RowCount() (rows int64, known bool) {
	m, err := s.columns()
	if err != nil || m.rows == 0 {
		return 0, false
	}
	return m.rows, true
}

// Delivers implements [arrowstream.Guaranteed].
func (s *Datagen) Delivers() (arrowstream.Guarantee, string) {
	return arrowstream.ExactlyOnce, "rows are a function of seed and number"
}
