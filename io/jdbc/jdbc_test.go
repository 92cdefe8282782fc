package jdbc

import (
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/mysql"
	"github.com/arrowstream/arrowstream/io/postgres"
)

func TestChoose(t *testing.T) {
	table := func(url string, more ...string) arrowstream.Table {
		o := map[string]string{"url": url}
		for i := 0; i < len(more); i += 2 {
			o[more[i]] = more[i+1]
		}
		return arrowstream.Table{Options: o, Key: []string{"id"}}
	}
	for _, url := range []string{"jdbc:postgresql://h/d", "postgres://h/d", "JDBC:PostgreSQL://h/d"} {
		s, err := Connector.Sink(table(url, "dbtable", "t", "batchsize", "100", "isolationlevel", "NONE", "driver", "org.postgresql.Driver"))
		if p, ok := s.(*postgres.Sink); err != nil || !ok || p.Table != "t" || p.BatchRows != 100 || p.Key[0] != "id" {
			t.Errorf("%s: %v %v", url, s, err)
		}
	}
	for _, url := range []string{"jdbc:mysql://h/d", "jdbc:mariadb://h/d", "mysql://h/d"} {
		s, err := Connector.Source(table(url, "table-name", "t", "username", "u", "scan.partition.column", "id", "scan.partition.num", "4", "scan.fetch-size", "1000", "batchsize", "1"))
		if p, ok := s.(*mysql.Source); err != nil || !ok || p.Table != "t" || p.User != "u" || p.Partitions != 4 {
			t.Errorf("%s: %v %v", url, s, err)
		}
	}
	for _, url := range []string{"", "jdbc:oracle:thin:@h:1521:d", "h/d"} {
		if _, err := Connector.Source(table(url)); err == nil || !strings.Contains(err.Error(), "jdbc: option url names no database that can be reached [AS1504]") {
			t.Errorf("%s: %v", url, err)
		}
		if _, err := Connector.Sink(table(url)); err == nil {
			t.Errorf("%s: no error", url)
		}
	}
}
