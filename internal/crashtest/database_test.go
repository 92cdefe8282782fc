package crashtest

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// tables writes a table of a database per output.
func tables(connector, variable string) func(t *testing.T, dir string) place {
	return func(t *testing.T, dir string) place {
		url := os.Getenv(variable)
		if url == "" {
			t.Skipf("%s is not set: start a server with internal/databasetest/servers.sh", variable)
		}
		return place{
			declare: func(table string) string {
				return fmt.Sprintf("USING %s OPTIONS (url = '%s', table = '%s')", connector, url, unique(dir, table))
			},
			read: func(t *testing.T, table string) []string {
				rows := query(t, fmt.Sprintf("CREATE TABLE t USING %s OPTIONS (url = '%s', table = '%s'); SELECT * FROM t", connector, url, unique(dir, table)))
				slices.Sort(rows) // a table has no order
				return rows
			},
		}
	}
}

// unique is a name for the tables and topics of a job.
func unique(dir, table string) string {
	clean := strings.NewReplacer("/", "_", ".", "_", "-", "_").Replace(strings.ToLower(strings.TrimPrefix(dir, os.TempDir())))
	return fmt.Sprintf("crash_%d%s_%s", os.Getpid(), clean[max(0, len(clean)-30):], table)
}
