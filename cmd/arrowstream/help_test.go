package main

import (
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
)

func TestHelp(t *testing.T) {
	for _, c := range arrowstream.ErrorCodes() {
		out := succeed(t, "help", c.Code)
		if !strings.HasPrefix(out, c.Code+": "+c.Title+"\n\n") || strings.Join(strings.Fields(out), " ") != c.Code+": "+c.Title+" "+strings.Join(strings.Fields(c.Text), " ") {
			t.Errorf("help %s prints %q", c.Code, out)
		}
		for line := range strings.Lines(out) {
			if len([]rune(line)) > 81 {
				t.Errorf("help %s: line of %d characters", c.Code, len(line))
			}
		}
	}
	all := succeed(t, "help", "codes")
	if got := strings.Count(all, "\n  AS"); got != len(arrowstream.ErrorCodes()) || !strings.Contains(all, "  AS1203  column not found\n") {
		t.Errorf("help codes lists %d codes:\n%s", got, all)
	}
	for text, args := range map[string][]string{
		"arrowstream run FILE.sql":     {"help", "run"},
		"arrowstream [command]":        {"help"},
		"help [COMMAND | CODE":         {"help", "help"},
		"AS1203: column not found":     {"help", "as1203"},
		"Print the version, the platf": {"help", "version"},
	} {
		if out := succeed(t, args...); !strings.Contains(out, text) {
			t.Errorf("%v prints %q, want %q in it", args, out, text)
		}
	}
	for text, args := range map[string][]string{
		`unknown error code "AS1202" (did you mean`: {"help", "AS1202"},
		`unknown error code "AS99999"`:              {"help", "AS99999"},
		`there is no help on "rnu"`:                 {"help", "rnu"},
		`there is no help on "run fast"`:            {"help", "run", "fast"},
	} {
		if o := command(t.Context(), args...); o.code != exitUsage || !strings.Contains(o.err, text) || o.out != "" {
			t.Errorf("%v: exit %d, %q, want %q in it", args, o.code, o.err, text)
		}
	}
}
