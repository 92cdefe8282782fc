package flight

import (
	"fmt"

	arrowflight "github.com/apache/arrow/go/v17/arrow/flight"

	"github.com/arrowstream/arrowstream"
)

// claim keeps earlier processes of the job from publishing in the same folder.
func (s *Stream) claim(p arrowstream.Publication) (err error) {
	if s.shelf == nil {
		s.whole = p.Epoch == 0
		return nil
	}
	old, err := s.shelf.check(p)
	if err != nil {
		return err
	}
	s.mu.Lock()
	next := arrowstream.Epoch(s.next.Epoch)
	s.mu.Unlock()
	if old.Job == p.Job && next > p.Epoch+1 {
		return arrowstream.Ahead("flight: stream "+s.name, next-1, p.Epoch)
	}
	s.whole, err = s.shelf.claim(p)
	return err
}

// publish adds the rows of an epoch and a batch without rows that closes it.
// The messages are a function of the rows, so that an epoch that is published
// again after a crash has the same positions; one that is there is left alone.
// Subscribers do not hold it up.
func (s *Stream) publish(p arrowstream.Publication) error {
	epoch := int64(p.Epoch)
	s.mu.Lock()
	there := s.epochs > 0 && epoch < s.next.Epoch
	begin := s.next == (position{}) && (epoch == 1 || s.whole)
	if s.next == (position{}) && !begin {
		s.oldest = position{Epoch: epoch}
	}
	prev := s.next.Epoch
	if !there {
		s.next = position{Epoch: epoch}
	}
	s.mu.Unlock()
	if s.shelf != nil {
		if _, err := s.shelf.check(p); err != nil {
			return err
		}
	}
	if there {
		return nil
	}
	if s.shelf == nil {
		return s.messages(p, s.add)
	}
	w, err := s.shelf.create(epochHead{
		Job: p.Job, Sink: p.Sink, Epoch: epoch, After: prev, Begin: begin, Schema: s.schemaData.DataHeader,
	})
	if err != nil {
		return err
	}
	seq := int64(0)
	err = s.messages(p, func(m *arrowflight.FlightData, rows int64, end bool) error {
		m.AppMetadata = note{Epoch: epoch, Seq: &seq, Rows: rows, End: end}.encode()
		err := w.add(m, entry{at: position{epoch, seq}, rows: rows, end: end})
		seq++
		return err
	})
	if err != nil {
		w.abort()
		return err
	}
	entries, err := w.commit(func() error {
		_, err := s.shelf.check(p)
		return err
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.push(entries...)
	return nil
}

// messages yields the messages of an epoch.
func (s *Stream) messages(p arrowstream.Publication, yield func(m *arrowflight.FlightData, rows int64, end bool) error) error {
	for b, err := range p.Rows {
		if err != nil {
			return err
		}
		err = s.encoder.encode(b, func(m *arrowflight.FlightData, rows int64) error { return yield(m, rows, false) })
		b.Release()
		if err != nil {
			return err
		}
	}
	end, err := s.encoder.empty()
	if err != nil {
		return err
	}
	if err := yield(end, 0, true); err != nil {
		return fmt.Errorf("flight: epoch %d of %s: %w", p.Epoch, s.name, err)
	}
	return nil
}
