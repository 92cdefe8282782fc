package mysql

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/databasetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// db is the server under test.
var db = databasetest.Database{
	Env: "ARROWSTREAM_MARIADB", Commit: "\x03COMMIT", Upsert: "ON DUPLICATE KEY UPDATE `s`", Write: "LOAD DATA",
	Source: func(url, table string) arrowstream.Source {
		return &Source{URL: url, Table: table, ConnectTimeout: 20 * time.Second}
	},
	NewSink: func(url, table string, timeout time.Duration, key []string) arrowstream.Publisher {
		return &Sink{URL: url, Table: table, Key: key, ConnectTimeout: timeout}
	},
	Run: run,
	Kill: func(t testing.TB, url string) {
		s := connect(t, url)
		defer s.Close()
		ids, err := s.all(context.Background(), "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'arrowstream' AND ID <> CONNECTION_ID()")
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			// One that has just ended is as good.
			_, _, _ = s.Run(context.Background(), "KILL "+id[0])
		}
	},
}

func connect(t testing.TB, url string) *session {
	t.Helper()
	server, err := newServer(login{url: url})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.Connect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return s.(*session)
}

func run(t testing.TB, url string, statements ...string) {
	t.Helper()
	s := connect(t, url)
	defer s.Close()
	for _, text := range statements {
		if _, _, err := s.Run(context.Background(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

func TestSinks(t *testing.T) { db.Sinks(t) }

// TestSinksWithoutLoad is TestSinks at a server that allows no LOAD DATA LOCAL.
func TestSinksWithoutLoad(t *testing.T) {
	u := db.URL(t)
	run(t, u, "SET GLOBAL local_infile = 0")
	defer run(t, u, "SET GLOBAL local_infile = 1")
	inserts := db
	inserts.Write = "VALUES ("
	inserts.Sinks(t)
	types(t)
}

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

func TestTypes(t *testing.T) { types(t) }

func types(t *testing.T) {
	declare := func(s arrowstream.Source, b arrowstream.Batch) { s.(*Source).Declared = b.Schema() }
	db.RoundTrip(t, declare, `k:int32! b:bool i8:int8 i16:int16 i64:int64 u8:uint8 u16:uint16 u32:uint32 u64:uint64
1 true -128 -32768 -9223372036854775808 0 0 0 0
2 false 127 32767 9223372036854775807 255 65535 4294967295 18446744073709551615
3 null null null null null null null null
`, "k:int32! b:bool i8:int8 i16:int16 i64:int64 u8:uint8 u16:uint16 u32:uint32 u64:uint64")
	db.RoundTrip(t, declare, `k:utf8! f:float32 d:float64 n:decimal(38,10) y:binary s:utf8 c:dict
a 1.1754944e-38 1.7976931348623157e308 1234567890123456789012345678.0123456789 "" "" x
b -16777217 -1e-307 -0.0000000001 "\x00\xff\\x" "\t\n\\" y
c 0.1 0.1 0 abc "🙂" x
d 0 0 1 null null null
e 3.4028235e38 0.30000000000000004 null q q q
`, "k:utf8! f:float32 d:float64 n:decimal(38,10) y:binary s:utf8 c:utf8")
	db.RoundTrip(t, declare, `k:int64! d:date32 t:time64[us] ts:timestamp[us] tz:timestamp[us,UTC] ms:timestamp[ms] s:timestamp[s]
1 1970-01-01 0 1970-01-01T00:00:00Z 1970-01-01T00:00:01Z 1970-01-01T00:00:00.001Z 1969-12-31T23:59:59Z
2 1000-01-01 86399999999 1000-01-01T00:00:00.000001Z 2037-12-31T23:59:59.999999Z 2000-02-29T12:00:00Z 2038-01-19T03:14:08Z
3 9999-12-31 null null null null null
`, "k:int64! d:date32 t:time64[us] ts:timestamp[us] tz:timestamp[us,UTC] ms:timestamp[ms] s:timestamp[s]")
}

func BenchmarkServer(b *testing.B) {
	db.Benchmark(b, func(s arrowstream.Source) { s.(*Source).OrderBy = []string{"none"} })
}

func TestSearch(t *testing.T) { db.Search(t) }
