package remote

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
)

func TestUsersErrors(t *testing.T) {
	t.Setenv("REMOTE_TEST_EMPTY", "")
	for text, want := range map[string]string{
		"# nobody":                       "names nobody",
		"alice":                          "line 1: a credential is missing",
		"\nalice secret=h1dden":          "line 2: the credential is not",
		"alice token=h1dden read":        "a grant is not",
		"alice token=h1dden admin=x":     "a grant is not",
		"alice token=h1dden read=":       "a grant is not",
		"alice token=":                   "the token is empty",
		"a token=h1dden\na token=h1dden": `line 2: user "a" is there already`,
		"token=h1dden read=x":            "not a name",
		"a token=env:REMOTE_TEST_EMPTY":  "REMOTE_TEST_EMPTY is not set",
		"a password=file:/no/such":       "/no/such",
	} {
		_, err := kind.parseUsers(nil, text)
		var e *arrowstream.Error
		if !errors.As(err, &e) || e.Code != "AS1504" || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "h1dden") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestFailuresBlockAnAddress(t *testing.T) {
	var f Failures
	now := time.Now()
	for i := range 3 * maxFailureIPs {
		f.Add(fmt.Sprint(i), now)
	}
	if len(f.seen) > maxFailureIPs {
		t.Errorf("%d addresses are kept", len(f.seen))
	}
	for i := range maxFailures {
		f.Add("a", now.Add(time.Duration(i)*time.Second))
	}
	if !f.Blocked("a", now.Add(failureSpan-1)) || f.Blocked("a", now.Add(failureSpan)) || f.Blocked("b", now) {
		t.Error("an address is not blocked for a minute")
	}
	f.Add("a", now.Add(failureSpan))
	if f.Blocked("a", now.Add(failureSpan)) {
		t.Error("one failure blocks")
	}
}
