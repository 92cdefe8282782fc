package simd

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// twin is a primitive under test: run calls the exported function on slices of
// the arena and keeps what came out.
type twin struct {
	name string
	run  func(a *arena)
}

// twins are the rows of all families.
var twins = slices.Concat(
	sumTwins,
	expTwins,
	dotTwins,
	matvecTwins,
	sgdTwins,
	welfordTwins,
	minmaxTwins,
	compareTwins,
	bitsTwins,
	arithTwins,
	hashTwins,
	filterTwins,
	takeTwins,
	nearestTwins,
	tileTwins,
	textTwins,
	utf8Twins,
	centerTwins,
)

// lengths are those around blocks of 8, 16, 32 and 64 rows.
const longest = 130

// TestTwins runs every primitive at every level on the same slices: lengths 0
// to 130, at eight offsets and against both fences, with and without special
// values. The bits must be those of level go, nothing else may change.
func TestTwins(t *testing.T) {
	for _, tw := range twins {
		t.Run(tw.name, func(t *testing.T) {
			a := newArena(t)
			for n := range longest + 1 {
				for off := range 10 {
					if testing.Short() && off != 1 && off != 8 {
						continue // an emulator is slow
					}
					place := atOffset
					if off >= 8 {
						place = placement(off - 7)
					}
					compareLevels(t, a, tw, uint64(off), n, off, place, (n+off)%4)
				}
			}
		})
	}
}

// TestTwinsLong does the same at lengths with many blocks.
func TestTwinsLong(t *testing.T) {
	for _, tw := range twins {
		t.Run(tw.name, func(t *testing.T) {
			a := newArena(t)
			for i, n := range []int{255, 256, 1000, 1024, 2047, 4099} {
				for mix := range 4 {
					compareLevels(t, a, tw, uint64(i), n, i&7, atOffset, mix)
				}
			}
		})
	}
}

// FuzzTwins looks for a seed at which levels differ.
func FuzzTwins(f *testing.F) {
	f.Add(uint(0), uint64(1), uint16(33), uint8(1), uint8(0))
	f.Fuzz(func(t *testing.T, which uint, seed uint64, n uint16, off, mix uint8) {
		compareLevels(t, newArena(t), twins[which%uint(len(twins))], seed, int(n%2100), int(off%8), placement(off/8%3), int(mix%4))
	})
}

func compareLevels(t *testing.T, a *arena, tw twin, seed uint64, n, off int, place placement, mix int) {
	t.Helper()
	defer Use(Active())
	var want []uint64
	for _, l := range Levels() {
		if testing.Short() && l != Go && l != machine {
			continue
		}
		Use(l)
		a.reset(seed, n, off, place, mix)
		where := func() string {
			return fmt.Sprintf("%s at %s, %d rows, offset %d, placement %d, mix %d, seed %d", tw.name, l, n, off, place, mix, seed)
		}
		tw.run(a)
		if err := a.intact(); err != nil {
			t.Fatalf("%s: %v", where(), err)
		}
		got := a.results()
		if l == Go {
			want = got
			continue
		}
		if len(got) != len(want) {
			t.Fatalf("%s: %d results, level go has %d", where(), len(got), len(want))
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("%s: result %d is %#x, at level go %#x", where(), i, got[i], want[i])
			}
		}
	}
}

// TestLevelIsAsAsked makes a CI job that believes it runs AVX-512 fail where it
// does not.
func TestLevelIsAsAsked(t *testing.T) {
	asked := os.Getenv("ARROWSTREAM_SIMD")
	if asked == "" {
		asked = machine.String()
	}
	if got := Active().String(); got != asked {
		t.Errorf("level is %s, ARROWSTREAM_SIMD asks for %s", got, asked)
	}
}

func TestChosenLowersOnly(t *testing.T) {
	for _, c := range []struct {
		name          string
		machine, want Level
	}{
		{"", AVX2, AVX2}, {"go", AVX512, Go}, {"avx2", AVX512, AVX2}, {"avx512", AVX2, AVX2}, {"avx512", AVX512, AVX512}, {"neon", AVX2, AVX2}, {"avx2", Go, Go},
	} {
		if got := chosen(c.name, c.machine); got != c.want {
			t.Errorf("chosen(%q, %s) = %s, want %s", c.name, c.machine, got, c.want)
		}
	}
}

// cuts yields the pieces of n rows cut at random.
func cuts(rng *rand.Rand, n int, piece func(lo, hi int)) {
	for lo := 0; lo < n; {
		hi := min(n, lo+rng.IntN(300))
		piece(lo, hi)
		lo = hi
	}
}
