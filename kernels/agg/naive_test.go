package agg_test

import (
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// The naive versions of the aggregates, row at a time over cells of text.

func values(rows []row) (out []string) { return firsts(values2(rows)) }

// values2 are the rows whose first argument is not NULL.
func values2(rows []row) (out []row) {
	for _, r := range rows {
		if r[0] != "null" {
			out = append(out, r)
		}
	}
	return out
}

func firsts(rows []row) (out []string) {
	for _, r := range rows {
		out = append(out, r[0])
	}
	return out
}

func distinct(rows []row) (out []row) {
	seen := map[string]bool{}
	for _, r := range values2(rows) {
		v := r[0]
		if v == "-0" {
			v = "0"
		}
		if !seen[v] {
			seen[v] = true
			out = append(out, row{v})
		}
	}
	return out
}

func number(cell string) float64 {
	x, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		panic(err)
	}
	return x
}

func cellOf(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func sumInts(rows []row) string {
	if len(values(rows)) == 0 {
		return "null"
	}
	total := new(big.Int)
	for _, v := range values(rows) {
		x, _ := new(big.Int).SetString(v, 10)
		total.Add(total, x)
	}
	return total.String()
}

func sumDecimals(rows []row, mean bool) string {
	if len(values(rows)) == 0 {
		return "null"
	}
	total := new(big.Rat)
	for _, v := range values(rows) {
		x, _ := new(big.Rat).SetString(v)
		total.Add(total, x)
	}
	if mean {
		return total.Quo(total, big.NewRat(int64(len(values(rows))), 1)).FloatString(6)
	}
	return total.FloatString(2)
}

func sumFloats(vals []string, mean bool) string {
	if len(vals) == 0 {
		return "null"
	}
	total := 0.0
	for _, v := range vals {
		total += number(v)
	}
	if mean {
		total /= float64(len(vals))
	}
	return cellOf(total)
}

func lessNumber(a, b string) bool {
	x, y := number(a), number(b)
	return x < y || math.IsNaN(y) && !math.IsNaN(x)
}

func lessText(a, b string) bool { return a < b }

func extreme(rows []row, largest bool, less func(a, b string) bool) string {
	vals := values(rows)
	if len(vals) == 0 {
		return "null"
	}
	best := vals[0]
	for _, v := range vals[1:] {
		if largest && less(best, v) || !largest && less(v, best) {
			best = v
		}
	}
	if best == "-0" {
		best = "0"
	}
	return best
}

func variance(rows []row, less int, root bool) string {
	vals := values(rows)
	n := len(vals)
	if n-less < 1 {
		return "null"
	}
	mean, m2 := 0.0, 0.0
	for _, v := range vals {
		mean += number(v) / float64(n)
	}
	for _, v := range vals {
		m2 += (number(v) - mean) * (number(v) - mean)
	}
	x := m2 / float64(n-less)
	if root {
		x = math.Sqrt(x)
	}
	return cellOf(x)
}

// pairs are the rows without NULL.
func pairs(rows []row) (out []row) {
	for _, r := range rows {
		if r[0] != "null" && r[1] != "null" {
			out = append(out, r)
		}
	}
	return out
}

func covarPop(rows []row) string {
	rows = pairs(rows)
	n := float64(len(rows))
	if n == 0 {
		return "null"
	}
	mx, my, xy := 0.0, 0.0, 0.0
	for _, r := range rows {
		mx, my = mx+number(r[0])/n, my+number(r[1])/n
	}
	for _, r := range rows {
		xy += (number(r[0]) - mx) * (number(r[1]) - my)
	}
	return cellOf(xy / n)
}

// aucOf is the share of pairs of a positive and another row in which the positive
// one has the greater score.
func aucOf(rows []row) string {
	rows = pairs(rows)
	won, all := 0.0, 0.0
	for _, p := range rows {
		for _, q := range rows {
			if !(number(p[1]) > 0) || number(q[1]) > 0 {
				continue
			}
			all++
			switch a, b := number(p[0]), number(q[0]); {
			case a == b || a != a && b != b:
				won += 0.5
			case a > b || a != a:
				won++
			}
		}
	}
	if all == 0 {
		return "null"
	}
	return cellOf(won / all)
}

func atEnd(rows []row, last bool) string {
	vals := values(rows)
	switch {
	case len(vals) == 0:
		return "null"
	case last:
		return vals[len(vals)-1]
	}
	return vals[0]
}

func argExtreme(rows []row, largest bool, less func(a, b string) bool) string {
	var best row
	for _, r := range rows {
		if r[1] == "null" {
			continue
		}
		if best == nil || largest && less(best[1], r[1]) || !largest && less(r[1], best[1]) {
			best = r
		}
	}
	if best == nil {
		return "null"
	}
	return best[0]
}

func list(vals []string) string {
	if len(vals) == 0 {
		return "null"
	}
	return "[" + strings.Join(vals, ",") + "]"
}

func median(rows []row) string {
	var vals []float64
	for _, v := range values(rows) {
		vals = append(vals, number(v))
	}
	n := len(vals)
	if n == 0 {
		return "null"
	}
	slices.Sort(vals)
	return cellOf((vals[(n-1)/2] + vals[n/2]) / 2)
}

func accuracy(rows []row) string {
	hits, all := 0, 0
	for _, r := range pairs(rows) {
		all++
		if r[0] == r[1] {
			hits++
		}
	}
	if all == 0 {
		return "null"
	}
	return cellOf(float64(hits) / float64(all))
}

// f1Of is the harmonic mean of precision and recall of labels above 0.
func f1Of(rows []row) string {
	hits, predicted, labels := 0.0, 0.0, 0.0
	for _, r := range pairs(rows) {
		p, y := number(r[0]) > 0, number(r[1]) > 0
		switch {
		case p && y:
			hits, predicted, labels = hits+1, predicted+1, labels+1
		case p:
			predicted++
		case y:
			labels++
		}
	}
	switch {
	case predicted+labels == 0:
		return "null"
	case hits == 0:
		return "0"
	}
	precision, recall := hits/predicted, hits/labels
	return cellOf(2 * precision * recall / (precision + recall))
}

func mae(rows []row) string {
	total, n := 0.0, 0
	for _, r := range pairs(rows) {
		total += math.Abs(number(r[0]) - number(r[1]))
		n++
	}
	if n == 0 {
		return "null"
	}
	return cellOf(total / float64(n))
}

// mode is the value that occurs most, of several the first.
func mode(rows []row) string {
	best, most := "null", 0
	for i, v := range values(rows) {
		n := 0
		for _, w := range values(rows) {
			if w == v {
				n++
			}
		}
		if n > most && !slices.Contains(values(rows)[:i], v) {
			best, most = v, n
		}
	}
	return best
}

func bitwise(rows []row, op func(a, b int64) int64) string {
	vals := values(rows)
	if len(vals) == 0 {
		return "null"
	}
	var total int64
	for i, v := range vals {
		x, _ := strconv.ParseInt(v, 10, 64)
		if total = op(total, x); i == 0 {
			total = x
		}
	}
	return strconv.FormatInt(total, 10)
}

// disc is the first of the sorted values with a quarter of them up to it.
func disc(rows []row) string { return discOf(rows, false) }

// discFromTop is percentile_disc in descending order.
func discFromTop(rows []row) string { return discOf(rows, true) }

func discOf(rows []row, desc bool) string {
	vals := values(rows)
	if len(vals) == 0 {
		return "null"
	}
	slices.SortFunc(vals, func(a, b string) int {
		switch {
		case lessNumber(a, b):
			return -1
		case lessNumber(b, a):
			return 1
		}
		return 0
	})
	if desc {
		slices.Reverse(vals)
	}
	v := vals[(len(vals)+3)/4-1]
	if v == "-0" {
		v = "0"
	}
	return v
}

// joined is texts with commas, as a cell.
func joined(vals []string) string {
	if len(vals) > 1 {
		return strconv.Quote(strings.Join(vals, ","))
	}
	return vals[0]
}

// mapOf is the map of keys, in the order in which they came, to their last item.
func mapOf(rows []row) string {
	var keys []string
	items := map[string]string{}
	for _, r := range values2(rows) {
		if _, known := items[r[0]]; !known {
			keys = append(keys, r[0])
		}
		items[r[0]] = r[1]
	}
	var entries []string
	for _, k := range keys {
		entries = append(entries, "{"+k+","+items[k]+"}")
	}
	return list(entries)
}

// between is the values with commas between them.
func between(open string, rows []row, end string) string {
	vals := values(rows)
	if len(vals) == 0 {
		return "null"
	}
	return strconv.Quote(open + strings.Join(vals, ",") + end)
}

// topOf is the values that occur most with their numbers, of several the first.
func topOf(rows []row, k int) string {
	var vals []string
	counts := map[string]int{}
	for _, v := range values(rows) {
		if counts[v]++; counts[v] == 1 {
			vals = append(vals, v)
		}
	}
	slices.SortStableFunc(vals, func(a, b string) int { return counts[b] - counts[a] })
	var top []string
	for _, v := range vals[:min(k, len(vals))] {
		top = append(top, "{"+v+","+strconv.Itoa(counts[v])+"}")
	}
	return list(top)
}
