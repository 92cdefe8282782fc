package main

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/nettest"
	"github.com/arrowstream/arrowstream/io/all"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// canary is a secret that must be found nowhere.
const canary = "c4n4ry-s3cr3t-0123456789"

// basics are the options without which a connector that has secrets does not
// come to use them. HOST hangs up on everybody.
var basics = map[string][]string{
	"flight":   {"'uri' = 'grpc://HOST', 'username' = 'u'", "'listen' = '127.0.0.1:0'"},
	"http":     {"'url' = 'http://HOST/hook', 'format' = 'json'", "'listen' = '127.0.0.1:0', 'format' = 'json'"},
	"jdbc":     {"'url' = 'jdbc:mysql://HOST/d', 'user' = 'u', 'table' = 't'"},
	"kafka":    {"'brokers' = 'HOST', 'topic' = 't', 'sasl.username' = 'u', 'format' = 'json'"},
	"mysql":    {"'url' = 'mysql://HOST/d', 'user' = 'u', 'table' = 't'"},
	"postgres": {"'url' = 'postgres://HOST/d?sslmode=disable', 'user' = 'u', 'table' = 't'"},
}

// addresses hold a secret themselves.
var addresses = map[string][]string{
	"http": {"'url' = 'http://u:CANARY@HOST/hook', 'format' = 'json'"},
	"jdbc": {
		"'url' = 'jdbc:postgresql://u:CANARY@HOST/d?sslmode=disable', 'table' = 't'", "'url' = 'jdbc:mysql://HOST/d?user=u&password=CANARY', 'table' = 't'",
		"'url' = 'jdbc:postgresql://u:CANARY@HO ST/d', 'table' = 't'",
	},
	"mysql": {
		"'url' = 'mysql://u:CANARY@HOST/d', 'table' = 't'", "'url' = 'u:CANARY@tcp(HOST)/d', 'table' = 't'", "'url' = 'u:CANARY@tcp(HOST', 'table' = 't'",
		"'url' = 'mysql://u:CANARY@HOST/d?nonsense=1', 'table' = 't'",
	},
	"postgres": {
		"'url' = 'postgres://u:CANARY@HOST/d?sslmode=disable', 'table' = 't'", "'url' = 'host=127.0.0.1 port=1 user=u password=CANARY dbname=d', 'table' = 't'",
		"'url' = 'postgres://u:CANARY@HOST:x/d', 'table' = 't'",
	},
}

// TestSecretsAreNowhere runs jobs with a secret in every option of every
// connector that takes one, in every way to write it, and looks for it in all
// output and in the state folder.
func TestSecretsAreNowhere(t *testing.T) {
	if _, err := os.Stat("/dev/shm"); err == nil {
		t.Setenv("TMPDIR", "/dev/shm") // states are not to be synced to a disk
	}
	host := hangsUp(t)
	t.Setenv("CANARY_VARIABLE", canary)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	jobs := 0
	for _, c := range all.Connectors() {
		timeout := ""
		for _, config := range c.Options {
			if hasOption(config, "connect.timeout") {
				timeout = ", 'connect.timeout' = '30ms'"
			}
		}
		for _, option := range secretOptionsOf(c) {
			if !syntax.Secret(option) {
				t.Errorf("%s: option %q is not known as a secret: see sql/syntax/secret.go", c.Name, option)
			}
			if basics[c.Name] == nil {
				t.Errorf("%s has secrets: add what it needs to basics", c.Name)
			}
			for _, with := range basics[c.Name] {
				for _, value := range []string{canary, "env:CANARY_VARIABLE", "file:" + file, "${CANARY_VARIABLE}"} {
					jobs++
					huntCanary(t, c, strings.ReplaceAll(with, "HOST", host)+timeout+fmt.Sprintf(", '%s' = '%s'", option, value))
				}
			}
		}
		for _, with := range addresses[c.Name] {
			jobs++
			huntCanary(t, c, strings.NewReplacer("HOST", host, "CANARY", canary).Replace(with)+timeout)
		}
	}
	if jobs < 45 {
		t.Errorf("only %d jobs were run", jobs)
	}
}

// huntCanary runs scripts with a table, good and bad ones.
func huntCanary(t *testing.T, c arrowstream.Connector, with string) {
	t.Helper()
	table := fmt.Sprintf("CREATE TABLE t (a BIGINT) WITH ('connector' = '%s', %s)", c.Name, with)
	scripts := []string{
		table + "; SHOW CREATE TABLE t; DESCRIBE t; EXPLAIN SELECT * FROM t",
		table + " nonsense",
		strings.Replace(table, " = '", " '", 3),
		table + "; SELECT nothing FROM t",
		table + "; EXPLAIN INSERT INTO t SELECT 1 AS a; INSERT INTO t SELECT 1 AS a",
	}
	if !strings.Contains(with, "listen") {
		scripts = append(scripts, table+"; SELECT * FROM t")
	}
	if !strings.Contains(with, canary) {
		scripts = scripts[4:] // what is not in the text cannot be shown of it
	}
	for _, script := range scripts {
		dir := t.TempDir()
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
		var out shared
		stdio := arrowstream.Stdio{In: strings.NewReader(""), Out: &out, Err: &out}
		code := execute(ctx, stdio, []string{"run", "--progress", "json", "--state", filepath.Join(dir, "state"), "--epoch", "10ms", "-e", script})
		stop()
		if strings.Contains(out.String(), canary) {
			t.Errorf("exit %d of %s prints\n%s", code, script, out.String())
		}
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || d.Name() == "RESERVE" {
				return err
			}
			b, err := os.ReadFile(path)
			if strings.Contains(string(b), canary) {
				t.Errorf("%s of %s holds the secret", path, script)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// hangsUp is the address of a server that does.
func hangsUp(t *testing.T) string { return nettest.Serve(t, func(c net.Conn) { c.Close() }) }

// secretOptionsOf are the options of a connector that hold secrets.
func secretOptionsOf(c arrowstream.Connector) (names []string) {
	seen := map[string]bool{}
	for _, config := range c.Options {
		typ := reflect.TypeOf(config)
		if typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("option"), ",")
			secret := typ.Field(i).Type == reflect.TypeFor[arrowstream.Secret]()
			if name != "" && secret && !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	return names
}

func hasOption(config any, name string) bool {
	for _, n := range arrowstream.OptionNames(config) {
		if n == name {
			return true
		}
	}
	return false
}

func TestSecretsOnTheCommandLineWarn(t *testing.T) {
	for _, args := range [][]string{
		{"run", "--param", "DB_PASSWORD=" + canary, "-e", "SELECT 1 AS a"},
		{"run", "-e", "CREATE TABLE t (a BIGINT) WITH ('connector' = 'kafka', 'brokers' = '127.0.0.1:1', 'topic' = 't', 'format' = 'json', 'sasl.password' = '" + canary + "'); SELECT 1 AS a"},
	} {
		var out shared
		execute(t.Context(), arrowstream.Stdio{In: strings.NewReader(""), Out: &out, Err: &out}, args)
		if strings.Count(out.String(), "warning[AS2103]") != 1 || strings.Contains(out.String(), canary) {
			t.Errorf("%v:\n%s", args, out.String())
		}
	}
}
