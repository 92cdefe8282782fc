package sql

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
)

// defaultCompleteRows bounds the result of output mode complete, if
// job.NAME.complete-max-rows does not.
const defaultCompleteRows = 1_000_000

// outputMode is n as the output mode of the job wants it: append refuses what
// updates, update lets the changes of a trigger out together, complete the whole
// result. A table with a key always shows the whole result, so that complete is
// update there.
func (s *session) outputMode(n *node, t *table, c syntax.StreamClauses, at syntax.Span) (*node, error) {
	job := s.jobName("")
	mode := strings.ToLower(s.jobSetting(job, "output-mode"))
	every, err := s.trigger(job).every()
	if err != nil {
		return nil, s.src.Error(at, "AS1503", "", err.Error())
	}
	if err := s.modeConflict(mode, c); err != nil {
		return nil, err
	}
	if n.bounded {
		return n, nil // its result comes out once
	}
	switch {
	case mode == "append" && n.updating():
		return nil, s.src.Error(at, "AS1406", "SET the output mode to update or complete, or group by a window", fmt.Sprintf("output mode append takes rows that are final, but the %s updates rows", n.updater().operator()))
	case mode == "complete" && !n.updating():
		return nil, s.src.Error(at, "AS1406", "SET the output mode to append", "output mode complete shows the result of an aggregation again and again; the rows of this query come once")
	case mode == "complete" && len(t.key) == 0:
		return s.completed(n, every, at)
	case n.updating() && every > 0 && c.Every == nil:
		return s.batched(n, every)
	}
	return n, nil
}

// modeConflict refuses an EMIT that says otherwise than the output mode.
func (s *session) modeConflict(mode string, c syntax.StreamClauses) error {
	emits := ""
	switch c.Emit {
	case syntax.EmitOnClose:
		emits = "append"
	case syntax.EmitOnUpdate, syntax.EmitPeriodic:
		emits = "update"
	}
	if mode == "" || emits == "" || mode == emits {
		return nil
	}
	return s.src.Error(c.At, "AS1406", "leave out EMIT, or SET the output mode to "+emits, fmt.Sprintf("this EMIT is output mode %s, the job has %s", emits, mode))
}

// completed emits the whole result at each trigger.
func (s *session) completed(n *node, every time.Duration, at syntax.Span) (*node, error) {
	most := int64(defaultCompleteRows)
	if text := s.jobSetting(s.jobName(""), "complete-max-rows"); text != "" {
		most, _ = strconv.ParseInt(text, 10, 64) // checked when it was set
	}
	out := &node{kind: "complete", detail: fmt.Sprintf("result of at most %d rows", most)}
	if every > 0 {
		out.detail += ", every " + every.String()
	}
	out.build = func(columns) (arrowstream.Stage, error) { return &stage.Complete{Every: every, MaxRows: most}, nil }
	out.notes = append(out.notes, "state: the whole result")
	out, err := derive(out, n)
	if err != nil {
		return nil, s.coded(at, "AS1406", err)
	}
	return out, nil
}

// batched lets the changes of a period out together.
func (s *session) batched(n *node, every time.Duration) (*node, error) {
	key, ok := n.unique()
	out := &node{kind: "periodic", detail: "every " + every.String(), plain: same}
	out.build = func(columns) (arrowstream.Stage, error) { return &stage.Periodic{Every: every, By: key}, nil }
	if ok {
		out.uniqueOf = keyed(key)
	}
	out.notes = append(out.notes, "state: the changes of a period")
	return derive(out, n)
}

// trigger is when results of a job come out.
type trigger struct {
	kind     string // "", processingtime, continuous, once or availablenow
	interval string
}

var triggerText = regexp.MustCompile(`(?i)^\s*(processingtime|continuous|once|availablenow)\s*(?:\(\s*['"]?([^'"()]*)['"]?\s*\))?\s*$`)

// parseTrigger reads Once, AvailableNow, Continuous, ProcessingTime and
// ProcessingTime('10 seconds').
func parseTrigger(text string) (trigger, error) {
	if text == "" {
		return trigger{}, nil
	}
	m := triggerText.FindStringSubmatch(text)
	if m == nil {
		return trigger{}, fmt.Errorf("%q is not one of ProcessingTime, ProcessingTime('10 seconds'), AvailableNow, Once, Continuous", text)
	}
	t := trigger{kind: strings.ToLower(m[1]), interval: strings.TrimSpace(m[2])}
	if t.interval != "" && t.kind != "processingtime" {
		return t, fmt.Errorf("%s has no interval", m[1])
	}
	_, err := t.every()
	return t, err
}

// every is the interval; 0 is as soon as something has changed.
func (t trigger) every() (time.Duration, error) {
	if t.interval == "" {
		return 0, nil
	}
	if ms, err := strconv.ParseInt(t.interval, 10, 64); err == nil && ms >= 0 && ms < 1<<40 {
		return time.Duration(ms) * time.Millisecond, nil
	}
	d, err := arrowstream.ParseDuration(t.interval)
	if err == nil && d < 0 {
		err = fmt.Errorf("the interval %s is negative", d)
	}
	return d, err
}

// ends reports whether the job takes what is there and is done.
func (t trigger) ends() bool { return t.kind == "once" || t.kind == "availablenow" }

// trigger is that of a job: its kind from job.NAME.trigger, its interval from
// there or from job.NAME.batch-interval, in milliseconds if it has no unit.
func (s *session) trigger(job string) trigger {
	t, _ := parseTrigger(s.jobSetting(job, "trigger")) // checked when it was set
	if t.interval == "" && !t.ends() && t.kind != "continuous" {
		t.interval = s.jobSetting(job, "batch-interval")
	}
	return t
}

// keepsState reports whether a run of the job can go on where the one before
// ended.
func (s *session) keepsState() bool {
	return s.opts.Pipeline.State != nil || s.jobSetting(s.jobName(""), "state") != ""
}

// endsNow makes a source that does not end one that ends with what is there now,
// for the triggers once and available-now. A source that cannot is refused.
func (s *session) endsNow(t *table, at syntax.Span) error {
	names := optionNames(t.connector.Options)
	for _, bound := range []struct{ option, value string }{{"scan.bounded.mode", "latest-offset"}} {
		for _, name := range names {
			if name == bound.option {
				if t.options[name] == "" {
					t.options[name] = bound.value
				}
				return nil
			}
		}
	}
	return s.src.Error(at, "AS1406", "leave the trigger out, or read a table that ends", fmt.Sprintf("a trigger that ends takes what is there now, which connector %q of table %q cannot tell", t.connector.Name, t.name))
}
