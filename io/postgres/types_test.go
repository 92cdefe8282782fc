package postgres

import (
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/databasetest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

// TestNativeTypes reads what only the server has, and writes it back as text.
func TestNativeTypes(t *testing.T) {
	u, table, copied := db.URL(t), db.Table(t), db.Table(t)
	const columns = `(id oid, j json, jb jsonb, u uuid, a integer[], txt text[], e "char", iv interval, ip inet, m numeric, tz timetz, c char(4), v varchar(3), d ` + "dom" + `, r int4range)`
	run(t, u, "DROP DOMAIN IF EXISTS dom CASCADE", "CREATE DOMAIN dom AS numeric(6,2) CHECK (VALUE > 0)",
		"CREATE TABLE "+table+columns, "CREATE TABLE "+copied+columns,
		"INSERT INTO "+table+` VALUES (4294967295, '{"a": [1, null]}', '{"b":  "ü"}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{1,NULL,-3}', '{"a b",NULL,"c\\d"}',
			'x', '1 year 2 days 03:04:05.5', '10.0.0.0/8', 12345.678901234567890123, '12:00:00+02', 'ab', 'xyz', 12.5, '[1,5)')`,
		"INSERT INTO "+table+" DEFAULT VALUES")
	got := iotest.MustRead(t, &Source{URL: u, Table: table}, 0)
	want := `id:int64 j:utf8 jb:utf8 u:utf8 a:utf8 txt:utf8 e:utf8 iv:utf8 ip:utf8 m:decimal(38,18) tz:utf8 c:utf8 v:utf8 d:decimal(6,2) r:utf8
4294967295 "{\"a\": [1, null]}" "{\"b\": \"ü\"}" a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 "{1,NULL,-3}" "{\"a b\",NULL,\"c\\\\d\"}" x "1 year 2 days 03:04:05.5" 10.0.0.0/8 12345.678901234567890123 12:00:00+02 "ab  " xyz 12.50 "[1,5)"
null null null null null null null null null null null null null null null
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	mem := columnartest.Allocator(t)
	parts, err := (&Source{URL: u, Table: table}).Open(t.Context(), iotest.Env(mem, 0))
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
	if again := iotest.MustRead(t, &Source{URL: u, Table: copied}, 0); again != want {
		t.Errorf("copied\n%s\nwant\n%s", again, want)
	}
}

// TestUnreadable reads values that no column holds.
func TestUnreadable(t *testing.T) {
	u := db.URL(t)
	for query, want := range map[string]string{
		"SELECT 'infinity'::timestamptz AS x":              `postgres: the query: column "x": an infinite time`,
		"SELECT '-infinity'::timestamp AS x":               "an infinite time",
		"SELECT 'infinity'::date AS x":                     "an infinite time",
		"SELECT 'NaN'::numeric AS x":                       `column "x": not a number of decimal(38,18) (value "NaN")`,
		"SELECT 1e30::numeric AS x":                        "not a number of decimal(38,18)",
		"SELECT 1::numeric(50,2) AS x":                     `column "x" of the query is numeric(50,2), which cannot be read [AS4152]`,
		"SELECT 1/(n-3) AS x FROM generate_series(1, 9) n": "division by zero (SQLSTATE 22012) [AS4151]",
		"SELECT nothing":                                   "column \"nothing\" does not exist",
	} {
		if _, err := iotest.Read(t, &Source{URL: u, Query: query}, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", query, err)
		}
	}
	// Declared columns convert, or say why not.
	declared := func(query, columns string) (string, error) {
		return iotest.Read(t, &Source{URL: u, Query: query, Declared: iotest.Schema(t, columns)}, 0)
	}
	if got, err := declared("SELECT 7::smallint AS a, '12' AS b, 1.25::numeric AS c, 'x'::text AS unused", "c:float64 a:int64 b:int32"); err != nil || got != "c:float64 a:int64 b:int32\n1.25 7 12\n" {
		t.Errorf("%q %v", got, err)
	}
	for query, want := range map[string]string{
		"SELECT 'no' AS a":           "AS4003",
		"SELECT 3000000000 AS a":     "AS4001",
		"SELECT NULL::int AS a":      "AS4007",
		"SELECT '\\x01'::bytea AS a": "AS4152",
		"SELECT 1 AS b":              `there is no column "a"`,
	} {
		if _, err := declared(query, "a:int32!"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func TestJSONColumns(t *testing.T) {
	u, table, mem := db.URL(t), db.Table(t), columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "k:int64 v:vector[2] l:list<utf8> s:struct<a:int64,b:utf8>\n1 [1.5,2] [a,\"b\\\"c\"] {1,x}\n2 null [] {null,null}\n")
	if err := iotest.Write(t, &Sink{URL: u, Table: table, Key: []string{"k"}}, b); err != nil {
		t.Fatal(err)
	}
	db.Want(t, table, `1 "[1.5, 2]" "[\"a\", \"b\\\"c\"]" "{\"a\": 1, \"b\": \"x\"}"`, `2 null "[]" "{\"a\": null, \"b\": null}"`)
	arrays := db.Table(t)
	run(t, u, "CREATE TABLE "+arrays+" (l text[])")
	err := databasetest.Fails(t, &Sink{URL: u, Table: arrays}, columnartest.Batch(t, mem, "l:list<utf8>\n[a]\n"))
	if err == nil || !strings.Contains(err.Error(), `column "l" is text[], which does not hold list<utf8> [AS4150] (use a column of type JSON`) {
		t.Error(err)
	}
	err = databasetest.Fails(t, &Sink{URL: u, Table: "x"}, columnartest.Batch(t, mem, "l:months\n1\n"))
	if err == nil || !strings.Contains(err.Error(), "months cannot be written [AS4150]") {
		t.Error(err)
	}
}

func TestURLs(t *testing.T) {
	for url, want := range map[string]string{
		"postgres://u:p@h:1/d":                                "u p h:1/d",
		"postgresql://h/d?user=u&password=p":                  "u p h:5432/d",
		"jdbc:postgresql://h:7/d?user=u&password=p&ssl=false": "u p h:7/d",
		"jdbc:postgresql://h/d?reWriteBatchedInserts=true&user=u&password=p&currentSchema=s&ApplicationName=a": "u p h:5432/d",
		"host=h port=9 dbname=d user=u password=p":                                                             "u p h:9/d",
	} {
		s, err := newServer(login{url: url})
		if err != nil {
			t.Error(err)
			continue
		}
		if got := s.config.User + " " + s.config.Password + " " + s.Address(); got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
	}
	t.Setenv("POSTGRES_TEST_PASSWORD", "hidden")
	s, err := newServer(login{url: "postgres://u:p@h/d", user: "v", password: "env:POSTGRES_TEST_PASSWORD", tls: true})
	if err != nil || s.config.User != "v" || s.config.Password != "hidden" || s.config.TLSConfig.ServerName != "h" || s.config.Fallbacks != nil {
		t.Error(err)
	}
	for _, url := range []string{"", "postgres://u:s3cret@h:x/d", "jdbc:oracle:thin:u/s3cret@h", "jdbc:postgresql://u:s3cret@h:x/d", "host=h password='s3cret"} {
		_, err := newServer(login{url: url})
		if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "[AS1504]") {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, err := range []error{
		(&Sink{URL: "postgres://h/d"}).Bind(iotest.Schema(t, "a:int64"), arrowstream.Env{}),
		(&Sink{URL: "postgres://h/d", Table: "t", Missing: "maybe"}).Bind(iotest.Schema(t, "a:int64"), arrowstream.Env{}),
		(&Sink{URL: "postgres://h/d", Table: "t", Password: "file:/no/such"}).Bind(iotest.Schema(t, "a:int64"), arrowstream.Env{}),
	} {
		if err == nil || !strings.Contains(err.Error(), "AS1504") {
			t.Error(err)
		}
	}
}
