package arrowstream

import (
	"context"
	"io"
	"iter"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Epoch numbers the commits of a job, from 1. An epoch is the run of ticks
// between two commits: all of its rows become visible, or none.
type Epoch uint64

// StateStore is a place where a job keeps what it must not forget: the folder
// of package state, or a test double.
type StateStore interface {
	// Open takes the store for this process, repairs what a crash has left,
	// and fences earlier processes. A store that is in use, that holds another
	// job or that is damaged is an *Error; nothing is changed then.
	Open(ctx context.Context, job Job) (EpochLog, error)
}

// Job describes a pipeline to its store, which refuses to go on with another.
type Job struct {
	Name string
	// Program is the text the pipeline was built from, if there is one.
	Program string
	// Stages are the stateful stages, Sources and Sinks the ends of the graph.
	Stages  []Part
	Sources []Part
	Sinks   []Part
	// Code is what else the results depend on; Config is its checksum.
	Code []Part
}

// Part is one part of a job that has something in the store.
type Part struct {
	// UID names the part across restarts and changes of the program: what it
	// does, its keys and what it reads, never its place in the text.
	UID string
	// Kind is the type of the part, such as "aggregate".
	Kind string
	// Config is what the state of a stage depends on beside its input, as a
	// text; empty for sources and sinks.
	Config string
	// Schema of what the part emits, or takes if it is a sink.
	Schema *arrow.Schema
}

// EpochLog is an open store. Commit, Published and Outbox.Append may be called
// from different goroutines, each by one at a time.
type EpochLog interface {
	// Start is what the last process left.
	Start() Start
	// Load yields the state of a stage at the last commit, owned by the caller: a
	// snapshot and the deltas since then, in order, of a log every batch as a
	// delta. Nothing means that the stage is new.
	Load(ctx context.Context, mem memory.Allocator, uid string) iter.Seq2[State, error]
	// Outbox holds the rows of a sink for an epoch. Commit makes them durable.
	Outbox(sink string, e Epoch) Outbox
	// Commit makes c and states durable: after it returns, the epoch happens,
	// whatever else happens. Epochs are committed in order. states are
	// borrowed. Any error ends the job: what is on disk is not known any more.
	Commit(ctx context.Context, c Commit, states []StageState) error
	// Published notes that a sink has made an epoch visible.
	Published(sink string, e Epoch) error
	// Close gives the store free for another process.
	io.Closer
}

// Start is what a job begins with.
type Start struct {
	// ID is unique to the job and stays with its store: 32 hexadecimal digits.
	ID string
	// Incarnation counts the processes that have opened the store, from 1.
	Incarnation uint64
	// Last is the last commit, nil on a new store.
	Last *Commit
	// Unpublished are the commits that some sink has not published, in order.
	Unpublished []Unpublished
	// Unbounded says that some source has no end, so that no Conclude tells of
	// it. It is set by the runtime, which knows the sources.
	Unbounded bool
	// Plan is what there is of the record of epochs behind Last, see [Recorder].
	Plan []byte
	// Past says that the run repeats Plan and ends there: nothing is committed,
	// and sinks work as they do without a store.
	Past bool
}

// Unpublished is the part of a commit that a sink has still to publish.
type Unpublished struct {
	Sink   string
	Commit Commit
}

// Commit is the record of one epoch.
type Commit struct {
	Epoch Epoch
	// Finished says that the input has ended and nothing can follow.
	Finished bool
	// Driver is where the sources, watermarks and clocks stand.
	Driver []byte
	// Flushed are the stages that have seen the end of their input.
	Flushed []string
	// Sinks is what each sink that had rows wants to be told on publishing.
	Sinks map[string]SinkCommit
}

// SinkCommit is the part of a sink in a commit.
type SinkCommit struct {
	// Prepared is what [Committer].Prepare returned.
	Prepared []byte
	// Rows is how many rows the sink publishes from its outbox.
	Rows int64
}

// StageState is what a stage remembers at a commit: everything, or what has
// changed since the commit before. What a [Logged] stage has added to its log
// comes behind State.
type StageState struct {
	UID   string
	Delta bool
	State State
	Log   Log
}

// Release releases everything of s.
func (s StageState) Release() {
	s.State.Release()
	s.Log.Release()
}

// Outbox is where the rows of a sink wait for their epoch to be committed.
type Outbox interface {
	// Append adds b, which is borrowed.
	Append(b Batch) error
	// Rows yields what was appended and committed; the batches are owned by
	// the caller. Reading twice gives the same rows in the same batches.
	Rows(mem memory.Allocator) iter.Seq2[Batch, error]
}

// Incremental is a stage whose state is large and changes little per epoch.
type Incremental interface {
	Stateful
	// Delta returns what has changed since the last Snapshot or Delta; the
	// caller releases it.
	Delta(ctx context.Context) (State, error)
	// Apply adds a delta, borrowed, to what was restored.
	Apply(ctx context.Context, delta State) error
}

// Committer is a sink that stages the rows of an epoch itself, as files do.
// Without a store it is a plain Sink; with one, Resume is called after Bind and
// before any sink of the job is written to, and Prepare in every epoch.
type Committer interface {
	Sink
	// Resume says that epochs are in force, and takes the sink up where the
	// last commit left it: prepared is what Prepare returned then, nil when
	// there was none. Whatever later attempts have left behind is removed; a
	// sink that has made a later epoch of the job visible is [Ahead].
	Resume(ctx context.Context, job Start, prepared []byte) error
	// Prepare makes the rows written since the last Prepare durable and keeps
	// them invisible. It returns what Commit needs, some KiB at most, and nil
	// if there is nothing to make visible and nothing to resume from.
	Prepare(ctx context.Context, e Epoch) (prepared []byte, err error)
	// Commit makes an epoch visible. It is called in order of epochs, again if
	// a crash came between, and by another process than the one that prepared.
	// It may run while Write takes rows of later epochs.
	Commit(ctx context.Context, e Epoch, prepared []byte) error
}

// Concluder is a Committer that may keep rows invisible for several epochs, as a
// file does that grows to a size worth having.
type Concluder interface {
	Committer
	// Conclude says that the next Prepare is the last of this process, because
	// the input has ended or because it is asked to stop. Its Commit leaves
	// nothing invisible but what needs the end of the input, as a single file.
	Conclude(ctx context.Context, ended bool) error
	// Waiting reports whether rows have been invisible for so long that an
	// epoch should end for their sake, though nothing has happened in it. It
	// may be called at any time.
	Waiting() bool
}

// Publisher is a sink that brings a whole epoch into another system at once, by
// a transaction there. With a store its rows wait in an outbox, and Write and
// Flush are not called.
type Publisher interface {
	Sink
	// Claim keeps processes with a smaller incarnation from publishing: without
	// it one that was stopped and wakes up could publish an epoch of its own
	// before this one has published anything. It is called once per run, after
	// the store is open and before anything is published or read. p has the
	// last committed epoch and no Rows; a sink that has a later one of the job
	// is [Ahead]. A later incarnation at work is ErrFenced.
	Claim(ctx context.Context, p Publication) error
	// Publish writes the rows of an epoch together with the proof that it did,
	// or finds that proof and does nothing. It is called in order of epochs,
	// and again after a crash. A later incarnation at work is ErrFenced.
	Publish(ctx context.Context, p Publication) error
}

// Publication is one epoch for one sink.
type Publication struct {
	Job         string // Start.ID
	Sink        string // UID of the sink, unique in the job
	Epoch       Epoch  // in a claim the last one committed, 0 if the job begins
	Incarnation uint64
	// Rows yields the rows, owned by the caller; it can be read repeatedly. Nil
	// in a claim.
	Rows iter.Seq2[Batch, error]
	// Count is the number of rows.
	Count int64
}

// Acknowledger is a partition that tells the place it reads from what has been
// committed, such as a consumer group or a queue.
type Acknowledger interface {
	Replayer
	// Acknowledge says that everything before pos is committed. It may be
	// called while Read is running.
	Acknowledge(ctx context.Context, pos []byte) error
}
