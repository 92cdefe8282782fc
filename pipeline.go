package arrowstream

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// Options configure a pipeline. The zero value is the default.
type Options struct {
	// Name of the job in progress and errors; default "job".
	Name string
	// Workers is how many goroutines may work at once on one stage; default
	// GOMAXPROCS. 1 runs the whole pipeline in one goroutine. The results do
	// not depend on it.
	Workers int
	// BatchRows bounds the rows of one Process call; default TickRows. The
	// results do not depend on it.
	BatchRows int
	// TickRows bounds the rows of a tick, and fixes the rows between two
	// watermarks of a partition of a bounded source; default 16,384.
	TickRows int
	// TickBytes bounds the bytes of a tick; default 32 MiB.
	TickBytes int64
	// Linger is how long a tick of a live source waits for more rows after
	// its first one; default 1 ms.
	Linger time.Duration
	// Heartbeat is the time between empty ticks while a live source is
	// silent; default 100 ms.
	Heartbeat time.Duration
	// MemoryLimit is the budget of the job in bytes; default 70 % of what the
	// machine or the control group has. Negative means no limit.
	MemoryLimit int64
	// Allocator is the allocator under the budget; default columnar.Pool.
	Allocator memory.Allocator
	// Clock is the processing time; default SystemClock.
	Clock Clock
	// Progress, if set, is called about every ProgressEvery (default 1 s) and
	// at the end, never concurrently.
	Progress      func(Progress)
	ProgressEvery time.Duration
	// DrainTimeout bounds the time from Drain to the end; default 120 s.
	DrainTimeout time.Duration
	// Replay restricts and paces a bounded run; see [Replay].
	Replay Replay
	// State is where the job keeps what it must not forget. With it the run
	// goes on where the last one with the same state stopped or was killed.
	// Without it nothing is kept.
	State StateStore
	// CheckpointInterval is the time between two epochs; default 1 s. The rows
	// of an epoch are published together, when it is committed.
	CheckpointInterval time.Duration
	// Record keeps with every commit how the input was cut into ticks, so that a
	// run on live input can be repeated bit for bit. It needs a State that is a
	// [Recorder].
	Record bool
	// Access says which files and hosts stages and sinks may reach; nil is
	// everything. Sources and the store are made with one of their own.
	Access *Access
	// Spill is a folder for the state of stages and joins that are able to go
	// on there when it takes more than its share of MemoryLimit; it is made if
	// it is missing. Empty keeps all in memory. With State what is spilled goes
	// there, too.
	Spill string
	// Program is the text that the pipeline was made from, kept with its state.
	Program string
	// Code is what results depend on beside the text: checksums by names. A store
	// does not go on with other code under a name.
	Code map[string]string
}

func (o Options) withDefaults() Options {
	def := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	defDuration := func(p *time.Duration, v time.Duration) {
		if *p <= 0 {
			*p = v
		}
	}
	def(&o.Workers, runtime.GOMAXPROCS(0))
	def(&o.TickRows, 16_384)
	def(&o.BatchRows, o.TickRows)
	o.BatchRows = min(o.BatchRows, o.TickRows)
	if o.TickBytes <= 0 {
		o.TickBytes = 32 << 20
	}
	defDuration(&o.Linger, time.Millisecond)
	defDuration(&o.Heartbeat, 100*time.Millisecond)
	defDuration(&o.ProgressEvery, time.Second)
	defDuration(&o.CheckpointInterval, time.Second)
	defDuration(&o.DrainTimeout, 120*time.Second)
	if o.Name == "" {
		o.Name = "job"
	}
	if o.MemoryLimit == 0 {
		o.MemoryLimit = DefaultMemoryLimit()
	}
	o.MemoryLimit = max(o.MemoryLimit, 0)
	if o.Clock == nil {
		o.Clock = SystemClock{}
	}
	return o
}

// Pipeline is a dataflow graph: sources, stages, sinks. Build it from one
// goroutine, then Run it once.
type Pipeline struct {
	opts    Options
	budget  *columnar.Budget
	spill   *Spill  // nil without a folder
	nodes   []*node // in topological order, because a stream exists before it is used
	names   map[string]bool
	err     error
	started atomic.Bool

	drain     chan struct{}
	drainOnce sync.Once

	checkpoints *checkpoints // nil without a store
	concluded   bool         // stages have left behind what they had to
}

// New returns an empty pipeline.
func New(o Options) *Pipeline {
	o = o.withDefaults()
	p := &Pipeline{
		opts:   o,
		budget: columnar.NewBudget(o.MemoryLimit, o.Allocator),
		names:  map[string]bool{},
		drain:  make(chan struct{}),
	}
	if o.Spill != "" {
		p.spill = NewSpill(o.Spill, o.MemoryLimit, o.Access)
		p.spill.Stored = o.State != nil
	}
	return p
}

// Err is the first error of building the pipeline. Run returns it too.
func (p *Pipeline) Err() error { return p.err }

// Drain asks a running pipeline to stop reading, to process what it has read
// and to close its sinks. Open windows are not emitted: their input has not
// ended. It may be called from any goroutine, also before Run.
func (p *Pipeline) Drain() { p.drainOnce.Do(func() { close(p.drain) }) }

// Close frees what a pipeline that was never run holds: the memory that stages
// took when they were bound, and sinks, which are told to leave nothing behind.
// It does nothing after Run or a first Close; a closed pipeline cannot run.
func (p *Pipeline) Close() error {
	if p.started.Swap(true) {
		return nil
	}
	return errors.Join(p.closeSinks(ErrStopped), p.closeStages())
}

// node is one box of the graph.
type node struct {
	id     int
	name   string
	inputs []*Stream
	ports  []*arrow.Schema // of the outputs
	users  [][]edge        // per port

	// Exactly one of these is set; none for a merge.
	source *sourceNode
	stage  Stage
	join   Join
	sink   Sink
	bound  bool // the stage, join or sink is bound

	// What checkpoints need: nil and zero without a store.
	checkpoints *checkpoints
	uid         string
	given       string // by UID, in the place of what the stage reads
	epoch       Epoch  // of the next tick
	outbox      Outbox // of a Publisher, for that epoch; nil before its first row
	outboxRows  int64

	// What happens to bad rows of a source, or of a Rowwise stage.
	onError    OnError
	errorsPort int         // of the dead letters, 0 if nobody reads them
	dead       deadLetters // owned by whoever puts the ticks in order
	rejects    *Rejects    // of a stage that skips
	seen       int         // rows of this tick that a Rowwise stage was given
	bad        []Rejected  // those of them that become dead letters

	env       Env
	instances []any // of a parallel stage, beside stage itself
	combiner  *node // in front of this one, if its stage is Combining
	flushed   bool  // Advance has seen the end of time
	emit      Emit  // put, once for all ticks
	out       []message
	give      func(out []message) error // hands on a part of a tick; nil keeps all until it ends
	partBytes int64                     // size of a part
	partSize  int64                     // of what waits in out
	behind    error                     // why a node behind n could not take a part
	unflushed bool                      // the sink was given a part
	metrics   operatorMetrics
	peers     []*operatorMetrics // of the other instances, if n is one of several
	heap      int64              // charged for what is not of the allocator
}

// edge leads to an input of a node.
type edge struct {
	node  *node
	input int
}

// sourceNode is what a node that reads needs beside its name.
type sourceNode struct {
	source    Source
	eventTime EventTime
	column    int  // of the event time, or -1
	goesOn    bool // in the next run, where this one ends
}

// bounded reports whether the rows end, and not only for this run.
func (s *sourceNode) bounded() bool { return s.source.Bounded() && !s.goesOn }

// EventTime says where a stream has its event time and how its watermark
// follows.
type EventTime struct {
	// Column is the event-time column: a timestamp or a date. Default: the
	// one that the schema of the source marks, if any.
	Column string
	// Delay is how far rows may be out of order: the watermark of a partition
	// is its largest event time less Delay.
	Delay time.Duration
	// Idle is how long a partition of a live source may be silent before it
	// stops holding back the watermark; default 60 s, negative means never.
	Idle time.Duration
	// MaxDrift is how far a partition may run ahead of the slowest one of the
	// source before it is not read until that has come nearer, so that windows
	// and joins do not have to keep what it brings; 0 is any distance. Partitions
	// that are idle or have ended do not count.
	MaxDrift time.Duration
}

func (p *Pipeline) add(kind, name string, n *node) *node {
	if name == "" {
		for i := 1; ; i++ {
			if name = fmt.Sprintf("%s%d", kind, i); !p.names[name] {
				break
			}
		}
	}
	for base, i := name, 2; p.names[name]; i++ {
		name = fmt.Sprintf("%s#%d", base, i)
	}
	p.names[name] = true
	n.id, n.name = len(p.nodes), name
	n.env = Env{Allocator: p.budget.Account(name), Name: name, Access: p.opts.Access, Spill: p.spill}
	p.nodes = append(p.nodes, n)
	for i, in := range n.inputs {
		from := in.node
		from.users[in.port] = append(from.users[in.port], edge{n, i})
	}
	return n
}

func (p *Pipeline) fail(name string, err error) *Stream {
	if p.err == nil {
		var coded *Error
		if errors.As(err, &coded) {
			p.err = err
		} else {
			p.err = fmt.Errorf("%s: %w", name, err)
		}
	}
	return &Stream{pipeline: p}
}

func kindOf(v any) string {
	t := reflect.TypeOf(v)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return strings.ToLower(t.Name())
}
