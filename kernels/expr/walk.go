package expr

import (
	"reflect"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
)

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

// Equal reports whether a and b are the same expression, written alike: the same
// names, literals, types, zones and sites of calls.
func Equal(a, b Expr) bool {
	switch a := a.(type) {
	case nil:
		return b == nil
	case Col, Param:
		return a == b
	case Lit:
		b, ok := b.(Lit)
		return ok && sameType(a.Type, b.Type) && reflect.DeepEqual(a.Value, b.Value)
	case Field:
		b, ok := b.(Field)
		return ok && a.Name == b.Name && Equal(a.Of, b.Of)
	case Call:
		b, ok := b.(Call)
		return ok && a.Name == b.Name && a.Zone == b.Zone && a.Func == b.Func && a.Site == b.Site && slices.EqualFunc(a.Args, b.Args, Equal)
	case Cast:
		b, ok := b.(Cast)
		return ok && a.Try == b.Try && a.Zone == b.Zone && sameType(a.To, b.To) && Equal(a.Of, b.Of)
	case Case:
		b, ok := b.(Case)
		return ok && a.Zone == b.Zone && Equal(a.Else, b.Else) && slices.EqualFunc(a.Whens, b.Whens, func(v, w When) bool {
			return Equal(v.Cond, w.Cond) && Equal(v.Then, w.Then)
		})
	case Lambda:
		b, ok := b.(Lambda)
		return ok && slices.Equal(a.Params, b.Params) && Equal(a.Body, b.Body)
	}
	return false
}

func sameType(a, b arrow.DataType) bool {
	return a == nil && b == nil || a != nil && b != nil && arrow.TypeEqual(a, b, arrow.CheckMetadata())
}
