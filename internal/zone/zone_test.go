package zone_test

import (
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/arrowstream/arrowstream/internal/zone"
)

func TestFind(t *testing.T) {
	for name, want := range map[string]int{"+02:00": 7200, "-0530": -19800, "UTC+2": 7200, "GMT-03:30": -12600, "+2": 7200, "Asia/Kolkata": 19800, "UTC": 0, "z": 0, "+00:00": 0} {
		z, ok := zone.Find(name)
		if !ok {
			t.Errorf("%s: no zone", name)
			continue
		}
		got := 0
		if z != nil {
			_, got = time.Unix(0, 0).In(z).Zone()
		}
		if got != want {
			t.Errorf("%s: offset %d, want %d", name, got, want)
		}
	}
	for _, name := range []string{"Europe/Zurch", "+25:00", "UTC+", "+1x", "../etc/passwd"} {
		if _, ok := zone.Find(name); ok {
			t.Errorf("%s: is a zone", name)
		}
	}
}

// TestClockAgainstTime compares with package time over random instants of
// zones with whole and odd offsets and changes of an hour, half an hour and a
// day.
func TestClockAgainstTime(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Apia", "Africa/Monrovia", "+05:45"} {
		z, ok := zone.Find(name)
		if !ok {
			t.Fatal(name)
		}
		c := zone.New(z, 1)
		for range 20000 {
			at := r.Int64N(4e9) - 2e9
			if _, change := time.Unix(at, 0).In(z).ZoneBounds(); !change.IsZero() && r.IntN(2) == 0 {
				_, o := change.In(z).Zone()
				at = change.Unix() + int64(o) + r.Int64N(4*3600) - 2*3600 // on the wall clock
			}
			_, off := time.Unix(at, 0).In(z).Zone()
			if got := c.Local(at); got != at+int64(off) {
				t.Fatalf("%s: Local(%d) = %d, want %d", name, at, got, at+int64(off))
			}
			if got := c.Passed(at); got > at+int64(off) {
				t.Fatalf("%s: Passed(%d) = %d is past the clock", name, at, got)
			}
			w := at
			// The wall clock times of both sides of every change, by definition:
			// the instants around w that show it.
			var shows []int64
			for _, o := range offsetsAround(z, w) {
				if _, real := time.Unix(w-o, 0).In(z).Zone(); int64(real) == o {
					shows = append(shows, w-o)
				}
			}
			got, first, last := c.Instant(w), c.First(w), c.Last(w)
			switch len(shows) {
			case 0: // never shown
				if first != last || c.Local(first) < w || c.Local(first-1) >= w {
					t.Fatalf("%s: First(%d) = %d is not the change", name, w, first)
				}
			case 1:
				if got != shows[0] || first != got {
					t.Fatalf("%s: Instant(%d) = %d, First %d, want %d", name, w, got, first, shows[0])
				}
			default:
				if got != min(shows[0], shows[1]) || first != got {
					t.Fatalf("%s: Instant(%d) = %d, First %d, want the earlier of %d", name, w, got, first, shows)
				}
				if last != max(shows[0], shows[1]) && last != got {
					t.Fatalf("%s: Last(%d) = %d, want the later of %d", name, w, last, shows)
				}
			}
			// A window that ends at w is over exactly when the clock has passed w.
			if c.Passed(last) < w || c.Passed(last-1) >= w {
				t.Fatalf("%s: Last(%d) = %d, Passed %d, one before %d", name, w, last, c.Passed(last), c.Passed(last-1))
			}
		}
	}
}

// offsetsAround are the offsets of a zone within two days of a time.
func offsetsAround(z *time.Location, at int64) []int64 {
	seen := map[int64]bool{}
	var out []int64
	for d := int64(-48); d <= 48; d++ {
		_, o := time.Unix(at+d*3600, 0).In(z).Zone()
		if !seen[int64(o)] {
			seen[int64(o)] = true
			out = append(out, int64(o))
		}
	}
	return out
}

func BenchmarkClock(b *testing.B) {
	z, ok := zone.Find("Europe/Zurich")
	if !ok {
		b.Fatal("no zone data")
	}
	for name, step := range map[string]int64{"order=rising": 1e6, "order=jumping": 86400e6 * 97} {
		b.Run(name, func(b *testing.B) {
			c := zone.New(z, 1e6)
			at, sum := int64(1.7e15), int64(0)
			for b.Loop() {
				for i := range int64(1024) {
					sum += c.Local(at + i*step%2e15)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/row")
			_ = sum
		})
	}
}
