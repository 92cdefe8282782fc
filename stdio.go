package arrowstream

import "io"

// Stdio are the standard streams of a program that runs a pipeline. Connectors
// that read or write "-" use it, so that tests can look.
type Stdio struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
	// Width of the terminal behind Out in cells; 0 when it is none.
	Width int
}
