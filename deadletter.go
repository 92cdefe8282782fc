package arrowstream

import (
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Errors is the name of the side output with the dead letters of a source, which
// cannot decode them, or of a [Rowwise] stage, which cannot compute something of
// them: a stream of [DeadLetterSchema].
const Errors = "errors"

// DeadLetterSchema are the columns of a dead letter: the place of the row, its
// bytes, cut to 64 KiB, what is wrong with it, the epoch it is part of, NULL for
// a job without state, and when it was read. Of a row that was decoded, the bytes
// are gone: it is written as a JSON object of the columns that the stage was
// given, its source is "table" and the name of that, and its position is the
// stage and the number of the row there, from 1.
var DeadLetterSchema = arrow.NewSchema([]arrow.Field{
	{Name: "source", Type: arrow.BinaryTypes.String},
	{Name: "position", Type: arrow.BinaryTypes.String},
	{Name: "raw", Type: arrow.BinaryTypes.Binary},
	{Name: "error_code", Type: arrow.BinaryTypes.String},
	{Name: "message", Type: arrow.BinaryTypes.String},
	{Name: "column_name", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "epoch", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "seen_at", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}},
}, nil)

// OnError is what to do with the rows that a source cannot decode, or for which
// a Rowwise stage fails.
type OnError struct {
	Policy BadRow
	// Limit is how many dead letters there may be; 0 means any number.
	Limit int64
	// Rate is how many of the last 10,000 rows may be dead letters, as a
	// fraction; 0 means any number.
	Rate float64
}

// rateRows are the rows that a rate is about.
const rateRows = 10_000

// OnError sets what happens to the rows that the source s comes from cannot
// decode, or for which the [Rowwise] stage it comes from fails. The policy goes
// before that in the options of a source, FailOnBadRow leaves it to them. Dead
// letters are read from s.Side(Errors).
func (s *Stream) OnError(o OnError) *Stream {
	p := s.pipeline
	switch {
	case p.err != nil:
	case s.node.source == nil && !s.node.rowwise():
		p.fail(s.node.name, &Error{Code: "AS1406", Msg: fmt.Sprintf("%s is no source, which could have rows that cannot be decoded, and looks at more than one row at a time", s.node.name)})
	case o.Limit < 0 || o.Rate < 0 || o.Rate > 1 || (o.Limit > 0 || o.Rate > 0) && o.Policy != DeadLetterBadRow:
		p.fail(s.node.name, &Error{Code: "AS1406", Msg: fmt.Sprintf("%s: a limit of dead letters is a number >= 0, a rate is one from 0 to 1", s.node.name)})
	default:
		s.node.onError, s.node.rejects = o, nil
		if s.node.stage != nil && o.Policy == SkipBadRow {
			s.node.rejects = &Rejects{policy: SkipBadRow, reasons: map[string]Reason{}}
		}
	}
	return s
}

// errors is the side output of a source or stage with its dead letters.
func (s *Stream) errors() *Stream {
	n := s.node
	n.onError.Policy = DeadLetterBadRow
	if n.errorsPort == 0 {
		n.errorsPort = len(n.ports)
		n.ports = append(n.ports, DeadLetterSchema)
		n.users = append(n.users, nil)
	}
	return &Stream{pipeline: s.pipeline, node: n, port: n.errorsPort}
}

// deadLetters counts the dead letters of a source or stage.
type deadLetters struct {
	Count  int64   `json:"count,omitempty"`
	Rows   int64   `json:"rows,omitempty"`   // good and bad ones, read so far
	Recent []int64 `json:"recent,omitempty"` // numbers of those that the rate is about
}

// clone is l as it is now.
func (l *deadLetters) clone() deadLetters {
	return deadLetters{l.Count, l.Rows, slices.Clone(l.Recent)}
}

// admit counts rows, of which bad[i] is the row number bad[i].Before, and
// returns an error when there are too many bad ones, which cannot be what.
func (l *deadLetters) admit(name, what string, o OnError, rows int, bad []Rejected) error {
	for _, b := range bad {
		l.Count++
		if o.Limit > 0 && l.Count > o.Limit {
			return tooMany(b, "%s: more than %d rows cannot be %s", name, o.Limit, what)
		}
		if o.Rate == 0 {
			continue
		}
		at := l.Rows + int64(b.Before)
		l.Recent = append(l.Recent, at)
		for l.Recent[0] <= at-rateRows {
			l.Recent = l.Recent[1:]
		}
		if float64(len(l.Recent)) > o.Rate*rateRows {
			return tooMany(b, "%s: more than %g of the last %d rows cannot be %s", name, o.Rate, rateRows, what)
		}
	}
	l.Rows += int64(rows)
	return nil
}

func tooMany(last Rejected, format string, args ...any) error {
	return &Error{
		Code: "AS4005", Msg: fmt.Sprintf(format, args...), Err: last.Err,
		Hint: "repair the input, or raise the LIMIT or RATE of its dead letters",
	}
}

// letters makes a batch of dead letters, owned by the caller.
func letters(mem memory.Allocator, bad []Rejected, e Epoch, now time.Time) Batch {
	b := array.NewRecordBuilder(mem, DeadLetterSchema)
	defer b.Release()
	text := func(i int) *array.StringBuilder { return b.Field(i).(*array.StringBuilder) }
	for _, r := range bad {
		text(0).Append(r.Err.Source)
		text(1).Append(r.Err.Where)
		b.Field(2).(*array.BinaryBuilder).Append(r.Raw)
		text(3).Append(r.Err.Code())
		text(4).Append(r.Err.reason())
		if r.Err.Column == "" {
			text(5).AppendNull()
		} else {
			text(5).Append(CutValue([]byte(r.Err.Column)))
		}
		if e == 0 {
			b.Field(6).AppendNull()
		} else {
			b.Field(6).(*array.Int64Builder).Append(int64(e))
		}
		b.Field(7).(*array.TimestampBuilder).Append(arrow.Timestamp(now.UnixMicro()))
	}
	return b.NewRecord()
}
