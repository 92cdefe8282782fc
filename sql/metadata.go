package sql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/sql/syntax"
)

// metadataColumn is a column that shows a fact about a row of its source, such
// as the partition and the offset of a message. It is read and never written.
type metadataColumn struct{ name, key string }

// metadataOption is the option of connectors that have such facts: a list of
// key=column.
const metadataOption = "metadata"

// addMetadata declares a METADATA column of a table.
func (s *session) addMetadata(t *table, c syntax.ColumnDef) error {
	if t.connector == nil {
		return s.src.Error(c.Span, "AS1504", "leave the column out", fmt.Sprintf("table %q has no connector that could give metadata", t.name))
	}
	if !slices.Contains(optionNames(t.connector.Options), metadataOption) {
		return s.src.Error(c.Span, "AS1504", "leave the column out", fmt.Sprintf("connector %q has no metadata", t.connector.Name))
	}
	m := metadataColumn{name: c.Name.Name, key: c.MetadataKey}
	if m.key == "" {
		m.key = m.name
	}
	if strings.ContainsAny(m.name+m.key, ",=") {
		return s.src.Error(c.Span, "AS1504", "rename it in a query", fmt.Sprintf("a metadata column cannot be called %q", m.name))
	}
	if _, ok := t.optionAt[metadataOption]; !ok {
		t.optionAt[metadataOption] = c.Span
	}
	item := m.key + "=" + m.name
	if given := t.options[metadataOption]; given != "" {
		item = given + "," + item
	}
	t.options[metadataOption] = item
	t.metadata = append(t.metadata, m)
	return nil
}

// setFields fixes the declared columns of a table: all of them are read, those
// that are no metadata are written.
func (t *table) setFields(fields []arrow.Field) {
	written := slices.DeleteFunc(slices.Clone(fields), func(f arrow.Field) bool { return t.metadataKey(f.Name) != "" })
	if len(written) > 0 {
		t.schema, t.reads = arrow.NewSchema(written, nil), arrow.NewSchema(fields, nil)
	}
}

// metadataKey is the fact that a column shows, "" if it is no metadata column.
func (t *table) metadataKey(column string) string {
	for _, m := range t.metadata {
		if m.name == column {
			return m.key
		}
	}
	return ""
}
