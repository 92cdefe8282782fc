package sql

import (
	"fmt"
	"maps"
	"strings"

	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// lambda is x -> e. Its parameters hide columns of their names; their own names
// tell nested lambdas apart.
func (b *binder) lambda(e *syntax.Lambda) (expr.Expr, error) {
	outer := b.params
	defer func() { b.params = outer }()
	b.params = maps.Clone(outer)
	if b.params == nil {
		b.params = map[string]expr.Expr{}
	}
	b.lambdas++
	defer func() { b.lambdas-- }()
	l := expr.Lambda{}
	for _, p := range e.Params {
		name := p.Name
		if b.lambdas > 1 {
			name = fmt.Sprintf("%s$%d", p.Name, b.lambdas)
		}
		l.Params = append(l.Params, name)
		b.params[strings.ToLower(p.Name)] = expr.Param{Name: name}
	}
	var err error
	l.Body, err = b.expr(e.Body)
	return l, err
}
