package sql_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

var (
	sqlQueries = flag.Int("sql.queries", 500, "queries that are compared with DuckDB's results")
	sqlSeed    = flag.Uint64("sql.seed", 1, "seed of the queries; 0 is another one each time")
)

// TestDifferential runs queries of [generator] here, each in one of sltWays at
// random and as a stream, and in the DuckDB of ARROWSTREAM_PYTHON. The rows must
// be equal, numbers to 10 digits. Not every query is one of streams: some are
// refused there, some meet a time that is NULL, or rows that are late by the
// watermark of a table that declares none.
func TestDifferential(t *testing.T) {
	other := startDuckDB(t)
	seed := *sqlSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	const perRun = 50
	var total tally
	for run := range (*sqlQueries + perRun - 1) / perRun {
		t.Run(fmt.Sprint(run), func(t *testing.T) {
			d := &differential{sltScript: newSLTScript(t, "", rand.New(rand.NewPCG(seed, uint64(run)))), n: &total}
			d.compare(other, min(perRun, *sqlQueries-run*perRun))
			if t.Failed() {
				t.Logf("again with -sql.seed %d -run 'TestDifferential/%d$'", seed, run)
			}
		})
	}
	t.Logf("%d queries with equal rows (%d of them none), %d with errors on both sides, %d that DuckDB cannot run; %d not possible as streams", total.equal, total.empty, total.wrong, total.unable, total.bounded)
	if n := *sqlQueries; total.equal < n*3/4 || total.empty > n/2 {
		t.Errorf("only %d of %d queries say something", total.equal-total.empty, n)
	}
}

// noTime reports that a stream has a row without the event time that it is ordered
// by: bounded input has a place for it, see NULLS LAST.
func noTime(err error) bool {
	return err != nil && strings.Contains(err.Error(), "event time is NULL [AS4006]")
}

// tally counts how queries ended.
type tally struct{ equal, empty, wrong, unable, bounded int }

// differential is a run of queries over one set of tables.
type differential struct {
	*sltScript
	n *tally
}

func (d *differential) compare(other *duckDB, n int) {
	g := generator{d.rng}
	var job duckJob
	for _, name := range []string{"t", "u", "v", "w"} {
		declared := sqlDeclared
		if name == "w" {
			declared += ", WATERMARK FOR ts AS ts"
		}
		d.text += fmt.Sprintf("CREATE TABLE %s (%s) WITH ('connector'='slt');\n", name, declared)
		job.Statements = append(job.Statements, fmt.Sprintf("CREATE TABLE %s (%s)", name, strings.ReplaceAll(sqlDeclared, "(6)", "")))
		rows := 3 + g.IntN(14)
		if g.one(12) {
			rows = 0
		}
		for i := range rows {
			row := make([]string, len(sqlColumns))
			for j, c := range sqlColumns {
				row[j] = g.value(c.kind)
			}
			if name == "w" {
				row[len(row)-1] = fmt.Sprintf("2024-01-%02dT%02d:%02d:00Z", 1+i/3, i%3*7, g.IntN(60))
			}
			d.tables[name] = append(d.tables[name], strings.Join(row, " "))
			for j, cell := range row {
				if text, err := strconv.Unquote(cell); err == nil {
					cell = text
				}
				if row[j] = "'" + cell + "'"; cell == "null" {
					row[j] = "NULL"
				}
			}
			job.Statements = append(job.Statements, fmt.Sprintf("INSERT INTO %s VALUES (%s)", name, strings.Join(row, ", ")))
		}
	}
	var ordered []bool
	var ours []string
	for range n {
		text, o := g.query()
		ours, ordered = append(ours, spelled(text, 0)), append(ordered, o)
		job.Queries = append(job.Queries, spelled(text, 1))
	}
	for i, answer := range other.ask(d.t, job) {
		d.query(ours[i], job.Queries[i], ordered[i], answer)
	}
}

// query compares one query with the answer of the other side.
func (d *differential) query(ours, theirs string, ordered bool, answer duckAnswer) {
	d.t.Helper()
	bounded := sltWays[:slices.IndexFunc(sltWays, func(w sltWay) bool { return w.mode == "streaming" })]
	want := make([]string, len(answer.Rows))
	for i, row := range answer.Rows {
		for j := range row {
			row[j] = sameNumber(row[j])
		}
		want[i] = strings.Join(row, " | ")
	}
	for _, w := range []sltWay{bounded[d.rng.IntN(len(bounded))], sltWays[len(bounded)]} {
		got := d.result(&sltRecord{}, w, ours)
		switch {
		case w.mode == "streaming" && (refusesStream(got.err) || noTime(got.err) || got.late):
			d.n.bounded++
			return
		case answer.Error != "" && (strings.HasPrefix(answer.Error, "Not implemented") || strings.HasPrefix(answer.Error, "Binder Error: FULL")):
			d.n.unable++
			return
		case got.err != nil && answer.Error != "":
			d.n.wrong++
			return
		case got.err != nil:
			d.t.Errorf("%s: %v\nDuckDB has %d rows for %s", w.name, got.err, len(want), theirs)
			return
		case answer.Error != "":
			d.t.Errorf("DuckDB: %s\n%s\nhere %d rows for %s", answer.Error, theirs, len(got.rows), ours)
			return
		}
		rows := make([]string, len(got.rows))
		for i, row := range got.rows {
			rows[i] = duckRow(d.t, got.types, row)
		}
		if !ordered || w.mode == "streaming" {
			slices.Sort(rows)
			slices.Sort(want)
		}
		if !slices.Equal(rows, want) {
			d.t.Errorf("%s: %s\n%s\nDuckDB: %s\n%s", w.name, ours, strings.Join(rows, "\n"), theirs, strings.Join(want, "\n"))
			return
		}
		if w.mode == "bounded" {
			if d.n.equal++; len(rows) == 0 {
				d.n.empty++
			}
		}
	}
}

// duckRow is a row as DuckDB's is written.
func duckRow(t testing.TB, types, row string) string {
	cells, err := columnartest.Cells(row)
	if err != nil || len(cells) != len(types) {
		t.Fatalf("row %q of types %s: %v", row, types, err)
	}
	for i, c := range cells {
		switch {
		case c == "null":
		case types[i] == 'T':
			if text, err := strconv.Unquote(c); err == nil {
				c = text
			}
			cells[i] = "'" + c
		case types[i] == 'P':
			if at, err := time.Parse(time.RFC3339Nano, c); err == nil {
				cells[i] = at.Format("2006-01-02T15:04:05.000000")
			}
		default:
			cells[i] = sameNumber(c)
		}
	}
	return strings.Join(cells, " | ")
}

// sameNumber is a number in 10 digits, and any other text as it is.
func sameNumber(cell string) string {
	if strings.HasPrefix(cell, "'") {
		return cell
	}
	x, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		return cell
	}
	return strconv.FormatFloat(x+0, 'g', 10, 64)
}

// duckDB is a process that answers jobs.
type duckDB struct {
	in  io.Writer
	out *bufio.Reader
}

// duckJob are queries over the tables that statements make.
type duckJob struct {
	Statements []string `json:"statements"`
	Queries    []string `json:"queries"`
}

// duckAnswer are the rows of a query, or why there are none.
type duckAnswer struct {
	Rows  [][]string `json:"rows"`
	Error string     `json:"error"`
}

// startDuckDB starts the process, which ends with the test.
func startDuckDB(t *testing.T) *duckDB {
	python := os.Getenv("ARROWSTREAM_PYTHON")
	if python == "" {
		t.Skip("ARROWSTREAM_PYTHON is not set: the path of a python with duckdb")
	}
	cmd := exec.Command(python, "testdata/answer.py")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return &duckDB{in, bufio.NewReader(out)}
}

// ask runs a job.
func (db *duckDB) ask(t testing.TB, job duckJob) (answers []duckAnswer) {
	text, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.in.Write(append(text, '\n')); err != nil {
		t.Fatal(err)
	}
	line, err := db.out.ReadBytes('\n')
	if err != nil {
		t.Fatalf("DuckDB has ended: %v", err)
	}
	if err := json.Unmarshal(line, &answers); err != nil || len(answers) != len(job.Queries) {
		t.Fatalf("%d answers for %d queries: %v", len(answers), len(job.Queries), err)
	}
	return answers
}
