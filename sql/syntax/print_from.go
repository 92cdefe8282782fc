package syntax

import "strconv"

func (w *writer) from(f From) {
	switch f := f.(type) {
	case *Table:
		if f.Path != "" || len(f.Name.Parts) == 0 {
			w.add(quoteText(f.Path))
		} else {
			w.name(f.Name)
		}
		w.hints(f.Hints)
		w.alias(f.Alias)
	case *Derived:
		w.add("(")
		w.query(f.Query)
		w.add(")")
		w.alias(f.Alias)
	case *TableFunc:
		w.add("TABLE(")
		w.call(f.Call)
		w.add(")")
		w.hints(f.Hints)
		w.alias(f.Alias)
	case *Unnest:
		w.add(map[bool]string{false: "UNNEST(", true: "POSEXPLODE("}[f.Position])
		w.expr(f.X, 0)
		w.add(")", when(f.Ordinality, " WITH ORDINALITY"))
		w.alias(f.Alias)
	case *Lateral:
		w.add("LATERAL ")
		w.from(f.Table)
	case *Version:
		w.from(f.Table)
		w.add(" FOR SYSTEM_TIME AS OF ")
		w.expr(f.At, bpBitOr)
		w.alias(f.Alias)
	case *Watermark:
		w.from(f.Table)
		w.add(" WATERMARK ")
		w.expr(f.Time, bpBitOr)
		w.add(" DELAY OF ")
		w.expr(f.Delay, bpBitOr)
		w.alias(f.Alias)
	case *Match:
		w.match(f)
		w.alias(f.Alias)
	case *Join:
		w.join(f)
	}
}

func (w *writer) alias(a Alias) {
	if a.Name == nil {
		return
	}
	w.add(" AS ")
	w.ident(*a.Name)
	if a.Columns != nil {
		w.add(" ")
		w.idents(a.Columns)
	}
}

var joinWords = [...]string{JoinInner: "", JoinLeft: "LEFT ", JoinRight: "RIGHT ", JoinFull: "FULL ", JoinSemi: "LEFT SEMI ", JoinAnti: "LEFT ANTI ", JoinCross: "CROSS "}

func (w *writer) join(j *Join) {
	w.from(j.L)
	w.add(" ", when(j.Natural, "NATURAL "), joinWords[j.Kind], when(j.Asof, "ASOF "), "JOIN ")
	if _, nested := j.R.(*Join); nested {
		w.add("(")
		w.from(j.R)
		w.add(")")
	} else {
		w.from(j.R)
	}
	if j.Match != nil {
		w.add(" MATCH_CONDITION (")
		w.expr(j.Match, 0)
		w.add(")")
	}
	if j.On != nil {
		w.add(" ON ")
		w.expr(j.On, 0)
	}
	if j.Using != nil {
		w.add(" USING ")
		w.idents(j.Using)
	}
}

func (w *writer) match(m *Match) {
	w.from(m.Table)
	w.add(" MATCH_RECOGNIZE (")
	if m.Partition != nil {
		w.add("PARTITION BY ")
		w.exprs(m.Partition)
		w.add(" ")
	}
	w.add("ORDER BY ")
	w.orders(m.OrderBy)
	w.add(" MEASURES ")
	w.items(m.Measures)
	w.add(when(m.AllRows, " ALL ROWS PER MATCH"), when(!m.AllRows, " ONE ROW PER MATCH"), " AFTER MATCH SKIP ")
	switch m.Skip {
	case SkipPastLast:
		w.add("PAST LAST ROW")
	case SkipToNext:
		w.add("TO NEXT ROW")
	case SkipToFirst:
		w.add("TO FIRST ")
		w.ident(m.SkipTo)
	case SkipToLast:
		w.add("TO LAST ")
		w.ident(m.SkipTo)
	}
	w.add(" PATTERN (")
	w.pattern(m.Pattern, 0)
	w.add(")")
	w.clause(" WITHIN ", m.Within)
	for i, d := range m.Define {
		w.add([]string{" DEFINE ", ", "}[min(i, 1)])
		w.ident(d.Var)
		w.add(" AS ")
		w.expr(d.Cond, 0)
	}
	w.add(")")
}

// Levels of patterns, low to high.
const (
	patternAlt = iota
	patternSeq
	patternItem
)

// pattern prints p, in parentheses when it binds weaker than low.
func (w *writer) pattern(p Pattern, low int) {
	level := patternItem
	switch p.(type) {
	case *PatternAlt:
		level = patternAlt
	case *PatternSeq:
		level = patternSeq
	}
	if level < low {
		w.add("(")
		defer w.add(")")
	}
	switch p := p.(type) {
	case *PatternVar:
		w.ident(p.Ident)
	case *PatternSeq:
		for i, x := range p.Items {
			w.add(when(i > 0, " "))
			w.pattern(x, patternItem)
		}
	case *PatternAlt:
		for i, x := range p.Items {
			w.add(when(i > 0, " | "))
			w.pattern(x, patternSeq)
		}
	case *PatternRepeat:
		if _, twice := p.X.(*PatternRepeat); twice {
			w.add("(")
			w.pattern(p.X, 0)
			w.add(")")
		} else {
			w.pattern(p.X, patternItem)
		}
		w.add(quantifier(p.Min, p.Max), when(p.Reluctant, "?"))
	}
}

// quantifier is the shortest spelling of low to high times.
func quantifier(low, high int) string {
	switch {
	case high < 0 && low == 0:
		return "*"
	case high < 0 && low == 1:
		return "+"
	case low == 0 && high == 1:
		return "?"
	case high < 0:
		return "{" + strconv.Itoa(low) + ",}"
	case low == high:
		return "{" + strconv.Itoa(low) + "}"
	}
	return "{" + strconv.Itoa(low) + "," + strconv.Itoa(high) + "}"
}
