// Package csv reads and writes text with separated values: files, standard
// streams and, as a format, single lines for connectors that carry bytes.
// Floor 4.
//
// The scanner goes straight from bytes to columns. It takes RFC 4180 with the
// usual deviations: LF or CRLF ends, no end at all on the last line, a byte
// order mark, quotes in the middle of a bare field. What it does not take is
// an error that names file, line and column, or a counted skip.
package csv

import (
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/filetable"
)

// Connector is the row of this package in the table of connectors.
var Connector = arrowstream.Connector{
	Name: "csv",
	Source: func(t arrowstream.Table) (arrowstream.Source, error) {
		s := &Source{Fields: t.Schema, Partition: t.Partition, Stdio: t.Stdio, Access: t.Access}
		return s, t.Decode(s, Sink{})
	},
	Sink: func(t arrowstream.Table) (arrowstream.Sink, error) {
		s := &Sink{Stdio: t.Stdio}
		err := t.Decode(s, Source{})
		if len(t.Partition) > 0 {
			s.Partition = t.Partition
		}
		return s, err
	},
	Options:    []any{&Source{}, &Sink{}},
	Extensions: []string{".csv", ".tsv", ".csv.gz", ".csv.zst", ".tsv.gz", ".tsv.zst"},
}

var kind = filetable.Kind{Name: "csv", Option: "AS2110", Input: "AS2111"}

// Limits of a row, besides that of its length.
const (
	maxField   = 1 << 20 // bytes
	maxColumns = 4096
)

// Source reads files or stdin.
type Source struct {
	// Path is a file, a directory, a pattern, or - for stdin.
	Path string `option:"path,file,location" required:"true"`
	// Header says whether the first line of each file names the columns:
	// true, false or auto, the default.
	Header string `option:"header"`
	// Delimiter between fields: one character, \t or tab; default a comma, a
	// tab for .tsv files.
	Delimiter string `option:"delimiter,sep,separator,field-delimiter"`
	// Quote around fields; default ", "none" for none.
	Quote string `option:"quote,quote-character"`
	// Escape of a quote inside quotes; default is to double it.
	Escape string `option:"escape,escape-character"`
	// Comment starts lines that are skipped; default none.
	Comment string `option:"comment"`
	// Null lists texts that mean NULL besides the empty unquoted field.
	Null []string `option:"null,null-literal,nulls"`
	// OnBadRow is fail (the default) or skip, for rows that cannot be read.
	OnBadRow arrowstream.BadRow `option:"on.error,on-error,on_error"`
	// InvalidUTF8 is error (the default) or replace.
	InvalidUTF8 string `option:"invalid.utf8"`
	// EventTime names the column that holds the event time.
	EventTime string `option:"event.time,event-time"`
	// SampleRows is how many rows the types are inferred from, at most 1 MiB;
	// default 10,000.
	SampleRows int `option:"sample.rows"`
	// Hive adds the k=v directories of the paths as columns.
	Hive bool `option:"hive,hive_partitioning"`

	// Partition are columns that k=v directories give, with or without Hive.
	Partition []string
	// Predicates on such columns leave out the files of directories in which
	// no row satisfies them.
	Predicates []arrowstream.Predicate
	// Fields are the declared columns; nil infers them.
	Fields *arrow.Schema
	// Stdio stands for the standard streams.
	Stdio arrowstream.Stdio
	// Access is what may be reached.
	Access *arrowstream.Access

	known *known // what Schema found out
}

// dialect is how fields are told apart.
type dialect struct {
	delim, quote, escape, comment byte // 0: none
	nulls                         []string
	replace                       bool // invalid UTF-8
	special                       [256]bool
}

// character reads an option that is one ASCII character.
func character(option, text string, otherwise byte) (byte, error) {
	switch strings.ToLower(text) {
	case "":
		return otherwise, nil
	case `\t`, "tab":
		return '\t', nil
	case "none":
		return 0, nil
	}
	if len(text) != 1 || text[0] >= utf8.RuneSelf || text[0] == '\n' || text[0] == '\r' {
		return 0, kind.BadOption("option %q must be one ASCII character, not %q", option, text)
	}
	return text[0], nil
}

func newDialect(path, delimiter, quote, escape, comment string) (*dialect, error) {
	d := &dialect{}
	delim := byte(',')
	if strings.Contains(strings.ToLower(path), ".tsv") {
		delim = '\t'
	}
	var err error
	if d.delim, err = character("delimiter", delimiter, delim); err != nil {
		return nil, err
	}
	if d.quote, err = character("quote", quote, '"'); err != nil {
		return nil, err
	}
	if d.escape, err = character("escape", escape, d.quote); err != nil {
		return nil, err
	}
	if d.comment, err = character("comment", comment, 0); err != nil {
		return nil, err
	}
	if d.delim == 0 || d.delim == d.quote || d.delim == d.escape && d.quote != 0 || d.delim == d.comment {
		return nil, kind.BadOption("delimiter %q must differ from quote, escape and comment", d.delim)
	}
	d.special[d.delim], d.special['\n'], d.special['\r'] = true, true, true
	return d, nil
}

func (s *Source) dialect() (*dialect, error) {
	d, err := newDialect(s.Path, s.Delimiter, s.Quote, s.Escape, s.Comment)
	if err != nil {
		return nil, err
	}
	d.nulls = s.Null
	switch strings.ToLower(s.InvalidUTF8) {
	case "", "error":
	case "replace":
		d.replace = true
	default:
		return nil, kind.BadOption("option %q is error or replace, not %q", "invalid.utf8", s.InvalidUTF8)
	}
	switch strings.ToLower(s.Header) {
	case "", "auto", "true", "false":
	default:
		return nil, kind.BadOption("option %q is true, false or auto, not %q", "header", s.Header)
	}
	return d, nil
}
