package database

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/cell"
)

// keysPerQuery is how many keys a query names at most: its text is parsed anew
// each time.
const keysPerQuery = 1000

// finder looks rows of a table up by key, on a connection that stays open.
type finder struct {
	plan   *plan
	client Client
	what   string
	key    string // the columns, as a condition names them
	mem    memory.Allocator
}

// Search implements [arrowstream.Searchable] for the table of r.
func (r *Reader) Search(ctx context.Context, key []string, env arrowstream.Env) (arrowstream.Lookup, error) {
	p, err := r.prepare(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range key {
		i := slices.IndexFunc(p.columns, func(c Column) bool { return c.Name == name })
		if i < 0 || !ordered(p.columns[i].Type) {
			e := &arrowstream.Error{Code: "AS1410", Msg: fmt.Sprintf("%s: column %q of %s cannot be searched by", r.client.Server.Dialect().Kind, name, r.what())}
			if i >= 0 {
				e.Msg += ": it is " + p.columns[i].SQL
				e.Hint = "whole numbers, decimals, texts, dates and timestamps can"
			}
			return nil, e
		}
	}
	f := &finder{plan: p, client: r.client, what: r.what(), mem: env.Allocator}
	f.client.session = nil
	if f.key = f.client.Server.Dialect().Names(key); len(key) > 1 {
		f.key = "(" + f.key + ")"
	}
	return f, nil
}

// Schema implements [arrowstream.Lookup].
func (f *finder) Schema() *arrow.Schema { return f.plan.schema }

// Find implements [arrowstream.Lookup].
func (f *finder) Find(ctx context.Context, keys arrowstream.Batch) (found []arrowstream.Batch, err error) {
	defer func() {
		if err != nil {
			release(found)
			found = nil
		}
	}()
	for from := int64(0); from < keys.NumRows(); from += keysPerQuery {
		some := keys.NewSlice(from, min(from+keysPerQuery, keys.NumRows()))
		query, err := f.query(some)
		some.Release()
		if err != nil {
			return found, err
		}
		more, err := f.run(ctx, query)
		if err != nil {
			return found, err
		}
		found = append(found, more...)
	}
	return found, nil
}

func release(list []arrowstream.Batch) {
	for _, b := range list {
		b.Release()
	}
}

// query selects the rows with the given keys.
func (f *finder) query(keys arrow.Record) (string, error) {
	d := f.client.Server.Dialect()
	columns := make([]*constant, keys.NumCols())
	for i, a := range keys.Columns() {
		var err error
		if columns[i], err = newConstant(d, a); err != nil {
			return "", err
		}
	}
	var sb strings.Builder
	fmt.Fprintf(&sb, "SELECT %s FROM %s WHERE %s IN (", d.Names(columnNames(f.plan.columns)), f.plan.from, f.key)
	for row := range int(keys.NumRows()) {
		if row > 0 {
			sb.WriteString(", ")
		}
		if len(columns) > 1 {
			sb.WriteByte('(')
		}
		for i, c := range columns {
			if i > 0 {
				sb.WriteString(", ")
			}
			sb.WriteString(c.text(row))
		}
		if len(columns) > 1 {
			sb.WriteByte(')')
		}
	}
	sb.WriteByte(')')
	if len(f.plan.order) > 0 {
		sb.WriteString(" ORDER BY " + d.Names(f.plan.orderNames()))
	}
	return sb.String(), nil
}

// run reads the result of a query, anew when the connection breaks on the way.
func (f *finder) run(ctx context.Context, query string) (found []arrowstream.Batch, err error) {
	rows, err := cell.NewRows(f.plan.read, f.mem)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.client.Server.Dialect().Kind, err)
	}
	defer rows.Release()
	err = f.client.Do(ctx, "look up in "+f.what, func(ctx context.Context, s Session) error {
		release(found)
		found = nil
		rows.Rollback()
		if b := rows.Flush(); b != nil {
			b.Release()
		}
		c, err := s.Query(ctx, query, f.plan.columns)
		if err != nil {
			return err
		}
		defer c.Close()
		for {
			err := c.Next(rows)
			if err == nil {
				rows.Commit()
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			if rows.N > 0 && (err != nil || rows.N == defaultBatchRows || rows.N%256 == 0 && rows.Bytes() >= defaultBatchBytes) {
				read := rows.Flush()
				b, castErr := f.plan.declared(f.client.Server.Dialect().Kind, f.what, f.mem, read)
				read.Release()
				if castErr != nil {
					return inputError{castErr}
				}
				found = append(found, b)
			}
			if err != nil {
				return nil
			}
		}
	})
	if err != nil {
		release(found)
		return nil, err
	}
	return found, nil
}

// Close implements [arrowstream.Lookup].
func (f *finder) Close() error {
	f.client.Close()
	return nil
}
