package arrowstream

import (
	"fmt"
	"maps"
	"math"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"time"
)

// Progress tells how a run goes. Its JSON has the field names, nesting and
// units of Spark's StreamingQueryProgress; what is ours stands under the key
// "arrowstream".
type Progress struct {
	Name                   string              `json:"name"`
	Timestamp              string              `json:"timestamp"`
	BatchID                int64               `json:"batchId"`       // ticks so far
	BatchDuration          int64               `json:"batchDuration"` // ms since the last report
	NumInputRows           int64               `json:"numInputRows"`  // since the last report
	InputRowsPerSecond     float64             `json:"inputRowsPerSecond,omitempty"`
	ProcessedRowsPerSecond float64             `json:"processedRowsPerSecond,omitempty"`
	DurationMs             map[string]int64    `json:"durationMs,omitempty"`
	EventTime              map[string]string   `json:"eventTime,omitempty"`
	StateOperators         []StateOperator     `json:"stateOperators"`
	Sources                []SourceProgress    `json:"sources"`
	Sink                   SinkProgress        `json:"sink"` // the first one
	Arrowstream            ArrowstreamProgress `json:"arrowstream"`
}

// StateOperator is Spark's report of one stateful operator.
type StateOperator struct {
	OperatorName              string `json:"operatorName"`
	NumRowsTotal              int64  `json:"numRowsTotal"`
	NumRowsUpdated            int64  `json:"numRowsUpdated"`
	MemoryUsedBytes           int64  `json:"memoryUsedBytes"`
	NumRowsDroppedByWatermark int64  `json:"numRowsDroppedByWatermark"`
}

// SourceProgress is the report of one source.
type SourceProgress struct {
	Description            string            `json:"description"`
	NumInputRows           int64             `json:"numInputRows"` // since the last report
	InputRowsPerSecond     float64           `json:"inputRowsPerSecond,omitempty"`
	ProcessedRowsPerSecond float64           `json:"processedRowsPerSecond,omitempty"`
	Metrics                map[string]string `json:"metrics,omitempty"`
	TotalRows              int64             `json:"-"`
	Lag                    int64             `json:"-"` // rows, -1 unknown
	Skipped                map[string]Reason `json:"-"` // rows that cannot be decoded, by code
}

// SinkProgress is the report of one sink.
type SinkProgress struct {
	Description   string `json:"description"`
	NumOutputRows int64  `json:"numOutputRows"` // since the start; -1 unknown
}

// ArrowstreamProgress is what Spark has no place for.
type ArrowstreamProgress struct {
	ElapsedMs           int64              `json:"elapsedMs"`
	TotalInputRows      int64              `json:"totalInputRows"`
	WatermarkHeldBy     string             `json:"watermarkHeldBy,omitempty"`
	LateRows            int64              `json:"lateRows"`
	SkippedRows         int64              `json:"skippedRows"`
	DeadLetters         int64              `json:"deadLetters,omitempty"` // since the job began
	LagRows             int64              `json:"lagRows,omitempty"`
	StateRows           int64              `json:"stateRows"`
	StateBytes          int64              `json:"stateBytes"`
	MemoryBytes         int64              `json:"memoryBytes"`
	MemoryPeakBytes     int64              `json:"memoryPeakBytes"`
	MemoryLimitBytes    int64              `json:"memoryLimitBytes"`
	HeapBytes           int64              `json:"heapBytes"`     // Go objects of the whole process, whatever they belong to
	HeapLiveBytes       int64              `json:"heapLiveBytes"` // those that the last collection has left
	Goroutines          int                `json:"goroutines"`
	BackpressureSeconds float64            `json:"backpressureSeconds"`
	Operators           []OperatorProgress `json:"operators"`
	Sinks               []SinkProgress     `json:"sinks"`
	Watermark           Watermark          `json:"-"`
	Final               bool               `json:"final,omitempty"`
}

// Summary is what a run did.
type Summary struct {
	Duration  time.Duration
	RowsIn    int64 // rows read from all sources
	Progress  Progress
	PeakBytes int64
	// Finished says that there was nothing to do: an earlier run with the same
	// state has come to the end of the input.
	Finished bool
}

// RowsPerSecond is the rate over the whole run.
func (s *Summary) RowsPerSecond() float64 { return float64(s.RowsIn) / s.Duration.Seconds() }

// Operator returns the counters of the named operator.
func (s *Summary) Operator(name string) (OperatorProgress, bool) {
	for _, o := range s.Progress.Arrowstream.Operators {
		if o.Name == name {
			return o, true
		}
	}
	return OperatorProgress{}, false
}

// reporter makes Progress values, each covering the time since the last.
type reporter struct {
	p     *Pipeline
	d     *driver
	start time.Time
	last  time.Time
	rows  []int64 // per source at the last report
}

func (r *reporter) report(now time.Time, final bool) Progress {
	since := now.Sub(r.last).Seconds()
	pr := Progress{
		Name: r.p.opts.Name, Timestamp: r.p.opts.Clock.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		BatchID: r.d.ticks.Load(), BatchDuration: now.Sub(r.last).Milliseconds(),
		StateOperators: []StateOperator{}, Sources: []SourceProgress{}, Sink: SinkProgress{NumOutputRows: -1},
	}
	a := &pr.Arrowstream
	a.Final, a.ElapsedMs = final, now.Sub(r.start).Milliseconds()
	a.MemoryBytes, a.MemoryPeakBytes, a.MemoryLimitBytes = r.p.budget.Used(), r.p.budget.Peak(), r.p.budget.Limit()
	a.HeapBytes, a.HeapLiveBytes = heapBytes()
	a.Goroutines = runtime.NumGoroutine()
	a.BackpressureSeconds = time.Duration(r.d.waited.Load()).Seconds()
	a.Watermark = Watermark{Event: EndOfTime}
	for i, n := range r.d.sources {
		s := SourceProgress{Description: n.name, Lag: -1, Metrics: map[string]string{}, Skipped: map[string]Reason{}}
		for _, rd := range r.d.readers {
			if rd.node == n {
				s.TotalRows += rd.rows.Load()
				a.SkippedRows += rd.rejects.Skipped()
				rd.rejects.count(s.Skipped)
				if lag := rd.lag.Load(); lag >= 0 {
					s.Lag = max(s.Lag, 0) + lag
				}
			}
		}
		s.NumInputRows = s.TotalRows - r.rows[i]
		r.rows[i] = s.TotalRows
		s.InputRowsPerSecond = rate(s.NumInputRows, since)
		s.ProcessedRowsPerSecond = s.InputRowsPerSecond
		if s.Lag >= 0 {
			s.Metrics["lagRows"] = fmt.Sprint(s.Lag)
			a.LagRows += s.Lag
		}
		for code, reason := range s.Skipped {
			s.Metrics["skippedRows."+code] = fmt.Sprint(reason.Rows)
		}
		pr.NumInputRows += s.NumInputRows
		a.TotalInputRows += s.TotalRows
		pr.Sources = append(pr.Sources, s)
		if mark := r.d.marks[i].Load(); n.source.column >= 0 && mark < a.Watermark.Event {
			a.Watermark.Event = mark
			a.WatermarkHeldBy = ""
			if held := r.d.held[i].Load(); held >= 0 {
				a.WatermarkHeldBy = fmt.Sprintf("%s/%d", n.name, held)
			}
		}
	}
	pr.InputRowsPerSecond = rate(pr.NumInputRows, since)
	pr.ProcessedRowsPerSecond = pr.InputRowsPerSecond
	if !a.Watermark.Time().IsZero() {
		pr.EventTime = map[string]string{"watermark": a.Watermark.Time().Format("2006-01-02T15:04:05.000Z")}
	}
	var busy time.Duration
	for _, n := range r.p.nodes {
		o := n.progress()
		if n.source != nil && o.Warning == "" {
			o.Warning = warning(pr.Sources[r.d.sourceIndex(n)].Skipped)
		}
		a.Operators = append(a.Operators, o)
		a.LateRows += o.Late
		a.SkippedRows += o.Skipped
		a.DeadLetters += n.metrics.dead.Load()
		a.StateRows += o.StateRows
		a.StateBytes += o.StateBytes
		busy += o.Busy
		if o.Stateful {
			pr.StateOperators = append(pr.StateOperators, StateOperator{
				OperatorName: o.Name, NumRowsTotal: o.StateRows, NumRowsUpdated: o.Updated,
				MemoryUsedBytes: o.StateBytes, NumRowsDroppedByWatermark: o.Late,
			})
		}
		if n.sink != nil {
			a.Sinks = append(a.Sinks, SinkProgress{Description: n.name, NumOutputRows: o.RowsOut})
		}
	}
	if len(a.Sinks) > 0 {
		pr.Sink = a.Sinks[0]
	}
	pr.DurationMs = map[string]int64{"addBatch": busy.Milliseconds(), "triggerExecution": a.ElapsedMs}
	r.last = now
	return pr
}

// heapBytes is what live and not yet collected objects of the process occupy, and
// what was live at the end of the last collection.
func heapBytes() (objects, live int64) {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64()), int64(samples[1].Value.Uint64())
}

// warning says which rows were skipped.
func warning(skipped map[string]Reason) string {
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(skipped)) {
		parts = append(parts, skipped[code].Warning(code))
	}
	return strings.Join(parts, "; ")
}

func rate(rows int64, seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	return math.Round(float64(rows)/seconds*10) / 10
}

// report starts the periodic reports; the returned function ends them.
func (p *Pipeline) report(d *driver, start time.Time) (stop func()) {
	if p.opts.Progress == nil {
		return func() {}
	}
	r := &reporter{p: p, d: d, start: start, last: start, rows: make([]int64, len(d.sources))}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(p.opts.ProgressEvery)
		defer ticker.Stop()
		for {
			select {
			case now := <-ticker.C:
				p.opts.Progress(r.report(now, false))
			case <-quit:
				p.opts.Progress(r.report(time.Now(), true))
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}

func (p *Pipeline) summary(d *driver, took time.Duration) *Summary {
	now := time.Now()
	r := &reporter{p: p, d: d, start: now.Add(-took), last: now.Add(-took), rows: make([]int64, len(d.sources))}
	pr := r.report(now, true)
	return &Summary{Duration: took, RowsIn: pr.Arrowstream.TotalInputRows, Progress: pr, PeakBytes: p.budget.Peak()}
}
