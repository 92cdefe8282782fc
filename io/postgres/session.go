package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/arrowstream/arrowstream/internal/database"
)

// session is a connection.
type session struct{ conn *pgconn.PgConn }

var _ database.Session = (*session)(nil)

// brokenError is an error that has ended the connection.
type brokenError struct{ error }

func (e brokenError) Unwrap() error { return e.error }

// mark notes that an error has ended the connection.
func (s *session) mark(err error) error {
	if err != nil && s.conn.IsClosed() {
		return brokenError{err}
	}
	return err
}

// arguments renders arguments as text, which the server reads by their type.
func arguments(args []any) [][]byte {
	values := make([][]byte, len(args))
	for i, a := range args {
		values[i] = []byte(fmt.Sprint(a))
	}
	return values
}

// all runs a statement and returns its rows as text.
func (s *session) all(ctx context.Context, statement string, args ...any) (rows [][]string, tag pgconn.CommandTag, err error) {
	r := s.conn.ExecParams(ctx, statement, arguments(args), nil, nil, nil).Read()
	for _, values := range r.Rows {
		row := make([]string, len(values))
		for i, v := range values {
			row[i] = string(v)
		}
		rows = append(rows, row)
	}
	return rows, r.CommandTag, s.mark(r.Err)
}

// Run implements database.Conn. A COMMIT that the server answers by taking the
// transaction back is an error.
func (s *session) Run(ctx context.Context, statement string, args ...any) ([]string, int64, error) {
	rows, tag, err := s.all(ctx, statement, args...)
	if err == nil && statement == "COMMIT" && tag.String() != "COMMIT" {
		err = fmt.Errorf("the server answers COMMIT with %s", tag)
	}
	if err != nil || len(rows) == 0 {
		return nil, tag.RowsAffected(), err
	}
	return rows[0], tag.RowsAffected(), nil
}

// Table implements database.Conn. The type of a domain is the one below it.
func (s *session) Table(ctx context.Context, name string) (*database.Table, error) {
	name = dialect.Table(name)
	rows, _, err := s.all(ctx, `SELECT a.attname, format_type(a.atttypid, a.atttypmod),
			CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE a.atttypid END, CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE a.atttypmod END,
			a.attnotnull, a.atthasdef OR a.attidentity <> '', a.attgenerated <> '' OR a.attidentity = 'a'
		FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
		WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`, name)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	table := &database.Table{}
	for _, r := range rows {
		oid, err1 := strconv.ParseUint(r[2], 10, 32)
		modifier, err2 := strconv.ParseInt(r[3], 10, 32)
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("column %q has type %s/%s", r[0], r[2], r[3])
		}
		table.Columns = append(table.Columns, database.Column{
			Name: r[0], SQL: r[1], Type: typeOf(uint32(oid), int32(modifier)), NotNull: r[4] == "t", Filled: r[5] == "t", Generated: r[6] == "t",
		})
	}
	rows, _, err = s.all(ctx, `SELECT i.indisprimary, (SELECT json_agg(a.attname ORDER BY k.n) FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, n)
			JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum WHERE k.n <= i.indnkeyatts)
		FROM pg_index i WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL`, name)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		var key []string
		if err := json.Unmarshal([]byte(r[1]), &key); err != nil {
			return nil, fmt.Errorf("the index of a key: %w", err)
		}
		table.Unique = append(table.Unique, key)
		if r[0] == "t" {
			table.Key = key
		}
	}
	return table, nil
}

// Load implements database.Writing.
func (s *session) Load(ctx context.Context, table string, columns []database.Column, text []byte, rows int) error {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	tag, err := s.conn.CopyFrom(ctx, bytes.NewReader(text), fmt.Sprintf("COPY %s (%s) FROM STDIN", table, dialect.Names(names)))
	if err == nil && tag.RowsAffected() != int64(rows) {
		err = fmt.Errorf("the server stored %d of %d rows", tag.RowsAffected(), rows)
	}
	return s.mark(err)
}

// Describe implements database.Reading.
func (s *session) Describe(ctx context.Context, query string) ([]database.Column, error) {
	d, err := s.conn.Prepare(ctx, "", query, nil)
	if err != nil {
		return nil, s.mark(err)
	}
	var columns []database.Column
	for _, f := range d.Fields {
		row, _, err := s.Run(ctx, "SELECT format_type($1::oid, $2)", f.DataTypeOID, f.TypeModifier)
		if err != nil {
			return nil, err
		}
		columns = append(columns, database.Column{Name: f.Name, SQL: row[0], Type: typeOf(f.DataTypeOID, f.TypeModifier)})
	}
	return columns, nil
}

// Query implements database.Reading.
func (s *session) Query(ctx context.Context, query string, columns []database.Column) (database.Cursor, error) {
	d, err := s.conn.Prepare(ctx, "", query, nil)
	if err != nil {
		return nil, s.mark(err)
	}
	if len(d.Fields) != len(columns) {
		return nil, fmt.Errorf("the query has %d columns, not %d", len(d.Fields), len(columns))
	}
	c := &cursor{session: s, columns: columns}
	for i, f := range d.Fields {
		if t := typeOf(f.DataTypeOID, f.TypeModifier); t == nil || !arrow.TypeEqual(t, columns[i].Type) {
			return nil, fmt.Errorf("the type of column %q has changed", columns[i].Name)
		}
		decode, format := decoderOf(f.DataTypeOID)
		c.decode, c.formats = append(c.decode, decode), append(c.formats, format)
	}
	c.rows = s.conn.ExecPrepared(ctx, "", nil, nil, c.formats)
	return c, nil
}

// Close implements database.Conn. A goodbye that takes longer is cut short.
func (s *session) Close() {
	ctx, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	_ = s.conn.Close(ctx)
}
