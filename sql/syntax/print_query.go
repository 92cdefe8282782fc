package syntax

func (w *writer) query(q *Query) {
	for i, c := range q.With {
		w.add([]string{"WITH ", ", "}[min(i, 1)])
		w.ident(c.Name)
		if c.Columns != nil {
			w.add(" ")
			w.idents(c.Columns)
		}
		w.add(" AS (")
		w.query(c.Query)
		w.add(")")
	}
	if q.With != nil {
		w.add(" ")
	}
	w.body(q.Body)
	w.orderBy(q.OrderBy)
	if q.Limit != nil {
		w.add(" LIMIT ")
		w.expr(q.Limit, bpBitOr)
	}
	if q.Offset != nil {
		w.add(" OFFSET ")
		w.expr(q.Offset, bpBitOr)
	}
	w.stream(q.Stream)
}

func (w *writer) body(b Body) {
	switch b := b.(type) {
	case *Select:
		w.selectBlock(b)
	case *Query:
		w.add("(")
		w.query(b)
		w.add(")")
	case *Values:
		for i, row := range b.Rows {
			w.add([]string{"VALUES (", ", ("}[min(i, 1)])
			w.exprs(row)
			w.add(")")
		}
	case *Union:
		w.body(b.L) // the tree groups as the text does
		w.add(" ", b.Op, " ", when(b.All, "ALL "))
		w.body(b.R)
	}
}

func (w *writer) selectBlock(s *Select) {
	w.add("SELECT")
	w.hints(s.Hints)
	w.add(" ", when(s.Distinct, "DISTINCT "))
	if s.DistinctOn != nil {
		w.add("DISTINCT ON (")
		w.exprs(s.DistinctOn)
		w.add(") ")
	}
	w.items(s.Items)
	if s.From != nil {
		w.add(" FROM ")
		w.from(s.From)
	}
	if s.Where != nil {
		w.add(" WHERE ")
		w.expr(s.Where, 0)
	}
	if s.GroupBy != nil {
		w.add(" GROUP BY ")
		w.groups(s.GroupBy)
	}
	if s.Having != nil {
		w.add(" HAVING ")
		w.expr(s.Having, 0)
	}
	for i, n := range s.Windows {
		w.add([]string{" WINDOW ", ", "}[min(i, 1)])
		w.ident(n.Name)
		w.add(" AS ")
		w.windowSpec(n.Window)
	}
	if s.Qualify != nil {
		w.add(" QUALIFY ")
		w.expr(s.Qualify, 0)
	}
}

func (w *writer) items(items []Item) {
	for i, it := range items {
		if i > 0 {
			w.add(", ")
		}
		w.expr(it.X, 0)
		if it.Alias != nil {
			w.add(" AS ")
			w.ident(*it.Alias)
		}
	}
}

// groups prints keys and sets of keys: lists of keys have no ROW before them.
func (w *writer) groups(list []Expr) {
	for i, x := range list {
		w.add(when(i > 0, ", "))
		switch x := x.(type) {
		case *Row:
			w.add("(")
			w.exprs(x.Items)
			w.add(")")
		case *Grouping:
			w.grouping(x)
		default:
			w.expr(x, 0)
		}
	}
}

func (w *writer) grouping(g *Grouping) {
	w.add(g.Kind, " (")
	w.groups(g.Sets)
	w.add(")")
}

func (w *writer) orderBy(orders []Order) {
	if orders != nil {
		w.add(" ORDER BY ")
		w.orders(orders)
	}
}

func (w *writer) orders(orders []Order) {
	for i, o := range orders {
		w.add(when(i > 0, ", "))
		w.expr(o.X, 0)
		w.add(when(o.Desc, " DESC"))
		if o.Nulls != "" {
			w.add(" NULLS ", o.Nulls)
		}
	}
}

func (w *writer) clause(words string, x Expr) {
	if x != nil {
		w.add(words)
		w.expr(x, bpBitOr)
	}
}

func (w *writer) stream(s StreamClauses) {
	switch s.Emit {
	case EmitOnClose:
		w.add(" EMIT ON WINDOW CLOSE")
		w.clause(" WITH DELAY ", s.Delay)
		w.clause(" TIMEOUT ", s.Timeout)
	case EmitOnUpdate:
		w.add(" EMIT ON UPDATE")
		w.clause(" WITH BATCH ", s.Every)
	case EmitPeriodic:
		w.add(" EMIT PERIODIC")
		w.clause(" ", s.Every)
	}
	if s.Emit != EmitOnClose {
		w.clause(" EMIT TIMEOUT ", s.Timeout)
	}
	w.clause(" ALLOW LATENESS ", s.Lateness)
	if s.LateTo != nil {
		w.add(" LATE DATA TO ")
		w.name(*s.LateTo)
	}
	if s.OnError != "" {
		w.add(" ON ERROR ", s.OnError)
		if s.DeadTo != nil {
			w.add(" TO ")
			w.name(*s.DeadTo)
			w.clause(" LIMIT ", s.Limit)
			w.clause(" RATE ", s.Rate)
		}
	}
}
