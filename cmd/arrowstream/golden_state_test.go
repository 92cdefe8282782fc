package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/all"
	"github.com/arrowstream/arrowstream/io/console"
	"github.com/arrowstream/arrowstream/sql"
	"github.com/arrowstream/arrowstream/state"
)

// goldenStates are a query for each kind of stage that remembers anything.
var goldenStates = map[string]string{
	"aggregate":  `SELECT category, count(*) AS n, sum(f1) AS s, min(ts) AS t, count(DISTINCT user_id) AS u FROM c GROUP BY category`,
	"distinct":   `SELECT DISTINCT * FROM (SELECT category, user_id % 50 AS u FROM c)`,
	"tumbling":   `SELECT window_start, category, count(*) AS n, avg(f1) AS a FROM TABLE(TUMBLE(TABLE c, DESCRIPTOR(ts), INTERVAL '7' SECOND)) GROUP BY window_start, window_end, category`,
	"hopping":    `SELECT window_start, category, count(*) AS n, max(f2) AS m FROM TABLE(HOP(TABLE c, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '20' SECOND)) GROUP BY window_start, window_end, category`,
	"cumulating": `SELECT window_start, window_end, category, sum(f3) AS s FROM TABLE(CUMULATE(TABLE c, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '20' SECOND)) GROUP BY window_start, window_end, category`,
	"session":    `SELECT window_start, window_end, user_id, count(*) AS n FROM TABLE(SESSION(TABLE c PARTITION BY user_id, DESCRIPTOR(ts), INTERVAL '4' SECOND)) GROUP BY window_start, window_end, user_id`,
	"regroup":    `SELECT window_start, max(n) AS n FROM (SELECT window_start, window_end, category, count(*) AS n FROM TABLE(TUMBLE(TABLE c, DESCRIPTOR(ts), INTERVAL '7' SECOND)) GROUP BY window_start, window_end, category) GROUP BY window_start, window_end`,
	"limit":      `SELECT user_id FROM c LIMIT 900`,
	"logistic":   `CREATE VIEW v AS SELECT f1, f2, f3, label FROM c; CREATE MODEL m OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['label']) AS SELECT f1, f2, f3, label FROM v; SELECT * FROM ML_PREDICT(TABLE v, MODEL m)`,
	"kmeans":     `CREATE MODEL m OPTIONS (model_type = 'KMEANS', num_clusters = 3) AS SELECT f1, f2 FROM c; SELECT * FROM ML_CENTROIDS(MODEL m)`,
}

const goldenTable = `CREATE TABLE c (WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector' = 'clicks', 'rows' = '1200', 'seed' = '5', 'users' = '40', 'interval' = '100ms', 'out-of-order' = '2s');
`

// TestGoldenStates goes on with states of every kind of stage that an earlier
// version has left in the middle of its input, as folders that are written once
// and never again: with what was shown until then, the rest is what a run in one
// go shows.
func TestGoldenStates(t *testing.T) {
	for name, query := range goldenStates {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join("testdata", "state", "v1", name)
			if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
				if !*update {
					t.Fatal("there is no golden folder: run with -update once")
				}
				shown := goldenRun(t, query, state.Dir{Path: filepath.Join(folder, "state"), Reserve: -1}, 4)
				if err := os.WriteFile(filepath.Join(folder, "shown.csv"), shown, 0o600); err != nil {
					t.Fatal(err)
				}
				for _, gone := range []string{"LOCK", "savepoints"} {
					if err := os.RemoveAll(filepath.Join(folder, "state", gone)); err != nil {
						t.Fatal(err)
					}
				}
			}
			path := filepath.Join(t.TempDir(), "state")
			if err := os.CopyFS(path, os.DirFS(filepath.Join(folder, "state"))); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(filepath.Join(folder, "shown.csv"))
			if err != nil {
				t.Fatal(err)
			}
			rest := goldenRun(t, query, state.Dir{Path: path, Reserve: -1}, 0)
			whole := goldenRun(t, query, state.Dir{Path: filepath.Join(t.TempDir(), "state"), Reserve: -1}, 0)
			got, want := append(shownRows(before), shownRows(rest)...), shownRows(whole)
			if len(rest) == 0 || !slices.Equal(got, want) {
				t.Errorf("%d rows and %d more, not %d", len(shownRows(before)), len(shownRows(rest)), len(want))
			}
		})
	}
}

// goldenRun runs a query, to its end or to the commit of an epoch, and returns
// what it shows as CSV.
func goldenRun(t *testing.T, query string, dir state.Dir, until arrowstream.Epoch) []byte {
	t.Helper()
	var out strings.Builder
	stdio := arrowstream.Stdio{Out: &out}
	store := &drained{Dir: dir, until: until}
	var replay arrowstream.Replay
	if until > 0 {
		replay.Speed = 100 // a second and some: time to drain it
	}
	prog, err := sql.Prepare(goldenTable+query, sql.Options{
		Connectors: all.Connectors(), Formats: all.Formats(), Stdio: stdio,
		Pipeline: arrowstream.Options{TickRows: 100, CheckpointInterval: 1, Workers: 1, State: store, Replay: replay},
		Display: func(name string) (arrowstream.Sink, error) {
			return console.Connector.Sink(arrowstream.Table{Name: name, Options: map[string]string{"format": "csv"}, Stdio: stdio})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer prog.Close()
	store.drain = prog.Pipeline().Drain
	if _, err := prog.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return []byte(out.String())
}

// shownRows are the lines of a CSV without its header.
func shownRows(text []byte) (lines []string) {
	for s := bufio.NewScanner(strings.NewReader(string(text))); s.Scan(); {
		lines = append(lines, s.Text())
	}
	return lines[min(1, len(lines)):]
}

// drained is a store that drains the run when an epoch is committed; 0 never.
type drained struct {
	state.Dir
	until arrowstream.Epoch
	drain func()
}

// Open implements [arrowstream.StateStore].
func (d *drained) Open(ctx context.Context, job arrowstream.Job) (arrowstream.EpochLog, error) {
	l, err := d.Dir.Open(ctx, job)
	if err != nil {
		return nil, err
	}
	return &drainedLog{l, d}, nil
}

type drainedLog struct {
	arrowstream.EpochLog
	store *drained
}

// Commit implements [arrowstream.EpochLog].
func (l *drainedLog) Commit(ctx context.Context, c arrowstream.Commit, states []arrowstream.StageState) error {
	err := l.EpochLog.Commit(ctx, c, states)
	if c.Epoch == l.store.until {
		l.store.drain()
	}
	return err
}
