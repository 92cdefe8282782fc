package flight

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

// python runs testdata/read_stream.py with a Python that has pyarrow.
func python(t *testing.T, args ...string) string {
	t.Helper()
	program := os.Getenv("ARROWSTREAM_PYTHON")
	if program == "" {
		t.Skip("ARROWSTREAM_PYTHON is not set: the path of a python that has pyarrow")
	}
	var stderr strings.Builder
	cmd := exec.CommandContext(t.Context(), program, append([]string{"testdata/read_stream.py"}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	return string(out)
}

func TestPythonReads(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "ts:timestamp[us]@ d:dict l:list<int64> x:float64\n0 a [1,2] 1.5\n1000000 null null null\n2000000 ü [] -0.5\n")
	s := sink(t, hub(t), mem, Sink{Stream: "rows"}, b.Schema())
	write(t, s, b)
	write(t, s, b)
	s.Close()
	rows := `{"ts": "1970-01-01 00:00:00", "d": "a", "l": [1, 2], "x": 1.5}
{"ts": "1970-01-01 00:00:01", "d": null, "l": null, "x": null}
{"ts": "1970-01-01 00:00:02", "d": "\u00fc", "l": [], "x": -0.5}
`
	if got, want := python(t, s.server.URI(), "get", "rows"), rows+"note 0 3\n"+rows+"note 1 3\n"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if got, want := python(t, s.server.URI(), "get", "rows", `{"stream":"rows","from":1}`), rows+"note 1 3\n"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if got, want := python(t, s.server.URI(), "list"), "rows ['ts', 'd', 'l', 'x'] 6\n"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestPythonWrites(t *testing.T) {
	mem := columnartest.Allocator(t)
	p := open(t, &PutSource{Stream: "in", Hub: hub(t), Listen: "127.0.0.1:0", Puts: 1, Columns: iotest.Schema(t, "x:float64 k:utf8")}, mem, 0)
	if got := python(t, p.(*inbox).server.URI(), "put", "in"); got != `{"batches":3,"rows":9}`+"\n" {
		t.Error(got)
	}
	got, err := iotest.Rows(context.Background(), p, 0)
	if err != nil {
		t.Fatal(err)
	}
	iotest.EqualRows(t, got, []string{"0.5 a", "null null", "-0 ü", "1.5 a", "null null", "-0 ü", "2.5 a", "null null", "-0 ü"})
}

func TestPythonLogsIn(t *testing.T) {
	server := guarded(t, Config{})
	if got, want := python(t, server.URI(), "login", "bob", "b0b:secret", "get", "orders"), `{"k": "k0", "x": 0}
{"k": "k1", "x": 1}
{"k": "k2", "x": 2}
note 0 3
`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestPythonResumes(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "x:int64\n1\n2\n")
	s := exporter(t, mem, Sink{}, b.Schema())
	publish(t, s, publication("job", 1, 1, b, b))
	publish(t, s, publication("job", 4, 1, b))
	uri := s.URI()
	s.Close()
	want := strings.Repeat("{\"x\": 1}\n{\"x\": 2}\n", 3)
	for _, n := range []string{"2", "4", "6"} {
		if got := python(t, uri, "resume", "n", n); got != want {
			t.Errorf("stopped after %s: %s", n, got)
		}
	}
}
