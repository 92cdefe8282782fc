// Package state keeps what a job must not forget in a folder, or in a bucket of
// an object store ([Bucket] tells how). Floor: with the connectors.
//
// [Dir] is the folder:
//
//	LOCK          held by the process at work; says which
//	INCARNATION   how many processes have opened the folder
//	MANIFEST      what the job is: its parts, their schemas, its text
//	log/          the epochs: frames in one segment, appended and synced
//	state/UID/    snapshots, deltas and logs of a stage, in Arrow streams
//	outbox/UID/   rows that a sink has still to publish
//	journal/UID/  what was sent to a source that keeps a journal
//	savepoints/   copies that are kept
//	RESERVE       room for a last word on a full disk
//
// Its one invariant: a COMMIT frame is written when every file it names is on
// the disk, and only files that a COMMIT frame names are ever read. The name
// of a file holds epoch and incarnation, so what a dead or a stopped process
// writes late is never mistaken for something else.
//
// Everything read is checked: frames and files carry CRC-32C sums, lengths are
// compared with what is there before memory is asked for, and a name on the
// disk is made from a UID, never taken from a record. Torn ends are cut, as a
// crash leaves them; damage anywhere else is refused, and nothing is changed.
//
// To add something to a commit, add a field to record (record.go); older
// programs ignore fields they do not know. A change that they must not ignore
// raises formatVersion (manifest.go) and brings a folder in testdata.
package state
