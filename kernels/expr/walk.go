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

// Map is e with f(x) for each expression x that it is made of, one level down. It
// shares nothing with e that could change.
func Map(e Expr, f func(Expr) Expr) Expr {
	switch e := e.(type) {
	case Field:
		e.Of = f(e.Of)
		return e
	case Call:
		args := make([]Expr, len(e.Args))
		for i, a := range e.Args {
			args[i] = f(a)
		}
		e.Args = args
		return e
	case Cast:
		e.Of = f(e.Of)
		return e
	case Lambda:
		e.Body = f(e.Body)
		return e
	case Case:
		whens := make([]When, len(e.Whens))
		for i, w := range e.Whens {
			whens[i] = When{Cond: f(w.Cond), Then: f(w.Then)}
		}
		if e.Whens = whens; e.Else != nil {
			e.Else = f(e.Else)
		}
		return e
	}
	return e
}
