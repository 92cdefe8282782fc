package database

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// What becomes of a row of the stage.
const (
	put    = 0
	remove = 1
)

// opColumn is the column of the stage with what becomes of a row.
var opColumn = Column{Name: columnar.OpColumn}

// store writes rows inside a transaction. With a key it reads them twice: first
// for which row of every key is the last, then to bring those to the stage.
func (w *Writer) store(ctx context.Context, s Session, rows iter.Seq2[arrowstream.Batch, error]) error {
	if len(w.Key) == 0 {
		_, err := w.load(ctx, s, w.client.Server.Dialect().Table(w.Table), rows, nil)
		return err
	}
	kept, err := w.lastOfKeys(rows)
	if err != nil {
		return err
	}
	d := w.client.Server.Dialect()
	stage := d.Name(stageTable)
	if _, _, err := s.Run(ctx, "DELETE FROM "+stage); err != nil {
		return err
	}
	removed, err := w.load(ctx, s, stage, rows, &kept)
	if err != nil {
		return err
	}
	if removed {
		if _, _, err := s.Run(ctx, w.deleteStaged(d)); err != nil {
			return err
		}
	}
	_, _, err = s.Run(ctx, w.upsertStaged(d))
	return err
}

// lastOfKeys marks the last row of every key.
func (w *Writer) lastOfKeys(rows iter.Seq2[arrowstream.Batch, error]) (columnar.Bitmap, error) {
	n, err := newNet(w.mem, w.schema, w.key)
	if err != nil {
		return columnar.Bitmap{}, inputError{fmt.Errorf("%s: table %s: %w", w.client.Server.Dialect().Kind, w.Table, err)}
	}
	defer n.release()
	for b, err := range rows {
		if err != nil {
			return columnar.Bitmap{}, inputError{err}
		}
		err = n.add(b)
		b.Release()
		if err != nil {
			return columnar.Bitmap{}, inputError{fmt.Errorf("%s: table %s: %w", w.client.Server.Dialect().Kind, w.Table, err)}
		}
	}
	return n.kept(), nil
}

// load brings rows into a table in chunks: all, or those that are marked as
// kept, with what becomes of them. removed reports whether one of these takes
// its key away.
func (w *Writer) load(ctx context.Context, s Session, table string, rows iter.Seq2[arrowstream.Batch, error], kept *columnar.Bitmap) (removed bool, err error) {
	d := w.client.Server.Dialect()
	e := encoder{style: d.Style, columns: w.columns, table: fmt.Sprintf("%s: table %s", d.Kind, w.Table)}
	columns := w.columns
	if kept != nil {
		columns = append(slices.Clip(columns), opColumn)
	}
	text, n, seen := w.text[:0], 0, 0
	defer func() { w.text = text[:0] }()
	send := func() error {
		if n == 0 {
			return nil
		}
		err := s.Load(ctx, table, columns, text, n)
		text, n = text[:0], 0
		return err
	}
	batch := func(b arrowstream.Batch) error {
		defer b.Release()
		if err := e.bind(b); err != nil {
			return inputError{err}
		}
		var change []int8
		if w.changelog {
			change = columnar.Values[int8](b.Column(int(b.NumCols()) - 1))
		}
		for i := range int(b.NumRows()) {
			op := -1
			if kept != nil {
				if !kept.Get(seen + i) {
					continue
				}
				op = put
				if change != nil && (columnar.Change(change[i]) == columnar.Delete || columnar.Change(change[i]) == columnar.UpdateBefore) {
					op, removed = remove, true
				}
			}
			var err error
			if text, err = e.row(text, i, op); err != nil {
				return inputError{err}
			}
			if n++; len(text) >= chunkBytes {
				if err := send(); err != nil {
					return err
				}
			}
		}
		seen += int(b.NumRows())
		return nil
	}
	for b, err := range rows {
		if err != nil {
			return false, inputError{err}
		}
		if err := batch(b); err != nil {
			return false, err
		}
	}
	return removed, send()
}

// upsertStaged brings the rows of the stage into the table.
func (w *Writer) upsertStaged(d *Dialect) string {
	names := columnNames(w.columns)
	var rest []string
	for _, n := range names {
		if !slices.Contains(w.Key, n) {
			rest = append(rest, n)
		}
	}
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s WHERE %s = %d%s",
		d.Table(w.Table), d.Names(names), d.Names(names), d.Name(stageTable), d.Name(opColumn.Name), put, d.Upsert(w.Key, rest))
}

// deleteStaged removes the rows of the table whose keys the stage takes away.
func (w *Writer) deleteStaged(d *Dialect) string {
	table, stage := d.Table(w.Table), d.Name(stageTable)
	match := ""
	for i, k := range w.Key {
		if i > 0 {
			match += " AND "
		}
		match += table + "." + d.Name(k) + " = " + stage + "." + d.Name(k)
	}
	return d.Delete(table, stage, match, fmt.Sprintf("%s.%s = %d", stage, d.Name(opColumn.Name), remove))
}
