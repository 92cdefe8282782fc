package all_test

import (
	"context"
	"errors"
	"maps"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/io/all"
	"github.com/arrowstream/arrowstream/io/json"
)

// inside are connectors that reach neither files nor hosts.
var inside = []string{"blackhole", "console", "clicks", "datagen", "nexmark"}

// place is a way to use a connector. DIR, FILE and HOST in its options stand
// for a folder, a file and an address that exist.
type place struct {
	source, sink bool
	options      map[string]string
}

// outside are the ways in which connectors reach files and hosts. A new
// connector needs a line here, or in inside.
var outside = map[string][]place{
	"arrow":   {{source: true, options: map[string]string{"path": "FILE"}}, {sink: true, options: map[string]string{"path": "DIR/x.arrow"}}, {sink: true, options: map[string]string{"path": "DIR/"}}},
	"csv":     {{source: true, options: map[string]string{"path": "FILE"}}, {sink: true, options: map[string]string{"path": "DIR/x.csv"}}, {sink: true, options: map[string]string{"path": "DIR/"}}},
	"json":    {{source: true, options: map[string]string{"path": "DIR/*"}}, {sink: true, options: map[string]string{"path": "DIR/x.json.gz"}}, {sink: true, options: map[string]string{"path": "DIR/"}}},
	"libsvm":  {{source: true, options: map[string]string{"path": "DIR"}}},
	"parquet": {{source: true, options: map[string]string{"path": "FILE"}}, {sink: true, options: map[string]string{"path": "DIR/x.parquet"}}, {sink: true, options: map[string]string{"path": "DIR"}}},
	"flight": {
		{source: true, sink: true, options: map[string]string{"uri": "grpc://HOST"}},
		{source: true, sink: true, options: map[string]string{"uri": "grpc+unix:///DIR/socket"}},
		{source: true, sink: true, options: map[string]string{"listen": "127.0.0.1:0"}},
	},
	"http": {
		{source: true, options: map[string]string{"listen": "127.0.0.1:0"}},
		{sink: true, options: map[string]string{"url": "http://HOST/hook"}},
	},
	"jdbc":     {{source: true, sink: true, options: map[string]string{"url": "jdbc:postgresql://HOST/d?sslmode=disable", "table": "t", "user": "u"}}},
	"kafka":    {{source: true, sink: true, options: map[string]string{"brokers": "HOST", "topic": "t"}}},
	"mysql":    {{source: true, sink: true, options: map[string]string{"url": "mysql://HOST/d", "table": "t", "user": "u"}}, {source: true, sink: true, options: map[string]string{"url": "u@unix(DIR/socket)/d", "table": "t"}}},
	"postgres": {{source: true, sink: true, options: map[string]string{"url": "postgres://HOST/d?sslmode=disable", "table": "t", "user": "u"}}, {source: true, sink: true, options: map[string]string{"url": "postgres:///d?host=DIR", "table": "t"}}},
	"socket": {
		{source: true, sink: true, options: map[string]string{"connect": "HOST"}},
		{sink: true, options: map[string]string{"connect": "HOST", "protocol": "udp"}},
		{source: true, options: map[string]string{"listen": "127.0.0.1:0"}},
		{source: true, options: map[string]string{"listen": "127.0.0.1:0", "protocol": "udp"}},
	},
}

// use makes a table of a connector and does everything with it.
func use(c arrowstream.Connector, t arrowstream.Table, source bool) error {
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
	defer stop()
	schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64}}, nil)
	env := arrowstream.Env{Allocator: columnar.Pool, Name: "t", Access: t.Access}
	t.Name, t.Format = "t", json.Format
	if !source {
		sink, err := c.Sink(t)
		if err == nil {
			err = sink.Bind(schema, env)
		}
		if err != nil {
			return err
		}
		b := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
		defer b.Release()
		b.Field(0).(*array.Int64Builder).Append(1)
		rec := b.NewRecord()
		defer rec.Release()
		return errors.Join(sink.Write(ctx, rec), sink.Flush(ctx), sink.Close())
	}
	if t.Options["path"] == "" && t.Options["url"] == "" { // files and databases know their columns
		t.Schema = schema
	}
	src, err := c.Source(t)
	if err == nil {
		_, err = src.Schema()
	}
	if err != nil {
		return err
	}
	parts, err := src.Open(ctx, arrowstream.SourceEnv{Env: env, BatchRows: 10, Workers: 1, Clock: arrowstream.SystemClock{}})
	for _, p := range parts {
		b, readErr := p.Read(ctx)
		if readErr == nil && b != nil {
			b.Release()
		}
		err = errors.Join(err, readErr, p.Close())
	}
	return err
}

// world is what is there to be reached, and a count of who came.
type world struct {
	dir, host string
	visits    atomic.Int64
}

func newWorld(t *testing.T) *world {
	w := &world{dir: t.TempDir()}
	for name, text := range map[string]string{"file": "{\"a\":1}\n", "secret": "hidden\n"} {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	w.host = l.Addr().String()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.visits.Add(1)
			c.Close()
		}
	}()
	return w
}

func (w *world) fill(options map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range options {
		out[k] = strings.NewReplacer("DIR", w.dir, "FILE", w.dir+"/file", "HOST", w.host).Replace(v)
	}
	return out
}

func restrict(t *testing.T, paths, hosts []string) *arrowstream.Access {
	a, err := arrowstream.Restrict(paths, hosts, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestRestrictedConnectorsReachNothing(t *testing.T) {
	w := newWorld(t)
	none := restrict(t, nil, nil)
	seen := 0
	for _, c := range all.Connectors() {
		places := outside[c.Name]
		if slices.Contains(inside, c.Name) {
			continue
		}
		var sources, sinks int
		for _, p := range places {
			options := w.fill(p.options)
			for _, source := range []bool{true, false} {
				if source && !p.source || !source && !p.sink {
					continue
				}
				seen++
				if source {
					sources++
				} else {
					sinks++
				}
				err := use(c, arrowstream.Table{Options: options, Access: none}, source)
				if arrowstream.Refused(err) == nil {
					t.Errorf("%s %v, source %v: %v", c.Name, options, source, err)
					continue
				}
				var e *arrowstream.Error
				if errors.As(err, &e); e.Code != "AS2201" {
					t.Errorf("%s %v: code %s hides the refusal: %v", c.Name, options, e.Code, err)
				}
			}
		}
		if c.Source != nil && sources == 0 || c.Sink != nil && sinks == 0 {
			t.Errorf("connector %s is in no table of this test: say how it reaches files and hosts", c.Name)
		}
	}
	if w.visits.Load() != 0 || seen < 30 {
		t.Errorf("%d connections were made in %d tries", w.visits.Load(), seen)
	}
	if names, _ := os.ReadDir(w.dir); len(names) != 2 {
		t.Errorf("files were written: %v", names)
	}
}

// TestRestrictedOptionsReadNoFiles puts a reference to a file into every option
// that can hold one, of connectors whose host is allowed.
func TestRestrictedOptionsReadNoFiles(t *testing.T) {
	w := newWorld(t)
	host := restrict(t, nil, []string{"127.0.0.1"})
	seen := map[string]bool{}
	for _, c := range all.Connectors() {
		for _, p := range outside[c.Name] {
			if strings.Contains(p.options["url"]+p.options["uri"]+p.options["path"], "DIR") || p.options["path"] != "" {
				continue
			}
			for option, value := range fileOptions(c, w) {
				for _, source := range []bool{true, false} {
					if source && !p.source || !source && !p.sink {
						continue
					}
					options := w.fill(p.options)
					options[option] = value
					switch { // what does not go alone
					case slices.Contains([]string{"tls.cert", "tls.key", "tls.client-ca"}, option):
						options["tls.cert"], options["tls.key"] = value, value
					case option == "password" && c.Name == "flight":
						options["username"] = "u"
					case option == "sasl.password":
						options["sasl.username"] = "u"
					}
					if option == "retain.path" && source || c.Name == "flight" && belongsElsewhere(option, options) ||
						c.Name == "http" && source == slices.Contains([]string{"tls.ca", "headers"}, option) {
						continue
					}
					err := use(c, arrowstream.Table{Options: options, Access: host}, source)
					seen[c.Name+" "+option] = true
					if arrowstream.Refused(err) == nil {
						t.Errorf("%s %v, source %v: %v", c.Name, options, source, err)
					}
				}
			}
		}
	}
	for _, want := range []string{
		"flight token", "flight users", "flight ticket.key", "flight password", "flight tls.ca", "flight tls.cert", "flight tls.client-ca", "flight retain.path",
		"jdbc password", "kafka sasl.password", "kafka tls.ca", "mysql password", "mysql tls.ca", "postgres password", "postgres tls.ca",
	} {
		if !seen[want] {
			t.Errorf("%s was not tried; only %v", want, slices.Sorted(maps.Keys(seen)))
		}
	}
}

// belongsElsewhere reports whether an option of Flight is one of a server in a
// table of a client, or the other way round, which has no effect.
func belongsElsewhere(option string, options map[string]string) bool {
	client := slices.Contains([]string{"password", "tls.ca"}, option)
	both := slices.Contains([]string{"token", "tls.cert", "tls.key"}, option)
	return !both && client != (options["uri"] != "")
}

// fileOptions are the options of a connector that may lead to a file.
func fileOptions(c arrowstream.Connector, w *world) map[string]string {
	out := map[string]string{}
	for _, config := range c.Options {
		typ := reflect.TypeOf(config)
		if typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		for i := range typ.NumField() {
			tag, ok := typ.Field(i).Tag.Lookup("option")
			name, _, _ := strings.Cut(tag, ",")
			switch {
			case !ok:
			case typ.Field(i).Type == reflect.TypeFor[arrowstream.Secret]():
				out[name] = "file:" + w.dir + "/secret"
			case strings.HasPrefix(name, "tls."), name == "retain.path":
				out[name] = w.dir + "/secret"
			}
		}
	}
	return out
}
