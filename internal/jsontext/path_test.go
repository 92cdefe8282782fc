package jsontext

import (
	"encoding/json"
	"testing"
)

func TestPath(t *testing.T) {
	const text = ` {"a":{"b":[1,{"c":"x\u00e9\ud83d\ude00"}],"b c":null,"'":7},"a.b":true,"e":{},"n":[],"d":1,"d":{"x":2}} `
	for _, c := range []struct{ path, want string }{
		{"$.a.b[0]", "1"},
		{"$.a.b[1].c", "xé😀"},
		{"$['a']['b'][1][\"c\"]", "xé😀"},
		{"$.a['b c']", "null"},
		{"$.a[\"'\"]", "7"},
		{"$['a.b']", "true"},
		{"strict $.a.b", `[1,{"c":"x\u00e9\ud83d\ude00"}]`},
		{"$.d.x", "2"},
		{"$.e", "{}"},
		{"$.e.x", ""},
		{"$.n[0]", ""},
		{"$.a.b[2]", ""},
		{"$.a[0]", ""},
		{"$.a.b.c", ""},
		{"$.a.b[0].c", ""},
	} {
		p, err := ParsePath(c.path)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		v, found, err := p.Find([]byte(text))
		if got := string(AppendText(nil, v)); err != nil || got != c.want || found != (c.want != "") {
			t.Errorf("%s: %q, %v, %v, want %q", c.path, got, found, err, c.want)
		}
	}
	for _, bad := range []string{"", "a", "$a", "$.", "$..a", "$.a.", "$[", "$[]", "$[-1]", "$[1", "$['a", "$['a'", "$.*", "$[*]", "$[99999999999]"} {
		if p, err := ParsePath(bad); err == nil {
			t.Errorf("%q is read as %v", bad, p)
		}
	}
}

// A path finds something only in text that is JSON, and what it finds is JSON.
func FuzzPath(f *testing.F) {
	f.Add("$.a[1].b", `{"a":[0,{"b":"\u0041"}]}`)
	f.Add("$['x']", `{"x":1,"x":[}`)
	f.Add("$[0][0]", `[[[]]]`)
	f.Fuzz(func(t *testing.T, path, text string) {
		p, err := ParsePath(path)
		if err != nil {
			return
		}
		v, found, err := p.Find([]byte(text))
		if checked := Check([]byte(text)); (err == nil) != (checked == nil) {
			t.Fatalf("Find: %v, Check: %v", err, checked)
		}
		if found && !json.Valid(v) {
			t.Fatalf("%q is no JSON", v)
		}
		if found {
			AppendText(nil, v)
		}
	})
}
