package parquet

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/arrowstream/arrowstream/internal/epochfile"
)

// createdBy is written into footers.
const createdBy = "arrowstream version 1"

// encoder holds what files of one schema share: the column encoders and the
// compressor. One file is written at a time with it.
type encoder struct {
	schema   *outSchema
	columns  []*chunkOut
	deflater *deflater
	shredder shredder
	rows     int // rows of the row group under construction
}

func newEncoder(schema *outSchema, codec string, level int) (*encoder, error) {
	d, err := newDeflater(codec, level)
	if err != nil {
		return nil, fmt.Errorf("parquet: compression %s: %w", codec, err)
	}
	e := &encoder{schema: schema, deflater: d}
	for _, leaf := range schema.leaves {
		e.columns = append(e.columns, newChunkOut(leaf, &e.shredder))
	}
	return e, nil
}

// bytes estimates the encoded size of the row group under construction.
func (e *encoder) bytes() int64 {
	sum := int64(0)
	for _, c := range e.columns {
		sum += int64(len(c.pages) + len(c.data) + 4*len(c.codes))
	}
	return sum
}

func (e *encoder) reset() {
	e.rows = 0
	for _, c := range e.columns {
		c.reset()
	}
}

func (e *encoder) close() error {
	for _, c := range e.columns {
		c.release()
	}
	return e.deflater.close()
}

// fileWriter writes one file. Its errors are errors of the file: after one,
// the file is of no use.
type fileWriter struct {
	f      *epochfile.File
	enc    *encoder
	groups []format.RowGroup
	note   note
}

// createFile starts a file.
func createFile(f *epochfile.File, enc *encoder) (*fileWriter, error) {
	w := &fileWriter{f: f, enc: enc}
	return w, w.put([]byte(magic))
}

func (w *fileWriter) put(b []byte) error {
	if _, err := w.f.Write(b); err != nil {
		return fmt.Errorf("parquet: %w", err)
	}
	return nil
}

// write adds rows [from, to) of b to the current row group.
func (w *fileWriter) write(b arrow.Record, from, to int) error {
	defer w.enc.shredder.forget()
	for _, c := range w.enc.columns {
		col := b.Column(columnOf(c.leaf, w.enc.schema.arrow))
		if err := c.append(col, from, to, w.enc.deflater); err != nil {
			return fmt.Errorf("parquet: write %s: %w", w.f.Path(), err)
		}
	}
	w.enc.rows += to - from
	w.f.Rows += int64(to - from)
	return nil
}

// columnOf is the top-level column of a leaf.
func columnOf(l *outLeaf, s *arrow.Schema) int {
	return s.FieldIndices(l.path[0])[0]
}

// endGroup writes the row group under construction.
func (w *fileWriter) endGroup() error {
	e := w.enc
	if e.rows == 0 {
		return nil
	}
	g := format.RowGroup{NumRows: int64(e.rows), FileOffset: w.f.Size(), Ordinal: int16(len(w.groups))}
	for _, c := range e.columns {
		dict, pages, meta, err := c.finish(e.deflater, w.f.Size())
		if err != nil {
			return fmt.Errorf("parquet: write %s: %w", w.f.Path(), err)
		}
		if err := w.put(dict); err != nil {
			return err
		}
		if err := w.put(pages); err != nil {
			return err
		}
		g.Columns = append(g.Columns, meta)
		g.TotalByteSize += meta.MetaData.TotalUncompressedSize
		g.TotalCompressedSize += meta.MetaData.TotalCompressedSize
	}
	w.groups = append(w.groups, g)
	e.reset()
	return nil
}

// finish writes the footer, makes the file durable and closes it.
func (w *fileWriter) finish() error {
	if err := w.endGroup(); err != nil {
		return err
	}
	meta := format.FileMetaData{Version: 2, Schema: w.enc.schema.elems, NumRows: w.f.Rows, RowGroups: w.groups, CreatedBy: createdBy}
	if meta.RowGroups == nil {
		meta.RowGroups = thrift.Slice[format.RowGroup]{}
	}
	if w.enc.schema.noted != "" {
		meta.KeyValueMetadata = append(meta.KeyValueMetadata, format.KeyValue{Key: typesKey, Value: w.enc.schema.noted})
	}
	for range w.enc.columns {
		meta.ColumnOrders = append(meta.ColumnOrders, format.ColumnOrder{Value: &format.TypeDefinedOrder{}})
	}
	footer, err := thrift.Marshal(new(thrift.CompactProtocol), &meta)
	if err != nil {
		return fmt.Errorf("parquet: footer of %s: %w", w.f.Path(), err)
	}
	footer = binary.LittleEndian.AppendUint32(footer, uint32(len(footer)))
	if err := w.put(append(footer, magic...)); err != nil {
		return err
	}
	return w.f.Finish()
}
