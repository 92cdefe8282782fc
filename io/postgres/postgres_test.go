package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/goleak"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/databasetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server under test.
var db = databasetest.Database{
	Env: "ARROWSTREAM_POSTGRES", Commit: "\x00COMMIT\x00", Upsert: "ON CONFLICT (\"k\")", Write: "COPY ",
	Source: func(url, table string) arrowstream.Source {
		return &Source{URL: url, Table: table, ConnectTimeout: 20 * time.Second}
	},
	NewSink: func(url, table string, timeout time.Duration, key []string) arrowstream.Publisher {
		return &Sink{URL: url, Table: table, Key: key, ConnectTimeout: timeout}
	},
	Run: run,
	Kill: func(t testing.TB, url string) {
		run(t, url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND application_name = 'arrowstream'")
	},
}

func run(t testing.TB, url string, statements ...string) {
	t.Helper()
	c, err := pgconn.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	for _, s := range statements {
		if _, err := c.Exec(context.Background(), s).ReadAll(); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func TestSinks(t *testing.T) { db.Sinks(t) }

func TestSources(t *testing.T) {
	db.Sources(t, func(s arrowstream.Source, options map[string]string) {
		if _, ok := options["table"]; ok {
			s.(*Source).Table = ""
			delete(options, "table")
		}
		if options == nil {
			options = map[string]string{}
		}
		options["url"] = s.(*Source).URL
		if err := arrowstream.DecodeOptions(options, s); err != nil {
			t.Fatal(err)
		}
	})
}

func TestTypes(t *testing.T) {
	declare := func(s arrowstream.Source, b arrowstream.Batch) { s.(*Source).Declared = b.Schema() }
	db.RoundTrip(t, declare, `k:int32! b:bool i8:int8 i16:int16 i64:int64 u8:uint8 u16:uint16 u32:uint32 u64:uint64
1 true -128 -32768 -9223372036854775808 0 0 0 0
2 false 127 32767 9223372036854775807 255 65535 4294967295 18446744073709551615
3 null null null null null null null null
`, "k:int32! b:bool i8:int16 i16:int16 i64:int64 u8:int16 u16:int32 u32:int64 u64:decimal(20,0)")
	db.RoundTrip(t, declare, `k:utf8! f:float32 d:float64 n:decimal(38,10) y:binary s:utf8 c:dict
a NaN NaN 1234567890123456789012345678.0123456789 "" "" x
b Inf -Inf -0.0000000001 "\x00\xff\\x" "\t\n\\" y
c 0.1 0.1 0 abc "🙂" x
d -0 -0 1 null null null
e 3.4028235e38 5e-324 null q q q
`, "k:utf8! f:float32 d:float64 n:decimal(38,10) y:binary s:utf8 c:utf8")
	db.RoundTrip(t, declare, `k:int64! d:date32 t:time64[us] ts:timestamp[us] tz:timestamp[us,UTC] ms:timestamp[ms] s:timestamp[s]
1 1970-01-01 0 1970-01-01T00:00:00Z 1970-01-01T00:00:00Z 1970-01-01T00:00:00.001Z 1969-12-31T23:59:59Z
2 0001-01-01 86399999999 0001-01-01T00:00:00.000001Z 9999-12-31T23:59:59.999999Z 2000-02-29T12:00:00Z 2038-01-19T03:14:08Z
3 9999-12-31 null null null null null
`, "k:int64! d:date32 t:time64[us] ts:timestamp[us] tz:timestamp[us,UTC] ms:timestamp[us] s:timestamp[us]")
}

func BenchmarkServer(b *testing.B) {
	db.Benchmark(b, func(s arrowstream.Source) { s.(*Source).OrderBy = []string{"none"} })
}

func TestSearch(t *testing.T) { db.Search(t) }
