package database

import "strings"

// Name quotes the name of a column.
func (d *Dialect) Name(name string) string {
	return d.Quote + strings.ReplaceAll(name, d.Quote, d.Quote+d.Quote) + d.Quote
}

// Table quotes the name of a table, which a dot divides from its schema.
func (d *Dialect) Table(name string) string {
	schema, table, found := strings.Cut(name, ".")
	if !found {
		return d.Name(name)
	}
	return d.Name(schema) + "." + d.Name(table)
}

// Names quotes column names and puts commas between them.
func (d *Dialect) Names(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = d.Name(n)
	}
	return strings.Join(quoted, ", ")
}

// sibling is the name of another table in the schema of one.
func sibling(table, other string) string {
	if schema, _, found := strings.Cut(table, "."); found {
		return schema + "." + other
	}
	return other
}

// columnNames are the names of columns.
func columnNames(columns []Column) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return names
}
