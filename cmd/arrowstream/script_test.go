package main

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the golden texts of testdata/script")

// TestScripts runs testdata/script: command lines as a user types them, each in
// a process of its own, with what they print and how they exit.
//
//	exits CODE ARGS...   runs arrowstream with ARGS; it must exit with CODE
//	limit NAME BYTES     limits file-size or address-space of what follows
//	absent PATTERN...    no file may match
//	cut N FROM TO        TO gets the first N bytes of FROM
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Vars = append(env.Vars, mainVar+"=1", "GORACE=atexit_sleep_ms=0")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "limit": limits, "absent": absent, "cut": cut},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(os.Args[0], args[1:]...)
	var exit *exec.ExitError
	got := 0
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode() // -1 if a signal ended it
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit %d, want %d\n%s%s", got, want, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

func limits(ts *testscript.TestScript, neg bool, args []string) {
	names := map[string]string{"file-size": fileVar, "address-space": addressVar}
	if neg || len(args) != 2 || names[args[0]] == "" {
		ts.Fatalf("usage: limit file-size|address-space BYTES")
	}
	ts.Setenv(names[args[0]], args[1])
}

func absent(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: absent PATTERN...")
	}
	for _, pattern := range args {
		found, err := filepath.Glob(ts.MkAbs(pattern))
		ts.Check(err)
		if len(found) > 0 {
			ts.Fatalf("left behind: %v", found)
		}
	}
}

func cut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: cut N FROM TO")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	text := ts.ReadFile(args[1])
	if n >= len(text) {
		ts.Fatalf("%s has only %d bytes", args[1], len(text))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(text[:n]), 0o666))
}
