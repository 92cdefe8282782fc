package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/database"
)

// login is what a Source and a Sink need to reach a database.
type login struct {
	url, user string
	password  arrowstream.Secret
	tls       bool
	caFile    string
	writes    bool
	access    *arrowstream.Access
}

// server is a database that can be connected to.
type server struct {
	config *pgconn.Config
	writes bool
}

// newServer reads the options. The text of the URL is in no error: it may hold
// a password.
func newServer(l login) (*server, error) {
	if l.url == "" {
		return nil, kind.BadOption("url is missing", "for example postgres://host:5432/database")
	}
	text, err := plainURL(l.url)
	if err == nil && l.access != nil {
		text, err = confined(text)
	}
	if err != nil {
		return nil, err
	}
	config, err := pgconn.ParseConfig(text)
	if err != nil {
		return nil, kind.BadOption("url cannot be read", "write postgres://host:5432/database?sslmode=require, and user and password as options")
	}
	if l.user != "" {
		config.User = l.user
	}
	if l.password != "" {
		if config.Password, err = kind.Secret(l.access, "password", l.password); err != nil {
			return nil, err
		}
	}
	if l.tls || l.caFile != "" {
		if config.TLSConfig, err = kind.TLS(l.access, "tls.ca", l.caFile); err != nil {
			return nil, err
		}
		config.TLSConfig.ServerName = config.Host
		config.Fallbacks = nil
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "arrowstream"
	}
	if l.access != nil {
		if err := confine(config, l.access); err != nil {
			return nil, err
		}
	}
	config.RuntimeParams["datestyle"] = "ISO, YMD"
	config.RuntimeParams["timezone"] = "UTC"
	config.RuntimeParams["client_encoding"] = "UTF8"
	config.RuntimeParams["extra_float_digits"] = "1"
	return &server{config: config, writes: l.writes}, nil
}

// ignored are parameters of the JDBC driver that have no meaning here.
var ignored = map[string]bool{
	"rewritebatchedinserts": true, "preparethreshold": true, "stringtype": true, "tcpkeepalive": true, "sockettimeout": true,
	"logintimeout": true, "loglevel": true, "binarytransfer": true, "defaultrowfetchsize": true, "autosave": true, "cancelsignaltimeout": true,
}

// plainURL turns a URL of the JDBC driver into one of libpq; others are as they
// are.
func plainURL(text string) (string, error) {
	if !strings.HasPrefix(strings.ToLower(text), "jdbc:") {
		return text, nil
	}
	u, err := url.Parse(text[len("jdbc:"):])
	if err != nil || u.Scheme != "postgresql" && u.Scheme != "postgres" {
		return "", kind.BadOption("url cannot be read", "write jdbc:postgresql://host:5432/database")
	}
	params := url.Values{}
	for key, values := range u.Query() {
		v := values[len(values)-1]
		switch lower := strings.ToLower(key); {
		case lower == "ssl":
			if u.Query().Get("sslmode") == "" && v != "false" {
				params.Set("sslmode", "verify-full")
			}
		case lower == "currentschema":
			params.Set("search_path", v)
		case lower == "applicationname":
			params.Set("application_name", v)
		case lower == "connecttimeout":
			params.Set("connect_timeout", v)
		case !ignored[lower]:
			params.Set(key, v)
		}
	}
	u.RawQuery = params.Encode()
	return u.String(), nil
}

// Address implements database.Server.
func (s *server) Address() string {
	return fmt.Sprintf("%s/%s", net.JoinHostPort(s.config.Host, fmt.Sprint(s.config.Port)), s.config.Database)
}

// Dialect implements database.Server.
func (s *server) Dialect() *database.Dialect { return &dialect }

// Connect implements database.Server.
func (s *server) Connect(ctx context.Context) (database.Session, error) {
	c, err := pgconn.ConnectConfig(ctx, s.config)
	if err != nil {
		return nil, err
	}
	one := &session{conn: c}
	if !s.writes {
		return one, nil
	}
	// A commit that is answered must be on disk, and the transaction of a
	// process that has stopped must not hold its lock for longer than 30 s.
	_, _, err = one.Run(ctx, `SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false),
		set_config('idle_in_transaction_session_timeout', '30000', false), set_config('tcp_keepalives_idle', '30', false), set_config('tcp_keepalives_interval', '10', false)`)
	if err != nil {
		one.Close()
		return nil, err
	}
	return one, nil
}

// Judge implements database.Server.
func (s *server) Judge(err error) database.Trouble {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return judge(answer.Code)
	}
	var untrusted *tls.CertificateVerificationError
	if errors.As(err, &untrusted) {
		return database.Refused
	}
	var connect *pgconn.ConnectError
	var network net.Error
	var lost brokenError
	if errors.As(err, &lost) || errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, context.DeadlineExceeded) {
		return database.Passing
	}
	return database.Refused
}

// judge says what a code of the server means, see appendix A of its manual.
func judge(code string) database.Trouble {
	switch code {
	case "40001", "40P01", "55P03", "53300", "25P03", "57P01", "57P02", "57P03":
		return database.Passing
	}
	switch code[:min(2, len(code))] {
	case "08":
		return database.Passing
	case "22", "23":
		return database.BadValue
	}
	return database.Refused
}
