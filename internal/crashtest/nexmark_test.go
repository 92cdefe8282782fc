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
)

// stateful are the Nexmark queries that remember something: joins, changing
// aggregates, windows, sessions, the first rows of keys.
var stateful = []string{"q3", "q4", "q5", "q7", "q8", "q9", "q11", "q16", "q18", "q19", "q20"}

// falls is a pattern of rows: prices of one bidder that fall and then rise.
const falls = `
INSERT INTO falls_out SELECT * FROM bid MATCH_RECOGNIZE (
  PARTITION BY bidder ORDER BY ` + "`dateTime`" + `
  MEASURES FIRST(fall.price) AS top, LAST(fall.price) AS bottom, rise.price AS back, count(fall.price) AS n, rise.` + "`dateTime`" + ` AS at
  ONE ROW PER MATCH AFTER MATCH SKIP TO LAST rise
  PATTERN (start fall+ rise) WITHIN INTERVAL '8' SECOND
  DEFINE fall AS fall.price < PREV(fall.price), rise AS rise.price > PREV(rise.price)
) AS m;
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
	return text + fmt.Sprintf("CREATE TABLE falls_out %s;\n", declare("falls")) + falls
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
	outputs := append(slices.Clone(stateful), "falls")
	for _, q := range outputs {
		if want[q] = folded(t, at.read(t, q)); len(want[q]) == 0 {
			t.Fatalf("%s has no rows", q)
		}
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for killed, n := 0, 0; killed < *kills*5; n++ {
		p, at := prepare()
		for done := false; !done; {
			p.workers = 1 + rng.IntN(4)
			after := time.Duration(1 + rng.Int64N(int64(took)))
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
