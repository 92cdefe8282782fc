package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/terminal"
)

// terminalWidth is the width of the terminal behind f, 0 if it is none.
func terminalWidth(f *os.File) int {
	if !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 80
	}
	return width
}

// progressPrinter writes reports to w: a line rewritten in place on a
// terminal, one JSON object per line elsewhere.
type progressPrinter struct {
	mu    sync.Mutex // sinks clear the line while reports rewrite it
	w     io.Writer
	line  bool
	every int // JSON reports per written one
	count int
	shown bool
	warns map[string]warned // by source and reason
}

// warned is when it was last said how many rows were skipped.
type warned struct {
	at   time.Time
	rows int64
}

func newProgress(w io.Writer, mode string) (*progressPrinter, error) {
	file, isFile := w.(*os.File)
	terminal := isFile && terminalWidth(file) > 0
	switch mode {
	case "auto", "":
		return &progressPrinter{w: w, line: terminal, every: 10}, nil
	case "line":
		return &progressPrinter{w: w, line: true}, nil
	case "json":
		return &progressPrinter{w: w, every: 1}, nil
	case "off":
		return nil, nil
	}
	return nil, usageError{fmt.Errorf("--progress %q: want auto, line, json or off", mode)}
}

func (p *progressPrinter) print(pr arrowstream.Progress) {
	if p.line {
		if pr.Arrowstream.Final {
			p.clear()
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.warn(pr, time.Now())
		fmt.Fprintf(p.w, "\r\x1b[K%s", terminal.Clean([]byte(progressLine(pr)), false))
		p.shown = true
		return
	}
	if p.count++; p.count%p.every != 0 && !pr.Arrowstream.Final {
		return
	}
	if b, err := json.Marshal(pr); err == nil {
		fmt.Fprintf(p.w, "%s\n", b)
	}
}

// warn tells about rows that were skipped, once per reason and minute at most.
func (p *progressPrinter) warn(pr arrowstream.Progress, now time.Time) {
	for _, s := range pr.Sources {
		for code, reason := range s.Skipped {
			last, said := p.warns[s.Description+code]
			if said && (last.rows == reason.Rows || now.Sub(last.at) < time.Minute) {
				continue
			}
			if p.warns == nil {
				p.warns = map[string]warned{}
			}
			p.warns[s.Description+code] = warned{now, reason.Rows}
			fmt.Fprintf(p.w, "\r\x1b[Kwarning   %s\n", terminal.Clean([]byte(s.Description+": "+reason.Warning(code)), false))
		}
	}
}

// clear removes the line, so that other output starts on an empty one.
func (p *progressPrinter) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}

func progressLine(pr arrowstream.Progress) string {
	a := pr.Arrowstream
	parts := []string{
		fmt.Sprintf("tick %d", pr.BatchID),
		fmt.Sprintf("in %s rows %s/s", short(float64(a.TotalInputRows)), short(pr.InputRowsPerSecond)),
	}
	if a.LagRows > 0 {
		parts = append(parts, fmt.Sprintf("lag %s rows", short(float64(a.LagRows))))
	}
	if at := a.Watermark.Time(); !at.IsZero() {
		wm := "wm " + at.Format("15:04:05")
		if a.WatermarkHeldBy != "" {
			wm += " " + a.WatermarkHeldBy
		}
		parts = append(parts, wm)
	}
	if a.LateRows > 0 {
		parts = append(parts, fmt.Sprintf("late %s", short(float64(a.LateRows))))
	}
	parts = append(parts, fmt.Sprintf("state %s rows %s", short(float64(a.StateRows)), bytes(a.StateBytes)))
	mem := "mem " + bytes(a.MemoryBytes)
	if a.MemoryLimitBytes > 0 {
		mem += "/" + bytes(a.MemoryLimitBytes)
	}
	return strings.Join(append(parts, mem), " | ")
}

// short renders a count with three digits: 950, 12.3k, 1.20M.
func short(x float64) string {
	switch {
	case x >= 1e9:
		return fmt.Sprintf("%.2fG", x/1e9)
	case x >= 1e6:
		return fmt.Sprintf("%.2fM", x/1e6)
	case x >= 1e4:
		return fmt.Sprintf("%.1fk", x/1e3)
	}
	return fmt.Sprintf("%.0f", x)
}

func bytes(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1fGiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.0fMiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.0fKiB", float64(n)/(1<<10))
}

// printSummary tells at the end what the run did.
func printSummary(w io.Writer, s *arrowstream.Summary, results []string) {
	w = plain{w}
	a := s.Progress.Arrowstream
	fmt.Fprintf(w, "\nrows      %d in %s: %s rows/s\n", s.RowsIn, s.Duration.Round(time.Millisecond), short(s.RowsPerSecond()))
	fmt.Fprintf(w, "late      %d rows", a.LateRows)
	if a.SkippedRows > 0 {
		fmt.Fprintf(w, ", skipped %d", a.SkippedRows)
	}
	if a.DeadLetters > 0 {
		fmt.Fprintf(w, ", dead letters %d", a.DeadLetters)
	}
	fmt.Fprintf(w, "\nmemory    %s at most", bytes(s.PeakBytes))
	if a.MemoryLimitBytes > 0 {
		fmt.Fprintf(w, " of %s", bytes(a.MemoryLimitBytes))
	}
	fmt.Fprintln(w)
	for _, o := range a.Operators {
		if o.Spilled > 0 {
			fmt.Fprintf(w, "spilled   %s: %s\n", o.Name, bytes(o.Spilled))
		}
		if o.Warning != "" {
			fmt.Fprintf(w, "warning   %s: %s\n", o.Name, o.Warning)
		}
	}
	for i, r := range results {
		label := "results"
		if i > 0 {
			label = "       "
		}
		fmt.Fprintf(w, "%s   %s\n", label, r)
	}
}
