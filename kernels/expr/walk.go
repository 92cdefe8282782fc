package expr

// Walk calls visit for e and, where it returns true, for the expressions e is
// made of, from left to right.
func Walk(e Expr, visit func(Expr) bool) {
	if e == nil || !visit(e) {
		return
	}
	switch e := e.(type) {
	case Field:
		Walk(e.Of, visit)
	case Call:
		for _, a := range e.Args {
			Walk(a, visit)
		}
	case Cast:
		Walk(e.Of, visit)
	case Lambda:
		Walk(e.Body, visit)
	case Case:
		for _, w := range e.Whens {
			Walk(w.Cond, visit)
			Walk(w.Then, visit)
		}
		Walk(e.Else, visit)
	}
}
