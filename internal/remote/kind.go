// Package remote is what the connectors of servers have in common: trying
// again while a server is out of reach, secrets and certificates that options
// point to, and the errors of options. Floor 35: below the connectors, above
// the root package.
package remote

import (
	"fmt"

	"github.com/arrowstream/arrowstream"
)

// Kind is a connector as its errors name it.
type Kind string

// BadOption is the error of an option; msg begins with its name.
func (k Kind) BadOption(msg, hint string) error {
	return &arrowstream.Error{Code: "AS1504", Msg: string(k) + ": option " + msg, Hint: hint}
}

// option is err as the error of an option.
func (k Kind) option(name string, err error) error {
	if no := arrowstream.Refused(err); no != nil {
		return no
	}
	return &arrowstream.Error{Code: "AS1504", Msg: string(k) + ": option " + name, Err: err}
}

// CheckFormat reports a format that is missing; name is what the user called
// it, if anything.
func (k Kind) CheckFormat(f arrowstream.Format, name string) error {
	switch {
	case f != nil:
		return nil
	case name != "":
		return k.BadOption(fmt.Sprintf("format: unknown format %q", name), "")
	}
	return k.BadOption("format is missing", "for example 'format' = 'json'")
}
