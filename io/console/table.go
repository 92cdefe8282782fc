package console

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/apache/arrow/go/v17/arrow"
	"golang.org/x/text/width"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/cell"
	"github.com/arrowstream/arrowstream/internal/terminal"
)

// maxCell bounds the characters kept of a cell.
const maxCell = 256

// cells are the values of a batch as text, the change of an updating stream
// as +I, -U, +U or -D.
type cells struct {
	views []*cell.View
	ops   []int8 // of the last column, or nil
}

func newCells(b arrowstream.Batch) (*cells, error) {
	c := &cells{}
	for i, col := range b.Columns() {
		v, err := cell.NewView(col)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", b.ColumnName(i), err)
		}
		c.views = append(c.views, v)
	}
	if columnar.Changelog(b.Schema()) {
		c.ops = columnar.Values[int8](b.Column(len(c.views) - 1))
	}
	return c, nil
}

func (c *cells) null(j, i int) bool { return !c.views[j].Valid.Get(i) }

func (c *cells) append(to []byte, j, i int) []byte {
	if c.ops != nil && j == len(c.views)-1 {
		return append(to, columnar.Change(c.ops[i]).String()...)
	}
	return c.views[j].AppendPlain(to, i, ' ')
}

// table collects the rows of one tick: all of the first half of what is shown,
// and the last ones.
type table struct {
	names   []string
	order   []int  // column of the batch; the change comes first
	right   []bool // columns of numbers
	width   int    // cells of a line, 0 for no limit
	limit   int    // rows shown, negative for all
	head    [][]string
	tail    [][]string // a ring
	count   int
	printed bool
}

func newTable(schema *arrow.Schema, width, limit int) *table {
	t := &table{width: width, limit: limit}
	column := func(i int, name string, number bool) {
		t.order, t.names, t.right = append(t.order, i), append(t.names, name), append(t.right, number)
	}
	n := schema.NumFields()
	if columnar.Changelog(schema) {
		n--
		column(n, "op", false)
	}
	for i, f := range schema.Fields()[:n] {
		id := f.Type.ID()
		column(i, terminal.Clean([]byte(f.Name), false), arrow.IsInteger(id) || arrow.IsFloating(id) || arrow.IsDecimal(id))
	}
	return t
}

func (t *table) add(b arrowstream.Batch) error {
	c, err := newCells(b)
	if err != nil {
		return err
	}
	var text []byte
	for i := range int(b.NumRows()) {
		row := t.slot()
		for k, j := range t.order {
			if c.null(j, i) {
				row[k] = "NULL"
				continue
			}
			text = c.append(text[:0], j, i)
			row[k] = terminal.Clean(text[:min(len(text), 4*maxCell)], false)
		}
	}
	return nil
}

// slot is where the next row goes.
func (t *table) slot() []string {
	n := t.count
	t.count++
	first := (t.limit + 1) / 2
	if t.limit < 0 || n < first {
		t.head = append(t.head, make([]string, len(t.names)))
		return t.head[n]
	}
	last := t.limit - first
	if last == 0 {
		return make([]string, len(t.names))
	}
	if len(t.tail) < last {
		t.tail = append(t.tail, make([]string, len(t.names)))
		return t.tail[n-first]
	}
	return t.tail[(n-first)%last]
}

// render draws the table and starts anew.
func (t *table) render() []byte {
	t.printed = true
	rows := t.head
	hidden := t.count - len(t.head) - len(t.tail)
	if n := len(t.tail); n > 0 {
		start := (t.count - len(t.head)) % n
		if hidden == 0 {
			start = 0
		}
		rows = append(rows[:len(rows):len(rows)], t.tail[start:]...)
		rows = append(rows, t.tail[:start]...)
	}
	widths := t.fit(rows)
	var sb strings.Builder
	line := func(row []string) {
		for j, v := range row {
			if j > 0 {
				sb.WriteString("  ")
			}
			v, w := cut(v, widths[j])
			pad := strings.Repeat(" ", widths[j]-w)
			switch {
			case t.right[j]:
				sb.WriteString(pad + v)
			case j == len(row)-1:
				sb.WriteString(v)
			default:
				sb.WriteString(v + pad)
			}
		}
		sb.WriteByte('\n')
	}
	line(t.names)
	rule := make([]string, len(t.names))
	for j, w := range widths {
		rule[j] = strings.Repeat("-", w)
	}
	line(rule)
	for i, row := range rows {
		if i == len(t.head) && hidden > 0 {
			fmt.Fprintf(&sb, "... %d more rows ...\n", hidden)
		}
		line(row)
	}
	if hidden > 0 && len(t.tail) == 0 {
		fmt.Fprintf(&sb, "... %d more rows ...\n", hidden)
	}
	fmt.Fprintf(&sb, "(%d rows)\n\n", t.count)
	t.head, t.tail, t.count = nil, nil, 0
	out := sb.String()
	return []byte(strings.Replace(out, "(1 rows)", "(1 row)", 1))
}

// fit is the width of each column: what its cells need, less, the widest
// first, if the line is too long.
func (t *table) fit(rows [][]string) []int {
	widths := make([]int, len(t.names))
	sum := 2 * (len(widths) - 1)
	for j, name := range t.names {
		widths[j] = cellWidth(name)
		for _, row := range rows {
			widths[j] = max(widths[j], cellWidth(row[j]))
		}
		sum += widths[j]
	}
	for t.width > 0 && sum > t.width {
		widest := 0
		for j, w := range widths {
			if w > widths[widest] {
				widest = j
			}
		}
		if widths[widest] <= 4 {
			break
		}
		widths[widest]--
		sum--
	}
	return widths
}

// cut shortens v to w cells and returns what it takes.
func cut(v string, w int) (string, int) {
	if n := cellWidth(v); n <= w {
		return v, n
	}
	n := 0
	for i, r := range v {
		if n+runeWidth(r) > w-1 {
			return v[:i] + "…", n + 1
		}
		n += runeWidth(r)
	}
	return v, n
}

func cellWidth(v string) int {
	n := 0
	for _, r := range v {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}
