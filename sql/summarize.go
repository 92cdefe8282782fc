package sql

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/sql/syntax"
)

// summarize runs SUMMARIZE: a row for every column of a table, a file or a query
// with its type, how many values it has and what they are about. It is planned as
// one query per column over the same rows, which are read once.
func (s *session) summarize(st *syntax.Summarize) error {
	t, at := &table{name: "summarized", at: st.Span, view: st.Query}, st.Span
	if st.Query == nil {
		at = st.Name.Span
		if len(st.Name.Parts) == 0 {
			at = st.Span
		}
		var err error
		if t, err = s.resolveTable(st.Name, st.Path, at, nil); err != nil {
			return err
		}
	}
	n, err := s.scan(t, at)
	if err != nil {
		return err
	}
	if !n.bounded {
		return s.src.Error(at, "AS1405", "SELECT count(*), min(x), ... FROM it", "SUMMARIZE reads to the end of what does not end")
	}
	if n.updating() {
		if n, err = settled(n); err != nil {
			return err
		}
	}
	const name = "summarized"
	env := &with{tables: names[*table]{name: {name: name, at: at, node: n}}}
	var parts []string
	for _, f := range visible(n.schema) {
		parts = append(parts, summary(name, f))
	}
	if len(parts) == 0 {
		return s.src.Error(at, "AS1203", "", "there are no columns to summarize")
	}
	script, err := syntax.Parse("", strings.Join(parts, " UNION ALL "))
	if err != nil {
		return err
	}
	out, err := s.query(script.Statements[0].(*syntax.QueryStatement).Query, env)
	if err != nil {
		return s.coded(at, "AS1101", err)
	}
	s.outputs = append(s.outputs, &output{name: s.resultName(), nodes: []*node{out}})
	return nil
}

// summary is the query about one column.
func summary(from string, f arrow.Field) string {
	column := syntax.QuoteName(f.Name)
	number, ordered := false, false
	switch id := plainType(f.Type).ID(); {
	case arrow.IsInteger(id), arrow.IsFloating(id), arrow.IsDecimal(id):
		number, ordered = true, true
	case id == arrow.STRING, id == arrow.DATE32, id == arrow.TIMESTAMP, id == arrow.TIME32, id == arrow.TIME64:
		ordered = true
	}
	none := "CAST(NULL AS VARCHAR)"
	least, most, distinct, mean, deviation := none, none, "CAST(NULL AS BIGINT)", "CAST(NULL AS DOUBLE)", "CAST(NULL AS DOUBLE)"
	if ordered {
		least, most = "CAST(MIN("+column+") AS VARCHAR)", "CAST(MAX("+column+") AS VARCHAR)"
		distinct = "APPROX_COUNT_DISTINCT(" + column + ")"
	}
	if number {
		mean, deviation = "AVG(CAST("+column+" AS DOUBLE))", "STDDEV(CAST("+column+" AS DOUBLE))"
	}
	return fmt.Sprintf("SELECT %s AS column_name, %s AS column_type, %s AS `min`, %s AS `max`, %s AS approx_unique, %s AS `avg`, %s AS `std`, COUNT(*) AS `count`, COUNT(*) - COUNT(%s) AS nulls FROM %s",
		quoted(f.Name), quoted(typeName(f.Type)), least, most, distinct, mean, deviation, column, from)
}

// quoted is a text as a literal.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
