package parquet

import (
	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// Extensions are the file name endings of Parquet files.
var Extensions = []string{".parquet", ".parq", ".pq"}

// Connector is the entry of this package in io/all.
var Connector = arrowstream.Connector{
	Name:       "parquet",
	Source:     newSource,
	Sink:       newSink,
	Options:    []any{Source{}, Sink{}},
	Extensions: Extensions,
}

func newSource(t arrowstream.Table) (arrowstream.Source, error) {
	s := &Source{Access: t.Access}
	if err := t.Decode(s, Sink{}); err != nil {
		return nil, err
	}
	s.Declared = t.Schema
	if t.Schema != nil && s.EventTime == "" {
		if i := columnar.EventTime(t.Schema); i >= 0 {
			s.EventTime = t.Schema.Field(i).Name
		}
	}
	if len(t.Partition) > 0 {
		s.Hive = true
	}
	return s, s.validate()
}
