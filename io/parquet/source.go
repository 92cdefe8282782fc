package parquet

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
)

// Source reads Parquet files. Its zero options are the defaults. It is safe to
// call Schema, change Columns and Predicates, and call Schema again; after Open
// the source is left alone.
type Source struct {
	// Path is a file, a directory or a pattern (see package glob).
	Path string `option:"path" required:"true"`
	// Columns are the columns to read, in their order; nil means all that can
	// be read. The event-time column is added if it is missing.
	Columns []string `option:"columns"`
	// Order of the rows: "name" (default) reads the files one after another,
	// sorted by name, as one partition; "event-time" merges them by the
	// event-time column; "file" makes every file a partition.
	Order string `option:"order"`
	// EventTime names the event-time column: a timestamp, a date, or an
	// integer when EventTimeUnit is given.
	EventTime string `option:"event.time,event-time,event_time"`
	// EventTimeUnit is s, ms, us or ns: the integer column EventTime counts
	// these since 1970 and is read as a timestamp.
	EventTimeUnit string `option:"event.time.unit,event-time-unit"`
	// AllowUnsorted lets rows stand out of order in a file under
	// Order "event-time"; they are merged where they stand.
	AllowUnsorted bool `option:"allow-unsorted,allow_unsorted"`
	// From and To bound the event time: From <= t < To. Row groups outside are
	// not read.
	From Instant `option:"from"`
	To   Instant `option:"to"`
	// UnionByName reads files whose columns differ: a column that is missing in
	// a file is NULL there.
	UnionByName bool `option:"union_by_name,union-by-name"`
	// Hive adds the k=v directories of the paths as columns.
	Hive bool `option:"hive,hive_partitioning"`
	// Strings is "auto" (default: as the first file stores them), "dictionary"
	// or "plain": the Arrow type of text columns.
	Strings string `option:"strings"`
	// MaxPageBytes bounds the size of one decompressed page; default 64 MiB.
	MaxPageBytes int64 `option:"page.max-bytes"`
	// Checksums verifies the checksums of pages that have one.
	Checksums bool `option:"checksums"`
	// Predicates leave out row groups in which, by their statistics and
	// dictionaries, no row satisfies all of them, and of the others the rows
	// that do not, where the source can decide that as SQL does. A merge by
	// event time leaves out row groups only.
	Predicates []Predicate
	// Declared columns: their types are what is read. nil takes the columns
	// and types of the files.
	Declared *arrow.Schema
	// Access is what may be reached.
	Access *arrowstream.Access

	infos []*fileInfo // footers of the files, read once
}

var _ arrowstream.Source = (*Source)(nil)

// Instant is a point in time as an option: RFC 3339 or a date.
type Instant struct{ time.Time }

// UnmarshalText reads "2024-01-01", "2024-01-01 10:00:00" or RFC 3339; without
// a zone the time is UTC.
func (i *Instant) UnmarshalText(text []byte) error {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04"} {
		t, err := time.Parse(layout, strings.TrimSpace(string(text)))
		if err == nil {
			i.Time = t
			return nil
		}
	}
	return fmt.Errorf("not a time (write 2024-01-31 or 2024-01-31T10:00:00Z)")
}

// Bounded implements arrowstream.Source.
func (s *Source) Bounded() bool { return true }

// Delivers implements [arrowstream.Guaranteed].
func (s *Source) Delivers() (arrowstream.Guarantee, string) {
	return arrowstream.ExactlyOnce, "files are read again from a row on"
}

// RowCount returns the number of rows that the footers tell; it is known after
// Schema.
func (s *Source) RowCount() (rows int64, known bool) {
	for _, f := range s.infos {
		rows += f.rows
	}
	return rows, s.infos != nil
}

// Schema implements arrowstream.Source. It reads the footers of all files.
func (s *Source) Schema() (*arrow.Schema, error) {
	p, err := s.plan()
	if err != nil {
		return nil, err
	}
	return p.schema, nil
}

// Omitted lists the columns of the files that are left out because their types
// are not supported, each with the reason: "col: type MAP is not supported".
func (s *Source) Omitted() ([]string, error) {
	p, err := s.plan()
	if err != nil {
		return nil, err
	}
	return p.omitted, nil
}

// Open implements arrowstream.Source.
func (s *Source) Open(_ context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	p, err := s.plan()
	if err != nil {
		return nil, err
	}
	switch s.Order {
	case orderFile:
		var parts []arrowstream.Partition
		share := env
		share.Workers = max(1, env.Workers/len(p.files))
		for i := range p.files {
			parts = append(parts, newSequence(p, p.files[i:i+1], share))
		}
		return parts, nil
	case orderEventTime:
		if len(p.files) > 1 || !s.AllowUnsorted {
			return []arrowstream.Partition{newMerge(p, env)}, nil
		}
	}
	return []arrowstream.Partition{newSequence(p, p.files, env)}, nil
}

const (
	orderName      = "name"
	orderEventTime = "event-time"
	orderFile      = "file"
)

// validate checks the options that need no file.
func (s *Source) validate() error {
	bad := func(option, value string, known ...string) error {
		return &arrowstream.Error{Code: "AS1504", Msg: fmt.Sprintf("option %q: %q", option, value), Hint: arrowstream.Suggest(value, known, "values")}
	}
	switch s.Order {
	case "", orderName, orderEventTime, orderFile:
	default:
		return bad("order", s.Order, orderName, orderEventTime, orderFile)
	}
	switch s.Strings {
	case "", "auto", "dictionary", "plain":
	default:
		return bad("strings", s.Strings, "auto", "dictionary", "plain")
	}
	if _, ok := eventUnits[s.EventTimeUnit]; !ok && s.EventTimeUnit != "" {
		return bad("event.time.unit", s.EventTimeUnit, "s", "ms", "us", "ns")
	}
	for _, needs := range []struct {
		set  bool
		name string
	}{{s.Order == orderEventTime, "order = 'event-time'"}, {!s.From.IsZero(), "from"}, {!s.To.IsZero(), "to"}, {s.EventTimeUnit != "", "event.time.unit"}} {
		if needs.set && s.EventTime == "" {
			return &arrowstream.Error{Code: "AS1504", Msg: fmt.Sprintf("parquet: %s needs an event-time column", needs.name), Hint: "set the option 'event.time' to its name"}
		}
	}
	if !s.From.IsZero() && !s.To.IsZero() && !s.From.Before(s.To.Time) {
		return &arrowstream.Error{Code: "AS1504", Msg: fmt.Sprintf("parquet: 'from' %s is not before 'to' %s", s.From.Format(time.RFC3339), s.To.Format(time.RFC3339))}
	}
	if s.MaxPageBytes < 0 || s.MaxPageBytes > 1<<31-1 {
		return &arrowstream.Error{Code: "AS1504", Msg: "option \"page.max-bytes\" is out of range", Hint: "at most 2147483647"}
	}
	return nil
}

var eventUnits = map[string]arrow.TimeUnit{"s": arrow.Second, "ms": arrow.Millisecond, "us": arrow.Microsecond, "ns": arrow.Nanosecond}
