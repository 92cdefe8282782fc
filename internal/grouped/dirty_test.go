package grouped

import (
	"slices"
	"testing"
)

func TestDirty(t *testing.T) {
	var d Dirty
	d.Mark([]uint32{1, 2}, 3)
	if d.On() || d.Has(1) || len(d.IDs()) != 0 {
		t.Error("changes are noted before the first checkpoint")
	}
	d.Clear()
	d.Mark([]uint32{200, 0, 63, 64, 200, 0}, 201)
	if want := []uint32{0, 63, 64, 200}; !slices.Equal(d.IDs(), want) {
		t.Errorf("changed are %v, want %v", d.IDs(), want)
	}
	if !d.Has(63) || d.Has(62) || d.Has(1<<31) {
		t.Error("Has is wrong")
	}
	d.Clear()
	if ids := d.IDs(); ids == nil || len(ids) != 0 || !d.On() {
		t.Errorf("after Clear: %v", ids)
	}
}
