package crashtest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// target is a kind of sink under test.
type target struct {
	name string
	// open makes room for the outputs of one job.
	open func(t *testing.T, dir string) place
	// keep makes room for its state, and returns the place and what to add to
	// the environment; nil is a folder.
	keep func(t *testing.T, dir string) (state string, env []string)
}

// place is where the outputs of one job go.
type place struct {
	declare func(table string) string                 // behind CREATE TABLE name
	read    func(t *testing.T, table string) []string // its rows, in order if there is one
}

// targets are the sinks that promise to write every row once.
var targets = []target{
	{name: "parquet", open: folders("parquet")},
	{name: "json", open: folders("json")},
	{name: "csv", open: folders("csv")},
	{name: "arrow", open: folders("arrow")},
	{name: "flight", open: exports},
	{name: "kafka", open: kafka},
	{name: "postgres", open: tables("postgres", "ARROWSTREAM_POSTGRES")},
	{name: "mariadb", open: tables("mysql", "ARROWSTREAM_MARIADB")},
	{name: "files-of-objects", open: folders("json"), keep: objectFiles},
	{name: "s3", open: folders("json"), keep: bucketS3},
}

// partitioned are targets of files that are killed at random only: what they do at
// a failpoint is what the others of their format do, file by file.
var partitioned = []target{
	{name: "directories-of-parquet", open: directories("parquet")},
	{name: "directories-of-csv", open: directories("csv")},
}

// directoryOf are the outputs with a column for directories. That of the sessions
// has more values than a sink has files open at a time; so many files take long,
// and the short form has them in one folder.
var directoryOf = map[string]string{
	"scored": "c", "tumbling": "category", "hopping": "label", "cumulating": "label", "session": "user_id", "counted": "category", "groups": "category", "dead": "error_code",
}

// directories writes files of a format into a directory per value of a column.
func directories(format string) func(t *testing.T, dir string) place {
	return func(t *testing.T, dir string) place {
		plain := folders(format)(t, dir)
		at := func(table string) string { return filepath.Join(dir, "out", table) }
		columnOf := func(table string) string {
			if table == "session" && *seeds == 1 {
				return ""
			}
			return directoryOf[table]
		}
		return place{
			declare: func(table string) string {
				column := columnOf(table)
				if column == "" {
					return plain.declare(table)
				}
				return fmt.Sprintf("PARTITIONED BY (%s) WITH ('connector' = '%s', 'path' = '%s/')", column, format, at(table))
			},
			read: func(t *testing.T, table string) []string {
				column := columnOf(table)
				if column == "" {
					return plain.read(t, table)
				}
				if files, err := filepath.Glob(filepath.Join(at(table), column+"=*", "*."+format)); err != nil || len(files) == 0 {
					t.Fatalf("%s: no files (%v)", at(table), err)
				}
				return query(t, fmt.Sprintf("SELECT * FROM '%s/*/*.%s' /*+ OPTIONS('hive'='true') */", at(table), format))
			},
		}
	}
}

// folders writes files of a format, one folder per output.
func folders(format string) func(t *testing.T, dir string) place {
	return func(t *testing.T, dir string) place {
		at := func(table string) string { return filepath.Join(dir, "out", table) }
		return place{
			declare: func(table string) string {
				return fmt.Sprintf("USING %s OPTIONS (path = '%s/')", format, at(table))
			},
			read: func(t *testing.T, table string) []string {
				files, err := filepath.Glob(filepath.Join(at(table), "*."+format))
				if err != nil {
					t.Fatal(err)
				}
				if len(files) == 0 {
					_, err := os.Stat(at(table))
					t.Fatalf("%s: no files (%v)", at(table), err)
				}
				return query(t, fmt.Sprintf("SELECT * FROM '%s/*.%s'", at(table), format))
			},
		}
	}
}
