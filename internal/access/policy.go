// Package access holds the walls of a restricted program: which folders it may
// read or write, which hosts it may dial and listen on, which variables of the
// environment it may read. Floor 5; no imports of this module.
//
// A nil [Policy] is a program with the rights of its user. Everything that
// turns a text of a user into a file or a connection goes through a Policy;
// internal/lint fails when a package uses os or net for that itself.
//
// The invariant: with a Policy that is not nil no text leads out of the folders
// and hosts that were named when it was made, whatever links, names of hosts
// and redirections say later. Folders are held open ([os.Root]), files must be
// regular ones, and addresses are looked at after names were resolved.
package access

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Rules say what a [Policy] allows; what they do not name is refused.
type Rules struct {
	// Paths are folders: "DIR" may be read, "DIR:rw" also written. Of several
	// that hold a file the deepest decides.
	Paths []string
	// Hosts are "HOST" or "HOST:PORT". HOST is a name, an address, a range such
	// as 10.0.0.0/8, or * for every public address. A name stands for its
	// public and private addresses; this machine (other than by the name
	// localhost), link-local and multicast addresses must be named as such.
	Hosts []string
	// Env are names of variables of the environment.
	Env []string
	// Refuse makes the error of what is not allowed.
	Refuse func(Refusal) error
}

// Refusal is something that is not allowed.
type Refusal struct {
	Op   string // "read", "write", "connect to", "listen on"
	What string // path, host:port or name of a variable
	Why  string // more about it; may be empty
	// Flag is the kind of rule that would allow it, path, host or env, and
	// Value its text. Both are empty if none does.
	Flag, Value string
}

// Policy is a set of walls. It may be used by several goroutines.
type Policy struct {
	folders []folder // the deepest first
	hosts   []host
	env     []string
	refuse  func(Refusal) error
}

// folder is an allowed folder.
type folder struct {
	path  string // absolute and clean
	write bool
	root  *os.Root
}

// New makes the walls that r describes. The folders must exist; they are held
// open for the life of the program, so that renaming one changes nothing.
func New(r Rules) (*Policy, error) {
	p := &Policy{env: r.Env, refuse: r.Refuse}
	for _, text := range r.Paths {
		f, err := openFolder(text)
		if err != nil {
			return nil, fmt.Errorf("path %q: %w", text, err)
		}
		p.folders = append(p.folders, f)
	}
	slices.SortStableFunc(p.folders, func(a, b folder) int { return len(b.path) - len(a.path) })
	for _, text := range r.Hosts {
		h, err := parseHost(text)
		if err != nil {
			return nil, fmt.Errorf("host %q: %w", text, err)
		}
		p.hosts = append(p.hosts, h)
	}
	return p, nil
}

func openFolder(text string) (folder, error) {
	dir, write := strings.CutSuffix(text, ":rw")
	if !write {
		dir = strings.TrimSuffix(dir, ":ro")
	}
	if dir == "" {
		return folder{}, fmt.Errorf("no folder is named")
	}
	path, err := filepath.Abs(dir)
	if err != nil {
		return folder{}, err
	}
	root, err := os.OpenRoot(path)
	return folder{path: path, write: write, root: root}, err
}

// Getenv is the value of a variable, "" if there is none.
func (p *Policy) Getenv(name string) (string, error) {
	if p != nil && !slices.Contains(p.env, name) {
		return "", p.refuse(Refusal{Op: "read", What: "environment variable " + name, Flag: "env", Value: name})
	}
	return os.Getenv(name), nil
}
