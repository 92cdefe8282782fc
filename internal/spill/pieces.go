package spill

import (
	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
)

// Pieces are batches in a file, of one schema.
type Pieces struct {
	file   *File
	schema *arrow.Schema
	list   []Piece
}

var _ arrowstream.Pieces = Pieces{}

// Pieces returns the batches in list, which stay until they are released.
func (f *File) Pieces(schema *arrow.Schema, list []Piece) Pieces {
	f.refs.Add(1)
	return Pieces{f, schema, list}
}

// Schema implements [arrowstream.Pieces].
func (p Pieces) Schema() *arrow.Schema { return p.schema }

// Bytes implements [arrowstream.Pieces].
func (p Pieces) Bytes() (n int64) {
	for _, x := range p.list {
		n += x.size
	}
	return n
}

// Each implements [arrowstream.Pieces].
func (p Pieces) Each(yield func(b arrowstream.Batch) error) error {
	for _, x := range p.list {
		b, err := p.file.Read(x)
		if err != nil {
			return err
		}
		err = yield(b)
		b.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// Release implements [arrowstream.Pieces].
func (p Pieces) Release() { p.file.Close() }
