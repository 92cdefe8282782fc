package stage

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/internal/grouped"
)

// overLeaf is the number of rows of the smallest blocks.
const overLeaf = 16

// overTree is the aggregates of blocks of rows: of overLeaf rows of a key, and of
// twice as many again and again. Where blocks begin is a matter of the numbers of
// the rows of their key, so a result is defined by the rows of the frame and
// those numbers, whatever the ticks: the rows before the first whole block, in
// their order, then the blocks, the largest that fit, then the rows that are
// left. A frame with no whole block has its rows added one after the other.
//
// Cost: two updates per row for all blocks, and for each frame up to 30 updates
// and the merges of two blocks per doubling of its length.
type overTree struct {
	mem    memory.Allocator
	slide  *overSlide
	set    *grouped.Set // by block
	blocks uint32
	levels [][]overLevel // by run
	heads  pieces        // of frames, before their blocks
	inner  []uint32      // blocks of frames
	slots  []uint32      // and their frames
	tails  pieces        // of frames, behind their blocks
}

// overLevel is the blocks of a run of one size: number block of the key is group
// group of the set, and n-1 others follow. The first and the last may lack rows.
type overLevel struct {
	block int64
	group uint32
	n     int64
}

// level is the blocks of size rows of a run, which have groups of their own.
func (t *overTree) level(r overRun, size int64) overLevel {
	l := overLevel{block: r.ordinal / size, group: t.blocks}
	if rows := int64(r.end - r.begin); rows > 0 {
		l.n = (r.ordinal+rows-1)/size - l.block + 1
	}
	t.blocks += uint32(l.n)
	return l
}

// build makes all blocks that are not longer than the longest frame.
func (t *overTree) build(args []arrow.Array, longest int64) error {
	groups := make([]uint32, len(t.slide.rows))
	t.levels = make([][]overLevel, len(t.slide.runs))
	for i, r := range t.slide.runs {
		l := t.level(r, overLeaf)
		for k := r.begin; k < r.end; k++ {
			groups[k] = l.group + uint32((r.ordinal+int64(k-r.begin))/overLeaf-l.block)
		}
		t.levels[i] = append(t.levels[i], l)
	}
	if err := t.set.Add(args, groups, int(t.blocks)); err != nil {
		return err
	}
	for size := int64(2 * overLeaf); size <= longest; size *= 2 {
		var halves, wholes []uint32
		for i, r := range t.slide.runs {
			below := t.levels[i][len(t.levels[i])-1]
			l := t.level(r, size)
			for k := range below.n {
				halves = append(halves, below.group+uint32(k))
				wholes = append(wholes, l.group+uint32((below.block+k)/2-l.block))
			}
			t.levels[i] = append(t.levels[i], l)
		}
		if err := t.merge(t.set, halves, wholes, int(t.blocks)); err != nil {
			return err
		}
	}
	return nil
}

// merge adds the states of blocks to groups of a set.
func (t *overTree) merge(to *grouped.Set, blocks, groups []uint32, n int) error {
	state, err := t.set.State(slices.Clip(blocks))
	if err != nil {
		return err
	}
	defer grouped.Release(state)
	return to.Merge(groups, n, state)
}

// combine puts the frames together, as groups of a set.
func (t *overTree) combine(set *grouped.Set, args []arrow.Array) error {
	s, run := t.slide, 0
	for i, lo := range s.lo {
		if lo < s.hi[i] {
			for lo >= s.runs[run].end {
				run++
			}
			t.divide(run, lo, s.hi[i], uint32(i))
		}
		if i < len(s.lo)-1 && len(t.heads.rows)+len(t.inner)+len(t.tails.rows) < overPiece {
			continue
		}
		if err := t.heads.flush(t.mem, set, args, len(s.lo)); err != nil {
			return err
		}
		if err := t.merge(set, t.inner, t.slots, len(s.lo)); err != nil {
			return err
		}
		t.inner, t.slots = t.inner[:0], t.slots[:0]
		if err := t.tails.flush(t.mem, set, args, len(s.lo)); err != nil {
			return err
		}
	}
	return nil
}

// divide notes what a frame consists of.
func (t *overTree) divide(run int, lo, hi int32, slot uint32) {
	r := t.slide.runs[run]
	shift := r.ordinal - int64(r.begin)
	i, k := (int64(lo)+shift+overLeaf-1)/overLeaf, (int64(hi)+shift)/overLeaf
	if i >= k {
		t.heads.span(lo, hi, slot)
		return
	}
	t.heads.span(lo, int32(i*overLeaf-shift), slot)
	t.tails.span(int32(k*overLeaf-shift), hi, slot)
	from := len(t.inner)
	var behind [64]uint32
	n := 0
	for _, l := range t.levels[run] {
		if i < k && i&1 != 0 {
			t.inner = append(t.inner, l.group+uint32(i-l.block))
			i++
		}
		if i < k && k&1 != 0 {
			k--
			behind[n] = l.group + uint32(k-l.block)
			n++
		}
		if i >= k {
			break
		}
		i, k = i/2, k/2
	}
	for ; n > 0; n-- {
		t.inner = append(t.inner, behind[n-1])
	}
	for range t.inner[from:] {
		t.slots = append(t.slots, slot)
	}
}
