package database

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// Reader reads a table or the result of a query, as it is when each partition
// begins. In the order of a key it can go on behind any row, after a broken
// connection as well; without one its rows come in any order, once.
type Reader struct {
	// Table to read, or Query.
	Table, Query string
	// Columns to read, in their order; none means all.
	Columns []string
	// Declared are the columns as declared; nil takes those of the database.
	Declared *arrow.Schema
	// OrderBy are columns that tell rows apart; none means the primary key,
	// "none" no order.
	OrderBy []string
	// Partition is a column of whole numbers whose range, Lower to Upper or
	// what the table holds, is cut into Partitions parts that are read side by
	// side. Rows outside the bounds belong to the first and the last part.
	Partition    string
	Partitions   int
	Lower, Upper string

	client Client
	plan   *plan
}

// plan is what a reader has found out about its table.
type plan struct {
	from    string   // table or query, as FROM takes it
	columns []Column // read: the wanted ones, then what the order needs besides
	read    *arrow.Schema
	schema  *arrow.Schema // of the batches
	order   []int         // places in columns
}

// orderNames are the columns of the order.
func (p *plan) orderNames() []string {
	names := make([]string, len(p.order))
	for i, c := range p.order {
		names[i] = p.columns[c].Name
	}
	return names
}

// Bind checks the options, and says where the server is.
func (r *Reader) Bind(client Client) error {
	r.client = client
	kind := client.Server.Dialect().Kind
	if text := strings.TrimSpace(r.Table); strings.HasPrefix(text, "(") && r.Query == "" {
		// A query with its name, as Spark writes it in dbtable.
		if i := strings.LastIndexByte(text, ')'); i > 0 {
			r.Table, r.Query = "", text[1:i]
		}
	}
	switch {
	case r.Table == "" && r.Query == "":
		return kind.BadOption("table is missing", "or give a query")
	case r.Table != "" && r.Query != "":
		return kind.BadOption("query and table exclude each other", "")
	case r.Partitions < 0 || r.Partitions > 1000:
		return kind.BadOption("partition.count is out of range", "1 to 1000")
	case r.Partitions > 1 && r.Partition == "":
		return kind.BadOption("partition.column is missing", "name a column of whole numbers")
	case (r.Lower == "") != (r.Upper == ""):
		return kind.BadOption("partition.lower and partition.upper go together", "")
	}
	for name, v := range map[string]string{"partition.lower": r.Lower, "partition.upper": r.Upper} {
		if _, err := strconv.ParseInt(v, 10, 64); v != "" && err != nil {
			return kind.BadOption(fmt.Sprintf("%s: %q is not a whole number", name, v), "")
		}
	}
	return nil
}

// Schema are the columns of the batches. Unless they are declared the server
// is asked.
func (r *Reader) Schema(ctx context.Context) (*arrow.Schema, error) {
	if r.Declared != nil && len(r.Columns) == 0 {
		return r.Declared, nil
	}
	p, err := r.prepare(ctx)
	if err != nil {
		return nil, err
	}
	return p.schema, nil
}

// prepare looks at the table once.
func (r *Reader) prepare(ctx context.Context) (*plan, error) {
	if r.plan != nil {
		return r.plan, nil
	}
	d := r.client.Server.Dialect()
	p := &plan{from: d.Table(r.Table)}
	if r.Query != "" {
		p.from = "(" + strings.TrimRight(r.Query, "; \t\r\n") + ") AS " + d.Name("q")
	}
	var table *Table
	err := r.client.Do(ctx, "look at "+r.what(), func(ctx context.Context, s Session) (err error) {
		if r.Query != "" {
			table = &Table{}
			table.Columns, err = s.Describe(ctx, "SELECT * FROM "+p.from)
			return err
		}
		if table, err = s.Table(ctx, r.Table); err == nil && table == nil {
			err = missing(d, r.Table, r.client.Server.Address(), "check the spelling, the schema and the database")
		}
		return err
	})
	r.client.Close()
	if err != nil {
		return nil, err
	}
	if err := r.choose(p, table); err != nil {
		return nil, err
	}
	r.plan = p
	return p, nil
}

// what names the table for messages.
func (r *Reader) what() string {
	if r.Query != "" {
		return "the query"
	}
	return "table " + r.Table
}

// choose finds the columns to read and the order.
func (r *Reader) choose(p *plan, t *Table) error {
	kind := r.client.Server.Dialect().Kind
	find := func(option, name string) (Column, error) {
		for _, c := range t.Columns {
			if c.Name == name {
				return c, nil
			}
		}
		return Column{}, kind.BadOption(fmt.Sprintf("%s: there is no column %q in %s", option, name, r.what()), arrowstream.Suggest(name, columnNames(t.Columns), "columns"))
	}
	wanted := r.Columns
	if len(wanted) == 0 {
		wanted = columnNames(t.Columns)
		if r.Declared != nil {
			wanted = columnar.Names(r.Declared)
		}
	}
	var fields []arrow.Field
	for _, name := range wanted {
		c, err := find("columns", name)
		if err != nil {
			return err
		}
		f, err := r.field(c)
		if err != nil {
			return err
		}
		p.columns, fields = append(p.columns, c), append(fields, f)
	}
	var md *arrow.Metadata
	if r.Declared != nil {
		m := r.Declared.Metadata()
		md = &m
	}
	p.schema = arrow.NewSchema(fields, md)

	order := r.OrderBy
	switch {
	case len(order) == 0:
		order = t.Key
	case len(order) == 1 && strings.EqualFold(order[0], "none"):
		order = nil
	}
	for _, name := range order {
		c, err := find("order.by", name)
		if err != nil {
			return err
		}
		if !ordered(c.Type) {
			if len(r.OrderBy) == 0 { // a primary key of another type
				p.order = nil
				break
			}
			return kind.BadOption(fmt.Sprintf("order.by: column %q is %s", name, c.SQL), "whole numbers, decimals, texts, dates and timestamps have an order that can be gone on with")
		}
		i := slices.IndexFunc(p.columns, func(x Column) bool { return x.Name == name })
		if i < 0 {
			i = len(p.columns)
			p.columns = append(p.columns, c)
		}
		p.order = append(p.order, i)
	}
	if r.Partition != "" {
		c, err := find("partition.column", r.Partition)
		if err != nil {
			return err
		}
		if c.Type == nil || !arrow.IsInteger(c.Type.ID()) {
			return kind.BadOption(fmt.Sprintf("partition.column: column %q is %s", c.Name, c.SQL), "name a column of whole numbers")
		}
	}
	read := make([]arrow.Field, len(p.columns))
	for i, c := range p.columns {
		read[i] = arrow.Field{Name: c.Name, Type: c.Type, Nullable: true}
	}
	p.read = arrow.NewSchema(read, nil)
	return nil
}

// field is the column of the batches for one of the table.
func (r *Reader) field(c Column) (arrow.Field, error) {
	kind := r.client.Server.Dialect().Kind
	if c.Type == nil {
		return arrow.Field{}, &arrowstream.Error{
			Code: "AS4152", Msg: fmt.Sprintf("%s: column %q of %s is %s, which cannot be read", kind, c.Name, r.what(), c.SQL), Hint: "leave it out, or give a query that casts it",
		}
	}
	if r.Declared == nil {
		return arrow.Field{Name: c.Name, Type: c.Type, Nullable: !c.NotNull}, nil
	}
	i := columnar.Index(r.Declared, c.Name)
	if i < 0 {
		return arrow.Field{}, kind.BadOption(fmt.Sprintf("columns: %q is not declared", c.Name), "")
	}
	f := r.Declared.Field(i)
	if can, _ := kernels.CanCast(c.Type, f.Type); !can && !arrow.TypeEqual(c.Type, f.Type) {
		return f, &arrowstream.Error{
			Code: "AS4152", Msg: fmt.Sprintf("%s: column %q of %s is %s, which does not convert to %s", kind, c.Name, r.what(), c.SQL, columnar.TypeName(f.Type)),
			Hint: "declare it as " + sqlName(c.Type),
		}
	}
	return f, nil
}

// ordered reports whether an order by a type can be gone on with: its values
// can be written as constants.
func ordered(t arrow.DataType) bool {
	if t == nil {
		return false
	}
	switch t.ID() {
	case arrow.STRING, arrow.DATE32, arrow.TIMESTAMP, arrow.DECIMAL128:
		return true
	}
	return arrow.IsInteger(t.ID())
}

// Open returns the partitions. Their connections are made when they are read.
func (r *Reader) Open(ctx context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	p, err := r.prepare(ctx)
	if err != nil {
		return nil, err
	}
	ranges, err := r.ranges(ctx)
	if err != nil {
		return nil, err
	}
	var parts []arrowstream.Partition
	for _, where := range ranges {
		part := newPart(p, r.client, where, r.what(), env)
		if len(p.order) > 0 {
			parts = append(parts, &replayable{part})
			continue
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// ranges cuts the partition column into conditions, "" for all rows.
func (r *Reader) ranges(ctx context.Context) ([]string, error) {
	if r.Partitions <= 1 {
		return []string{""}, nil
	}
	d := r.client.Server.Dialect()
	name := d.Name(r.Partition)
	lower, upper := r.Lower, r.Upper
	if lower == "" {
		err := r.client.Do(ctx, "find the bounds of "+r.what(), func(ctx context.Context, s Session) error {
			row, _, err := s.Run(ctx, fmt.Sprintf("SELECT min(%s), max(%s) FROM %s", name, name, r.plan.from))
			if err == nil && len(row) == 2 {
				lower, upper = row[0], row[1]
			}
			return err
		})
		r.client.Close()
		if err != nil {
			return nil, err
		}
	}
	lo, err1 := strconv.ParseInt(lower, 10, 64)
	hi, err2 := strconv.ParseInt(upper, 10, 64)
	if err1 != nil || err2 != nil || hi <= lo { // empty, NULL only, or one value
		return []string{""}, nil
	}
	n := min(uint64(r.Partitions), uint64(hi)-uint64(lo))
	step := (uint64(hi) - uint64(lo)) / n
	more := (uint64(hi) - uint64(lo)) % n // the first parts are longer by one
	var ranges []string
	at := lo
	for i := range n {
		next := at + int64(step)
		if i < more {
			next++
		}
		switch {
		case n == 1:
			ranges = append(ranges, "")
		case i == 0:
			ranges = append(ranges, fmt.Sprintf("(%s < %d OR %s IS NULL)", name, next, name))
		case i == n-1:
			ranges = append(ranges, fmt.Sprintf("%s >= %d", name, at))
		default:
			ranges = append(ranges, fmt.Sprintf("%s >= %d AND %s < %d", name, at, name, next))
		}
		at = next
	}
	return ranges, nil
}

// Delivers is the guarantee of a source with these options.
func Delivers(orderBy []string, query string) (arrowstream.Guarantee, string) {
	if query != "" && len(orderBy) == 0 {
		return arrowstream.AtLeastOnce, "a query without order.by is read from the start again"
	}
	return arrowstream.ExactlyOnce, "rows are read again from a key on, the primary one or that of order.by"
}
