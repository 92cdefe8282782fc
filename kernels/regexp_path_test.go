package kernels

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// TestPath compares paths with package regexp on random patterns and texts.
func TestPath(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	paths := 0
	for range 20_000 {
		var sb strings.Builder
		for range 1 + rng.IntN(5) {
			part := pick("a", "ab", "b", "=", "[ab]", "[^a]", "[^é]", ".", "é", "^", "$", "(a|^)", "(^|b)", `\d`, "(?i:a)", "\uFFFD", "(?s:.)", "ab=")
			part += pick("", "", "", "*", "+", "?", "*?", "{2}", "{0,2}")
			if rng.IntN(3) == 0 {
				part = "(" + part + ")"
			}
			sb.WriteString(part)
		}
		re, err := regexp.Compile(sb.String())
		if err != nil {
			continue
		}
		p := newPattern(re)
		if p.path != nil {
			paths++
		}
		for range 10 {
			var text strings.Builder
			for range rng.IntN(8) {
				text.WriteString(pick("a", "b", "=", "é", "1", "A", "\n", "ab=", "\xff", "\xc3"))
			}
			s := []byte(text.String())
			want := re.FindSubmatchIndex(s)
			if p.match(s) != (want != nil) {
				t.Fatalf("%q in %q: match is %v", sb.String(), s, want == nil)
			}
			for g := range re.NumSubexp() + 1 {
				from, to, ok := p.group(s, g)
				if found := want != nil && want[2*g] >= 0; ok != found || ok && (from != want[2*g] || to != want[2*g+1]) {
					t.Fatalf("%q in %q, group %d: %d %d %v, want %v", sb.String(), s, g, from, to, ok, want)
				}
			}
		}
	}
	if paths < 1000 {
		t.Errorf("only %d patterns were paths", paths)
	}
}

func TestPathOfURL(t *testing.T) {
	for _, text := range []string{`(&|^)channel_id=([^&]*)`, `id=(\d+)`, `^https?://([^/]+)/`, `/item/([a-z]+)$`, `a(b|cd)`} {
		re := regexp.MustCompile(text)
		if p := newPattern(re); (p.path == nil) != (text == `a(b|cd)`) {
			t.Errorf("%s: a path: %v", text, p.path != nil)
		}
	}
}

func BenchmarkRegexpExtract(b *testing.B) {
	s := []byte("https://www.nexmark.com/abc/s_tx/pvzi/item.htm?query=1&channel_id=201326592")
	for _, text := range []string{`(&|^)channel_id=([^&]*)`, `(&|^)(channel|order)_id=([^&]*)`} {
		re := regexp.MustCompile(text)
		p := newPattern(re)
		b.Run(fmt.Sprintf("path=%v", p.path != nil), func(b *testing.B) {
			for b.Loop() {
				p.group(s, 2)
			}
		})
		b.Run("package regexp/"+text, func(b *testing.B) {
			for b.Loop() {
				re.FindSubmatchIndex(s)
			}
		})
	}
}
