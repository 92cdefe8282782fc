package crashtest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream/internal/failpoint"
)

var (
	seeds = flag.Int("crash.seeds", 1, "how often each failpoint is tried with each sink; 1 tries a quarter of them")
	keep  = flag.String("crash.keep", "", "folder in which the folders of the jobs stay")
	kills = flag.Int("crash.kills", 2, "how many times each sink is killed at random moments")
)

// result is what a job leaves behind.
type result struct {
	rows   map[string][]string
	models string
}

func collect(t *testing.T, p *process, at place) result {
	r := result{rows: map[string][]string{}, models: p.models(t)}
	for _, table := range outputs {
		r.rows[table] = at.read(t, table)
	}
	return r
}

func (r result) compare(t *testing.T, want result, how string) {
	t.Helper()
	for _, table := range outputs {
		if got, want := r.rows[table], want.rows[table]; !slices.Equal(got, want) {
			i := 0
			for i < min(len(got), len(want)) && got[i] == want[i] {
				i++
			}
			t.Fatalf("%s: %s has %d rows, want %d; they differ from row %d on:\n%.500q\n%.500q", how, table, len(got), len(want), i, got[i:], want[i:])
		}
	}
	if r.models != want.models {
		t.Fatalf("%s: the models differ", how)
	}
}

func prepare(t *testing.T, target target) (*process, place) {
	t.Helper()
	p := &process{dir: t.TempDir(), epoch: 5 * time.Millisecond}
	if *keep != "" {
		var err error
		if p.dir, err = os.MkdirTemp(*keep, target.name); err != nil {
			t.Fatal(err)
		}
	}
	at := target.open(t, p.dir)
	p.state = filepath.Join(p.dir, "state")
	if target.keep != nil {
		p.state, p.env = target.keep(t, p.dir)
	}
	if err := os.WriteFile(filepath.Join(p.dir, "job.sql"), []byte(script(at.declare)), 0o644); err != nil {
		t.Fatal(err)
	}
	return p, at
}

// remove gives the folder of a job back before the test ends: there are thousands.
func (p *process) remove() {
	if *keep == "" {
		_ = os.RemoveAll(p.dir)
	}
}

// undisturbed is what a run without kills writes, and how long it takes.
func undisturbed(t *testing.T, target target) (result, time.Duration) {
	t.Helper()
	p, at := prepare(t, target)
	start := time.Now()
	if !p.start(t, "", 0) {
		t.Fatal("the first run did not end")
	}
	took := time.Since(start)
	return collect(t, p, at), took
}

// TestKilledAtEveryFailpoint kills a job once at every place that matters, again
// and again at a random one, and lets it end.
func TestKilledAtEveryFailpoint(t *testing.T) {
	var reached sync.Map
	var ran atomic.Int64
	t.Cleanup(func() { // when all have ended
		for _, name := range failpoint.Names {
			if _, ok := reached.Load(name); !ok && int(ran.Load()) == len(targets) {
				t.Errorf("failpoint %s was never reached", name)
			}
		}
	})
	for i, target := range targets {
		t.Run(target.name, func(t *testing.T) {
			t.Parallel()
			ran.Add(1)
			want, _ := undisturbed(t, target)
			for j, name := range failpoint.Names {
				if *seeds == 1 && (i+j)%4 > 0 {
					continue // in the short form each failpoint is that of some targets
				}
				for seed := range *seeds {
					if killAt(t, target, name, seed, want) {
						reached.Store(name, true)
					}
				}
				t.Logf("%s: %d seeds", name, *seeds)
			}
		})
	}
}

// killAt kills a job at a failpoint and at random ones after that, compares what
// it has written in the end, and reports whether the failpoint was reached.
func killAt(t *testing.T, target target, name string, seed int, want result) (reached bool) {
	t.Helper()
	how := fmt.Sprintf("%s, seed %d", name, seed)
	rng := rand.New(rand.NewPCG(uint64(seed), uint64(len(name))))
	first, recovering := name, strings.HasPrefix(name, "recover.")
	if recovering {
		first = failpoint.CommitSynced // there is nothing to recover before
	}
	var p *process
	var at place
	done := true
	for n := 1 + rng.IntN(4); done && n > 0; n /= 2 { // a slow sink has few epochs
		p, at = prepare(t, target)
		p.workers = 1 + rng.IntN(4)
		done = p.start(t, fmt.Sprintf("%s=kill@%d", first, n), 0)
	}
	for range 3 {
		if done {
			break
		}
		reached = reached || !recovering
		p.workers = 1 + rng.IntN(4)
		next := failpoint.Names[rng.IntN(len(failpoint.Names))]
		if recovering {
			next = name
		}
		if done = p.start(t, next+"=kill", 0); !done && recovering {
			reached = true
		}
		recovering = false
	}
	if !done && !p.start(t, "", 0) {
		t.Fatalf("%s: the last run did not end", how)
	}
	collect(t, p, at).compare(t, want, how)
	p.remove()
	return reached
}

// TestKilledAtRandom kills a job at random moments.
func TestKilledAtRandom(t *testing.T) {
	for _, target := range slices.Concat(targets, partitioned) {
		t.Run(target.name, func(t *testing.T) {
			t.Parallel()
			want, took := undisturbed(t, target)
			rng := rand.New(rand.NewPCG(uint64(*kills), uint64(*seeds)))
			for killed := 0; killed < *kills; {
				p, at := prepare(t, target)
				runs := 1
				for p.workers = 1 + rng.IntN(4); !p.start(t, "", 1+time.Duration(rng.Int64N(int64(took)))); p.workers = 1 + rng.IntN(4) {
					killed++
					if runs++; runs > 12 { // long enough for one that makes no progress
						p.start(t, "", 0)
						break
					}
				}
				collect(t, p, at).compare(t, want, fmt.Sprintf("killed %d times", runs-1))
				p.remove()
			}
			t.Logf("%d kills", *kills)
		})
	}
}
