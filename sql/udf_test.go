package sql_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/all"
	"github.com/arrowstream/arrowstream/sql"
	"github.com/arrowstream/arrowstream/state"
	"github.com/arrowstream/arrowstream/udf"
	wt "github.com/arrowstream/arrowstream/udf/wasm/wasmtest"
)

// guest is a module with functions of numbers, and one of text that gives back
// its argument. times is what scale multiplies by.
func guest(times byte) []byte {
	return wt.Module{Pages: 8, Funcs: []wt.Func{
		{Export: "scale", Params: []byte{wt.I64}, Result: wt.I64, Code: []byte{0x20, 0, 0x42, times, 0x7e}},
		{Export: "quotient", Params: []byte{wt.I32, wt.I32}, Result: wt.I32, Code: []byte{0x20, 0, 0x20, 1, 0x6d}},
		{Export: "spin", Params: []byte{wt.I32}, Result: wt.I32, Code: []byte{0x03, 0x40, 0x0c, 0, 0x0b, 0x20, 0}},
		{Export: "alloc", Params: []byte{wt.I32}, Result: wt.I32, Code: wt.Const(nil, 1024)},
		{Export: "echo_batch", Params: []byte{wt.I32, wt.I32}, Result: wt.I32, Code: []byte{
			0x20, 1, 0x20, 1, 0x28, 2, 0, 0x36, 2, 16, 0x20, 1, 0x20, 1, 0x28, 2, 4, 0x36, 2, 20, 0x20, 1, 0x20, 1, 0x28, 2, 12, 0x36, 2, 28, 0x41, 0,
		}},
	}}.Bytes()
}

func writeGuest(t *testing.T, path string, times byte) {
	t.Helper()
	if err := os.WriteFile(path, guest(times), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestWasmFunctions(t *testing.T) {
	t.Chdir(t.TempDir())
	writeGuest(t, "g.wasm", 3)
	for script, want := range map[string]string{
		"CREATE FUNCTION scale(x BIGINT) RETURNS BIGINT LANGUAGE WASM AS 'g.wasm'; SELECT scale(price) AS y FROM 'bid.mem' WHERE price > 25":                 "y:int64\n90\n150\n180",
		"CREATE FUNCTION triple(x BIGINT) RETURNS BIGINT LANGUAGE WASM AS 'scale' USING WASM 'g.wasm'; SELECT triple(2) + triple(NULL) AS a, triple(7) AS y": "a:int64 y:int64!\nnull 21",
		"CREATE FUNCTION scale USING WASM 'g.wasm'; SELECT 1":                                                                                               "AS1101",
		"CREATE FUNCTION scale(x INT) RETURNS BIGINT USING WASM 'g.wasm'; SELECT scale(1)":                                                                  "AS1612",
		"CREATE FUNCTION s AS 'scale' USING WASM 'g.wasm'; SELECT s(4) AS y":                                                                                "y:int64!\n12",
		"CREATE FUNCTION s AS 'echo' USING WASM 'g.wasm'; SELECT s(4)":                                                                                      "AS1612",
		"CREATE FUNCTION same(s VARCHAR) RETURNS VARCHAR LANGUAGE WASM AS 'echo' USING WASM 'g.wasm'; SELECT same(upper('é') || 'x') AS y, same(NULL) AS n": "y:utf8! n:utf8\nÉx null",
		"CREATE FUNCTION q(x INT, y INT) RETURNS INT LANGUAGE WASM AS 'quotient' USING WASM 'g.wasm'; SELECT q(1, x - 1) FROM (VALUES (1)) AS t(x)":         "AS4011",
		"SET function.wasm.timeout = '50 ms'; CREATE FUNCTION spin(x INT) RETURNS INT USING WASM 'g.wasm'; SELECT spin(1)":                                  "AS6002",
		"SET function.wasm.memory = '128KiB'; CREATE FUNCTION scale(x BIGINT) RETURNS BIGINT USING WASM 'g.wasm'":                                           "AS1612",
		"CREATE FUNCTION f(x INT) RETURNS INT USING WASM 'none.wasm'; SELECT f(1)":                                                                          "AS1612",
		"CREATE FUNCTION scale(x BIGINT) RETURNS BIGINT USING WASM 'g.wasm'; DESCRIBE FUNCTION scale":                                                       "scale(x BIGINT) BIGINT",
		"CREATE FUNCTION scale(x BIGINT) RETURNS BIGINT USING WASM 'g.wasm'; SHOW CREATE FUNCTION scale":                                                    "CREATE FUNCTION scale (x BIGINT) RETURNS BIGINT LANGUAGE WASM AS 'scale' USING WASM 'g.wasm'",
	} {
		if got := newHarness(t).run(script); !strings.Contains(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", script, got, want)
		}
	}
}

// TestWasmStaysInside checks that a module is read through the walls only.
func TestWasmStaysInside(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("in", 0o755); err != nil {
		t.Fatal(err)
	}
	writeGuest(t, "in/g.wasm", 3)
	writeGuest(t, "out.wasm", 3)
	access, err := arrowstream.Restrict([]string{"in"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"in/g.wasm": "", "out.wasm": "AS2201", "in/../out.wasm": "AS2201"} {
		h := newHarness(t)
		opts := h.options()
		opts.Pipeline.Access = access
		p, err := sql.Prepare("CREATE FUNCTION scale(x BIGINT) RETURNS BIGINT USING WASM '"+path+"'", opts)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", path, err)
		}
		if err == nil {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestWasmIsPinned checks that a job does not go on with another module of the
// same name.
func TestWasmIsPinned(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("in.csv", []byte("k,x\na,1\nb,2\na,3\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	run := func(script string) error {
		p, err := sql.Prepare(script+"INSERT INTO 'out.parquet' SELECT k, sum(scale(x)) AS y FROM 'in.csv' GROUP BY k", sql.Options{
			Connectors: all.Connectors(), Formats: all.Formats(), Pipeline: arrowstream.Options{State: state.Dir{Path: "state", FS: state.OS{}}},
		})
		if err != nil {
			return err
		}
		_, err = p.Run(t.Context())
		return err
	}
	script := "CREATE FUNCTION scale(x BIGINT) RETURNS BIGINT USING WASM 'g.wasm';"
	for _, c := range []struct {
		times byte
		want  string
	}{{3, ""}, {3, ""}, {4, "AS5008"}, {3, ""}} {
		writeGuest(t, "g.wasm", c.times)
		err := run(script)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), "function scale") || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("times %d: %v", c.times, err)
		}
	}
}

func TestFunctionsOfTheProgram(t *testing.T) {
	fail := errors.New("no odd number")
	half, err := udf.Try1("half_of", func(x int64) (int64, error) {
		if x%2 != 0 {
			return 0, fail
		}
		return x / 2, nil
	}, udf.Options{Params: []string{"x"}, Doc: "half of an even number"})
	if err != nil {
		t.Fatal(err)
	}
	random, err := udf.Scalar1("noise", func(x float64) float64 { return x + rand.Float64() }, udf.Options{Volatile: true})
	if err != nil {
		t.Fatal(err)
	}
	join, err := udf.Scalar2("joined", func(a, b string) string { return fmt.Sprint(a, "+", b) }, udf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for script, want := range map[string]string{
		"SELECT half_of(price) AS y FROM 'bid.mem' WHERE price % 2 = 0 AND price > 25": "y:int64\n15\n25\n30",
		"SELECT HALF_OF(3)": "function half_of: no odd number",
		"SELECT CASE WHEN x % 2 = 0 THEN half_of(x) END AS y FROM (VALUES (2), (3)) AS t(x)": "y:int64\n1\nnull",
		"SELECT half_of(x) AS y FROM (VALUES (2), (3)) AS t(x)":                              `function half_of: no odd number (row {"column1":3}) [AS4011]`,
		"SELECT half_of('x')":                              "AS",
		"SELECT half_of(1, 2)":                             "usage: half_of(x BIGINT) BIGINT",
		"SELECT half_of(DISTINCT 1)":                       "half_of is no aggregate",
		"SELECT half_off(1)":                               `did you mean "half_of"`,
		"DESCRIBE FUNCTION half_of":                        "half of an even number",
		"CREATE FUNCTION h AS 'half_of'; SELECT h(4) AS y": "y:int64!\n2",
		"CREATE OR REPLACE FUNCTION half_of(x DOUBLE) RETURNS DOUBLE AS x / 2; SELECT half_of(3) AS y":                                       "y:float64!\n1.5",
		"CREATE FUNCTION half_of(x DOUBLE) RETURNS DOUBLE AS x / 2":                                                                          "AS1502",
		"SELECT sum(half_of(price)) AS y, count(*) AS n FROM 'bid.mem' WHERE price % 2 = 0 GROUP BY half_of(price) > 1e9":                    "y:int64",
		"CREATE FUNCTION d(x DOUBLE) RETURNS DOUBLE AS x - x; SELECT d(noise(1)) AS y FROM (VALUES (1), (2)) AS t(x)":                        "y:float64!\n0\n0",
		"SELECT joined(channel, '!') AS y FROM 'bid.mem' LIMIT 1":                                                                            "y:utf8\nweb+!",
		"CREATE FUNCTION f(x INT, X INT) RETURNS INT AS x":                                                                                   `two parameters "X"`,
		"CREATE FUNCTION f(x INT) RETURNS INT AS f(x)":                                                                                       "function f calls itself",
		"CREATE FUNCTION f(x INT) RETURNS INT AS y":                                                                                          "AS1203",
		"CREATE FUNCTION f(x INT) RETURNS INT AS sum(x)":                                                                                     "AS1206",
		"CREATE FUNCTION f(x INT) RETURNS ARRAY<INT> AS x":                                                                                   "AS1301",
		"CREATE FUNCTION f(x INT) RETURNS INT AS x + 1; CREATE OR REPLACE FUNCTION g(x INT) RETURNS INT AS f(x) * 2; SELECT g(1) AS y":       "y:int32!\n4",
		"CREATE TEMPORARY FUNCTION f(x INT) RETURNS INT AS x + 1; CREATE FUNCTION IF NOT EXISTS f(x INT) RETURNS INT AS x; SELECT f(1) AS y": "y:int32!\n2",
		"CREATE FUNCTION f(x BIGINT) RETURNS BIGINT AS x + x + x + x; SELECT " + strings.Repeat("f(", 12) + "1" + strings.Repeat(")", 12):    "parts",
	} {
		h := newHarness(t)
		opts := h.options()
		opts.Functions = []*udf.Function{half, random, join}
		if got := h.runWith(script, opts); !strings.Contains(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", script, got, want)
		}
	}
}

// TestFailingRowsAreLeftOut checks that ON ERROR holds for functions of the
// program.
func TestFailingRowsAreLeftOut(t *testing.T) {
	odd, err := udf.Scalar1("not_twenty", func(x int64) int64 {
		if x == 20 {
			panic(fmt.Sprint("no ", x))
		}
		return x
	}, udf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := newHarness(t)
	opts := h.options()
	opts.Functions = []*udf.Function{odd}
	got := h.runWith("CREATE TABLE bad WITH ('connector' = 'mem'); SELECT not_twenty(price) AS y FROM 'bid.mem' WHERE price < 32 ON ERROR DEAD LETTER TO bad", opts)
	for _, want := range []string{"y:int64\n10\n30", "function not_twenty panicked: no 20"} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}
