package postgres

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/arrowstream/arrowstream"
)

// fileParams are parameters of a URL that make the driver read files.
var fileParams = []string{"passfile", "service", "servicefile", "sslcert", "sslkey", "sslrootcert"}

// confined is the text of a URL that makes the driver read no file, for a
// restricted program: neither one that it names nor the passwords of the user.
func confined(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "", kind.BadOption("url cannot be read", "a restricted program takes postgres://host:5432/database only")
	}
	params := u.Query()
	for name := range params {
		if slices.Contains(fileParams, name) {
			return "", &arrowstream.Error{Code: "AS2201", Msg: fmt.Sprintf("postgres: option url: parameter %s reads files, which is not allowed", name), Hint: "use the options password and tls.ca"}
		}
	}
	params.Set("passfile", os.DevNull)
	u.RawQuery = params.Encode()
	return u.String(), nil
}

// confine makes the driver dial inside the walls. Names are resolved by the
// dialer, which looks at what they stand for.
func confine(config *pgconn.Config, a *arrowstream.Access) error {
	hosts := []string{net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))}
	for _, f := range config.Fallbacks {
		hosts = append(hosts, net.JoinHostPort(f.Host, strconv.Itoa(int(f.Port))))
	}
	for _, h := range hosts {
		if err := a.CheckDial("tcp", h); err != nil {
			return err
		}
	}
	config.DialFunc = a.Dial
	config.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	return nil
}
