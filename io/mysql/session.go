package mysql

import (
	"bytes"
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/go-sql-driver/mysql"

	"github.com/arrowstream/arrowstream/internal/database"
)

// conn is what the connections of the driver can do. They are used without the
// pool of database/sql, which would do statements again by itself.
type conn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

// session is a connection.
type session struct {
	conn  conn
	local bool // LOAD DATA LOCAL is allowed
}

var _ database.Session = (*session)(nil)

// text renders a value of the driver.
func text(v driver.Value) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []byte:
		return string(v)
	}
	return fmt.Sprint(v)
}

// all runs a query and returns its rows as text.
func (s *session) all(ctx context.Context, statement string, args ...any) ([][]string, error) {
	rows, err := s.conn.QueryContext(ctx, statement, named(args))
	if err != nil {
		return nil, err
	}
	var all [][]string
	values := make([]driver.Value, len(rows.Columns()))
	for {
		if err := rows.Next(values); err == io.EOF {
			return all, rows.Close()
		} else if err != nil {
			_ = rows.Close()
			return nil, err
		}
		row := make([]string, len(values))
		for i, v := range values {
			row[i] = text(v)
		}
		all = append(all, row)
	}
}

func named(args []any) []driver.NamedValue {
	values := make([]driver.NamedValue, len(args))
	for i, a := range args {
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	return values
}

// Run implements database.Conn.
func (s *session) Run(ctx context.Context, statement string, args ...any) ([]string, int64, error) {
	if strings.HasPrefix(statement, "SELECT") {
		rows, err := s.all(ctx, statement, args...)
		if err != nil || len(rows) == 0 {
			return nil, 0, err
		}
		return rows[0], 0, nil
	}
	result, err := s.conn.ExecContext(ctx, statement, named(args))
	if err != nil {
		return nil, 0, err
	}
	changed, err := result.RowsAffected()
	return nil, changed, err
}

// Table implements database.Conn.
func (s *session) Table(ctx context.Context, name string) (*database.Table, error) {
	schema, table, found := strings.Cut(name, ".")
	where := "TABLE_SCHEMA = ? AND TABLE_NAME = ?"
	args := []any{schema, table}
	if !found {
		where, args = "TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?", []any{name}
	}
	rows, err := s.all(ctx, `SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE = 'NO', COLUMN_DEFAULT IS NOT NULL OR EXTRA LIKE '%auto_increment%', EXTRA LIKE '%GENERATED'
		FROM information_schema.COLUMNS WHERE `+where+` ORDER BY ORDINAL_POSITION`, args...)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	t := &database.Table{}
	for _, r := range rows {
		t.Columns = append(t.Columns, database.Column{
			Name: r[0], SQL: r[1], Type: typeOf(r[1]), NotNull: r[2] == "1", Filled: r[3] == "1", Generated: r[4] == "1",
		})
	}
	if rows, err = s.all(ctx, `SELECT INDEX_NAME, COLUMN_NAME, SUB_PART IS NOT NULL OR COLUMN_NAME IS NULL
		FROM information_schema.STATISTICS WHERE `+where+` AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX`, args...); err != nil {
		return nil, err
	}
	for i := 0; i < len(rows); {
		name, whole := rows[i][0], true
		var key []string
		for ; i < len(rows) && rows[i][0] == name; i++ {
			key, whole = append(key, rows[i][1]), whole && rows[i][2] == "0"
		}
		if whole {
			t.Unique = append(t.Unique, key)
			if name == "PRIMARY" {
				t.Key = key
			}
		}
	}
	rows, err = s.all(ctx, `SELECT t.ENGINE FROM information_schema.TABLES t JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
		WHERE `+where+` AND e.TRANSACTIONS <> 'YES'`, args...)
	if len(rows) > 0 {
		t.NoTransactions = rows[0][0]
	}
	return t, err
}

// loads numbers the readers that are registered with the driver.
var loads atomic.Int64

// Load implements database.Writing.
func (s *session) Load(ctx context.Context, table string, columns []database.Column, text []byte, rows int) error {
	names := make([]string, len(columns))
	var set []string
	for i, c := range columns {
		names[i] = quoting.Name(c.Name)
		if s.local && c.Type != nil && c.Type.ID() == arrow.BINARY {
			names[i] = fmt.Sprintf("@b%d", i)
			set = append(set, fmt.Sprintf("%s = UNHEX(@b%d)", quoting.Name(c.Name), i))
		}
	}
	if !s.local {
		var sb strings.Builder
		fmt.Fprintf(&sb, "INSERT INTO %s (%s) VALUES ", table, strings.Join(names, ", "))
		sb.Write(text[:len(text)-1]) // without the last comma
		return s.stored(ctx, sb.String(), rows)
	}
	reader := "arrowstream-" + strconv.FormatInt(loads.Add(1), 10)
	mysql.RegisterReaderHandler(reader, func() io.Reader { return bytes.NewReader(text) })
	defer mysql.DeregisterReaderHandler(reader)
	statement := fmt.Sprintf(`LOAD DATA LOCAL INFILE 'Reader::%s' INTO TABLE %s CHARACTER SET utf8mb4 FIELDS TERMINATED BY '\t' ESCAPED BY '\\' LINES TERMINATED BY '\n' (%s)`,
		reader, table, strings.Join(names, ", "))
	if len(set) > 0 {
		statement += " SET " + strings.Join(set, ", ")
	}
	return s.stored(ctx, statement, rows)
}

// stored runs a load. A local one turns its errors into warnings, and changes
// or leaves out the row: any warning fails it.
func (s *session) stored(ctx context.Context, statement string, rows int) error {
	_, changed, err := s.Run(ctx, statement)
	if err != nil {
		return err
	}
	warnings, err := s.all(ctx, "SHOW WARNINGS LIMIT 64")
	if err != nil {
		return err
	}
	for _, w := range warnings {
		if number, err := strconv.ParseUint(w[1], 10, 16); err == nil && w[0] != "Note" {
			return &mysql.MySQLError{Number: uint16(number), Message: w[2]}
		}
	}
	if changed != int64(rows) {
		return fmt.Errorf("the server stored %d of %d rows", changed, rows)
	}
	return nil
}

// Describe implements database.Reading.
func (s *session) Describe(ctx context.Context, query string) ([]database.Column, error) {
	rows, err := s.conn.QueryContext(ctx, query+" LIMIT 0", nil)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	types, ok := rows.(interface {
		driver.RowsColumnTypeDatabaseTypeName
		driver.RowsColumnTypePrecisionScale
	})
	if !ok {
		return nil, fmt.Errorf("the driver tells no types")
	}
	var columns []database.Column
	for i, name := range rows.Columns() {
		typ := strings.ToLower(types.ColumnTypeDatabaseTypeName(i))
		if rest, unsigned := strings.CutPrefix(typ, "unsigned "); unsigned {
			typ = rest + " unsigned"
		}
		if precision, scale, ok := types.ColumnTypePrecisionScale(i); ok {
			switch typ {
			case "decimal":
				typ = fmt.Sprintf("decimal(%d,%d)", precision, scale)
			case "datetime", "timestamp", "time":
				typ = fmt.Sprintf("%s(%d)", typ, scale)
			}
		}
		columns = append(columns, database.Column{Name: name, SQL: typ, Type: typeOf(typ)})
	}
	return columns, nil
}

// Query implements database.Reading. The statement is prepared, since the
// binary protocol has every bit of a FLOAT, and text six digits.
func (s *session) Query(ctx context.Context, query string, columns []database.Column) (database.Cursor, error) {
	statement, err := s.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := statement.(driver.StmtQueryContext).QueryContext(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &cursor{session: s, columns: columns, statement: statement, rows: rows, values: make([]driver.Value, len(columns))}, nil
}

// Close implements database.Conn.
func (s *session) Close() { _ = s.conn.Close() }
