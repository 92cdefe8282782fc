package syntax

// Children are the direct operands of an expression, in the order of the text.
// The keys of ORDER BY, of a window and of other clauses of a call are among
// them; subqueries and what stands in them are not.
func Children(e Expr) []Expr {
	var out []Expr
	add := func(list ...Expr) {
		for _, x := range list {
			if x != nil {
				out = append(out, x)
			}
		}
	}
	orders := func(list []Order) {
		for _, o := range list {
			add(o.X)
		}
	}
	switch e := e.(type) {
	case *Unary:
		add(e.X)
	case *Binary:
		add(e.L, e.R)
	case *Is:
		add(e.X)
	case *Between:
		add(e.X, e.Low, e.High)
	case *In:
		add(e.X)
		add(e.List...)
	case *Like:
		add(e.X, e.Pattern, e.Escape)
	case *Case:
		add(e.Operand)
		for _, w := range e.Whens {
			add(w.Cond, w.Then)
		}
		add(e.Else)
	case *Cast:
		add(e.X)
	case *Call:
		for _, a := range e.Args {
			add(a.Value)
		}
		orders(e.OrderBy)
		if e.JSON != nil {
			add(e.JSON.OnEmpty.Value, e.JSON.OnError.Value)
		}
		orders(e.Within)
		add(e.Filter)
		if w := e.Over; w != nil {
			add(w.Partition...)
			orders(w.OrderBy)
			if w.Frame != nil {
				add(w.Frame.Start.N, w.Frame.End.N)
			}
		}
	case *Lambda:
		add(e.Body)
	case *Extract:
		add(e.X)
	case *Field:
		add(e.X)
	case *Index:
		add(e.X, e.I)
	case *JSONAccess:
		add(e.X, e.Key)
	case *Star:
		add(e.X)
		for _, it := range e.Replace {
			add(it.X)
		}
	case *Array:
		add(e.Items...)
	case *Map:
		add(e.Items...)
	case *Row:
		add(e.Items...)
	case *TableArg:
		add(e.Partition...)
	case *Rows:
		add(e.N)
	case *Grouping:
		add(e.Sets...)
	}
	return out
}

// Any reports whether f holds for e or any expression in it.
func Any(e Expr, f func(Expr) bool) bool {
	if e == nil {
		return false
	}
	if f(e) {
		return true
	}
	for _, c := range Children(e) {
		if Any(c, f) {
			return true
		}
	}
	return false
}
