package access

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// refusedError is a refusal as an error.
type refusedError struct{ Refusal }

func (e refusedError) Error() string {
	return strings.Join([]string{e.Op, e.What, e.Why, e.Flag, e.Value}, "|")
}

func walls(t *testing.T, r Rules) *Policy {
	t.Helper()
	r.Refuse = func(r Refusal) error { return refusedError{r} }
	p, err := New(r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func refused(err error) bool {
	var e refusedError
	return errors.As(err, &e)
}

// tree makes in/a, in/deep/b, out, and a file beside them, with ways out of in.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{"in/deep", "out"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"in/a", "in/deep/b", "secret"} {
		if err := os.WriteFile(filepath.Join(dir, f), []byte(f), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"in/up": "../secret", "in/far": dir, "in/near": "deep/b", "in/dev": "/dev/null"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "in/fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "in/socket"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return dir
}

func TestFilesStayInside(t *testing.T) {
	dir := tree(t)
	p := walls(t, Rules{Paths: []string{filepath.Join(dir, "in"), filepath.Join(dir, "out") + ":rw"}})
	t.Chdir(dir)
	for name, want := range map[string]string{"in/a": "in/a", "in/deep/b": "in/deep/b", "in/near": "in/deep/b", "in/../in/a": "in/a", filepath.Join(dir, "in/a"): "in/a"} {
		if b, err := p.ReadFile(name); err != nil || string(b) != want {
			t.Errorf("%s: %q %v", name, b, err)
		}
	}
	for _, name := range []string{
		"secret", "in/../secret", "in/up", "in/far/secret", "in/dev", "in/fifo", "in/socket", "/etc/passwd", "/dev/null", ".", "in2", "/",
	} {
		if _, err := p.ReadFile(name); !refused(err) {
			t.Errorf("read %s: %v", name, err)
		}
		if _, err := p.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o644); !refused(err) {
			t.Errorf("write %s: %v", name, err)
		}
		if err := p.Remove(name); !refused(err) {
			t.Errorf("remove %s: %v", name, err)
		}
	}
	if _, err := p.ReadFile("in/none"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "in/none") {
		t.Error(err)
	}
	if _, err := p.ReadFile("in/a\x00b"); err == nil {
		t.Error("a NUL character passed")
	}
	var seen []string
	err := p.WalkDir("in", func(path string, d fs.DirEntry, err error) error {
		seen = append(seen, path)
		return err
	})
	if err != nil || len(seen) != 10 || seen[1] != "in/a" || seen[3] != "in/deep/b" {
		t.Error(seen, err)
	}
	if entries, err := p.ReadDir("in"); err != nil || len(entries) != 8 || entries[0].Name() != "a" {
		t.Error(entries, err)
	}
}

func TestWritingNeedsItsRule(t *testing.T) {
	dir := tree(t)
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	p := walls(t, Rules{Paths: []string{dir + ":rw", in, out + ":rw"}})
	for _, err := range []error{p.Mkdir(in+"/new", 0o755), p.MkdirAll(in+"/deep", 0o755), p.Rename(in+"/a", in+"/c"), p.Rename(out+"/a", in+"/c"), p.Link(in+"/a", out+"/a"), p.Rename(dir+"/secret", out+"/secret")} {
		if !refused(err) {
			t.Error(err)
		}
	}
	_, err := p.OpenFile(in+"/a", os.O_WRONLY, 0)
	if err == nil || err.Error() != "write|"+in+"/a|its folder may only be read|path|"+in+":rw" {
		t.Error(err)
	}
	if err := p.MkdirAll(out+"/x/y", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := p.MkdirAll(out, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := p.CreateTemp(out+"/x", ".m.*")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, "new"); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := errors.Join(p.Rename(f.Name(), out+"/x/y/m"), p.Link(out+"/x/y/m", out+"/n"), p.Remove(out+"/x/y/m")); err != nil {
		t.Fatal(err)
	}
	if b, err := p.ReadFile(out + "/n"); err != nil || string(b) != "new" {
		t.Errorf("%q %v", b, err)
	}
	if err := p.Rename(out+"/none", out+"/x/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	// The folder is held open: another one under its name is not allowed.
	if err := errors.Join(os.Rename(out, out+"2"), os.Symlink("/etc", out)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.ReadFile(out + "/passwd"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestAddresses is the table of what a name may stand for.
func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		rule, name, ip string
		ok             bool
	}{
		{"*", "x.org", "93.184.216.34", true},
		{"*", "", "2606:2800:220:1::1", true},
		{"*:443", "x.org", "93.184.216.34", false}, // the port is 80
		{"*:80", "x.org", "93.184.216.34", true},
		{"*", "x.org", "127.0.0.1", false},
		{"*", "x.org", "127.9.9.9", false},
		{"*", "x.org", "10.1.2.3", false},
		{"*", "x.org", "172.31.0.1", false},
		{"*", "x.org", "192.168.0.1", false},
		{"*", "x.org", "100.64.0.1", false},
		{"*", "x.org", "169.254.169.254", false},
		{"*", "x.org", "0.0.0.0", false},
		{"*", "x.org", "224.0.0.1", false},
		{"*", "x.org", "255.255.255.255", false},
		{"*", "x.org", "::1", false},
		{"*", "x.org", "::", false},
		{"*", "x.org", "::ffff:127.0.0.1", false},
		{"*", "x.org", "::ffff:169.254.169.254", false},
		{"*", "x.org", "::127.0.0.1", false},
		{"*", "x.org", "64:ff9b::a9fe:a9fe", false}, // NAT64 of 169.254.169.254
		{"*", "x.org", "2002:7f00:1::", false},      // 6to4 of 127.0.0.1
		{"*", "x.org", "fe80::1%eth0", false},
		{"*", "x.org", "fd00:ec2::254", false},
		{"*", "x.org", "fec0::1", false},
		{"*", "x.org", "ff02::1", false},
		{"db.lan", "db.lan", "10.1.2.3", true},
		{"db.lan", "DB.lan.", "fd00::1", true},
		{"db.lan", "db.lan", "8.8.8.8", true},
		{"db.lan", "db.lan", "127.0.0.1", false}, // a name server that says so
		{"db.lan", "db.lan", "169.254.169.254", false},
		{"db.lan", "other.lan", "10.1.2.3", false},
		{"db.lan", "", "10.1.2.3", false},
		{"localhost", "localhost", "127.0.0.1", true},
		{"localhost:80", "localhost", "::1", true},
		{"localhost", "localhost", "10.0.0.1", true},
		{"10.0.0.0/8", "db.lan", "10.1.2.3", true},
		{"10.0.0.0/8", "", "::ffff:10.1.2.3", true},
		{"10.0.0.0/8:81", "", "10.1.2.3", false},
		{"10.0.0.0/8", "", "11.1.2.3", false},
		{"127.0.0.1", "anything", "127.0.0.1", true},
		{"127.0.0.1", "", "127.0.0.2", false},
		{"[::1]:80", "", "::1", true},
		{"[fd00::/8]:80", "", "fd12::1", true},
		{"169.254.169.254", "", "169.254.169.254", true},
	} {
		p := walls(t, Rules{Hosts: []string{c.rule}})
		if got := p.allows(c.name, netip.MustParseAddr(c.ip), 80); got != c.ok {
			t.Errorf("rule %s, %q at %s: %v", c.rule, c.name, c.ip, got)
		}
	}
	for _, bad := range []string{"", ":1", "a:b", "a:70000", "[::1", "[::1]x", "a/b", "10.0.0.0/40", "a b", "user@host", "*.org"} {
		if _, err := New(Rules{Hosts: []string{bad}}); err == nil {
			t.Errorf("host %q passed", bad)
		}
	}
	for _, bad := range []string{"", ":rw", "/no/such/folder"} {
		if _, err := New(Rules{Paths: []string{bad}}); err == nil {
			t.Errorf("path %q passed", bad)
		}
	}
}

func TestDialAndListen(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	dial := func(rule, network, address string) error {
		c, err := walls(t, Rules{Hosts: []string{rule}}).Dial(t.Context(), network, address)
		if err == nil {
			c.Close()
		}
		return err
	}
	for rule, address := range map[string]string{"127.0.0.1": "127.0.0.1:" + port, "localhost:" + port: "localhost:" + port, "127.0.0.0/8": "localhost:" + port} {
		if err := dial(rule, "tcp", address); err != nil {
			t.Errorf("%s: %v", rule, err)
		}
	}
	for rule, address := range map[string]string{"*": "localhost:" + port, "10.0.0.0/8": "localhost:" + port, "example.com": "127.0.0.1:" + port, "localhost:1": "localhost:" + port} {
		if err := dial(rule, "tcp", address); !refused(err) {
			t.Errorf("%s: %v", rule, err)
		}
	}
	if err := dial("*", "tcp", "localhost:"+port); err == nil || !strings.Contains(err.Error(), "it stands for ") {
		t.Error(err)
	}
	if err := dial("*", "unix", "/tmp/x"); !refused(err) {
		t.Error(err)
	}
	p := walls(t, Rules{Hosts: []string{"127.0.0.1"}})
	for address, ok := range map[string]bool{"127.0.0.1:0": true, ":0": false, "0.0.0.0:0": false, "localhost:0": true} {
		l, err := p.Listen("tcp", address)
		if ok != (err == nil) || !ok && !refused(err) {
			t.Errorf("%s: %v", address, err)
		}
		u, err := p.ListenPacket("udp", address)
		if ok != (err == nil) || !ok && !refused(err) {
			t.Errorf("%s: %v", address, err)
		}
		if ok {
			l.Close()
			u.Close()
		}
	}
	t.Setenv("ACCESS_TEST", "x")
	if _, err := p.Getenv("ACCESS_TEST"); !refused(err) {
		t.Error(err)
	}
	if v, err := walls(t, Rules{Env: []string{"ACCESS_TEST"}}).Getenv("ACCESS_TEST"); v != "x" || err != nil {
		t.Error(v, err)
	}
}
