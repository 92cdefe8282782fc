// Package stagetest drives a stage or a join through a case: rows and
// watermarks in, rows out. Every case runs again in other ways that must not
// change a row: other cuts into batches, empty batches, sliced arrays,
// dictionary-encoded strings, a snapshot restored into a new instance between
// ticks, several instances of a parallel stage. All that runs once more with
// NULLs put into the rows, where the runs must agree. The allocator is checked.
//
// A stage that keeps memory between ticks has to have a method Close() error
// that frees it, for runs that end before the end of time.
package stagetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream"
)

// Case is one stage, its input and what it must emit.
type Case struct {
	// New returns a stage that is not bound yet.
	New func() arrowstream.Stage
	// Schema is the input schema in the form of columnartest, "k:utf8 x:int64".
	// It may be empty if the text of the first Rows begins with it.
	Schema string
	// In is the input. Rows before an Advance are one tick. A case that does
	// not end with End is a stream that goes on.
	In []Step
	// Want is what comes out of the main output, in order. Its first line is
	// the output schema; it is not compared when it is the word "rows" alone.
	// The word "any" compares nothing: the runs must only agree.
	Want string
	// Side is what comes out of the side outputs, by name, as Want. Sides that
	// are not mentioned must be empty.
	Side map[string]string
	// Counts, if set, are the counters at the end: Late, Skipped and
	// Unwindowed.
	Counts *arrowstream.Counts
	// Err, if set, is part of the error that Bind, Process or Advance returns;
	// Want is then not looked at.
	Err string
	// Serial leaves out the runs with several instances, Plain the run with
	// dictionary-encoded strings.
	Serial, Plain bool
	// NoNulls leaves out the runs with NULLs put into the rows.
	NoNulls bool
}

// Step is one thing that happens to a stage.
type Step struct {
	kind         stepKind
	rows         string
	input        int
	event, clock int64
}

type stepKind int

const (
	rowsStep stepKind = iota
	advanceStep
	clockStep
	endStep
	restartStep
)

// Rows is a batch of rows in the form of columnartest. Its first line is the
// schema, unless the case has one.
func Rows(text string) Step { return Step{kind: rowsStep, rows: text} }

// RowsOf is Rows for one input of a join.
func RowsOf(input int, text string) Step { return Step{kind: rowsStep, rows: text, input: input} }

// Advance ends a tick with a watermark of that event time, in microseconds.
func Advance(event int64) Step { return Step{kind: advanceStep, event: event} }

// End ends the last tick of a bounded stream.
func End() Step { return Advance(arrowstream.EndOfTime) }

// EndOf says that nothing follows on one input of a join. It is part of the tick.
func EndOf(input int) Step { return Step{kind: endStep, input: input} }

// Idle ends a tick without a watermark: a stream that has no event time yet.
func Idle() Step { return Advance(arrowstream.NoEventTime) }

// AdvanceClock ends a tick at a processing time, in microseconds; the event
// time stays where it was.
func AdvanceClock(clock int64) Step { return Step{kind: clockStep, clock: clock} }

// Restart takes a snapshot of the stage after the tick before it and goes on
// with a new instance that has restored it.
func Restart() Step { return Step{kind: restartStep} }

// tick is the rows between two calls of Advance.
type tick struct {
	rows   []Step
	ended  []bool // by input: it has ended in this tick or before
	marked bool   // Advance is called at the end; false only at the end of a case
	mark   arrowstream.Watermark
	again  bool // Restart follows
}

func ticks(steps []Step) []tick {
	var out []tick
	cur := tick{}
	mark := arrowstream.Watermark{Event: arrowstream.NoEventTime}
	var ended []bool
	for _, s := range steps {
		switch s.kind {
		case rowsStep:
			cur.rows = append(cur.rows, s)
			continue
		case restartStep:
			if len(out) > 0 {
				out[len(out)-1].again = true
			}
			continue
		case endStep:
			for len(ended) <= s.input {
				ended = append(ended, false)
			}
			ended[s.input] = true
			continue
		case advanceStep:
			mark.Event = s.event
		case clockStep:
			mark.Clock = s.clock
		}
		cur.mark, cur.marked, cur.ended = mark, true, slices.Clone(ended)
		out = append(out, cur)
		cur = tick{}
	}
	if len(cur.rows) > 0 {
		out = append(out, cur)
	}
	return out
}

// header is the schema line of input i of a case.
func header(schemas []string, i int, steps []Step) (string, error) {
	if i < len(schemas) && schemas[i] != "" {
		return schemas[i], nil
	}
	for _, s := range steps {
		if s.kind == rowsStep && s.input == i {
			line, _, _ := strings.Cut(strings.TrimSpace(s.rows), "\n")
			return line, nil
		}
	}
	return "", fmt.Errorf("stagetest: no schema for input %d", i)
}

// body is the rows of a step without the schema line, if it has one.
func body(schemas []string, s Step) string {
	text := strings.TrimSpace(s.rows)
	if s.input < len(schemas) && schemas[s.input] != "" {
		return text
	}
	_, rest, _ := strings.Cut(text, "\n")
	return rest
}
