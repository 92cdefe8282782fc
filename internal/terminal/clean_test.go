package terminal

import "testing"

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "plain": "plain", "übung 日本": "übung 日本", "a\tb\nc\r": "a b c ", "\x1b[2J\x1b]0;title\x07": "[2J]0;title", "a\x00b\x7fc\u0085": "abc",
		"\u202egnp.exe\u2066": "gnp.exe", "bad \xff": "bad \uFFFD",
	} {
		if got := Clean([]byte(text), false); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	if got := Clean([]byte("a\n\tb\x1b"), true); got != "a\n\tb" {
		t.Errorf("%q", got)
	}
}
