package mysql

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/database"
)

// Sink writes a table.
type Sink struct {
	// URL of the database: mysql://host:port/database?tls=true, also with jdbc:
	// before it, or user@tcp(host:port)/database as the Go driver takes it.
	URL string `option:"url,dsn" required:"true"`
	// Table to write, database.table if it is not in that of the URL.
	Table string `option:"table,table-name,dbtable"`
	// User and Password log in, unless URL has them; the password may be
	// env:NAME or file:PATH.
	User     string             `option:"user,username"`
	Password arrowstream.Secret `option:"password"`
	// Key are the columns of the primary key: a row replaces the one with its
	// key, and a changelog is brought down to its net effect per key.
	Key []string `option:"key,key.fields"`
	// Missing says what happens when the table does not exist: create (the
	// default) or fail.
	Missing string `option:"table.missing"`
	// BatchRows is how many rows wait for a commit at most when there is no
	// store; the default is the rows of a tick, 32 MiB at most.
	BatchRows int64 `option:"batch.rows,batchsize,sink.buffer-flush.max-rows"`
	// ConnectTimeout is how long the server may be out of reach; 30 s.
	ConnectTimeout time.Duration `option:"connect.timeout,connection.max-retry-timeout"`
	// TLS encrypts the connections and checks the server; CAFile holds the
	// certificates to trust instead of those of the system. Without it tls or
	// sslMode of the URL decides.
	TLS    bool   `option:"tls"`
	CAFile string `option:"tls.ca"`
	// Driver and Isolation are accepted so that other engines' tables work.
	Driver    string `option:"driver"`
	Isolation string `option:"isolationlevel"`

	writer database.Writer
}

// Takes implements [arrowstream.Updating].
func (s *Sink) Takes() arrowstream.Delivery {
	if len(s.Key) > 0 {
		return arrowstream.Upsert
	}
	return arrowstream.AppendOnly
}

// Bind implements [arrowstream.Sink]. The server is asked by Claim, or at the
// first row.
func (s *Sink) Bind(in *arrow.Schema, env arrowstream.Env) error {
	switch s.Missing {
	case "", "create", "fail":
	default:
		return kind.BadOption(fmt.Sprintf("table.missing: %q", s.Missing), "use create or fail")
	}
	server, err := newServer(login{url: s.URL, user: s.User, password: s.Password, tls: s.TLS, caFile: s.CAFile, writes: true, access: env.Access})
	if err != nil {
		return err
	}
	s.writer = database.Writer{Table: s.Table, Key: s.Key, Create: s.Missing != "fail", BatchRows: s.BatchRows}
	return s.writer.Bind(database.Client{Server: server, Timeout: s.ConnectTimeout}, in, env)
}

// Write implements [arrowstream.Sink].
func (s *Sink) Write(ctx context.Context, b arrowstream.Batch) error { return s.writer.Write(ctx, b) }

// Flush implements [arrowstream.Sink]: what was written is committed.
func (s *Sink) Flush(ctx context.Context) error { return s.writer.Flush(ctx) }

// Claim implements [arrowstream.Publisher].
func (s *Sink) Claim(ctx context.Context, p arrowstream.Publication) error {
	return s.writer.Claim(ctx, p)
}

// Publish implements [arrowstream.Publisher].
func (s *Sink) Publish(ctx context.Context, p arrowstream.Publication) error {
	return s.writer.Publish(ctx, p)
}

// Abort implements [arrowstream.Aborter]: rows that are not committed are dropped.
func (s *Sink) Abort(cause error) { s.writer.Abort(cause) }

// Close implements [arrowstream.Sink].
func (s *Sink) Close() error { return s.writer.Close() }
