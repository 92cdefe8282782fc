package flight

import "fmt"

// position is a place in a stream: batch Seq of an epoch. (e+1, 0) is behind
// everything of epoch e. Streams without epochs are all epoch 0.
type position struct {
	Epoch int64 `json:"epoch"`
	Seq   int64 `json:"seq"`
}

func (p position) compare(q position) int {
	switch {
	case p == q:
		return 0
	case p.Epoch < q.Epoch || p.Epoch == q.Epoch && p.Seq < q.Seq:
		return -1
	}
	return 1
}

// String is how errors name a position.
func (p position) String() string {
	if p.Epoch == 0 {
		return fmt.Sprintf("batch %d", p.Seq)
	}
	return fmt.Sprintf("batch %d of epoch %d", p.Seq, p.Epoch)
}
