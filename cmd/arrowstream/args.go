package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// noArgs refuses arguments as a wrong usage.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unexpected argument %q", args[0])}
	}
	return nil
}

// parseTime reads RFC 3339, a date and time without a zone (UTC) or a date.
func parseTime(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usageError{fmt.Errorf("--%s %q: want a time such as 2026-01-31T10:00:00Z or 2026-01-31", flag, text)}
}

// parseSpeed reads max (0), realtime (1) or a factor such as 10x.
func parseSpeed(text string) (float64, error) {
	switch text {
	case "max", "":
		return 0, nil
	case "realtime":
		return 1, nil
	}
	x, err := strconv.ParseFloat(strings.TrimSuffix(text, "x"), 64)
	if err != nil || x <= 0 {
		return 0, usageError{fmt.Errorf("--speed %q: want max, realtime or a factor such as 10x", text)}
	}
	return x, nil
}
