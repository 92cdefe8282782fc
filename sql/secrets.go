package sql

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// warnSecrets warns, once per script, about a secret that is written out in it:
// texts of programs are kept, shared and logged.
func (s *session) warnSecrets(t *table, list []syntax.Option) {
	if slices.ContainsFunc(s.warnings, func(w *arrowstream.Error) bool { return w.Code == "AS2103" }) {
		return
	}
	names := secretOptions(t.connector.Options)
	for _, o := range list {
		secret := slices.Contains(names, o.Key) && o.Value != "" && !syntax.Reference(o.Value)
		if secret || syntax.Redact(o.Value) != o.Value {
			s.warn(o.KeyAt, "AS2103", "write env:NAME or file:PATH as the value of the option, user and password not as part of an address", fmt.Sprintf("option %q holds a secret in the text of the script", o.Key))
			return
		}
	}
}

// secretOptions are the names and aliases of options that are secrets.
func secretOptions(configs []any) []string {
	var out []string
	for _, c := range configs {
		t := reflect.TypeOf(c)
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		for i := range t.NumField() {
			if tag, ok := t.Field(i).Tag.Lookup("option"); ok && t.Field(i).Type == reflect.TypeFor[arrowstream.Secret]() {
				out = append(out, strings.Split(tag, ",")...)
			}
		}
	}
	return out
}
