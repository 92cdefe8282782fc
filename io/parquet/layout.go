package parquet

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/kernels"
)

// partition spreads the rows of b over the k=v directories. The order of rows
// within a directory is kept.
func (s *Sink) partition(b arrow.Record, cols []arrow.Array) error {
	runs, err := s.keys.Runs(b)
	if err != nil {
		return err
	}
	n := int(b.NumRows())
	rows := map[string][]int32{}
	var order []string
	for _, r := range runs {
		if rows[r.Dir] == nil {
			order = append(order, r.Dir)
		}
		for i := r.From; i < r.To; i++ {
			rows[r.Dir] = append(rows[r.Dir], int32(i))
		}
	}
	var times []int64
	if s.RollInterval > 0 {
		times = eventMicros(b.Column(s.event), nil)
	}
	rec := array.NewRecord(s.schema.arrow, cols, int64(n))
	defer rec.Release()
	for _, key := range order {
		if err := s.writeRows(key, rec, rows[key], times); err != nil {
			return err
		}
	}
	return nil
}

// writeRows writes some rows of rec to a directory.
func (s *Sink) writeRows(key string, rec arrow.Record, rows []int32, times []int64) error {
	if len(rows) == int(rec.NumRows()) {
		return s.writeTo(key, rec, rec.Columns(), times)
	}
	some, err := kernels.TakeRecord(s.env.Allocator, rec, rows)
	if err != nil {
		return err
	}
	defer some.Release()
	var at []int64
	if times != nil {
		for _, r := range rows {
			at = append(at, times[r])
		}
	}
	return s.writeTo(key, some, some.Columns(), at)
}
