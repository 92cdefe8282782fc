package arrowstream

import "context"

// divideFrom is the number of keys in state from which a keyed stage of few
// workers is spread over its lanes: its tables have left the second-level cache,
// so that a row costs more than spreading it. Until then the first lane gets
// all rows.
const divideFrom = 1 << 15

// large reports whether the first stage of the lane remembers so much.
func (l *lane) large() bool { return l.nodes[0].metrics.stateRows.Load() >= divideFrom }

// divide spreads what the first lane of n remembers over all of them, while
// they are held between the same two ticks.
func divide(ctx context.Context, n *node, lanes []*lane) (err error) {
	held, done := make(chan struct{}, len(lanes)), make(chan struct{})
	defer close(done)
	for _, l := range lanes {
		l.in.give(ctx, laneMessage{hold: func() {
			held <- struct{}{}
			<-done
		}})
	}
	var others []Stage
	for i, l := range lanes {
		select {
		case <-held:
		case <-ctx.Done():
			return ctx.Err()
		}
		if i > 0 {
			others = append(others, l.nodes[0].stage)
		}
	}
	defer func() {
		if v := recover(); v != nil {
			err = n.recovered(v)
		}
		if err != nil {
			err = n.wrap(err)
		}
	}()
	return lanes[0].nodes[0].stage.(Divider).Divide(ctx, others)
}
