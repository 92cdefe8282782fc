package main

import (
	"io"

	"github.com/arrowstream/arrowstream/internal/terminal"
)

// plain is w without what could take over the terminal it may lead to: names,
// rows and errors come from elsewhere. A Write holds whole characters.
type plain struct{ w io.Writer }

func (p plain) Write(b []byte) (int, error) {
	if _, err := io.WriteString(p.w, terminal.Clean(b, true)); err != nil {
		return 0, err
	}
	return len(b), nil
}
