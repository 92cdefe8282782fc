package agg

import "github.com/apache/arrow/go/v17/arrow"

// unitTable is a keyTable for a key of no columns, of which there is one.
type unitTable struct {
	slot uint32 // plus one, 0 if the key is not there
}

func (u *unitTable) find(_ []arrow.Array, ids []uint32, s *slots) error {
	if u.slot == 0 && s != nil && len(ids) > 0 {
		u.slot = s.take() + 1
	}
	for i := range ids {
		ids[i] = u.slot - 1 // NoGroup where there is none
	}
	return nil
}

func (u *unitTable) remove(uint32) { u.slot = 0 }

func (u *unitTable) columns([]uint32) ([]arrow.Array, error) { return nil, nil }

func (u *unitTable) reserve(int, *slots) {}

func (u *unitTable) bytes() int64 { return 0 }

func (u *unitTable) release() {}
