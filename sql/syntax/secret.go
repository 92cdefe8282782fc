package syntax

import (
	"regexp"
	"strings"
)

// secretWords mark options whose values are never printed.
var secretWords = []string{"password", "secret", "token", "access.key", "accesskey", "ticket.key", "credential"}

// Secret reports whether the value of an option must not be shown.
func Secret(key string) bool {
	for _, s := range secretWords {
		if strings.Contains(strings.ToLower(key), s) {
			return true
		}
	}
	return strings.EqualFold(key, "users")
}

// Reference reports whether the value of a secret only says where it is.
func Reference(value string) bool {
	return strings.HasPrefix(value, "env:") || strings.HasPrefix(value, "file:") || strings.HasPrefix(value, "${")
}

var (
	// goUser ends the user and password of an address as Go's driver of MySQL
	// takes it: user:password@tcp(host:port)/database.
	goUser = regexp.MustCompile(`@[a-z0-9]*\(`)
	// plainHost is a host without user, with a port or none.
	plainHost = regexp.MustCompile(`^(\[[^]]*\]|[^:@/]*)(:\d*)?(/|$)`)
	// assigned is a secret among the parameters of a URL or of a text for psql.
	assigned = regexp.MustCompile(`(?i)(\b[\w.-]*(?:password|passwd|pwd|secret|token|credential)[\w.-]*\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&;']+)`)
)

// Redact hides passwords inside the value of an option that is an address.
func Redact(value string) string {
	start, address := strings.Index(value, "://"), true
	if start >= 0 {
		start += len("://")
	} else {
		start, address = 0, goUser.MatchString(value)
	}
	if address {
		head, rest := value, ""
		if i := strings.IndexByte(value[start:], '?'); i >= 0 && (strings.Contains(value[start:start+i], "@") || plainHost.MatchString(value[start:start+i])) {
			head, rest = value[:start+i], value[start+i:]
		}
		// The last @: a password that was not escaped may hold others.
		if at := strings.LastIndexByte(head, '@'); at >= start {
			if colon := strings.IndexByte(head[start:at], ':'); colon >= 0 {
				head = head[:start+colon] + ":***" + head[at:]
			}
		}
		value = head + rest
	} else if !strings.Contains(value, "host=") && !strings.Contains(value, "dbname=") {
		return value
	}
	return assigned.ReplaceAllString(value, "${1}***")
}
