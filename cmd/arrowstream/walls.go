package main

import (
	"errors"
	"os"

	"github.com/spf13/pflag"

	"github.com/arrowstream/arrowstream"
)

// walls are the flags that restrict what a script may reach. The files that the
// command line itself names, the script and the folder of --state, are those of
// its user and not restricted.
type walls struct {
	restricted        bool
	paths, hosts, env []string
}

func (w *walls) flags(f *pflag.FlagSet) {
	f.BoolVar(&w.restricted, "restricted", false, "let the script reach nothing but what --allow-path, --allow-host and --allow-env name")
	f.StringArrayVar(&w.paths, "allow-path", nil, "folder that may be read, DIR, or also written, DIR:rw; repeatable")
	f.StringArrayVar(&w.hosts, "allow-host", nil, "name, address or range that may be dialled and listened on, HOST[:PORT]; * is any public address; repeatable")
	f.StringArrayVar(&w.env, "allow-env", nil, "environment variable that may be read, as ${NAME} or env:NAME; repeatable")
}

// access is what the script may reach; nil is everything.
func (w *walls) access() (*arrowstream.Access, error) {
	if !w.restricted {
		if len(w.paths)+len(w.hosts)+len(w.env) > 0 {
			return nil, usageError{errors.New("--allow-path, --allow-host and --allow-env go with --restricted")}
		}
		return nil, nil
	}
	a, err := arrowstream.Restrict(w.paths, w.hosts, w.env)
	if err != nil {
		return nil, usageError{err}
	}
	return a, nil
}

// parameter looks up ${NAME}.
func parameter(params map[string]string, a *arrowstream.Access) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if v, ok := params[name]; ok {
			return v, true
		}
		if _, err := a.Getenv(name); err != nil {
			return "", false
		}
		return os.LookupEnv(name)
	}
}
