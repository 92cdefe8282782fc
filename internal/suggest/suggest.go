// Package suggest is floor 0: hints for names that are not known.
package suggest

import (
	"fmt"
	"sort"
	"strings"
)

// Hint is the hint for an unknown name: up to three known names that are near
// (Damerau-Levenshtein distance at most max(2, len/3)), else the first ten of
// what there is. kind is the plural word for the names.
func Hint(name string, known []string, kind string) string {
	if near := Near(name, known); len(near) > 0 {
		for i, n := range near {
			near[i] = fmt.Sprintf("%q", n)
		}
		return "did you mean " + strings.Join(near, " or ") + "?"
	}
	if len(known) == 0 {
		return "there are no " + kind
	}
	list := strings.Join(known[:min(10, len(known))], ", ")
	if len(known) > 10 {
		list += fmt.Sprintf(", ... (%d in all)", len(known))
	}
	return kind + ": " + list
}

// Near is up to three of the known names that are near name, nearest first.
func Near(name string, known []string) []string {
	type candidate struct {
		name string
		dist int
	}
	limit := max(2, len(name)/3)
	var found []candidate
	for _, k := range known {
		if d := Distance(strings.ToLower(name), strings.ToLower(k)); d <= limit && d < len(k) {
			found = append(found, candidate{k, d})
		}
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].dist < found[j].dist })
	var out []string
	for _, f := range found[:min(3, len(found))] {
		out = append(out, f.name)
	}
	return out
}

// Distance counts the insertions, deletions, substitutions and swaps of
// neighbours that turn a into b (optimal string alignment), in code points.
func Distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	prev2, prev, cur := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(x); i++ {
		cur[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(y)]
}
