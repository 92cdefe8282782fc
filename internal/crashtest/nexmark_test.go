package crashtest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// stateful are the Nexmark queries that remember something: joins, changing
// aggregates, windows, sessions, the first rows of keys.
var stateful = []string{"q3", "q4", "q5", "q7", "q8", "q9", "q11", "q16", "q18", "q19", "q20"}

// joined are queries of kinds that Nexmark has none of: a pattern of rows, prices
// of one bidder that fall and then rise; joins with a span of time, with versions
// and with the nearest row; frames of rows and of time.
var joined = map[string]string{
	"falls": `SELECT * FROM bid MATCH_RECOGNIZE (
  PARTITION BY bidder ORDER BY dateTime
  MEASURES FIRST(fall.price) AS top, LAST(fall.price) AS bottom, rise.price AS back, count(fall.price) AS n, rise.dateTime AS at
  ONE ROW PER MATCH AFTER MATCH SKIP TO LAST rise
  PATTERN (start fall+ rise) WITHIN INTERVAL '8' SECOND
  DEFINE fall AS fall.price < PREV(fall.price), rise AS rise.price > PREV(rise.price)
) AS m`,
	"intervals": `SELECT a.id, a.seller, b.bidder, b.price FROM auction AS a LEFT JOIN bid AS b
  ON a.id = b.auction AND b.dateTime BETWEEN a.dateTime - INTERVAL '1' SECOND AND a.dateTime + INTERVAL '2' SECOND`,
	"versions": `SELECT b.bidder, b.price, v.id, v.initialBid FROM bid AS b LEFT JOIN newest FOR SYSTEM_TIME AS OF b.dateTime AS v ON v.category = 10 + b.bidder % 7`,
	"nearest":  `SELECT b.bidder, b.price, a.id, a.reserve FROM bid AS b LEFT ASOF JOIN auction AS a MATCH_CONDITION (b.dateTime > a.dateTime) ON a.seller = b.bidder`,
	"frames": `SELECT bidder, price, avg(price) OVER w AS a, stddev_samp(price) OVER w AS s, count(*) OVER r AS n, lag(price) OVER w AS l FROM bid
  WINDOW w AS (PARTITION BY bidder ORDER BY dateTime ROWS BETWEEN 20 PRECEDING AND CURRENT ROW), r AS (PARTITION BY bidder ORDER BY dateTime RANGE BETWEEN INTERVAL '3' SECOND PRECEDING AND CURRENT ROW)`,
}

// newest is the newest auction of each category.
const newest = `CREATE VIEW newest AS SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY category ORDER BY dateTime DESC) AS n FROM auction) WHERE n = 1;
`

// nexmark is one job of all stateful queries, run as if the source did not end.
func nexmark(t *testing.T, declare func(table string) string) string {
	t.Helper()
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join("..", "..", "bench", "nexmark", "queries", name+".sql"))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	text := "SET job.name = nexmark;\n" + read("schema")
	for _, q := range stateful {
		text += fmt.Sprintf("CREATE TABLE %s_out %s;\n", q, declare(q)) + strings.Replace(read(q), "INSERT INTO sink", "INSERT INTO "+q+"_out", 1)
	}
	text += newest
	for _, name := range slices.Sorted(maps.Keys(joined)) {
		text += fmt.Sprintf("CREATE TABLE %[1]s_out %[2]s;\nINSERT INTO %[1]s_out %[3]s;\n", name, declare(name), joined[name])
	}
	return text
}

// folded is what a changelog amounts to: how often each row is there.
func folded(t *testing.T, lines []string) map[string]int {
	t.Helper()
	rows := map[string]int{}
	changes := strings.HasSuffix(lines[0], ",__op")
	for _, line := range lines[1:] {
		by := 1
		if changes {
			i := strings.LastIndexByte(line, ',')
			if op := line[i+1:]; op == "1" || op == "3" {
				by = -1
			}
			line = line[:i]
		}
		if rows[line] += by; rows[line] == 0 {
			delete(rows, line)
		}
	}
	return rows
}

// TestNexmark kills the queries of Nexmark at random and compares what they have
// written with an undisturbed run.
func TestNexmark(t *testing.T) {
	target := targets[1] // json, which takes changes
	prepare := func() (*process, place) {
		p := &process{dir: t.TempDir(), epoch: 5 * time.Millisecond, env: []string{"EVENTS=60000", "RATE=2000", "GENERATORS=1"}}
		at := target.open(t, p.dir)
		if err := os.WriteFile(filepath.Join(p.dir, "job.sql"), []byte(nexmark(t, at.declare)), 0o600); err != nil {
			t.Fatal(err)
		}
		return p, at
	}
	p, at := prepare()
	start := time.Now()
	if !p.start(t, "", 0) {
		t.Fatal("the first run did not end")
	}
	took := time.Since(start)
	want := map[string]map[string]int{}
	outputs := append(slices.Sorted(maps.Keys(joined)), stateful...)
	for _, q := range outputs {
		if want[q] = folded(t, at.read(t, q)); len(want[q]) == 0 {
			t.Fatalf("%s has no rows", q)
		}
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for killed, n := 0, 0; killed < *kills*5; n++ {
		p, at := prepare()
		for runs, done := 0, false; !done; runs++ {
			p.workers = 1 + rng.IntN(4)
			after := time.Duration(1 + rng.Int64N(int64(took)))
			if runs > 12 { // long enough for one that makes no progress
				after = 0
			}
			if done = p.start(t, "", after); !done {
				killed++
			}
		}
		for _, q := range outputs {
			got := folded(t, at.read(t, q))
			for row, n := range want[q] {
				if got[row] != n {
					t.Fatalf("run %d: %s has %d times %s, want %d", n, q, got[row], row, n)
				}
			}
			if len(got) != len(want[q]) {
				t.Fatalf("run %d: %s has %d rows, want %d", n, q, len(got), len(want[q]))
			}
		}
		if n > 1000 {
			t.Fatalf("only %d kills in %d runs", killed, n)
		}
	}
}
