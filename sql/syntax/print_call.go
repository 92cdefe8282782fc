package syntax

func (w *writer) call(x *Call) {
	w.name(x.Fn)
	w.add("(", when(x.Star, "*"), when(x.Distinct, "DISTINCT "))
	higher := upperIn(x.Fn.String(), higherOrders...)
	for i, a := range x.Args {
		if i > 0 {
			w.add(", ")
		}
		if a.Name != nil {
			w.ident(*a.Name)
			w.add(" => ")
		}
		if _, lambda := a.Value.(*Lambda); higher && !lambda && Any(a.Value, isJSONAccess) {
			w.add("(")
			w.expr(a.Value, 0)
			w.add(")")
			continue
		}
		w.expr(a.Value, 0)
	}
	w.orderBy(x.OrderBy)
	if x.JSON != nil {
		w.json(x.JSON)
	}
	w.add(")")
	if x.Within != nil {
		w.add(" WITHIN GROUP (ORDER BY ")
		w.orders(x.Within)
		w.add(")")
	}
	if x.Filter != nil {
		w.add(" FILTER (WHERE ")
		w.expr(x.Filter, 0)
		w.add(")")
	}
	if x.Over != nil {
		w.add(" OVER ")
		w.window(x.Over)
	}
}

func isJSONAccess(x Expr) bool {
	_, ok := x.(*JSONAccess)
	return ok
}

func (w *writer) lambda(x *Lambda) {
	if len(x.Params) == 1 {
		w.ident(x.Params[0])
	} else {
		w.idents(x.Params)
	}
	w.add(" -> ")
	w.expr(x.Body, 0)
}

func (w *writer) json(c *JSONClauses) {
	if c.Returning != nil {
		w.add(" RETURNING ")
		w.typ(c.Returning)
	}
	switch c.Wrapper {
	case "":
	case "WITHOUT":
		w.add(" WITHOUT ARRAY WRAPPER")
	default:
		w.add(" WITH ", c.Wrapper, " ARRAY WRAPPER")
	}
	if c.OnNull != "" {
		w.add(" ", c.OnNull, " ON NULL")
	}
	w.jsonDefault(c.OnEmpty, "EMPTY")
	w.jsonDefault(c.OnError, "ERROR")
}

func (w *writer) jsonDefault(d JSONDefault, on string) {
	if d.Kind == "" {
		return
	}
	w.add(" ", d.Kind)
	w.clause(" ", d.Value)
	w.add(" ON ", on)
}

// window prints what stands after OVER or after AS in the WINDOW clause.
func (w *writer) window(x *Window) {
	if x.Base != nil && x.Partition == nil && x.OrderBy == nil && x.Frame == nil {
		w.ident(*x.Base)
		return
	}
	w.windowSpec(x)
}

func (w *writer) windowSpec(x *Window) {
	w.add("(")
	sep := ""
	if x.Base != nil {
		w.ident(*x.Base)
		sep = " "
	}
	if x.Partition != nil {
		w.add(sep, "PARTITION BY ")
		w.exprs(x.Partition)
		sep = " "
	}
	if x.OrderBy != nil {
		w.add(sep, "ORDER BY ")
		w.orders(x.OrderBy)
		sep = " "
	}
	if f := x.Frame; f != nil {
		w.add(sep, when(f.Range, "RANGE"), when(!f.Range, "ROWS"), " BETWEEN ")
		w.bound(f.Start)
		w.add(" AND ")
		w.bound(f.End)
	}
	w.add(")")
}

func (w *writer) bound(b Bound) {
	switch b.Kind {
	case UnboundedPreceding:
		w.add("UNBOUNDED PRECEDING")
	case Preceding:
		w.expr(b.N, bpBitOr)
		w.add(" PRECEDING")
	case CurrentRow:
		w.add("CURRENT ROW")
	case Following:
		w.expr(b.N, bpBitOr)
		w.add(" FOLLOWING")
	case UnboundedFollowing:
		w.add("UNBOUNDED FOLLOWING")
	}
}
