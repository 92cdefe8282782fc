package arrowstream

// message is what one edge of the graph carries for one tick. Every edge
// carries exactly one message per tick, so nodes with several inputs read one
// from each and need no other order. Where there is only one input, parts of the
// tick may come before it.
type message struct {
	batches []Batch // owned by the message
	mark    Watermark
	more    bool  // a part: further messages of the tick follow
	last    bool  // nothing follows, because the input ended or was drained
	epoch   Epoch // that ends with this tick; 0 if none does

	// On the way from a Rowwise stage to where its ticks are put in order: how
	// many rows it was given and which of them become dead letters.
	seen int
	bad  []Rejected
}

func (m message) release() {
	for _, b := range m.batches {
		b.Release()
	}
}

// share returns m for one more reader.
func (m message) share() message {
	for _, b := range m.batches {
		b.Retain()
	}
	return m
}

func (m message) rows() int64 {
	var n int64
	for _, b := range m.batches {
		n += b.NumRows()
	}
	return n
}
