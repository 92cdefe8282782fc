package mysql

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/go-sql-driver/mysql"

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
	config  *mysql.Config
	dialect database.Dialect
	writes  bool
}

// newServer reads the options. The text of the URL is in no error: it may hold
// a password.
func newServer(l login) (*server, error) {
	if l.url == "" {
		return nil, kind.BadOption("url is missing", "for example mysql://host:3306/database")
	}
	config, err := parseURL(l.url)
	if err != nil {
		return nil, err
	}
	if l.user != "" {
		config.User = l.user
	}
	if l.password != "" {
		if config.Passwd, err = kind.Secret(l.access, "password", l.password); err != nil {
			return nil, err
		}
	}
	if l.tls || l.caFile != "" {
		if config.TLS, err = kind.TLS(l.access, "tls.ca", l.caFile); err != nil {
			return nil, err
		}
		config.TLS.ServerName, _, _ = net.SplitHostPort(config.Addr)
	}
	if config.DBName == "" {
		return nil, kind.BadOption("url names no database", "write mysql://host:3306/database")
	}
	if l.access != nil {
		if err := l.access.CheckDial(config.Net, config.Addr); err != nil {
			return nil, err
		}
		config.DialFunc = l.access.Dial
	}
	config.AllowAllFiles = false // the server would choose which
	config.InterpolateParams, config.ParseTime, config.Logger = true, false, &mysql.NopLogger{}
	return &server{config: config, dialect: dialect, writes: l.writes}, nil
}

// badURL is the error of a URL that cannot be read.
func badURL() error {
	return kind.BadOption("url cannot be read", "write mysql://host:3306/database, and user and password as options")
}

// modes are the values of sslMode and tls, as the driver calls them.
var modes = map[string]string{
	"disabled": "false", "preferred": "preferred", "required": "skip-verify", "verify_ca": "true", "verify_identity": "true",
	"disable": "false", "prefer": "preferred", "require": "skip-verify", "verify-ca": "true", "verify-full": "true", "trust": "skip-verify",
	"true": "true", "false": "false", "skip-verify": "skip-verify",
}

// ignored are parameters of other drivers that have no meaning here: the
// characters are UTF-8, times are in UTC, and loads are bulk loads anyway.
var ignored = []string{
	"allowpublickeyretrieval", "allowmultiqueries", "autoreconnect", "autoreconnectforpools", "cacheprepstmts", "characterencoding", "charset",
	"connectiontimezone", "connecttimeout", "failoverreadonly", "maxreconnects", "nullcatalogmeanscurrent", "parsetime", "permitmysqlscheme",
	"prepstmtcachesize", "prepstmtcachesqllimit", "requiressl", "rewritebatchedstatements", "servertimezone", "sockettimeout", "tcpkeepalive",
	"tinyint1isbit", "usecompression", "usecursorfetch", "usejdbccomplianttimezoneshift", "uselegacydatetimecode", "useserverprepstmts",
	"useunicode", "verifyservercertificate", "zerodatetimebehavior", "loc",
}

// parseURL reads a URL of the form scheme://user:password@host:port/database,
// also one of the JDBC driver, or the text that the Go driver takes.
func parseURL(text string) (*mysql.Config, error) {
	if rest, found := strings.CutPrefix(strings.ToLower(text[:min(5, len(text))]), "jdbc:"); found && rest == "" {
		text = text[5:]
	}
	if !strings.Contains(text, "://") {
		config, err := mysql.ParseDSN(text)
		if err != nil {
			return nil, badURL()
		}
		return config, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "mysql" && u.Scheme != "mariadb" || u.Hostname() == "" {
		return nil, badURL()
	}
	config := mysql.NewConfig()
	port := u.Port()
	if port == "" {
		port = "3306"
	}
	config.Net, config.Addr, config.DBName = "tcp", net.JoinHostPort(u.Hostname(), port), strings.Trim(u.Path, "/")
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	for key, values := range u.Query() {
		v := values[len(values)-1]
		switch lower := strings.ToLower(key); {
		case lower == "user":
			config.User = v
		case lower == "password":
			config.Passwd = v
		case lower == "usessl":
			if config.TLSConfig == "" && strings.EqualFold(v, "true") {
				config.TLSConfig = "preferred"
			}
		case lower == "tls" || lower == "sslmode":
			mode, ok := modes[strings.ToLower(v)]
			if !ok {
				return nil, kind.BadOption("url: "+key+" has an unknown value", "use true, false, preferred or skip-verify")
			}
			config.TLSConfig = mode
		case !slices.Contains(ignored, lower):
			return nil, kind.BadOption("url: unknown parameter "+key, arrowstream.Suggest(lower, append([]string{"user", "password", "useSSL", "tls", "sslMode"}, ignored...), "parameters"))
		}
	}
	// Reads the mode of TLS as the driver does.
	config, err = mysql.ParseDSN(config.FormatDSN())
	if err != nil {
		return nil, badURL()
	}
	return config, nil
}

// Address implements database.Server.
func (s *server) Address() string { return s.config.Addr + "/" + s.config.DBName }

// Dialect implements database.Server.
func (s *server) Dialect() *database.Dialect { return &s.dialect }

// Connect implements database.Server.
func (s *server) Connect(ctx context.Context) (database.Session, error) {
	connector, err := mysql.NewConnector(s.config)
	if err != nil {
		return nil, badURL()
	}
	c, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	one := &session{conn: c.(conn)}
	// Strict, so that a value that does not fit is refused; times in UTC. A
	// source may be slow to take rows; a sink that has stopped must not hold
	// its lock for longer than a minute.
	set := "SET SESSION sql_mode = 'STRICT_ALL_TABLES,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', net_write_timeout = 86400"
	if s.writes {
		set += ", wait_timeout = 60"
	}
	_, _, err = one.Run(ctx, set)
	if err == nil && s.writes {
		var row []string
		if row, _, err = one.Run(ctx, "SELECT @@local_infile, VERSION()"); err == nil {
			one.local = row[0] == "1"
			s.adapt(one.local, row[1])
		}
	}
	if err != nil {
		one.Close()
		return nil, err
	}
	return one, nil
}

// adapt chooses what depends on the server: how rows are loaded, and the order
// of keys in which two texts are equal only if all their bytes are, blanks at
// the end included.
func (s *server) adapt(local bool, version string) {
	s.dialect.Style = insertStyle
	if local {
		s.dialect.Style = loadStyle
	}
	collation := "utf8mb4_0900_bin"
	switch {
	case strings.Contains(version, "MariaDB"):
		collation = "utf8mb4_nopad_bin"
	case strings.HasPrefix(version, "5."):
		collation = "utf8mb4_bin" // which has no better one
	}
	s.dialect.Type = func(t arrow.DataType, key bool) string { return newType(t, key, collation) }
}

// Judge implements database.Server.
func (s *server) Judge(err error) database.Trouble {
	var answer *mysql.MySQLError
	if errors.As(err, &answer) {
		return judge(answer.Number)
	}
	var untrusted *tls.CertificateVerificationError
	if errors.As(err, &untrusted) {
		return database.Refused
	}
	var network net.Error
	if errors.As(err, &network) || errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, mysql.ErrMalformPkt) || errors.Is(err, mysql.ErrPktSync) ||
		errors.Is(err, context.DeadlineExceeded) {
		return database.Passing
	}
	return database.Refused
}

// judge says what a number of the server means, see the error reference of
// MySQL and of MariaDB.
func judge(number uint16) database.Trouble {
	switch number {
	case 1040, 1053, 1152, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1927, 2006, 2013, 3169, 4031:
		return database.Passing
	case 1048, 1062, 1263, 1264, 1265, 1292, 1364, 1366, 1367, 1406, 1411, 1416, 1451, 1452, 1690, 3140, 3819, 4025:
		return database.BadValue
	}
	return database.Refused
}
