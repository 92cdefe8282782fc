package generator

import (
	"context"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/cell"
)

var (
	_ arrowstream.Source   = (*Datagen)(nil)
	_ arrowstream.Replayer = (*dataReader)(nil)
	_ arrowstream.Lagging  = (*dataReader)(nil)
)

// Open implements [arrowstream.Source]: one partition.
func (s *Datagen) Open(_ context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	b, err := s.columns()
	if err != nil {
		return nil, err
	}
	rows := b.rows
	r := &dataReader{makers: b.columns, seed: or(s.Seed, 1), interval: s.Interval.Microseconds()}
	room := or(env.BatchBytes, 16<<20) / int64(b.width)
	r.supply = supply{name: "datagen", rows: max(min(or(env.BatchRows, 8192), int(room)), 1), count: rows, rate: s.Rate, base: clicksBaseTime * 1000, pace: newPace(env.Clock)}
	if r.rate == 0 && rows == 0 {
		r.rate = defaultRate
	}
	if r.rate > 0 {
		r.base = r.pace.clock.Now().UnixMicro()
		r.interval = or(r.interval, max(time.Second.Microseconds()/r.rate, 1))
	}
	r.interval = or(r.interval, 1000)
	if s.BaseTime.set {
		r.base = s.BaseTime.millis * 1000
	}
	if env.Past {
		r.rate = 0 // its rows have been due before
	}
	r.out, err = cell.NewRows(s.fields(), env.Allocator)
	return []arrowstream.Partition{r}, err
}

// dataReader is the partition.
type dataReader struct {
	supply
	makers   []maker
	seed     uint64
	interval int64 // µs
	out      *cell.Rows
}

// Read implements [arrowstream.Partition].
func (r *dataReader) Read(ctx context.Context) (arrowstream.Batch, error) {
	n, err := r.take(ctx)
	if err != nil {
		return nil, err
	}
	var d draw // one for all: the makers take a pointer
	for i, m := range r.makers {
		c, seed := r.out.Columns[i], r.seed+uint64(i)*golden
		for d.row = r.next; d.row < r.next+int64(n); d.row++ {
			d.rng, d.micros = stream(seed, uint64(d.row)), r.base+d.row*r.interval
			m(&d, c)
		}
	}
	r.next += int64(n)
	r.out.N = n
	return r.out.Flush(), nil
}

// Close implements [arrowstream.Partition].
func (r *dataReader) Close() error {
	r.pace.close()
	r.out.Release()
	return nil
}
