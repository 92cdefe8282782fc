package window

import (
	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/spill"
)

// divisible is what a window needs to go on in a folder.
type divisible = spill.Divisible

// divided is how windows go on in a folder when their groups outgrow their share,
// nil if they cannot: with a timeout all rows have to be seen together. Windows of
// keys that are in the folder close later, by seconds at most; which rows are late
// is decided as in memory. See [spill.Divided].
func (c *core) divided(env arrowstream.Env, clone func() arrowstream.Stage) *spill.Divided {
	if len(c.opts.parallelKeys()) == 0 {
		return nil
	}
	return spill.New(env, spill.Plan{
		Inputs: []*arrow.Schema{c.in}, Keys: [][]int{c.keys.Positions()},
		New: func(env arrowstream.Env) (spill.Operator, error) {
			one := clone()
			_, err := one.Bind(c.in, env)
			return spill.Alone(one.(spill.Stage)), err
		},
		StateKeys: func(_ string, b arrow.Record) (columns []int) {
			for _, f := range c.keys.Fields() {
				i := columnar.Index(b.Schema(), f.Name)
				if i < 0 {
					return nil
				}
				columns = append(columns, i)
			}
			return columns
		},
		Timers: true,
	})
}
