package jsontext

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/cell"
	"github.com/arrowstream/arrowstream/internal/hostiletest"
)

// Documents of JSONTestSuite: y_ must be accepted, n_ rejected. What is
// accepted, encoding/json accepts too.
func TestSuite(t *testing.T) {
	counts := map[string]int{}
	for _, dir := range []string{"test_parsing", "test_transform"} {
		path := hostiletest.Data(t, "bad", "jsontestsuite", dir)
		entries, err := os.ReadDir(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			data, err := os.ReadFile(filepath.Join(path, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			err = Check(data)
			counts[e.Name()[:2]]++
			switch {
			case strings.HasPrefix(e.Name(), "y_") && err != nil:
				t.Errorf("%s: %v", e.Name(), err)
			case strings.HasPrefix(e.Name(), "n_") && err == nil:
				t.Errorf("%s is accepted", e.Name())
			case err == nil && !json.Valid(data):
				t.Errorf("%s is accepted here but not by encoding/json", e.Name())
			}
		}
	}
	t.Log(counts)
	if counts["y_"] == 0 || counts["n_"] == 0 {
		t.Errorf("the suite is incomplete: %v", counts)
	}
}

func decode(t *testing.T, schema, text string, opts Options) (string, error) {
	t.Helper()
	s, err := columnartest.Schema(schema)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := cell.NewRows(s, columnartest.Allocator(t))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Release()
	d := NewDecoder(opts)
	// A good row, then the row in question, then a good row again.
	for _, row := range []string{"{}", text, "{}"} {
		if e := d.Row([]byte(row), rows); e != nil {
			err = e
		}
	}
	b := rows.Flush()
	defer b.Release()
	lines := strings.Split(strings.TrimSpace(columnartest.Text(b)), "\n")
	if err != nil {
		if len(lines) != 3 {
			t.Errorf("after an error there are %d rows:\n%s", len(lines)-1, strings.Join(lines, "\n"))
		}
		return "", err
	}
	return lines[2], nil
}

func TestRows(t *testing.T) {
	for _, c := range []struct{ schema, text, want string }{
		{"a:int64 b:utf8", `{"a":1,"b":"x"}`, "1 x"},
		{"a:int64 b:utf8", ` { "b" : "x" , "a" : -7 } `, "-7 x"},
		{"a:int64 b:utf8", `{"a":null}`, "null null"},
		{"a:int64 b:utf8", `{"\u0061":1e2,"b":"\u00e9\ud83d\ude00\n\"\/"}`, `100 "é😀\n\"/"`},
		{"a:int8", `{"a":127}`, "127"},
		{"a:uint64", `{"a":18446744073709551615}`, "18446744073709551615"},
		{"a:int64", `{"a":-9223372036854775808}`, "-9223372036854775808"},
		{"a:float64", `{"a":-0.0}`, "-0"},
		{"a:float64", `{"a":1.7976931348623157e308}`, "1.7976931348623157e+308"},
		{"a:float64", `{"a":0.1}`, "0.1"},
		{"a:bool", `{"a":true}`, "true"},
		{"a:utf8", `{"a":{"x":[1,true]}}`, `"{\"x\":[1,true]}"`},
		{"a:utf8", `{"a":12.50}`, "12.50"},
		{"a:decimal(10,2)", `{"a":12.5}`, "12.50"},
		{"a:decimal(10,2)", `{"a":"12.5"}`, "12.50"},
		{"a:timestamp[us]", `{"a":"2024-01-02T03:04:05Z"}`, "2024-01-02T03:04:05Z"},
		{"a:timestamp[ms]", `{"a":1500}`, "1970-01-01T00:00:01.5Z"},
		{"a:date32", `{"a":"2024-02-29"}`, "2024-02-29"},
		{"a:list<int64>", `{"a":[1,null,3]}`, "[1,null,3]"},
		{"a:list<int64>", `{"a":[]}`, "[]"},
		{"a:vector[2]", `{"a":[1,2.5]}`, "[1,2.5]"},
		{"a:list<list<utf8>>", `{"a":[["x"],[],null]}`, "[[x],[],null]"},
		{"a:struct<x:int64,y:list<utf8>>", `{"a":{"y":["u"],"z":1,"x":2}}`, "{2,[u]}"},
		{"a:struct<x:int64,y:list<utf8>>", `{"a":null}`, "null"},
		{"a:dict", `{"a":"x"}`, "x"},
		{"a:binary", `{"a":"aGk="}`, "hi"},
		{"a:int64", `{"b":[{"c":[1,2,{"d":null}]}],"a":1}`, "1"},
	} {
		got, err := decode(t, c.schema, c.text, Options{})
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if canonical(t, c.schema, got) != canonical(t, c.schema, c.want) {
			t.Errorf("%s: got %s, want %s", c.text, got, c.want)
		}
	}
}

func canonical(t *testing.T, schema, row string) string {
	return columnartest.Text(columnartest.Batch(t, columnartest.Allocator(t), schema+"\n"+row))
}

func TestRejected(t *testing.T) {
	deep := strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1)
	for _, c := range []struct{ schema, text, want string }{
		{"a:int64", `{"a":99999999999999999999}`, `column "a"`},
		{"a:int64", `{"a":1.5}`, "whole number"},
		{"a:int8", `{"a":128}`, "int8"},
		{"a:uint8", `{"a":-1}`, "uint8"},
		{"a:int64", `{"a":"1"}`, "text"},
		{"a:float64", `{"a":1e999}`, "range"},
		{"a:float64", `{"a":NaN}`, ""},
		{"a:float64", `{"a":"NaN"}`, "text"},
		{"a:bool", `{"a":1}`, "true or false"},
		{"a:utf8", `{"a":"\ud800"}`, "surrogate"},
		{"a:utf8", "{\"a\":\"\xff\"}", "UTF-8"},
		{"a:utf8", "{\"a\":\"\n\"}", "control"},
		{"a:int64", `{"a":1,"a":2}`, "twice"},
		{"a:int64", `{"a":1`, "too early"},
		{"a:int64", `{"a":1}x`, "the end"},
		{"a:int64", `{"a",1}`, "colon"},
		{"a:int64", `{"a":1,}`, "name"},
		{"a:int64", `[1]`, "an object"},
		{"a:int64", `{"b":` + deep + `}`, "deeper"},
		{"a:int64", `{"b":01}`, "comma"},
		{"a:vector[2]", `{"a":[1]}`, "1 elements, want 2"},
		{"a:list<int64>", `{"a":[1,"x"]}`, `column "a"`},
		{"a:list<list<int64>>", `{"a":[[1,2],[3,`, "too early"},
		{"a:struct<x:int64,y:utf8>", `{"a":{"x":1,"y":"u","x":2}}`, `column "a.x"`},
		{"a:struct<x:struct<y:int8>>", `{"a":{"x":{"y":1000}}}`, `column "a.x.y"`},
		{"a:timestamp[us]", `{"a":"2024-13-01T00:00:00Z"}`, "not a time"},
		{"a:date32", `{"a":"2023-02-29"}`, "not a date"},
		{"a:decimal(4,2)", `{"a":123.45}`, "decimal(4,2)"},
		{"a:binary", `{"a":"?"}`, "base64"},
	} {
		_, err := decode(t, c.schema, c.text, Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.text, err, c.want)
		}
	}
}

func TestOptions(t *testing.T) {
	got, err := decode(t, "a:struct<x:int64> b:utf8", `{"a":{"x":1,"x":2},"b":"u","a":{"x":3}}`, Options{LastDuplicate: true})
	if err != nil || got != "{3} u" {
		t.Errorf("last duplicate: %q %v", got, err)
	}
	got, err = decode(t, "a:timestamp[us] b:timestamp[s]", `{"a":1500,"b":-1500}`, Options{Epoch: arrow.Millisecond, EpochSet: true})
	if err != nil || canonical(t, "a:timestamp[us] b:timestamp[s]", got) != canonical(t, "a:timestamp[us] b:timestamp[s]", "1500000 -2") {
		t.Errorf("epoch: %q %v", got, err)
	}
}

func TestGuess(t *testing.T) {
	var g Guess
	for _, line := range []string{
		`{"id":1,"name":"x","at":"2024-01-02T03:04:05Z","n":null}`,
		`{"id":2,"price":1,"tags":["a"],"user":{"id":1},"mix":1}`,
		`{"price":1.5,"tags":[],"user":{"ok":true},"mix":"x","any":[1],"at":"2024-01-02T03:04:05Z"}`,
		`{"any":{"x":1},"empty":{}}`,
	} {
		if err := g.Add([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Add([]byte(`[1]`)); err == nil {
		t.Error("a list is accepted as an object")
	}
	want, err := columnartest.Schema("id:int64 name:utf8 at:timestamp[us,UTC] n:utf8 price:float64 tags:list<utf8> user:struct<id:int64,ok:bool> mix:utf8 any:utf8 empty:utf8")
	if err != nil {
		t.Fatal(err)
	}
	if got := g.Schema(); !got.Equal(want) {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// FuzzCheck: what is accepted, encoding/json accepts; reading it into columns
// ends with rows or an error.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `[1,2.5e-3,"x\u00e9",null,true,{"b":{}}]`, "\"\xff\"", `{"a":{"b":[1,2]},"c":"2024-01-01T00:00:00Z"}`} {
		f.Add([]byte(s))
	}
	for b := range hostiletest.Seeds("bad", "jsontestsuite", "test_parsing") {
		f.Add(b)
	}
	schema, err := columnartest.Schema("a:struct<b:list<int64>> c:timestamp[us] d:utf8 e:decimal(10,2) f:float64")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		hostiletest.Within(t, len(data), func() {
			err := Check(data)
			if err == nil && !json.Valid(data) {
				t.Fatalf("%q is accepted", data)
			}
			rows, e := cell.NewRows(schema, columnartest.Allocator(t))
			if e != nil {
				t.Fatal(e)
			}
			defer rows.Release()
			d := NewDecoder(Options{})
			for range 2 {
				if e := d.Row(data, rows); e == nil && err != nil {
					t.Fatalf("%q is read as a row, but %v", data, err)
				}
			}
			if b := rows.Flush(); b != nil {
				b.Release()
			}
			var g Guess
			_ = g.Add(data)
			_ = g.Schema()
		})
	})
}
