package sql

import (
	"context"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// Options configure [Prepare].
type Options struct {
	// File is the name of the script in errors; empty for a text.
	File string
	// Connectors and Formats are what CREATE TABLE can name.
	Connectors []arrowstream.Connector
	Formats    []arrowstream.Format
	// Functions are what the script can call beside those of the engine, made by
	// package udf. CREATE OR REPLACE FUNCTION puts another one in the place of
	// one, for this script.
	Functions []*kernels.Function
	// Param looks up ${NAME} in option and SET values; nil knows none.
	Param func(name string) (string, bool)
	// Args are the values of the parameters ? of the script, in their order, and
	// Named those of :name. A parameter is read as the literal of its value, with
	// the type of it: nil, bool, any integer or float, string, []byte, time.Time
	// (an instant), time.Duration (an interval), or a slice of these. Each needs
	// a value, and each value a parameter.
	Args  []any
	Named map[string]any
	// Settings are set before the first statement, like SET.
	Settings map[string]string
	// Stdio are the streams for "-" and for results that are shown.
	Stdio arrowstream.Stdio
	// Display makes the sink that shows the result of a bare SELECT, or of an
	// INSERT into a table that is not declared; nil uses the connector
	// "console".
	Display func(name string) (arrowstream.Sink, error)
	// State opens the store that job.NAME.state names, within the walls of the
	// Access of Pipeline; nil keeps it in the folder of that name.
	State func(place string) (arrowstream.StateStore, error)
	// Source, if set, may put another source of the same columns in the place of
	// src, that of a table.
	Source func(connector string, t arrowstream.Table, src arrowstream.Source) (arrowstream.Source, error)
	// Sink, if set, makes the sinks that stand in the place of those of the
	// script, so that a run writes to other places. It takes a changelog.
	Sink func(name string) (arrowstream.Sink, error)
	// Save, if set, says where a model is saved in the place of its path; empty
	// is nowhere.
	Save func(model string) string
	// Pipeline are the options of the pipeline; Name is set by job.name, and
	// its Access also holds for what planning reads.
	Pipeline arrowstream.Options
}

// Program is a script that is ready to run.
type Program struct {
	// Warnings found while planning, with codes and places.
	Warnings []*arrowstream.Error
	// Results of statements that are answered at once (DESCRIBE, SHOW,
	// EXPLAIN), in the order of the script.
	Results []Result
	// Sinks are the places the script writes to.
	Sinks []SinkInfo

	pipeline *arrowstream.Pipeline
	plan     *plan
	session  *session
}

// Result is the answer to one statement.
type Result struct {
	// Title is the statement in its canonical spelling.
	Title string
	// Rows is a table, nil when the result is a text.
	Rows arrow.Record
	// Text is the plan of EXPLAIN or the text of SHOW CREATE.
	Text string
	// Analyze, if set, runs what EXPLAIN ANALYZE is about, which writes nothing,
	// and returns the plan with what its operators did. It can be called until
	// the program is closed.
	Analyze func(ctx context.Context) (string, error)
}

// SinkInfo describes a sink of a program.
type SinkInfo struct {
	Name      string // of the table, or "result"
	Connector string // "parquet"; empty when the rows are shown
	Target    string // path, topic or address, if there is one
}

// String is "name (connector target)".
func (s SinkInfo) String() string {
	what := strings.TrimSpace(s.Connector + " " + s.Target)
	if what == "" {
		what = "shown"
	}
	return s.Name + " (" + what + ")"
}

// Prepare parses a script, runs its declarations and plans its queries. Errors
// are *arrowstream.Error with a code and a place, or several of them
// (syntax.Errors). Schemas are inferred here: files and footers are read,
// nothing is written.
func Prepare(text string, opts Options) (*Program, error) {
	script, err := parse(text, opts)
	if err != nil {
		return nil, err
	}
	s := newSession(script.Source, opts)
	s.script = script.Statements
	p := &Program{session: s}
	if err := p.prepare(script.Statements); err != nil {
		_ = p.Close() // the error says more
		return nil, err
	}
	return p, nil
}

// prepare runs the statements and builds the pipeline.
func (p *Program) prepare(statements []syntax.Statement) error {
	s := p.session
	if err := s.run(statements); err != nil {
		return err
	}
	pl, err := s.finish()
	if err != nil {
		return err
	}
	p.Results, p.plan = s.results, pl
	for _, o := range s.outputs {
		if !o.hidden {
			p.Sinks = append(p.Sinks, o.info())
		}
	}
	if len(pl.roots) > 0 {
		if p.pipeline, err = pl.lower(); err != nil {
			return err
		}
	}
	p.Warnings = s.warnings
	return nil
}

// canonical is the text of a script as it is kept with its state: in one
// spelling, without comments and secrets.
func canonical(statements []syntax.Statement) string {
	var sb strings.Builder
	for _, st := range statements {
		sb.WriteString(syntax.Text(st) + ";\n")
	}
	return sb.String()
}

// Pipeline is the dataflow of the program; nil when it has nothing to run.
func (p *Program) Pipeline() *arrowstream.Pipeline { return p.pipeline }

// Explain is the plan of everything the program runs.
func (p *Program) Explain() string { return p.plan.String() }

// Run runs the pipeline of the program, if it has one; models with a path are
// saved at the end of their input. It may be called once.
func (p *Program) Run(ctx context.Context) (*arrowstream.Summary, error) {
	if p.pipeline == nil {
		return &arrowstream.Summary{}, p.session.closeModules()
	}
	sum, err := p.pipeline.Run(ctx)
	if e := p.session.closeModules(); err == nil {
		err = e
	}
	p.session.place(err)
	return sum, err
}

// Close frees what a program that was not run holds; after Run it does nothing.
func (p *Program) Close() error {
	var err error
	if p.pipeline != nil {
		err = p.pipeline.Close()
	}
	if e := p.session.closeModules(); err == nil {
		err = e
	}
	return err
}
