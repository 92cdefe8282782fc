package mysql

import (
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/databasetest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

// TestNativeTypes reads what only the server has, and writes it back.
func TestNativeTypes(t *testing.T) {
	u, table, copied := db.URL(t), db.Table(t), db.Table(t)
	const columns = " (m MEDIUMINT UNSIGNED, y YEAR, b BIT(1), e ENUM('a','b'), s SET('x','y','z'), j JSON, c CHAR(4), vb VARBINARY(9), n DECIMAL(38,0), ti TINYTEXT, dt DATETIME, ts TIMESTAMP(3) NULL, t TIME(2), f FLOAT)"
	run(t, u, "CREATE TABLE "+table+columns, "CREATE TABLE "+copied+columns,
		"INSERT INTO "+table+` VALUES (16777215, 2155, b'1', 'b', 'x,z', '{"a": [1]}', 'ab', X'00FF', 99999999999999999999999999999999999999, 'ü', '2024-02-29 12:00:00', '2024-02-29 12:00:00.123', '01:02:03.45', 0.1)`,
		"INSERT INTO "+table+" (m) VALUES (NULL)")
	got := iotest.MustRead(t, &Source{URL: u, Table: table}, 0)
	want := `m:uint32 y:int16 b:bool e:utf8 s:utf8 j:utf8 c:utf8 vb:binary n:decimal(38,0) ti:utf8 dt:timestamp[s] ts:timestamp[ms,UTC] t:time64[us] f:float32
16777215 2155 true b "x,z" "{\"a\": [1]}" ab "\x00\xff" 99999999999999999999999999999999999999 ü 1709208000 1709208000123 3723450000 0.1
null null null null null null null null null null null null null null
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	mem := columnartest.Allocator(t)
	parts, err := (&Source{URL: u, Table: table, Columns: strings.Split("m y e s j c vb n ti dt ts t f", " ")}).Open(t.Context(), iotest.Env(mem, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer parts[0].Close()
	b, err := parts[0].Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	if err := iotest.Write(t, &Sink{URL: u, Table: copied}, b); err != nil {
		t.Fatal(err)
	}
	if again := iotest.MustRead(t, &Source{URL: u, Table: copied}, 0); again != strings.Replace(want, " true ", " null ", 1) {
		t.Errorf("copied\n%s", again)
	}
	// A query tells its types as well as a table, but for the width of TINYINT.
	got = iotest.MustRead(t, &Source{URL: u, Query: "SELECT m, vb, n, dt, ts, t, f, m IS NULL AS x FROM " + table}, 0)
	if want := "m:uint32 vb:binary n:decimal(38,0) dt:timestamp[s] ts:timestamp[ms,UTC] t:time64[us] f:float32 x:int32\n"; !strings.HasPrefix(got, want) {
		t.Errorf("a query gives\n%s", got)
	}
}

// TestUnreadable reads values that no column holds.
func TestUnreadable(t *testing.T) {
	u, table := db.URL(t), db.Table(t)
	run(t, u, "SET SESSION sql_mode = ''", "CREATE TABLE "+table+" (b TINYINT(1), n DECIMAL(50,2), t TIME)", "INSERT INTO "+table+" VALUES (2, 1, '-30:00:00')")
	for column, want := range map[string]string{
		"b": `mysql: table ` + table + `: column "b": neither 0 nor 1`,
		"n": `is decimal(50,2), which cannot be read [AS4152]`,
		"t": `column "t": not a time of day`,
	} {
		if _, err := iotest.Read(t, &Source{URL: u, Table: table, Columns: []string{column}}, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", column, err)
		}
	}
	if _, err := iotest.Read(t, &Source{URL: u, Query: "SELECT CAST('0000-00-00' AS DATE) AS d"}, 0); err != nil {
		t.Error(err) // a date of zeros that a strict server makes NULL
	}
	if _, err := iotest.Read(t, &Source{URL: u, Query: "SELECT nothing"}, 0); err == nil || !strings.Contains(err.Error(), "Unknown column 'nothing'") || !strings.Contains(err.Error(), "AS3004") {
		t.Error(err)
	}
}

// TestLoadDoesNotChangeValues writes what LOAD DATA LOCAL by itself would cut,
// round or replace.
func TestLoadDoesNotChangeValues(t *testing.T) {
	u, mem := db.URL(t), columnartest.Allocator(t)
	table := db.Table(t)
	run(t, u, "CREATE TABLE "+table+" (d DATETIME, x DOUBLE, e ENUM('a'), m DATE, j JSON)")
	for _, c := range []struct{ rows, want string }{
		{"d:timestamp[ms]\n2024-01-01T00:00:00.001Z\n", `column "d": 2024-01-01 00:00:00.001 has a finer fraction than the column holds`},
		{"x:float64\nNaN\n", "the database has no NaN"},
		{"x:float64\n-Inf\n", "the database has no -Inf"},
		{"e:utf8\nb\n", "Data truncated for column 'e'"},
		{"m:date32\n2932897\n", "Data truncated for column 'm'"},
		{"j:utf8\nnojson\n", "CONSTRAINT"},
	} {
		err := databasetest.Fails(t, &Sink{URL: u, Table: table}, columnartest.Batch(t, mem, c.rows))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "AS4151") {
			t.Errorf("%q: %v", c.rows, err)
		}
	}
	if err := iotest.Write(t, &Sink{URL: u, Table: table}, columnartest.Batch(t, mem, "d:timestamp[ms]\n2024-01-01T00:00:00Z\n")); err != nil {
		t.Error(err)
	}
	db.Want(t, table, "1704067200 null null null null")
	aria := db.Table(t)
	run(t, u, "CREATE TABLE "+aria+" (d INT) ENGINE=Aria")
	s := &Sink{URL: u, Table: aria}
	if err := s.Bind(iotest.Schema(t, "d:int32"), arrowstream.Env{Allocator: mem}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Publish(t.Context(), arrowstream.Publication{Job: "j", Sink: aria, Epoch: 1, Incarnation: 1}); err == nil || !strings.Contains(err.Error(), "is of engine Aria, which has no transactions [AS4150]") {
		t.Error(err)
	}
}

func TestURLs(t *testing.T) {
	for url, want := range map[string]string{
		"mysql://u:p@h:1/d":                                                        "u p h:1/d ",
		"mariadb://h/d?user=u&password=p":                                          "u p h:3306/d ",
		"jdbc:mysql://h/d?useSSL=true&user=u&password=p":                           "u p h:3306/d preferred",
		"jdbc:mariadb://h/d?sslMode=REQUIRED&serverTimezone=UTC&user=u&password=p": "u p h:3306/d skip-verify",
		"mysql://u:p@h/d?tls=true":                                                 "u p h:3306/d true",
		"u:p@tcp(h:9)/d?tls=skip-verify":                                           "u p h:9/d skip-verify",
		"jdbc:mysql://u:p%40%3A@[::1]/d":                                           "u p@: [::1]:3306/d ",
	} {
		s, err := newServer(login{url: url})
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if got := s.config.User + " " + s.config.Passwd + " " + s.Address() + " " + s.config.TLSConfig; got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
	}
	t.Setenv("MYSQL_TEST_PASSWORD", "hidden")
	s, err := newServer(login{url: "mysql://u:p@h/d", user: "v", password: "env:MYSQL_TEST_PASSWORD", tls: true})
	if err != nil || s.config.User != "v" || s.config.Passwd != "hidden" || s.config.TLS.ServerName != "h" {
		t.Error(err)
	}
	for _, url := range []string{
		"", "mysql://u:s3cret@h:x/d", "jdbc:oracle:thin:u/s3cret@h", "mysql://u:s3cret@h/", "u:s3cret@tcp(h/d", "mysql://u:s3cret@h/d?usesl=true",
		"mysql://u:s3cret@h/d?sslMode=s3cret", "mysql:///d",
	} {
		_, err := newServer(login{url: url})
		if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "[AS1504]") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
