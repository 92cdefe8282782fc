// Package parquet reads and writes Parquet files. Floor 4.
//
// Source reads files, directories and patterns as one bounded table, Sink
// writes directories of files or one file. Files appear under their names only
// when they are whole.
//
// # Reading
//
// The footer of every file is read when the schema is asked for (footer.go,
// tree.go, shape.go), the schemas are reconciled (reconcile.go), row groups are
// left out by their statistics (skip.go). A scan (scan.go) decodes pieces of a
// row group (piece.go), each column on its own, ahead of its reader; a partition
// is one scan (sequence.go) or a merge of scans by event time (merge.go). With
// predicates the tested columns come first (sieve.go, sift.go), but for pages that
// their statistics exclude (pageindex.go), and of the others only the rows that
// pass are decoded, in spans (span.go). A chunk
// (chunk.go) goes through the pages of a column chunk, decodes values straight
// into Arrow buffers (dense.go, builder.go) and keeps dictionaries.
//
// # Writing
//
// Each leaf column has an encoder (chunkout.go) that picks what suits the
// values: codes of a dictionary while they repeat (dictout.go, dictfixed.go),
// packed differences for integers that get shorter by them (deltaout.go), else
// the values as they are. A chunk that compression would not make smaller by a
// quarter is stored as it is. All of it is decided after fixed numbers of rows.
// With a state directory files stay open over commits (commit.go); notes between
// row groups (note.go) let another process go on with them.
//
// # Invariant
//
// Files are hostile until proven otherwise: nothing is allocated because a
// file says so. Footers are scanned before they are decoded (thrift.go), pages
// are inflated into the space that their checked header states (inflate.go),
// runs are decoded as far as values are asked for (hybrid.go), and all memory
// comes from the allocator of the source. Of the library the footer structures
// are used; its page reader believes what it reads.
//
// # Adding things
//
// A type is a line in types.go, one in convert.go if its bytes differ from
// Arrow's, and one in outschema.go. An encoding is a case in dense.go. A codec
// is a case in inflate.go and one in pageout.go.
package parquet
