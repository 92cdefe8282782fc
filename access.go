package arrowstream

import (
	"errors"
	"fmt"

	"github.com/arrowstream/arrowstream/internal/access"
)

// Access says which files and hosts may be reached. nil is everything that the
// user of the program can; see [Restrict].
type Access = access.Policy

// Restrict allows nothing but
//   - what is in the folders paths: "DIR" may be read, "DIR:rw" also written.
//     Devices, pipes and links that lead out are no part of a folder;
//   - the hosts "HOST" or "HOST:PORT", to connect to and to listen on: a name,
//     an address, a range such as 10.0.0.0/8, or * for all public addresses.
//     The addresses that a name stands for are looked at when it is dialled;
//   - the variables env of the environment.
//
// Everything else is an [Error] with the code AS2201. The folders must exist.
func Restrict(paths, hosts, env []string) (*Access, error) {
	return access.New(access.Rules{Paths: paths, Hosts: hosts, Env: env, Refuse: refuse})
}

// codeRefused is the code of what [Access] does not allow.
const codeRefused = "AS2201"

func refuse(r access.Refusal) error {
	e := &Error{Code: codeRefused, Msg: fmt.Sprintf("it is not allowed to %s %s", r.Op, r.What)}
	if r.Why != "" {
		e.Msg += ": " + r.Why
	}
	if r.Flag != "" {
		e.Hint = fmt.Sprintf("--allow-%s %s would allow it", r.Flag, r.Value)
	}
	return e
}

// Refused is the error in the chain of err that says that something is not
// allowed, nil if there is none. It is final: trying again does not help, and
// what wraps it has nothing to add.
func Refused(err error) error {
	var e *Error
	for errors.As(err, &e) {
		if e.Code == codeRefused {
			return e
		}
		err = e.Err
	}
	return nil
}
