package state

import (
	"context"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
)

// load is all of the state of a stage, which the caller releases.
func load(ctx context.Context, l arrowstream.EpochLog, mem memory.Allocator, uid string) (states []arrowstream.State, err error) {
	for s, err := range l.Load(ctx, mem, uid) {
		if err != nil {
			for _, s := range states {
				s.Release()
			}
			return nil, err
		}
		states = append(states, s)
	}
	return states, nil
}
