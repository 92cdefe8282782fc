package sql

import (
	"fmt"
	"slices"

	"github.com/arrowstream/arrowstream/sql/syntax"
)

// like is the declaration of a table with what it takes over of another one, which
// it has for what it does not declare itself.
func (s *session) like(st *syntax.CreateTable) (*syntax.CreateTable, error) {
	if st.Like == nil {
		return st, nil
	}
	of, err := lookup(s, s.catalog.tables, st.Like.Table, "table")
	if err != nil {
		return nil, err
	}
	if of.decl == nil {
		return nil, s.src.Error(st.Like.Table.Span, "AS1501", "write CREATE TABLE ... AS SELECT", fmt.Sprintf("%q is declared without columns and options that could be taken over", of.name))
	}
	without := func(part string) bool { return slices.Contains(st.Like.Without, part) }
	out, base := *st, of.decl
	out.Like = nil
	out.Columns = nil
	for _, c := range base.Columns {
		if c.Expr != nil && without("GENERATED") || c.Metadata && without("METADATA") {
			continue
		}
		if !slices.ContainsFunc(st.Columns, func(own syntax.ColumnDef) bool { return own.Name.Name == c.Name.Name }) {
			out.Columns = append(out.Columns, c)
		}
	}
	out.Columns = append(out.Columns, st.Columns...)
	if out.Watermark == nil && !without("WATERMARKS") {
		out.Watermark = base.Watermark
	}
	if out.PrimaryKey == nil && !without("CONSTRAINTS") {
		out.PrimaryKey = base.PrimaryKey
	}
	if out.PartitionedBy == nil && !without("PARTITIONS") {
		out.PartitionedBy = base.PartitionedBy
	}
	if !without("OPTIONS") {
		out.Options = merged(base.Options, st.Options)
	}
	return &out, nil
}
