package arrowstream

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretIsNeverShown(t *testing.T) {
	const text = "s3cr3t"
	s := Secret(text)
	var shown strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%T", "%10s", "%t", "%c"} {
		fmt.Fprintf(&shown, verb+"\n", s)
		fmt.Fprintf(&shown, verb+"\n", struct{ Password Secret }{s})
		fmt.Fprintf(&shown, verb+"\n", &s)
		fmt.Fprintf(&shown, verb+"\n", []Secret{s})
	}
	fmt.Fprint(&shown, s, fmt.Errorf("password %v", s), configuration(struct{ Password Secret }{s}))
	b, err := json.Marshal(map[string]any{"in": struct{ S Secret }{s}, "s": s})
	if err != nil {
		t.Fatal(err)
	}
	shown.Write(b)
	slog.New(slog.NewTextHandler(&shown, nil)).Info("x", "password", s, "in", struct{ P Secret }{s})
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("x", "password", s, "in", struct{ P Secret }{s})
	for _, form := range []string{text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text), fmt.Sprintf("% x", text)} {
		if strings.Contains(shown.String(), form) {
			t.Errorf("%q is shown:\n%s", form, shown.String())
		}
	}
	var into struct {
		Password Secret `option:"password"`
	}
	if err := DecodeOptions(map[string]string{"password": text}, &into); err != nil || string(into.Password) != text {
		t.Error(err)
	}
	if fmt.Sprint(Secret("")) != "" || fmt.Sprint(s) != "***" || fmt.Sprintf("%#v", s) != `Secret("***")` {
		t.Errorf("%#v", s)
	}
}
