// Package memory is the connector for rows that are already in the program:
// a source of given batches, a live source that is fed while it runs, and a
// sink that collects. Floor 4.
package memory

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
)

// Source serves batches that exist already. It does not own them: they must
// stay alive until the run has ended. A Source can be opened any number of times.
type Source struct {
	// Partitions are the batches of each partition; nil partitions are empty.
	Partitions [][]arrowstream.Batch
	// Fields is the schema; nil means that of the first batch.
	Fields *arrow.Schema
}

var (
	_ arrowstream.Source   = (*Source)(nil)
	_ arrowstream.Replayer = (*partition)(nil)
	_ arrowstream.Lagging  = (*partition)(nil)
)

// From returns a source of one partition.
func From(batches ...arrowstream.Batch) *Source {
	return &Source{Partitions: [][]arrowstream.Batch{batches}}
}

// Schema implements [arrowstream.Source]: every batch must have the same fields.
func (s *Source) Schema() (*arrow.Schema, error) {
	schema := s.Fields
	for i, part := range s.Partitions {
		for j, b := range part {
			if schema == nil {
				schema = b.Schema()
			} else if !sameFields(schema, b.Schema()) {
				return nil, &arrowstream.Error{Code: "AS2170", Msg: fmt.Sprintf("memory: batch %d of partition %d has schema %s, the first one %s", j, i, b.Schema(), schema)}
			}
		}
	}
	if schema == nil {
		return nil, &arrowstream.Error{Code: "AS2170", Msg: "memory: a source without batches has no schema", Hint: "set Fields"}
	}
	return schema, nil
}

// sameFields compares names, types and nullability, not metadata.
func sameFields(a, b *arrow.Schema) bool {
	if a.NumFields() != b.NumFields() {
		return false
	}
	for i, f := range a.Fields() {
		g := b.Field(i)
		if f.Name != g.Name || f.Nullable != g.Nullable || !arrow.TypeEqual(f.Type, g.Type) {
			return false
		}
	}
	return true
}

// Bounded implements [arrowstream.Source].
func (s *Source) Bounded() bool { return true }

// RowCount returns the number of rows.
func (s *Source) RowCount() (rows int64, known bool) {
	for _, part := range s.Partitions {
		for _, b := range part {
			rows += b.NumRows()
		}
	}
	return rows, true
}

// Delivers implements [arrowstream.Guaranteed].
func (s *Source) Delivers() (arrowstream.Guarantee, string) {
	return arrowstream.ExactlyOnce, "batches are read again from a row on"
}

// Open implements [arrowstream.Source].
func (s *Source) Open(_ context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	schema, err := s.Schema()
	if err != nil {
		return nil, err
	}
	parts := make([]arrowstream.Partition, max(1, len(s.Partitions)))
	for i := range parts {
		p := &partition{schema: schema, limit: env.BatchRows}
		if i < len(s.Partitions) {
			p.batches = s.Partitions[i]
		}
		parts[i] = p
	}
	return parts, nil
}

type partition struct {
	schema  *arrow.Schema
	limit   int
	mu      sync.Mutex
	batches []arrowstream.Batch
	next    int   // batch
	from    int64 // row in it
	read    int64 // rows before it and before from
}

// Read implements [arrowstream.Partition].
func (p *partition) Read(ctx context.Context) (arrowstream.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.next < len(p.batches) {
		b := p.batches[p.next]
		n := b.NumRows() - p.from
		if n == 0 {
			p.next, p.from = p.next+1, 0
			continue
		}
		if p.limit > 0 {
			n = min(n, int64(p.limit))
		}
		cut := b.NewSlice(p.from, p.from+n)
		p.from += n
		p.read += n
		return cut, nil
	}
	return nil, io.EOF
}

// Position implements [arrowstream.Replayer]: the number of rows read.
func (p *partition) Position() ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return binary.AppendUvarint([]byte{1}, uint64(p.read)), nil
}

// Seek implements [arrowstream.Replayer].
func (p *partition) Seek(_ context.Context, pos []byte) error {
	row, n := uint64(0), 0
	if len(pos) > 1 && pos[0] == 1 {
		row, n = binary.Uvarint(pos[1:])
	}
	if n <= 0 {
		return fmt.Errorf("memory: position %x was not written by this source", pos)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next, p.from, p.read = 0, 0, int64(row)
	left := int64(row)
	for p.next < len(p.batches) && left >= p.batches[p.next].NumRows() {
		left -= p.batches[p.next].NumRows()
		p.next++
	}
	if p.from = left; p.next == len(p.batches) && left > 0 {
		return fmt.Errorf("memory: position %d is behind the last of %d rows", row, int64(row)-left)
	}
	return nil
}

// Lag implements [arrowstream.Lagging].
func (p *partition) Lag() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := -p.from
	for _, b := range p.batches[p.next:] {
		n += b.NumRows()
	}
	return n
}

// Close implements [arrowstream.Partition].
func (p *partition) Close() error { return nil }
