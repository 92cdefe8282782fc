package syntax

import (
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
)

func TestMask(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT password FROM t WHERE a = 'b'":          "SELECT password FROM t WHERE a = 'b'",
		"WITH ('password' = 'hunter2', 'path' = 'x')":   "WITH ('password' = '*******', 'path' = 'x')",
		"WITH ('password' 'hunter2')":                   "WITH ('password' '*******')",
		"WITH (\"sasl.password\" = \"hün\"\"ter\")":     "WITH (\"sasl.password\" = \"***\"\"***\")",
		"'ticket.key'/* 'x' */=\n-- c\n 'geheim'":       "'ticket.key'/* 'x' */=\n-- c\n '******'",
		"'token' = 'not closed":                         "'token' = '**********",
		"SET a.password = geheim; SELECT 1":             "SET a.password = ******; SELECT 1",
		"'password' = 'env:NAME', 'token' = '${T}'":     "'password' = 'env:NAME', 'token' = '${T}'",
		"'url' = 'postgres://u:geheim@h/d'":             "'url' = 'postgres://u:******@h/d'",
		"'users' = 'a token=x\nb password=y'":           "'users' = '*********\n************'",
		"'url' = 'u:geheim@tcp(h:1)/d', 'table' = 'me'": "'url' = 'u:******@tcp(h:1)/d', 'table' = 'me'",
	} {
		if got, _ := mask(text); got != want {
			t.Errorf("%s becomes\n%s, want\n%s", text, got, want)
		}
	}
}

func TestRenderShowsNoSecretAndNoEscape(t *testing.T) {
	text := "SELECT \x1b[2J WITH ('password' = 'hunter2')"
	got := Render(&arrowstream.Error{Code: "AS1101", Msg: "unexpected hunter2 \x1b[31m", Hint: "not \u202ehunter2", Pos: arrowstream.Pos{Line: 1, Col: 20, EndCol: 24}}, text)
	if strings.Contains(got, "hunter2") || strings.ContainsAny(got, "\x1b\u202e") || !strings.Contains(got, "'*******'") || !strings.Contains(got, "unexpected ***") {
		t.Error(got)
	}
}
