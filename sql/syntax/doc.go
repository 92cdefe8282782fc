// Package syntax turns SQL text into a tree and a tree back into text.
//
// [Parse] reads a script: it never panics, resumes after an error at the next
// semicolon and reports up to [MaxErrors] errors together. Alternative
// spellings (Spark's USING ... OPTIONS, the ML.PREDICT form, :: casts) are
// rewritten to the canonical tree here, so that what follows sees one form.
// [Text] prints that canonical form; parsing it again gives the same tree.
//
// The package knows no names, types or connectors: that is the work of the
// binder in package sql. It stands on the SQL floor and imports the root
// package only, for its error type.
package syntax
