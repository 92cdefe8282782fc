package postgres

import (
	"context"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/database"
)

// Source reads a table or the result of a query, to its end.
type Source struct {
	// URL of the database: postgres://host:port/database?sslmode=require, also
	// with jdbc: before it, or host=... dbname=... as psql takes it.
	URL string `option:"url,dsn" required:"true"`
	// Table to read, schema.table if it is not in the default schema; or Query.
	Table string `option:"table,table-name,dbtable"`
	Query string `option:"query"`
	// User and Password log in, unless URL has them; the password may be
	// env:NAME or file:PATH.
	User     string             `option:"user,username"`
	Password arrowstream.Secret `option:"password"`
	// Columns are the columns to read, in their order; none means all.
	Columns []string `option:"columns"`
	// Declared are the columns as declared; nil takes those of the table.
	Declared *arrow.Schema
	// OrderBy are columns that tell rows apart, in the order of which they are
	// read. The default is the primary key, none is no order. In an order a
	// job can go on where it was; without one it reads from the start again.
	OrderBy []string `option:"order.by"`
	// Partition is a column of whole numbers whose range is cut into Partitions
	// parts that are read side by side: from Lower to Upper, the least and the
	// greatest value if they are not given. They leave out no row.
	Partition  string `option:"partition.column,partitioncolumn,scan.partition.column"`
	Partitions int    `option:"partition.count,numpartitions,scan.partition.num"`
	Lower      string `option:"partition.lower,lowerbound,scan.partition.lower-bound"`
	Upper      string `option:"partition.upper,upperbound,scan.partition.upper-bound"`
	// ConnectTimeout is how long the server may be out of reach; 30 s.
	ConnectTimeout time.Duration `option:"connect.timeout,connection.max-retry-timeout"`
	// TLS encrypts the connections and checks the server; CAFile holds the
	// certificates to trust instead of those of the system. Without it sslmode
	// of the URL decides.
	TLS    bool   `option:"tls"`
	CAFile string `option:"tls.ca"`
	// Access is what may be reached.
	Access *arrowstream.Access
	// Driver and FetchSize are accepted so that other engines' tables work.
	Driver    string `option:"driver"`
	FetchSize string `option:"fetchsize,scan.fetch-size"`
}

var _ arrowstream.Searchable = (*Source)(nil)

// Bounded implements [arrowstream.Source].
func (s *Source) Bounded() bool { return true }

// Delivers implements [arrowstream.Guaranteed].
func (s *Source) Delivers() (arrowstream.Guarantee, string) {
	return database.Delivers(s.OrderBy, s.Query)
}

// bind checks the options.
func (s *Source) bind() (*database.Reader, error) {
	server, err := newServer(login{url: s.URL, user: s.User, password: s.Password, tls: s.TLS, caFile: s.CAFile, access: s.Access})
	if err != nil {
		return nil, err
	}
	r := &database.Reader{
		Table: s.Table, Query: s.Query, Columns: s.Columns, Declared: s.Declared, OrderBy: s.OrderBy,
		Partition: s.Partition, Partitions: s.Partitions, Lower: s.Lower, Upper: s.Upper,
	}
	return r, r.Bind(database.Client{Server: server, Timeout: s.ConnectTimeout})
}

// Schema implements [arrowstream.Source]. Columns that are not declared are
// those of the table.
func (s *Source) Schema() (*arrow.Schema, error) {
	r, err := s.bind()
	if err != nil {
		return nil, err
	}
	return r.Schema(context.Background())
}

// Open implements [arrowstream.Source].
func (s *Source) Open(ctx context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	r, err := s.bind()
	if err != nil {
		return nil, err
	}
	return r.Open(ctx, env)
}

// Search implements [arrowstream.Searchable].
func (s *Source) Search(ctx context.Context, key []string, env arrowstream.Env) (arrowstream.Lookup, error) {
	r, err := s.bind()
	if err != nil {
		return nil, err
	}
	return r.Search(ctx, key, env)
}
