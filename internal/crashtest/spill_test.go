package crashtest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream/internal/failpoint"
)

// spillJobs remember so much that it does not fit into the memory that
// TestKilledWhileSpilled gives them.
var spillJobs = []struct{ name, set, query string }{
	{"groups", "", `SELECT ts, user_id, count(*) AS n, sum(f1) AS s, stddev_samp(f2) AS d, min(category) AS c, max(f3) AS m, avg(f4) AS a
		FROM clicks GROUP BY ts, user_id`},
	{"distinct", "SET job.mode = streaming; SET state.unbounded = allow;", "SELECT DISTINCT ts, user_id, category, f1 FROM clicks"},
	{"join", "", "SELECT a.ts, a.user_id, b.category AS c, b.f1 AS f FROM clicks a JOIN others b ON a.ts = b.ts AND a.user_id = b.user_id"},
	{"windows", "", `SELECT window_end, ts, user_id, count(*) AS n, sum(f1) AS s, avg(f4) AS a
		FROM TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL 1 HOUR) GROUP BY window_start, window_end, ts, user_id`},
	{"sessions", "", `SELECT window_end, ts, user_id, count(*) AS n, sum(f1) AS s, avg(f4) AS a
		FROM SESSION(TABLE clicks, DESCRIPTOR(ts), INTERVAL 1 HOUR) GROUP BY window_start, window_end, ts, user_id`},
}

// spillJob is one of them, for a sink.
const spillJob = `
SET job.name = spill; %s
CREATE TABLE clicks (WATERMARK FOR ts AS ts - INTERVAL 2 SECOND) USING parquet OPTIONS (path = '${IN}/*.parquet');
CREATE TABLE others USING parquet OPTIONS (path = '${IN}/*.parquet');
CREATE TABLE groups_out %s;
INSERT INTO groups_out %s;
`

// TestKilledWhileSpilled kills jobs at random moments and failpoints while their
// state is in a folder and in the store, and starts them with other limits: what
// one run has in memory the next one has to spill. The rows are those of a run
// with memory for everything; those of parts come in another order.
func TestKilledWhileSpilled(t *testing.T) {
	for i, job := range spillJobs {
		target := targets[i%2]
		t.Run(job.name+"/"+target.name, func(t *testing.T) {
			begin := func() (*process, place) {
				p := &process{dir: t.TempDir(), epoch: 5 * time.Millisecond}
				at := target.open(t, p.dir)
				if err := os.WriteFile(filepath.Join(p.dir, "job.sql"), fmt.Appendf(nil, spillJob, job.set, at.declare("groups"), job.query), 0o600); err != nil {
					t.Fatal(err)
				}
				return p, at
			}
			spilled := func(p *process, rng *rand.Rand) {
				p.workers = 1 + rng.IntN(4)
				p.args = nil
				limit := []int{0, 40, 80, 160}[rng.IntN(4)]
				if i > 0 { // what is in parts needs the folder; what is not yet is read as a whole, and there twice while it is divided
					limit = 60 + limit/8
				}
				if limit > 0 {
					p.args = []string{"--memory-limit", fmt.Sprint(limit, "MiB"), "--spill", filepath.Join(p.dir, "spill")}
				}
			}
			p, at := begin()
			started := time.Now()
			p.start(t, "", 0)
			took, want := time.Since(started), at.read(t, "groups")
			slices.Sort(want)
			rng := rand.New(rand.NewPCG(uint64(*kills), uint64(*seeds)))
			for killed := 0; killed < *kills; {
				p, at := begin()
				runs, done := 0, false
				for ; !done && runs < 8; runs++ {
					spilled(p, rng)
					if name := failpoint.Names[rng.IntN(len(failpoint.Names))]; rng.IntN(2) == 0 {
						done = p.start(t, fmt.Sprintf("%s=kill@%d", name, 1+rng.IntN(20)), 0)
					} else {
						done = p.start(t, "", 1+time.Duration(rng.Int64N(int64(took))))
					}
				}
				killed += runs
				if !done {
					spilled(p, rng)
					p.start(t, "", 0)
				}
				got := at.read(t, "groups")
				if slices.Sort(got); !slices.Equal(got, want) {
					t.Fatalf("after %d runs: %d rows, want %d", runs, len(got), len(want))
				}
				if left, err := filepath.Glob(filepath.Join(p.dir, "spill", "*")); err != nil || len(left) > 0 {
					t.Errorf("files are left in the folder: %s %v", strings.Join(left, " "), err)
				}
			}
		})
	}
}
