package arrowstream

import (
	"reflect"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
)

// Connector is one row of the table in io/all: what SQL and the command line
// know about a connector.
type Connector struct {
	// Name in WITH ('connector'='...') and USING.
	Name string
	// Aliases are other accepted names.
	Aliases []string
	// Source makes a source of a table; nil if the connector cannot be read.
	Source func(t Table) (Source, error)
	// Sink makes a sink of a table; nil if the connector cannot be written.
	Sink func(t Table) (Sink, error)
	// Options are zero values of the structs that the options decode into,
	// for help and suggestions.
	Options []any
	// Extensions are file name endings this connector reads or writes when a
	// file name stands where a table name may (".parquet").
	Extensions []string
}

// Table is a table as declared: what a connector needs to serve it.
type Table struct {
	Name string
	// Options without the connector's name; keys in lower case.
	Options map[string]string
	// Schema holds the declared columns, nil when none were declared and the
	// connector shall infer them.
	Schema *arrow.Schema
	// Key are the columns of the primary key.
	Key []string
	// Partition are the columns of PARTITIONED BY.
	Partition []string
	// Format is the format named by the option "format", nil if none is.
	Format Format
	// Stdio stands for "-"; a nil stream means that of the process.
	Stdio Stdio
	// Access is what the table may reach, for a source, which looks before it
	// is opened. A sink is told by its [Env].
	Access *Access
}

// Decode sets the fields of *into from the options, see [DecodeOptions].
// Options that only one of others knows are left out: a table that is read and
// written carries the options of its source and of its sink.
func (t Table) Decode(into any, others ...any) error {
	own, foreign := optionFields(into), map[string]bool{}
	for _, other := range others {
		for name := range optionFields(other) {
			foreign[name] = true
		}
	}
	options := map[string]string{}
	for key, value := range t.Options {
		if _, mine := own[strings.ToLower(key)]; mine || !foreign[strings.ToLower(key)] {
			options[key] = value
		}
	}
	return DecodeOptions(options, into)
}

// optionFields maps the names and aliases of the options of a configuration
// struct to the index of their field.
func optionFields(config any) map[string]int {
	t := reflect.TypeOf(config)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	fields := map[string]int{}
	for i := range t.NumField() {
		if tag, ok := t.Field(i).Tag.Lookup("option"); ok {
			for name := range strings.SplitSeq(tag, ",") {
				fields[name] = i
			}
		}
	}
	return fields
}
