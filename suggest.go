package arrowstream

import "github.com/arrowstream/arrowstream/internal/suggest"

// Suggest is the hint for an unknown name: up to three known names that are
// near, else the first ten of what there is. kind is the plural word for the
// names.
func Suggest(name string, known []string, kind string) string {
	return suggest.Hint(name, known, kind)
}
