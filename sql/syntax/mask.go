package syntax

import (
	"regexp"
	"strings"
)

const (
	secretName = `[\w.-]*(?:password|passwd|pwd|secret|token|access\.?key|ticket\.key|credential|\busers\b)[\w.-]*`
	space      = `(?:\s|/\*(?s:.*?)\*/|--[^\n]*\n)*`
)

var (
	// written is an option or a setting that is a secret, in the text of a
	// script: its name, perhaps an equals sign, and its value in quotes; behind
	// SET also without.
	written = regexp.MustCompile("(?i)(" + secretName + "['\"`]?" + space + "=?" + space + ")('(?:[^']|'')*(?:'|$)|\"(?:[^\"]|\"\")*(?:\"|$))" +
		"|(\\bSET\\s+" + secretName + "\\s*=\\s*)([^\\s'\"`,;()]+)")
	// quoted is a text in quotes, which may hold an address.
	quoted = regexp.MustCompile(`'(?:[^']|'')*'|"(?:[^"]|"")*"`)
)

// mask hides the secrets in the text of a script, each of their characters as a
// star, so that places in it stay where they are. secrets are the texts hidden.
// It goes by names and not by the grammar, since what it is shown with is often
// a mistake in that: it rather hides too much.
func mask(source string) (masked string, secrets []string) {
	stars := func(text string) string {
		if plain := strings.Trim(text, `'"`); plain != "" && !Reference(plain) {
			secrets = append(secrets, plain)
			return strings.Map(func(r rune) rune {
				if strings.ContainsRune("'\"\r\n", r) {
					return r
				}
				return '*'
			}, text)
		}
		return text
	}
	var sb strings.Builder
	last := 0
	for _, at := range written.FindAllStringSubmatchIndex(source, -1) {
		value := at[4:6]
		if value[0] < 0 {
			value = at[8:10]
		}
		sb.WriteString(source[last:value[0]])
		sb.WriteString(stars(source[value[0]:value[1]]))
		last = value[1]
	}
	sb.WriteString(source[last:])
	masked = quoted.ReplaceAllStringFunc(sb.String(), func(text string) string {
		shown := Redact(text)
		if shown == text {
			return text
		}
		// What both have in common at their ends is no secret.
		head, tail := 0, 0
		for head < min(len(text), len(shown)) && text[head] == shown[head] {
			head++
		}
		for tail < min(len(text), len(shown))-head && text[len(text)-1-tail] == shown[len(shown)-1-tail] {
			tail++
		}
		return text[:head] + stars(text[head:len(text)-tail]) + text[len(text)-tail:]
	})
	return masked, secrets
}

// hide takes secrets out of a message.
func hide(message string, secrets []string) string {
	for _, s := range secrets {
		if len(s) >= 4 { // shorter ones are part of other words
			message = strings.ReplaceAll(message, s, "***")
		}
	}
	return message
}
