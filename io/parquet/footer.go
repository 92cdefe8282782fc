package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/safe"
)

const (
	magic          = "PAR1"
	maxFooterBytes = 16 << 20
)

// file is an open Parquet file whose footer has been read and checked.
type file struct {
	access *arrowstream.Access
	path   string
	r      io.ReaderAt
	close  func() error
	size   int64
	mtime  time.Time
	meta   format.FileMetaData
	root   *node
	leafs  []*node
}

// openFile opens a file and reads its footer. The caller closes it.
func openFile(a *arrowstream.Access, path string) (*file, error) {
	f, err := a.Open(path)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("parquet: %s is not a regular file", path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	out := &file{access: a, path: path, r: f, close: f.Close, size: info.Size(), mtime: info.ModTime()}
	if err := out.load(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return out, nil
}

// load reads the footer of f.
func (f *file) load() error {
	err := safe.Do("parquet", f.path, f.readFooter)
	if err == nil {
		return nil
	}
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return fmt.Errorf("parquet: read %s: %w", f.path, err)
	}
	return &arrowstream.DataError{Source: f.path, Where: "footer", Err: err}
}

// readFooter checks sizes and counts before anything is decoded, because the
// decoder allocates by what it reads.
func (f *file) readFooter() error {
	var head [4]byte
	var tail [8]byte
	if f.size < int64(len(head)+len(tail)) {
		return fmt.Errorf("not a Parquet file: %d bytes are too few", f.size)
	}
	if _, err := f.r.ReadAt(head[:], 0); err != nil {
		return err
	}
	if _, err := f.r.ReadAt(tail[:], f.size-8); err != nil {
		return err
	}
	switch {
	case string(head[:]) == "PARE" || string(tail[4:]) == "PARE":
		return errors.New("the file is encrypted, which is not supported")
	case string(head[:]) != magic:
		return fmt.Errorf("not a Parquet file: it starts with %q", head)
	case string(tail[4:]) != magic:
		return fmt.Errorf("not a whole Parquet file: it ends with %q, not %q; was it still being written?", tail[4:], magic)
	}
	n := int64(binary.LittleEndian.Uint32(tail[:]))
	if n > maxFooterBytes || n > f.size-12 {
		return fmt.Errorf("footer of %d bytes does not fit a file of %d bytes (limit %d)", n, f.size, maxFooterBytes)
	}
	b := make([]byte, n)
	if _, err := f.r.ReadAt(b, f.size-8-n); err != nil {
		return err
	}
	used, err := scanFooter(b)
	if err != nil {
		return err
	}
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), b[:used], &f.meta); err != nil {
		return err
	}
	if f.root, f.leafs, err = buildTree(f.meta.Schema); err != nil {
		return err
	}
	return f.check()
}

// check compares what the footer says about row groups with the schema and the
// size of the file.
func (f *file) check() error {
	m := &f.meta
	if len(m.RowGroups) > math.MaxInt16 {
		return fmt.Errorf("%d row groups are too many", len(m.RowGroups))
	}
	var rows int64
	for g := range m.RowGroups {
		rg := &m.RowGroups[g]
		if rg.NumRows < 0 || rows+rg.NumRows < 0 {
			return fmt.Errorf("row group %d claims %d rows", g, rg.NumRows)
		}
		rows += rg.NumRows
		if len(rg.Columns) != len(f.leafs) {
			return fmt.Errorf("row group %d has %d columns, the schema %d", g, len(rg.Columns), len(f.leafs))
		}
		for i := range rg.Columns {
			if err := f.checkChunk(rg, &rg.Columns[i], f.leafs[i]); err != nil {
				return fmt.Errorf("row group %d: column %q: %w", g, f.leafs[i].name, err)
			}
		}
	}
	if m.NumRows != rows {
		return fmt.Errorf("footer says %d rows, its row groups %d", m.NumRows, rows)
	}
	return nil
}

func (f *file) checkChunk(rg *format.RowGroup, cc *format.ColumnChunk, leaf *node) error {
	m := &cc.MetaData
	switch {
	case cc.FilePath != "":
		return errors.New("the data is in another file, which is not supported")
	case !leaf.elem.Type.Valid || m.Type != leaf.elem.Type.V:
		return fmt.Errorf("chunk of type %s in a column of type %s", m.Type, leaf.elem.Type.V)
	case m.NumValues < 0 || leaf.rep == 0 && m.NumValues != rg.NumRows || m.NumValues < rg.NumRows:
		return fmt.Errorf("%d values in %d rows", m.NumValues, rg.NumRows)
	}
	start := chunkStart(m)
	if start < 4 || m.TotalCompressedSize < 0 || m.TotalCompressedSize > f.size || start+m.TotalCompressedSize > f.size-8 {
		return fmt.Errorf("bytes %d to %d are outside of the file", start, start+m.TotalCompressedSize)
	}
	return nil
}

// chunkStart is the offset of the first page of a column chunk.
func chunkStart(m *format.ColumnMetaData) int64 {
	if d := m.DictionaryPageOffset; d > 0 && d < m.DataPageOffset {
		return d
	}
	return m.DataPageOffset
}
