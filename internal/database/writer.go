package database

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

const (
	// chunkBytes is the text that one bulk load brings.
	chunkBytes = 1 << 20
	// bufferBytes is how much waits for a flush at most, about.
	bufferBytes = 32 << 20
	// stageTable holds the changes of an upsert before they are applied.
	stageTable = "arrowstream_stage"
)

// Writer writes a table. With a store only Publish is called; without one rows
// wait in memory until a flush commits them: at least once, since a commit
// whose answer is lost is done again.
type Writer struct {
	// Table to write, "schema.table" if not in the default schema.
	Table string
	// Key makes it an upsert: a row replaces the one of the same key, and a
	// changelog comes down to its net effect.
	Key []string
	// Create makes the table if it is missing.
	Create bool
	// BatchRows is how many rows wait for a flush at most; 0 is by size only.
	BatchRows int64

	client    Client
	mem       memory.Allocator
	schema    *arrow.Schema // without the change column
	changelog bool
	key       []int
	columns   []Column // of the table, in the order of schema
	epochs    bool
	sink      arrowstream.Publication // whose row in the table of epochs is used
	waiting   []arrowstream.Batch
	rows      int64
	bytes     int64
	text      []byte
	aborted   bool
}

// Bind checks the columns as far as they can be without the server.
func (w *Writer) Bind(client Client, in *arrow.Schema, env arrowstream.Env) error {
	w.client, w.mem, w.schema = client, env.Allocator, in
	w.client.Fresh = w.open
	d := client.Server.Dialect()
	if w.Table == "" {
		return d.Kind.BadOption("table is missing", "")
	}
	if w.changelog = columnar.Changelog(in); w.changelog {
		if len(w.Key) == 0 {
			return &arrowstream.Error{
				Code: "AS1504", Msg: fmt.Sprintf("%s: table %s takes no updates", d.Kind, w.Table), Hint: "give the key columns: PRIMARY KEY or option key",
			}
		}
		md := in.Metadata()
		w.schema = arrow.NewSchema(in.Fields()[:in.NumFields()-1], &md)
	}
	for _, k := range w.Key {
		i := columnar.Index(w.schema, k)
		if i < 0 {
			return d.Kind.BadOption(fmt.Sprintf("key: there is no column %q", k), arrowstream.Suggest(k, columnar.Names(w.schema), "columns"))
		}
		w.key = append(w.key, i)
	}
	for i, f := range w.schema.Fields() {
		if d.Type(f.Type, slices.Contains(w.key, i)) == "" {
			return &arrowstream.Error{
				Code: "AS4150", Msg: fmt.Sprintf("%s: column %q of type %s cannot be written", d.Kind, f.Name, columnar.TypeName(f.Type)), Hint: "CAST it in the query, or leave it out",
			}
		}
	}
	return nil
}

// Takes implements arrowstream.Updating.
func (w *Writer) Takes() arrowstream.Delivery {
	if len(w.Key) > 0 {
		return arrowstream.Upsert
	}
	return arrowstream.AppendOnly
}

// open prepares a connection: the table is checked or made, and what stands
// beside it is made.
func (w *Writer) open(ctx context.Context, s Session) error {
	d := w.client.Server.Dialect()
	table, err := s.Table(ctx, w.Table)
	if err != nil {
		return err
	}
	if table == nil {
		if !w.Create {
			return missing(d, w.Table, w.client.Server.Address(), "create it, or set table.missing to create")
		}
		if _, _, err := s.Run(ctx, w.createTable()); err != nil {
			return err
		}
		if table, err = s.Table(ctx, w.Table); err != nil {
			return err
		}
		if table == nil {
			return fmt.Errorf("table %s was made but cannot be seen", w.Table)
		}
	}
	if w.columns, err = table.fit(d, w.Table, w.schema); err != nil {
		return err
	}
	if table.NoTransactions != "" && w.epochs {
		return &arrowstream.Error{
			Code: "AS4150", Msg: fmt.Sprintf("%s: table %s is of engine %s, which has no transactions", d.Kind, w.Table, table.NoTransactions), Hint: "ALTER TABLE " + d.Table(w.Table) + " ENGINE = InnoDB",
		}
	}
	if len(w.Key) > 0 {
		if err := table.told(d, w.Table, w.Key); err != nil {
			return err
		}
		if _, _, err := s.Run(ctx, d.Stage(stageTable, d.Table(w.Table), d.Names(columnNames(w.columns)))); err != nil {
			return err
		}
	}
	if w.epochs {
		return w.openEpochs(ctx, s)
	}
	return nil
}

// missing is the error of a table that does not exist.
func missing(d *Dialect, table, address, hint string) error {
	return &arrowstream.Error{Code: "AS3003", Msg: fmt.Sprintf("%s: table %s does not exist at %s", d.Kind, table, address), Hint: hint}
}

// createTable is the statement that makes the table.
func (w *Writer) createTable() string {
	d := w.client.Server.Dialect()
	var sb strings.Builder
	fmt.Fprintf(&sb, "CREATE TABLE IF NOT EXISTS %s (", d.Table(w.Table))
	for i, f := range w.schema.Fields() {
		key := slices.Contains(w.key, i)
		if i > 0 {
			sb.WriteString(", ")
		}
		sb.WriteString(d.Name(f.Name) + " " + d.Type(f.Type, key))
		if key || !f.Nullable {
			sb.WriteString(" NOT")
		}
		sb.WriteString(" NULL")
	}
	if len(w.Key) > 0 {
		fmt.Fprintf(&sb, ", PRIMARY KEY (%s)", d.Names(w.Key))
	}
	return sb.String() + ")" + d.Options
}

// Write implements arrowstream.Sink.
func (w *Writer) Write(ctx context.Context, b arrowstream.Batch) error {
	b.Retain()
	w.waiting = append(w.waiting, b)
	w.rows += b.NumRows()
	for _, c := range b.Columns() {
		for _, buf := range c.Data().Buffers() {
			if buf != nil {
				w.bytes += int64(buf.Len())
			}
		}
	}
	if w.bytes >= bufferBytes || w.BatchRows > 0 && w.rows >= w.BatchRows {
		return w.Flush(ctx)
	}
	return nil
}

// Flush implements arrowstream.Sink: what waits is committed.
func (w *Writer) Flush(ctx context.Context) error {
	if w.rows == 0 {
		w.drop()
		return nil
	}
	err := w.client.Do(ctx, "write table "+w.Table, func(ctx context.Context, s Session) error {
		if _, _, err := s.Run(ctx, "BEGIN"); err != nil {
			return err
		}
		if err := w.store(ctx, s, w.buffered()); err != nil {
			return err
		}
		return w.commit(ctx, s)
	})
	if err == nil {
		w.drop()
	}
	return err
}

// buffered yields what waits, as a publication yields its rows.
func (w *Writer) buffered() iter.Seq2[arrowstream.Batch, error] {
	return func(yield func(arrowstream.Batch, error) bool) {
		for _, b := range w.waiting {
			b.Retain()
			if !yield(b, nil) {
				return
			}
		}
	}
}

// drop forgets what waits.
func (w *Writer) drop() {
	for _, b := range w.waiting {
		b.Release()
	}
	w.waiting, w.rows, w.bytes = w.waiting[:0], 0, 0
}

// Abort implements arrowstream.Aborter: rows not yet committed are dropped.
func (w *Writer) Abort(error) { w.aborted = true }

// Close implements arrowstream.Sink.
func (w *Writer) Close() error {
	var err error
	if !w.aborted {
		err = w.Flush(context.Background())
	}
	w.drop()
	w.client.Close()
	return err
}
