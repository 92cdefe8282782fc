// Package failpoint marks the places where a crash must lose nothing: around
// every write, sync, rename, append and publication of an epoch. In a normal
// build a mark is an empty function that the compiler removes; with the build
// tag failpoints the environment variable ARROWSTREAM_FAILPOINT arms one, see
// [Hit]. Floor: the ground. To add one, call Hit with a new constant of this
// file; a test fails when a constant is never reached by the crash tests.
package failpoint

// The places, in the order in which an epoch passes them.
const (
	PrepareBefore  = "prepare.before"  // the sinks are about to stage an epoch
	PrepareAfter   = "prepare.after"   // and have
	StateWrite     = "state.write"     // a file of state or outbox is written, not synced
	StateSynced    = "state.synced"    // all files of the epoch are on disk, nothing says so
	CommitAppend   = "commit.append"   // the COMMIT frame is written, not synced
	CommitSynced   = "commit.synced"   // the epoch is committed, nothing is published
	PublishBefore  = "publish.before"  // a sink is about to make an epoch visible
	PublishMiddle  = "publish.middle"  // it has done so in part
	PublishAfter   = "publish.after"   // it is visible, the log does not know
	Published      = "published"       // the log knows
	Acknowledged   = "acknowledged"    // the sources know
	CollectBefore  = "collect.before"  // old files are about to be removed
	CollectMiddle  = "collect.middle"  // and some are
	RecoverOpen    = "recover.open"    // the store is locked, nothing read
	RecoverLog     = "recover.log"     // the log is repaired, nothing loaded
	RecoverLoad    = "recover.load"    // the stages have their state
	RecoverPublish = "recover.publish" // what was not published is about to be
)

// The places of a journal, which only sources that are sent their input pass.
const (
	JournalAppend = "journal.append" // an entry is written, not synced
	JournalSynced = "journal.synced" // it is on disk, its sender does not know
	JournalRoll   = "journal.roll"   // a segment is full, the next is not there
)

// Journal lists the places of a journal.
var Journal = []string{JournalAppend, JournalSynced, JournalRoll}

// Names lists all other places.
var Names = []string{
	PrepareBefore, PrepareAfter, StateWrite, StateSynced, CommitAppend, CommitSynced, PublishBefore, PublishMiddle,
	PublishAfter, Published, Acknowledged, CollectBefore, CollectMiddle, RecoverOpen, RecoverLog, RecoverLoad, RecoverPublish,
}
