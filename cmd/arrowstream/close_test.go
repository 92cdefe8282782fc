package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/io/all"
	"github.com/arrowstream/arrowstream/sql"
)

// TestCloseCreatesNothing binds sinks of every kind and closes them unused.
func TestCloseCreatesNothing(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	var out shared
	for _, text := range []string{
		"INSERT INTO 'a.csv' SELECT 1 AS x", "INSERT INTO 'a.json' SELECT 1 AS x", "INSERT INTO 'a.arrow' SELECT 1 AS x", "INSERT INTO 'a.parquet' SELECT 1 AS x",
		"CREATE TABLE t WITH ('connector'='parquet', 'path'='dir'); INSERT INTO t SELECT 1 AS x", "SELECT 1 AS x",
		"CREATE TABLE t WITH ('connector'='console', 'layout'='table'); INSERT INTO t SELECT 1 AS x",
		"CREATE TABLE t WITH ('connector'='console', 'layout'='csv'); INSERT INTO t SELECT 1 AS x",
		"CREATE TABLE t WITH ('connector'='kafka', 'brokers'='127.0.0.1:1', 'topic'='t', 'format'='json'); INSERT INTO t SELECT 1 AS x",
		"CREATE TABLE t WITH ('connector'='flight', 'listen'='127.0.0.1:0', 'stream'='s'); INSERT INTO t SELECT 1 AS x",
		"CREATE TABLE t WITH ('connector'='socket', 'host'='127.0.0.1', 'port'='1', 'format'='csv'); INSERT INTO t SELECT 1 AS x",
		"INSERT INTO 'first.csv' SELECT 1 AS x; INSERT INTO 'nowhere.parquet' SELECT 1 AS x, MAP['a', 1] AS m",
	} {
		p, err := sql.Prepare(text, sql.Options{
			Connectors: all.Connectors(), Formats: all.Formats(), Stdio: arrowstream.Stdio{Out: &out, Err: &out},
			Pipeline: arrowstream.Options{Allocator: columnartest.Allocator(t)},
		})
		if err != nil {
			if !strings.Contains(text, "MAP") {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		if err := p.Close(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	if files, _ := filepath.Glob("*"); len(files) > 0 || out.String() != "" {
		t.Errorf("left behind: files %v, output %q", files, out.String())
	}
}
