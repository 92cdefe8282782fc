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
}

// place is where the outputs of one job go.
type place struct {
	declare func(table string) string                 // behind CREATE TABLE name
	read    func(t *testing.T, table string) []string // its rows, in order if there is one
}

// targets are the sinks that promise to write every row once.
var targets = []target{
	{"parquet", folders("parquet")},
	{"json", folders("json")},
	{"csv", folders("csv")},
	{"arrow", folders("arrow")},
	{"flight", exports},
	{"kafka", kafka},
	{"postgres", tables("postgres", "ARROWSTREAM_POSTGRES")},
	{"mariadb", tables("mysql", "ARROWSTREAM_MARIADB")},
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
