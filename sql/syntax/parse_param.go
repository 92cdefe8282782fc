package syntax

import (
	"errors"

	"github.com/arrowstream/arrowstream"
)

// Arguments returns what stands in the place of a parameter of a script, which is
// a literal. Parameters come in the order of the text, each once.
type Arguments func(p *Param) (Expr, error)

// param takes ? or :name.
func (p *parser) param() Expr {
	x := &Param{Span: p.take().Span}
	if p.src.Slice(x.Span) == ":" {
		p.take()
		x.Span = p.since(x.Span)
	}
	x.Name = p.src.Slice(x.Span)
	if p.values == nil {
		return x
	}
	if v, ok := p.params[x.Start]; ok { // what is parsed twice is one
		return v
	}
	v, err := p.values(x)
	if err != nil {
		var e *arrowstream.Error
		if !errors.As(err, &e) {
			e = &arrowstream.Error{Code: "AS1301", Msg: err.Error()}
		}
		p.fail(x.Span, e.Code, e.Msg, e.Hint)
		return x
	}
	if p.params == nil {
		p.params = map[int]Expr{}
	}
	p.params[x.Start] = v
	return v
}
