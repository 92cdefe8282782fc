package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

//go:embed peers.py
var pythonSide string

// python is a child process that measures libraries of Python when asked.
type python struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	Version map[string]string // of Python and of its libraries
}

// request and answer are one line each.
type (
	request map[string]any
	answer  struct {
		Error  string
		Wall   int64
		CPU    int64
		Rows   int64
		Values []float64
	}
)

// startPython starts the child, with one thread in every library.
func startPython(ctx context.Context, program string) (*python, error) {
	p := &python{cmd: exec.CommandContext(ctx, program, "-c", pythonSide)}
	p.cmd.Env = append(os.Environ(), "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1", "MKL_NUM_THREADS=1", "POLARS_MAX_THREADS=1")
	p.cmd.Stderr = os.Stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if err := p.exchange(request{"do": "versions"}, &p.Version); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Close ends the child.
func (p *python) Close() error {
	return errors.Join(p.in.Close(), p.cmd.Wait())
}

// Ask waits for the answer to a request; a failure in the child is an error.
func (p *python) Ask(r request) (answer, error) {
	var a answer
	if err := p.exchange(r, &a); err != nil {
		return a, err
	}
	if a.Error != "" {
		return a, fmt.Errorf("python: %v: %s", r["do"], a.Error)
	}
	return a, nil
}

func (p *python) exchange(r request, into any) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("python: %w", err)
	}
	if line, err = p.out.ReadBytes('\n'); err != nil {
		return fmt.Errorf("python: %w", err)
	}
	return json.Unmarshal(line, into)
}

// cost is what the child measured.
func (a answer) cost() cost { return cost{time.Duration(a.Wall), time.Duration(a.CPU)} }
