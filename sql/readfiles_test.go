package sql_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream/io/all"
)

// TestReadFiles checks the table functions that read files.
func TestReadFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"a.csv": "k;v\nx;1\ny;NA\n", "b.txt": "z,3\n", "c.jsonl": "{\"k\":\"w\",\"v\":4}\n",
		filepath.Join("h", "day=7", "d.csv"): "v\n5\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]string{
		"SELECT k, v FROM read_csv('a.csv', delim => ';', nullstr = 'NA')":                                                  "k:utf8 v:int64\nx 1\ny null",
		"SELECT k, v FROM READ_CSV_AUTO('a.csv', \"delim\" = ';', null => ['NA', '-'], header = true) AS t WHERE t.k = 'x'": "x 1",
		"SELECT * FROM read_csv('b.txt', header => false)":                                                                  "z 3",
		"SELECT v + 1 AS v FROM read_json('c.jsonl', sample_rows => 10)":                                                    "v:int64\n5",
		"SELECT day, v FROM read_csv('h/*/*.csv', hive_partitioning => true)":                                               "7 5",
		"SELECT a.k FROM read_csv('a.csv', delim=>';') a JOIN read_csv('a.csv', delim=>';') b ON a.k = b.k ORDER BY a.k":    "x\ny",
		"EXPLAIN SELECT k FROM read_csv('a.csv', delim => ';')":                                                             "scan",
		"SELECT * FROM read_csv('a.csv', delimeter => ';')":                                                                 "did you mean \"delimiter\"?",
		"SELECT * FROM read_csv('a.csv', delim => ';', delimiter => ',')":                                                   "AS1108",
		"SELECT * FROM read_csv('a.csv', ';')":                                                                              "its other arguments have names",
		"SELECT * FROM read_csv(header => true)":                                                                            "the path is missing",
		"SELECT * FROM read_csv('a' || '.csv')":                                                                             "is no constant",
		"SELECT * FROM read_csv('no/*.csv')":                                                                                "AS2111",
		"SELECT * FROM read_parquet('a.csv')":                                                                               "error",
		"SELECT * FROM read_cvs('a.csv')":                                                                                   "READ_CSV",
	} {
		h := newHarness(t)
		opts := h.options()
		opts.Connectors, opts.Formats = all.Connectors(), all.Formats()
		if got := h.runWith(query, opts); !strings.Contains(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", query, got, want)
		}
	}
	// A path is a parameter as any other value.
	h := newHarness(t)
	opts := h.options()
	opts.Connectors, opts.Named = all.Connectors(), map[string]any{"path": "a.csv", "delim": ";"}
	if got := h.runWith("SELECT k FROM read_csv(:path, delim => :delim)", opts); !strings.Contains(got, "x\ny") {
		t.Errorf("got %s", got)
	}
}
