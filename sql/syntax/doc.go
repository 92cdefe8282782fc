// Package syntax turns SQL text into a tree and a tree back into text.
//
// [Parse] reads a script: it never panics, resumes after an error at the next
// semicolon and reports up to [MaxErrors] errors together. Alternative
// spellings (Spark's USING ... OPTIONS, the ML.PREDICT form, :: casts) are
// rewritten to the canonical tree here, so that what follows sees one form.
// [Text] prints that canonical form; parsing it again gives the same tree.
//
// A new form is a node in ast_*.go, its case in parse_*.go, in print_*.go and
// in [Children], and a block in testdata. Few words are reserved (keywords.go):
// a new word counts only with what follows it, and testdata/words.test shows
// that it still is a name everywhere else.
//
// The package knows no names, types or connectors: that is the work of the
// binder in package sql. It stands on the SQL floor and imports the root
// package only, for its error type.
package syntax
