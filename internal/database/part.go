package database

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/cell"
	"github.com/arrowstream/arrowstream/internal/remote"
	"github.com/arrowstream/arrowstream/kernels"
)

const (
	defaultBatchRows  = 16384
	defaultBatchBytes = 16 << 20
)

// part is a partition: one query on one connection.
type part struct {
	plan   *plan
	client Client
	where  string
	what   string
	mem    memory.Allocator
	max    int
	bytes  int

	mu     sync.Mutex      // held by Read, and by Close once Read has ended
	ctx    context.Context // of the query, which outlives a Read
	cancel context.CancelFunc
	cursor Cursor
	rows   *cell.Rows
	after  []string // constants of the key of the last row delivered
	done   bool
}

// replayable is a partition in the order of a key.
type replayable struct{ *part }

var (
	_ arrowstream.Partition = (*part)(nil)
	_ arrowstream.Replayer  = (*replayable)(nil)
)

func newPart(p *plan, client Client, where, what string, env arrowstream.SourceEnv) *part {
	client.session = nil
	t := &part{plan: p, client: client, where: where, what: what, mem: env.Allocator, max: env.BatchRows, bytes: int(env.BatchBytes)}
	if t.max <= 0 {
		t.max = defaultBatchRows
	}
	if t.bytes <= 0 {
		t.bytes = defaultBatchBytes
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	return t
}

// query is the statement that reads what stands behind a key.
func (p *part) query(after []string) string {
	d := p.client.Server.Dialect()
	var where []string
	if p.where != "" {
		where = append(where, p.where)
	}
	order := p.plan.orderNames()
	if after != nil {
		where = append(where, fmt.Sprintf("(%s) > (%s)", d.Names(order), strings.Join(after, ", ")))
	}
	q := fmt.Sprintf("SELECT %s FROM %s", d.Names(columnNames(p.plan.columns)), p.plan.from)
	if len(where) > 0 {
		q += " WHERE " + strings.Join(where, " AND ")
	}
	if len(order) > 0 {
		q += " ORDER BY " + d.Names(order)
	}
	return q
}

// Read implements arrowstream.Partition.
func (p *part) Read(ctx context.Context) (arrowstream.Batch, error) {
	stop := context.AfterFunc(ctx, p.cancel)
	defer stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rows == nil {
		var err error
		if p.rows, err = cell.NewRows(p.plan.read, p.mem); err != nil {
			return nil, fmt.Errorf("%s: %w", p.client.Server.Dialect().Kind, err)
		}
	}
	for !p.done {
		if err := p.open(); err != nil {
			return nil, err
		}
		err := p.fetch()
		if err == io.EOF {
			p.done = true
			p.end()
			break
		}
		if err == nil && p.rows.N > 0 {
			break
		}
		if err != nil {
			p.rows.Rollback()
			p.end()
			if p.client.Server.Judge(err) != Passing || p.ctx.Err() != nil || len(p.plan.order) == 0 {
				return nil, p.fail(err)
			}
			if p.rows.N > 0 { // the next Read goes on behind these
				break
			}
		}
	}
	return p.take()
}

// fail is the error of a query that broke.
func (p *part) fail(err error) error {
	if e := p.ctx.Err(); e != nil {
		return e
	}
	var data *arrowstream.DataError
	if errors.As(err, &data) && data.Source == "" {
		data.Source = fmt.Sprintf("%s: %s", p.client.Server.Dialect().Kind, p.what)
	}
	err = p.client.fail("read "+p.what, err)
	var e *arrowstream.Error
	if errors.As(err, &e) && p.client.Server.Judge(e.Err) == Passing {
		e.Code, e.Hint = "AS3001", "give the columns of a key with order.by, and reading goes on where it was"
	}
	return err
}

// open runs the query, if it does not run yet.
func (p *part) open() error {
	if p.cursor != nil {
		return nil
	}
	return p.client.Do(p.ctx, "read "+p.what, func(ctx context.Context, s Session) (err error) {
		p.cursor, err = s.Query(ctx, p.query(p.after), p.plan.columns)
		return err
	})
}

// fetch collects rows up to the size of a batch.
func (p *part) fetch() error {
	for p.rows.N < p.max {
		if err := p.cursor.Next(p.rows); err != nil {
			return err
		}
		p.rows.Commit()
		if p.rows.N%256 == 0 && p.rows.Bytes() >= p.bytes {
			return nil
		}
	}
	return nil
}

// end closes the query and its connection.
func (p *part) end() {
	if p.cursor != nil {
		p.cursor.Close()
		p.cursor = nil
	}
	p.client.Close()
}

// take makes a batch of the rows that were fetched, and notes the last key.
func (p *part) take() (arrowstream.Batch, error) {
	read := p.rows.Flush()
	if read == nil {
		return nil, io.EOF
	}
	defer read.Release()
	after, err := p.constants(read, int(read.NumRows())-1)
	if err != nil {
		return nil, err
	}
	b, err := p.plan.declared(p.client.Server.Dialect().Kind, p.what, p.mem, read)
	if err == nil {
		p.after = after
	}
	return b, err
}

// declared makes what was read of a table the batch that is declared.
func (p *plan) declared(kind remote.Kind, what string, mem memory.Allocator, read arrow.Record) (arrowstream.Batch, error) {
	columns := make([]arrow.Array, p.schema.NumFields())
	defer func() {
		for _, c := range columns {
			if c != nil {
				c.Release()
			}
		}
	}()
	for i, f := range p.schema.Fields() {
		a := read.Column(i)
		a.Retain()
		if !arrow.TypeEqual(a.DataType(), f.Type) {
			cast, err := kernels.Cast(mem, a, f.Type, false)
			a.Release()
			if err != nil {
				return nil, fmt.Errorf("%s: %s: column %q: %w", kind, what, f.Name, err)
			}
			a = cast
		}
		columns[i] = a
		if !f.Nullable && a.NullN() > 0 {
			return nil, &arrowstream.Error{
				Code: "AS4007", Msg: fmt.Sprintf("%s: %s: column %q holds NULL", kind, what, f.Name), Hint: "declare it without NOT NULL",
			}
		}
	}
	return array.NewRecord(p.schema, columns, read.NumRows()), nil
}

// constants renders the key of a row.
func (p *part) constants(b arrow.Record, row int) ([]string, error) {
	d := p.client.Server.Dialect()
	var out []string
	for _, i := range p.plan.order {
		a := b.Column(i)
		if a.IsNull(row) {
			return nil, d.Kind.BadOption(fmt.Sprintf("order.by: column %q holds NULL", b.ColumnName(i)), "name columns that tell rows apart and hold no NULL")
		}
		c, err := newConstant(d, a)
		if err != nil {
			return nil, err
		}
		out = append(out, c.text(row))
	}
	return out, nil
}

// constant writes values of a column as constants of a dialect.
type constant struct {
	dialect *Dialect
	view    *cell.View
	noZone  bool // the dialect has none, and the values have
}

func newConstant(d *Dialect, a arrow.Array) (*constant, error) {
	v, err := cell.NewView(a)
	return &constant{d, v, !d.Style.Zone && a.DataType().ID() == arrow.TIMESTAMP}, err
}

func (c *constant) text(row int) string {
	text := string(c.view.AppendPlain(nil, row, ' '))
	if c.view.Numeric() {
		return text
	}
	if c.noZone {
		text = strings.TrimSuffix(text, "Z")
	}
	return c.dialect.Literal(text)
}

// Close implements arrowstream.Partition. The end of the context ends a Read
// that is running.
func (p *part) Close() error {
	p.cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end()
	if p.rows != nil {
		p.rows.Release()
		p.rows = nil
	}
	p.done = true
	return nil
}

// position is a place in a result.
type position struct {
	V     int      `json:"v"`
	Query string   `json:"query"` // hash of what is read
	After []string `json:"after"` // constants of the last key, null at the start
	Done  bool     `json:"done,omitempty"`
}

// fingerprint tells what is read from anything else.
func (p *part) fingerprint() string {
	sum := sha256.Sum256([]byte(p.query(nil)))
	return hex.EncodeToString(sum[:8])
}

// Position implements arrowstream.Replayer.
func (p *replayable) Position() ([]byte, error) {
	return json.Marshal(position{V: 1, Query: p.fingerprint(), After: p.after, Done: p.done})
}

// Seek implements arrowstream.Replayer.
func (p *replayable) Seek(_ context.Context, pos []byte) error {
	var at position
	if err := json.Unmarshal(pos, &at); err != nil || at.V != 1 || len(at.After) != 0 && len(at.After) != len(p.plan.order) {
		return &arrowstream.Error{Code: "AS5001", Msg: fmt.Sprintf("%s: %s: not a position of this source", p.client.Server.Dialect().Kind, p.what)}
	}
	if at.Query != p.fingerprint() {
		return &arrowstream.Error{
			Code: "AS5001", Msg: fmt.Sprintf("%s: %s: the position is of another table, query, order or range", p.client.Server.Dialect().Kind, p.what),
			Hint: "with partitions, set partition.lower and partition.upper, so that the ranges stay the same",
		}
	}
	p.after, p.done = at.After, at.Done
	return nil
}
