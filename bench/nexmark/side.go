package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// sideInput writes the file that q13 looks rows up in, the lines i,i for i below
// 10,000, into a folder that remove takes away.
func sideInput() (path string, remove func() error, err error) {
	dir, err := os.MkdirTemp("", "nexmark")
	if err != nil {
		return "", nil, err
	}
	var lines bytes.Buffer
	for i := range 10_000 {
		fmt.Fprintf(&lines, "%d,%d\n", i, i)
	}
	path = filepath.Join(dir, "side_input.csv")
	if err := os.WriteFile(path, lines.Bytes(), 0o600); err != nil {
		return "", nil, err
	}
	return path, func() error { return os.RemoveAll(dir) }, nil
}
