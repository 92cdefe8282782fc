package http

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/intake"
)

const defaultMaxBody = 8 << 20

// Source takes the rows that clients POST.
type Source struct {
	// Listen is the address host:port to listen on. One that is not loopback
	// needs TLS and a way to tell callers apart, or Insecure.
	Listen string `option:"listen"`
	// Path is the path of the requests; / and the name of the table.
	Path string `option:"path"`
	// Name is what grants of users call the source; in SQL that of the table.
	Name string
	// Columns of the rows; they must be declared.
	Columns *arrow.Schema
	// Format decodes a line: json or csv. FormatName is what the user called it.
	Format     arrowstream.Format
	FormatName string `option:"format"`
	// OnBadRow is the policy for lines that cannot be decoded: fail, the
	// default, refuses the request as a whole.
	OnBadRow arrowstream.BadRow `option:"on.error,on-error,on_error"`
	// MaxBody bounds the body of a request in bytes, also when it is unpacked;
	// 8 MiB, at most 14 MiB with a journal.
	MaxBody int64 `option:"max.body"`
	// MaxConnections bounds the clients served at once; 128. More wait.
	MaxConnections int `option:"max.connections"`
	// Hosts are the names under which requests may come, without ports; on
	// loopback localhost and its addresses, elsewhere any.
	Hosts []string `option:"hosts"`
	// Journal keeps what is received in the state folder of the job until it is
	// committed and published: the answer comes when it is on the disk.
	Journal bool `option:"journal"`
	// JournalRetention is how long the journal keeps it beyond that; 1 hour.
	JournalRetention time.Duration `option:"journal.retention"`
	// CertFile and KeyFile turn TLS on (1.2 or later). They are read again when
	// they change.
	CertFile string `option:"tls.cert"`
	KeyFile  string `option:"tls.key"`
	// ClientCA holds the certificates that sign those of clients; without
	// Token and Users every client needs one.
	ClientCA string `option:"tls.client-ca"`
	// Token is a bearer token that may do everything: env:NAME or file:PATH.
	Token arrowstream.Secret `option:"token"`
	// Users, mostly file:PATH, lists who may do what, one user a line: name,
	// credential (token=, password= or certificate) and grants (write=TABLE).
	Users arrowstream.Secret `option:"users"`
	// Insecure lets the source listen elsewhere than on loopback without TLS or
	// without telling callers apart.
	Insecure bool `option:"insecure"`
	// Access is what may be reached.
	Access *arrowstream.Access

	opened net.Addr
}

// Bounded implements [arrowstream.Source]: what clients send is never the same
// twice.
func (s *Source) Bounded() bool { return false }

// Delivers implements [arrowstream.Guaranteed].
func (s *Source) Delivers() (arrowstream.Guarantee, string) {
	if s.Journal {
		return arrowstream.AtLeastOnce, "requests are kept in a journal before they are answered; exactly once for clients that send an Idempotency-Key"
	}
	return arrowstream.AtMostOnce, "rows that were answered cannot be read again; journal = true keeps them"
}

// Addr is the address the source listens on once it is open.
func (s *Source) Addr() net.Addr { return s.opened }

// Schema implements [arrowstream.Source].
func (s *Source) Schema() (*arrow.Schema, error) { return s.Columns, s.check() }

func (s *Source) guarded() bool { return s.Token != "" || s.Users != "" || s.ClientCA != "" }

// check reports what forbids the options.
func (s *Source) check() error {
	if err := kind.CheckFormat(s.Format, s.FormatName); err != nil {
		return err
	}
	maxBody := int64(1 << 30)
	if s.Journal {
		maxBody = intake.MaxData
	}
	switch {
	case s.Format.Name() == "arrow":
		return kind.BadOption("format: a body is lines, which arrow has not", "use json or csv, or the connector flight for Arrow")
	case s.Columns == nil || s.Columns.NumFields() == 0:
		return &arrowstream.Error{Code: "AS1504", Msg: "http: the columns are not declared", Hint: "a body carries no schema: list the columns of the table"}
	case s.Listen == "":
		return kind.BadOption("listen is missing", "'listen' = '127.0.0.1:8080'")
	case s.Path != "" && !strings.HasPrefix(s.Path, "/"), strings.ContainsAny(s.Path, "?# "):
		return kind.BadOption(fmt.Sprintf("path: %q is not the path of a URL", s.Path), "'path' = '/clicks'")
	case s.MaxBody < 0 || s.MaxBody > maxBody:
		return kind.BadOption(fmt.Sprintf("max.body: 0 to %d", maxBody), "")
	case s.MaxConnections < 0 || s.JournalRetention < 0:
		return kind.BadOption("max.connections and journal.retention are not negative", "")
	case (s.CertFile == "") != (s.KeyFile == ""):
		return kind.BadOption("tls.cert and tls.key belong together", "")
	case s.ClientCA != "" && s.CertFile == "":
		return kind.BadOption("tls.client-ca needs tls.cert and tls.key", "")
	}
	if err := s.Access.CheckListen("tcp", s.Listen); err != nil {
		return err
	}
	return kind.CheckListen(s.Listen, s.Insecure || s.CertFile != "" && s.guarded(), "send rows", "set tls.cert, tls.key and token, users or tls.client-ca, or insecure = true")
}

// Open implements [arrowstream.Source].
func (s *Source) Open(_ context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	in := &inbox{
		name: s.Name, path: s.Path, format: s.Format, columns: s.Columns, mem: env.Allocator, maxBody: s.MaxBody,
		strict: env.OnBadRow == arrowstream.FailOnBadRow && s.OnBadRow == arrowstream.FailOnBadRow,
	}
	if in.path == "" {
		in.path = "/" + s.Name
	}
	if in.maxBody == 0 {
		in.maxBody = defaultMaxBody
	}
	decoder, err := s.Format.NewDecoder(s.Columns, env.Allocator)
	if err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	fail := func(err error) ([]arrowstream.Partition, error) {
		decoder.Release()
		return nil, err
	}
	c := intake.Config{
		Kind: string(kind), Name: s.Listen + in.path, Env: env, Decoder: decoder, Rejects: env.Rejects(s.OnBadRow), MaxLine: int(in.maxBody), Queue: 4,
	}
	if s.Journal {
		if c.Journal, c.Oldest, err = intake.Open(env, s.JournalRetention); err != nil {
			return fail(err)
		}
	}
	in.Partition = intake.New(c)
	if env.Past {
		in.OnClose(in.free)
		return []arrowstream.Partition{in.Source()}, nil
	}
	server, release, err := acquire(s.listener())
	if err != nil {
		return fail(err)
	}
	if err := server.route(in); err != nil {
		release()
		return fail(err)
	}
	s.opened = server.listener.Addr()
	in.OnClose(func() {
		server.remove(in)
		in.requests.Wait()
		in.free()
		release()
	})
	return []arrowstream.Partition{in.Source()}, nil
}

func (s *Source) listener() config {
	return config{
		access: s.Access, listen: s.Listen, cert: s.CertFile, key: s.KeyFile, ca: s.ClientCA, token: s.Token, users: s.Users,
		guarded: s.guarded(), hosts: strings.Join(s.Hosts, ","), connections: s.MaxConnections,
	}
}
