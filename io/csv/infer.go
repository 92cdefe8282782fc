package csv

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/internal/cell"
)

// looksLikeHeader reports whether a first row names columns: every field is a
// distinct text that is no value of another type.
func (d *dialect) looksLikeHeader(data []byte, r *record) bool {
	names := map[string]bool{}
	var scratch []byte
	for _, f := range r.fields {
		v := d.value(data, f, &scratch)
		var g cell.Guess
		g.Add(v)
		if !g.Seen() || g.Type().ID() != arrow.STRING || names[string(v)] {
			return false
		}
		names[string(v)] = true
	}
	return len(names) > 0
}

// names are the fields of a header, made distinct.
func (d *dialect) names(data []byte, r *record) []string {
	var scratch []byte
	used := map[string]bool{}
	names := make([]string, len(r.fields))
	for i, f := range r.fields {
		name := strings.ToValidUTF8(strings.TrimSpace(string(d.value(data, f, &scratch))), "\uFFFD")
		if name == "" {
			name = fmt.Sprintf("column%d", i+1)
		}
		base := name
		for k := 2; used[name]; k++ {
			name = fmt.Sprintf("%s_%d", base, k)
		}
		used[name] = true
		names[i] = name
	}
	return names
}
