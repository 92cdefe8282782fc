package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRestricted runs scripts between walls: what is allowed works, what is not
// is refused with the flag that would allow it, and leaves nothing behind.
func TestRestricted(t *testing.T) {
	dir := t.TempDir()
	in, out, other := filepath.Join(dir, "in"), filepath.Join(dir, "out"), filepath.Join(dir, "other")
	for _, d := range []string{in, out, other} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(d, "a.csv"), []byte("x,y\n1,2\n2,4\n3,6\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(other, "a.csv"), filepath.Join(in, "link.csv")); err != nil {
		t.Fatal(err)
	}
	walled := func(script string, more ...string) outcome {
		return command(t.Context(), append([]string{"run", "--restricted", "--allow-path", in, "--allow-path", out + ":rw", "-q", "--format", "csv", "-e", script}, more...)...)
	}
	model := func(d string) string {
		return fmt.Sprintf("CREATE MODEL m WITH ('model_type' = 'linear_reg', 'input_label_cols' = 'y', 'path' = '%s/m.model') AS SELECT x, y FROM '%s/a.csv'", d, in)
	}
	for _, script := range []string{
		fmt.Sprintf("SELECT sum(x) AS s FROM '%s/a.csv'", in),
		fmt.Sprintf("SELECT sum(x) AS s FROM '%s/a*.csv'", in),
		fmt.Sprintf("INSERT INTO '%s/p.parquet' SELECT x FROM '%s/a.csv'", out, in),
		fmt.Sprintf("INSERT INTO '%s/new/p.json.gz' SELECT x FROM '%s/a.csv'", out, in),
		fmt.Sprintf("SET job.name = 'j'; SET job.j.state = '%s/state'; INSERT INTO '%s/s.csv' SELECT x FROM '%s/a.csv'", out, out, in),
		model(out),
	} {
		if o := walled(script); o.code != 0 {
			t.Errorf("%s: exit %d\n%s", script, o.code, o.err)
		}
	}
	for name, want := range map[string]bool{"p.parquet": true, "new/p.json.gz": true, "s.csv": true, "state/MANIFEST": true, "m.model": true} {
		if _, err := os.Stat(filepath.Join(out, name)); want != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Setenv("WALLS_TEST", in)
	for script, flag := range map[string]string{
		fmt.Sprintf("SELECT x FROM '%s/a.csv'", other):                                        "--allow-path " + other,
		fmt.Sprintf("SELECT x FROM '%s/../other/a.csv'", in):                                  "--allow-path " + other,
		fmt.Sprintf("SELECT x FROM '%s/*.csv'", other):                                        "--allow-path " + other,
		fmt.Sprintf("SELECT x FROM '%s/link.csv'", in):                                        "leads out of the folder",
		fmt.Sprintf("INSERT INTO '%s/p.parquet' SELECT x FROM '%s/a.csv'", in, in):            "--allow-path " + in + ":rw",
		fmt.Sprintf("INSERT INTO '%s/p.json' SELECT x FROM '%s/a.csv'", other, in):            "--allow-path " + other + ":rw",
		fmt.Sprintf("SET job.name = 'j'; SET job.j.state = '%s/state'; SELECT 1 AS a", other): "--allow-path " + other,
		model(other): "--allow-path " + other + ":rw",
		"CREATE TABLE t (a BIGINT) WITH ('connector' = 'socket', 'connect' = '169.254.169.254:80', 'format' = 'json'); SELECT * FROM t": "--allow-host 169.254.169.254:80",
	} {
		o := walled(script)
		if o.code == 0 || !strings.Contains(o.err, "AS2201") || !strings.Contains(o.err, flag) {
			t.Errorf("%s: exit %d, want %s\n%s", script, o.code, flag, o.err)
		}
	}
	if o := walled("SELECT sum(x) AS s FROM '${WALLS_TEST}/a.csv'"); o.code == 0 || !strings.Contains(o.err, "AS2102") {
		t.Error(o)
	}
	if o := walled("SELECT sum(x) AS s FROM '${WALLS_TEST}/a.csv'", "--allow-env", "WALLS_TEST"); o.code != 0 || o.out != "s\n6\n" {
		t.Error(o)
	}
	if found, err := os.ReadDir(other); len(found) != 1 || err != nil {
		t.Errorf("something was left behind: %v %v", found, err)
	}
	for _, args := range [][]string{{"--allow-path", in}, {"--restricted", "--allow-path", dir + "/none"}, {"--restricted", "--allow-host", "a:b"}} {
		if o := command(t.Context(), append([]string{"run", "-e", "SELECT 1 AS a"}, args...)...); o.code != exitUsage {
			t.Errorf("%v: exit %d\n%s", args, o.code, o.err)
		}
	}
}
