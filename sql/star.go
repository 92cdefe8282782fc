package sql

import (
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// meansAll reports whether e is the word ALL, as in GROUP BY ALL: not a column, of
// the rows or, as an output, of the list.
func (b *binder) meansAll(e syntax.Expr, items []syntax.Item) bool {
	c, ok := e.(*syntax.Column)
	if !ok || len(c.Parts) != 1 || c.Parts[0].Quote != 0 || !strings.EqualFold(c.Parts[0].Name, "all") {
		return false
	}
	_, found, err := b.resolve(c.Name)
	return err == nil && !found && !slices.ContainsFunc(items, func(it syntax.Item) bool { return strings.EqualFold(itemName(it), "all") })
}

// groupAll are the outputs that GROUP BY ALL groups by: those without aggregates.
func (p *block) groupAll(sel *syntax.Select, sc *scope) (groups []syntax.Expr) {
	for _, it := range sel.Items {
		if star, ok := it.X.(*syntax.Star); ok {
			for _, c := range sc.columns {
				if star.Qualifier == nil && !c.merged || star.Qualifier != nil && strings.EqualFold(star.Qualifier.Last(), c.table) {
					groups = append(groups, c.column(star.Span))
				}
			}
		} else if groupable(it.X) && !p.s.hasAggregate(it.X) {
			groups = append(groups, it.X)
		}
	}
	return groups
}

// column is c as it is written, qualified where its table has a name.
func (c scopeColumn) column(at syntax.Span) *syntax.Column {
	name := syntax.Name{Span: at, Parts: []syntax.Ident{{Span: at, Name: c.name, Quote: '`'}}}
	if c.table != "" {
		name.Parts = append([]syntax.Ident{{Span: at, Name: c.table, Quote: '`'}}, name.Parts...)
	}
	return &syntax.Column{Name: name}
}

// star expands * and t.*, without what EXCEPT leaves out and with what REPLACE
// puts there.
func (p *block) star(b *binder, star *syntax.Star, sc *scope) ([]outColumn, error) {
	cols, err := p.starColumns(b, star, sc)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = c.Name
	}
	find := func(id syntax.Ident, of []outColumn) (int, error) {
		i := slices.IndexFunc(of, func(c outColumn) bool { return c.Name == id.Name })
		if i < 0 {
			i = slices.IndexFunc(of, func(c outColumn) bool { return strings.EqualFold(c.Name, id.Name) })
		}
		if i < 0 {
			return 0, b.err(id, "AS1203", arrowstream.Suggest(id.Name, names, "columns"), "there is no column %q in *", id.Name)
		}
		return i, nil
	}
	for _, id := range star.Except {
		i, err := find(id, cols)
		if err != nil {
			return nil, err
		}
		cols = slices.Delete(cols, i, i+1)
	}
	for _, it := range star.Replace {
		i, err := find(*it.Alias, cols)
		if err != nil {
			return nil, err
		}
		if cols[i].Expr, _, err = b.typed(it.X); err != nil {
			return nil, err
		}
	}
	if len(cols) == 0 {
		return nil, b.err(star, "AS1203", "name the columns that are wanted", "EXCEPT leaves no column of *")
	}
	return cols, nil
}

func (p *block) starColumns(b *binder, star *syntax.Star, sc *scope) ([]outColumn, error) {
	if star.X != nil {
		return nil, b.unsupported(star, syntax.Text(star)+" is")
	}
	if star.Qualifier != nil && !sc.hasTable(star.Qualifier.Last()) {
		if out := p.fields(b, star); out != nil {
			return out, nil
		}
		return nil, b.err(star, "AS1203", arrowstream.Suggest(star.Qualifier.Last(), sc.tables(), "tables"), "table %q not found", star.Qualifier.String())
	}
	if len(sc.columns) == 0 {
		return nil, b.err(star, "AS1203", "write FROM", "* has no columns: there is no FROM")
	}
	var out []outColumn
	for _, c := range sc.columns {
		switch {
		case star.Qualifier != nil && !strings.EqualFold(star.Qualifier.Last(), c.table), star.Qualifier == nil && c.merged:
			continue
		case b.group == nil:
			out = append(out, outColumn{c.name, expr.Col{Name: c.plan}})
			continue
		}
		x, err := b.expr(c.column(star.Span))
		if err != nil {
			return nil, err
		}
		out = append(out, outColumn{c.name, x})
	}
	return out, nil
}

// fields are those of a column of structs, for s.*; nil if there is no such
// column.
func (p *block) fields(b *binder, star *syntax.Star) (out []outColumn) {
	column := &syntax.Column{Name: *star.Qualifier}
	_, t, err := b.typed(column)
	if err != nil {
		return nil
	}
	st, ok := plainType(t).(*arrow.StructType)
	if !ok {
		return nil
	}
	for _, f := range st.Fields() {
		x, err := b.expr(&syntax.Field{Span: star.Span, X: column, Name: syntax.Ident{Span: star.Span, Name: f.Name, Quote: '`'}})
		if err != nil {
			return nil
		}
		out = append(out, outColumn{f.Name, x})
	}
	return out
}
