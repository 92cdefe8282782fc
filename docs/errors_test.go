package docs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/sql/syntax"
	wt "github.com/arrowstream/arrowstream/udf/wasm/wasmtest"
)

// An example of an error is a script and what it prints.
type example struct{ script, printed, code string }

var firstCode = regexp.MustCompile(`^error\[(AS\d{4})\]`)

// blocks reads a golden file: scripts, "----" and what they print, with blank
// lines between blocks.
func blocks(t *testing.T, file string) (out []example) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range strings.Split(strings.TrimSpace(string(data)), "\n\n") {
		script, printed, _ := strings.Cut(b, "\n----\n")
		e := example{script: strings.TrimSpace(script), printed: strings.TrimSpace(printed)}
		if m := firstCode.FindStringSubmatch(e.printed); m != nil {
			e.code = m[1]
		}
		out = append(out, e)
	}
	return out
}

// ownExamples runs the examples of this package; -update writes what they print.
func ownExamples(t *testing.T) []example {
	file := sourceFile("docs/testdata/errors.test")
	list := blocks(t, file)
	t.Chdir(t.TempDir())
	orders := "ts,id,city,amount,note\n2024-05-01 12:00:05,1,Bern,20,\n2024-05-01 12:00:59,2,Oslo,5,gift\n"
	spin := wt.Module{Funcs: []wt.Func{
		{Export: "spin", Params: []byte{wt.I32}, Result: wt.I32, Code: []byte{0x03, 0x40, 0x0c, 0, 0x0b, 0x20, 0}},
		{Export: "quotient", Params: []byte{wt.I32}, Result: wt.I32, Code: []byte{0x20, 0, 0x20, 0, 0x6d}},
	}}
	for name, data := range map[string]string{"orders.csv": orders, "there.csv": orders, "blank.csv": "ts\n\n,\n", "spin.wasm": string(spin.Bytes())} {
		if err := os.WriteFile(name, []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var sb strings.Builder
	for i, e := range list {
		_, err := runScript(t.Context(), e.script)
		if err == nil {
			t.Errorf("no error: %s", e.script)
			continue
		}
		printed := strings.ReplaceAll(strings.TrimSpace(syntax.Render(err, e.script)), "\n\n", "\n")
		if printed != e.printed && !*update {
			t.Errorf("%s\nprints\n%s\nnot\n%s", e.script, printed, e.printed)
		}
		list[i].printed = printed
		if m := firstCode.FindStringSubmatch(printed); m != nil {
			list[i].code = m[1]
		}
		var data *arrowstream.DataError
		if errors.As(err, &data) && list[i].code == "" {
			list[i].code = data.Code()
		}
		fmt.Fprintf(&sb, "%s\n----\n%s\n\n", e.script, printed)
	}
	if *update {
		if err := os.WriteFile(file, []byte(strings.TrimSpace(sb.String())+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// examples is the shortest example of each code, those of this package first.
func examples(t *testing.T) map[string]example {
	out := map[string]example{}
	for _, e := range ownExamples(t) {
		if _, ok := out[e.code]; ok || e.code == "" {
			t.Errorf("%s\nis of code %q, which is none or has an example", e.script, e.code)
		}
		out[e.code] = e
	}
	files, err := filepath.Glob(sourceFile("sql/testdata/*.test"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	slices.Sort(files)
	specified := map[string]example{}
	for _, f := range files {
		for _, e := range blocks(t, f) {
			if e.code == "" || strings.Count(e.printed, "error[") > 1 {
				continue
			}
			if old, ok := specified[e.code]; !ok || len(e.script) < len(old.script) {
				specified[e.code] = e
			}
		}
	}
	for code, e := range specified {
		if _, ok := out[code]; !ok {
			out[code] = e
		}
	}
	return out
}

// TestErrorsPage keeps errors.md like the table of codes, with an example of
// each, or the reason why there is none; -update rewrites it.
func TestErrorsPage(t *testing.T) {
	page := sourceFile("docs/sql/errors.md")
	found := examples(t)
	var sb strings.Builder
	sb.WriteString("# Error codes\n\nEvery error that a user can mend carries a code, which keeps its meaning. `arrowstream help CODE` prints the same text. This page is made from\n`codes_table.go` by `go test ./docs -update`, with an example of each code that needs nothing but a script: `orders.csv` is the file of [README.md](README.md),\n`bid.mem` a table of bids in the specification (`sql/testdata`).\n")
	family := ""
	for _, c := range arrowstream.ErrorCodes() {
		if c.Family() != family {
			family = c.Family()
			fmt.Fprintf(&sb, "\n## %s\n", family)
		}
		fmt.Fprintf(&sb, "\n### %s: %s\n\n%s\n", c.Code, c.Title, plainText.Replace(c.Text))
		e, ok := found[c.Code]
		why, explained := noExample[c.Code]
		switch {
		case ok && explained:
			t.Errorf("%s has an example, so it needs no reason why it has none", c.Code)
		case ok:
			var lines []string
			for l := range strings.Lines(e.printed) {
				if !strings.Contains(l, "= docs: ") {
					lines = append(lines, strings.TrimRight(l, "\n"))
				}
			}
			fmt.Fprintf(&sb, "\n```text\n%s\n```\n", strings.Join(lines, "\n"))
		case explained:
			fmt.Fprintf(&sb, "\nNo example: %s.\n", why)
		default:
			t.Errorf("%s has no example: add one to docs/testdata/errors.test, or the reason why it has none to noExample", c.Code)
		}
	}
	if *update {
		if err := os.WriteFile(page, []byte(sb.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != sb.String() {
		t.Error("errors.md is not like the table: go test ./docs -update")
	}
}

// plainText keeps Markdown from reading signs of SQL as its own.
var plainText = strings.NewReplacer("*", `\*`, "_", `\_`, "<", `\<`, "`", "\\`")

// noExample is why a code has no example on the page.
var noExample = map[string]string{
	"AS1004": "this page is UTF-8",
	"AS1107": "it would take a page: 1000 nested parentheses",
	"AS1207": "a script cannot name a side output; it is an error of the Go API",
	"AS1603": "it needs a function that is registered in Go",
	"AS1704": "it needs two scored views of one model",
	"AS2001": "it needs a file that a job before has left",
	"AS2103": "it is about flags of the command line",
	"AS2120": "no option of json is wrong by itself, only its input",
	"AS2130": "no option of arrow is wrong by itself, only its input",
	"AS2150": "no option of libsvm is wrong by itself, only its input",
	"AS2170": "it is an error of the Go API",
	"AS2201": "it needs a program with walls: --allow-path",
	"AS3002": "it needs a Kafka broker",
	"AS3003": "it needs a database",
	"AS3004": "it needs a database",
	"AS3011": "it needs a Kafka broker",
	"AS3012": "it needs a Kafka broker",
	"AS3021": "it needs a Flight server",
	"AS4005": "it needs a table of dead letters with a bound",
	"AS4006": "windows skip and count such rows unless the Go API says otherwise",
	"AS4101": "it needs a Kafka broker that has deleted rows",
	"AS4130": "it needs two Arrow files",
	"AS4140": "it needs a damaged Parquet file",
	"AS4141": "it needs two Parquet files",
	"AS4142": "it needs a column that Parquet cannot hold",
	"AS4150": "it needs a database",
	"AS4151": "it needs a database",
	"AS4152": "it needs a database",
	"AS5001": "it needs a job with --state that ran before",
	"AS5002": "it needs a job with --state that ran before",
	"AS5003": "it needs a job with --state that ran before",
	"AS5004": "it needs a job with --state that ran before",
	"AS5005": "it needs a job with --state that ran before",
	"AS5006": "it needs a job with --state that ran before",
	"AS5007": "it needs a job with --state that ran before",
	"AS5008": "it needs a job with --state that ran before",
	"AS5009": "it needs a job with --state that ran before",
	"AS6001": "it depends on the memory of the machine",
	"AS7012": "it needs a saved model",
	"AS7015": "it needs a saved model",
	"AS7017": "it needs a saved model",
	"AS7018": "it needs a saved model",
	"AS7020": "it takes rows that are far from each other",
	"AS7031": "it needs the model of a later release",
	"AS7032": "it needs a damaged model file",
	"AS9001": "it is a mistake of the engine, not of a script",
}
