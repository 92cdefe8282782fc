package sql_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestAsofDuckDB compares ASOF joins of random rows, with NULLs among keys and
// times, with those of DuckDB, bounded in some way and, as far as that is possible,
// as streams. No two rows of the right side have one key and time: which of them
// is found is not said there.
func TestAsofDuckDB(t *testing.T) {
	other := startDuckDB(t)
	var total tally
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 5))
			d := &differential{sltScript: newSLTScript(t, "", rng), n: &total}
			var job duckJob
			for _, name := range []string{"l", "r"} {
				d.text += fmt.Sprintf("CREATE TABLE %s (k VARCHAR, n BIGINT, ts TIMESTAMP(6), WATERMARK FOR ts AS ts - INTERVAL '1' HOUR) WITH ('connector'='slt');\n", name)
				job.Statements = append(job.Statements, fmt.Sprintf("CREATE TABLE %s (k VARCHAR, n BIGINT, ts TIMESTAMP)", name))
				for i, at := range rng.Perm(40)[:rng.IntN(30)] {
					k, ts := string(rune('a'+rng.IntN(3))), fmt.Sprintf("2024-01-01T00:%02d:00Z", at)
					if rng.IntN(8) == 0 {
						k = "null"
					}
					if rng.IntN(10) == 0 {
						ts = "null"
					}
					d.tables[name] = append(d.tables[name], fmt.Sprintf("%s %d %s", k, i, ts))
					row := fmt.Sprintf("('%s', %d, '%s')", k, i, ts)
					job.Statements = append(job.Statements, "INSERT INTO "+name+" VALUES "+strings.ReplaceAll(row, "'null'", "NULL"))
				}
			}
			for _, kind := range []string{"ASOF JOIN", "ASOF LEFT JOIN"} {
				for _, cmp := range []string{"l.ts >= r.ts", "l.ts > r.ts", "l.ts <= r.ts", "r.ts > l.ts", "l.ts >= r.ts + INTERVAL '3' MINUTE", "l.n >= r.n"} {
					for _, on := range []string{"l.k = r.k AND ", ""} {
						job.Queries = append(job.Queries, fmt.Sprintf("SELECT l.k, l.n, r.k, r.n, r.ts FROM l %s r ON %s%s", kind, on, cmp))
					}
				}
			}
			for i, answer := range other.ask(t, job) {
				d.query(job.Queries[i], job.Queries[i], false, answer)
			}
		})
	}
	if total.unable > 0 || total.equal < 400 {
		t.Errorf("%d equal, %d that DuckDB cannot run", total.equal, total.unable)
	}
}
