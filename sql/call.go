package sql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/agg"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// windowFunctions are the functions that stand in GROUP BY or FROM only.
var windowFunctions = []string{"tumble", "tumbling", "hop", "hopping", "window", "session", "session_window", "cumulate"}

func (b *binder) call(c *syntax.Call) (expr.Expr, error) {
	if c.Over != nil {
		return b.over(c)
	}
	name := strings.ToLower(c.Fn.Last())
	if len(c.Fn.Parts) > 1 {
		if q := c.Fn.Parts[len(c.Fn.Parts)-2].Name; !slices.Contains([]string{"default", "system", "builtin"}, strings.ToLower(q)) {
			return nil, b.err(c.Fn, "AS1601", "functions are in \"default\"", "unknown function %q", c.Fn.String())
		}
	}
	f, declared, _ := b.s.catalog.functions.find(c.Fn.Last())
	switch {
	case declared && f.broken:
		return nil, errBroken
	case declared && f.body != nil:
		return b.inline(c, f)
	case declared && f.model != "":
		return b.score(c, f.model)
	case declared && f.own != nil:
		return b.own(c, f)
	case declared:
		name = f.native
	}
	if callsProcTime(c) {
		return b.procTime(c)
	}
	if callsWatermark(c) && !declared {
		return b.currentWatermark(c)
	}
	if isClock(c) && !b.s.declaredFunction(c.Fn.Last()) {
		return b.clock(c)
	}
	if b.s.isRandom(c) {
		return b.random(c)
	}
	if f, ok := b.s.scalerOf(c); ok {
		return nil, b.err(c, "AS1601", "usage: "+f.usage, "%s learns from the rows before: it needs a window", strings.ToUpper(name))
	}
	if predictCalls[name] != "" && !declared {
		return b.predictCall(c, name)
	}
	if t, ok := scorers[name]; ok {
		return b.score(c, t)
	}
	switch {
	case name == "json_object":
		return b.jsonObject(c)
	case name == "json_array":
		return b.jsonArray(c)
	case c.JSON != nil && c.JSON.OnNull == "":
		return b.jsonCall(c)
	case name == "from_json":
		return b.fromJSON(c)
	}
	if slices.Contains(windowFunctions, name) || isWindowBound(name) {
		return nil, b.err(c, "AS1403", "group by it, or use it in FROM: TABLE("+strings.ToUpper(name)+"(...))", "window function %s cannot be used here", strings.ToUpper(name))
	}
	if _, ok := kernels.Find(name); !ok {
		if _, ok := agg.Find(name); ok {
			return nil, b.err(c, "AS1206", "aggregates stand in the select list and in HAVING", "aggregate %s cannot be used here", syntax.Text(c))
		}
	}
	if slices.Contains(overFunctions, name) {
		return nil, b.err(c, "AS1601", "write "+syntax.Text(c)+" OVER (ORDER BY ...)", "%s looks at other rows and needs OVER", name)
	}
	if c.Star || c.Distinct || c.Filter != nil || len(c.OrderBy) > 0 || len(c.Within) > 0 {
		return nil, b.err(c, "AS1601", "it takes plain arguments", "%s is no aggregate", c.Fn.Last())
	}
	args := make([]expr.Expr, len(c.Args))
	for i, a := range c.Args {
		if a.Name != nil {
			return nil, b.err(*a.Name, "AS1601", "give the arguments by position", "%s has no named arguments", c.Fn.Last())
		}
		if u, ok := unitArgument(name, i, a.Value); ok {
			args[i] = u
			continue
		}
		x, err := b.expr(a.Value)
		if err != nil {
			return nil, err
		}
		args[i] = x
	}
	if (name == "floor" || name == "ceil" || name == "ceiling") && len(args) == 2 {
		if l, ok := args[1].(expr.Lit); ok && l.Type == nil && name == "floor" {
			if _, ok := l.Value.(string); ok {
				return call("date_trunc", args[1], args[0]), nil
			}
		}
	}
	if _, ok := kernels.Find(name); !ok {
		e := toError(kernels.Unknown(c.Fn.Last()))
		e.Pos = b.s.src.Pos(c.Fn.Span)
		if names := b.s.catalog.functions.sorted(); len(names) > 0 && !strings.HasPrefix(e.Hint, "did") {
			if h := arrowstream.Suggest(c.Fn.Last(), names, "functions"); strings.HasPrefix(h, "did") {
				e.Hint = h
			}
		}
		return nil, e
	}
	return b.s.compatCall(name, args), nil
}

// unitArgument is a unit of time written as a bare word: TIMESTAMPADD(HOUR, ...),
// FLOOR(ts TO HOUR).
func unitArgument(fn string, i int, e syntax.Expr) (expr.Expr, bool) {
	c, ok := e.(*syntax.Column)
	if !ok || len(c.Parts) != 1 || c.Parts[0].Quote != 0 {
		return nil, false
	}
	switch {
	case i == 0 && (fn == "timestampadd" || fn == "timestampdiff"):
	case i == 1 && (fn == "floor" || fn == "ceil" || fn == "ceiling"):
	default:
		return nil, false
	}
	return expr.Lit{Value: strings.ToLower(c.Parts[0].Name)}, true
}

// own binds the call of a function that the program or a module brings.
func (b *binder) own(c *syntax.Call, f *function) (expr.Expr, error) {
	args, err := b.plainArguments(c)
	if err != nil {
		return nil, err
	}
	b.s.calls++
	return expr.Call{Name: f.name, Args: args, Func: f.own, Site: b.s.calls}, nil
}

// plainArguments binds the arguments of a call that has nothing but them.
func (b *binder) plainArguments(c *syntax.Call) ([]expr.Expr, error) {
	if c.Star || c.Distinct || c.Filter != nil || len(c.OrderBy) > 0 {
		return nil, b.err(c, "AS1601", "it takes plain arguments", "%s is no aggregate", c.Fn.Last())
	}
	args := make([]expr.Expr, len(c.Args))
	for i, a := range c.Args {
		if a.Name != nil {
			return nil, b.err(*a.Name, "AS1601", "give the arguments by position", "%s has no named arguments", c.Fn.Last())
		}
		x, err := b.expr(a.Value)
		if err != nil {
			return nil, err
		}
		args[i] = x
	}
	return args, nil
}

// inline puts the body of an SQL function in place of its call.
func (b *binder) inline(c *syntax.Call, f *function) (expr.Expr, error) {
	if len(c.Args) != len(f.params) {
		return nil, b.err(c, "AS1601", fmt.Sprintf("usage: %s(%s)", f.name, strings.Join(f.params, ", ")), "%s takes %d arguments, not %d", f.name, len(f.params), len(c.Args))
	}
	if b.depth > 20 {
		return nil, b.err(c, "AS1601", "", "functions call each other too deeply")
	}
	args, err := b.plainArguments(c)
	if err != nil {
		return nil, err
	}
	params := map[string]expr.Expr{}
	for i, x := range args {
		t, err := b.s.arrowType(f.types[i])
		if err != nil {
			return nil, err
		}
		params[strings.ToLower(f.params[i])] = expr.Cast{Of: x, To: t}
	}
	inner := &binder{s: b.s, scope: &scope{}, input: b.input, params: params, depth: b.depth + 1}
	x, err := inner.expr(f.body)
	if err != nil {
		e := toError(err)
		e.Msg = "in function " + f.name + ": " + e.Msg
		e.Pos = b.s.src.Pos(c.Span)
		return nil, e
	}
	if size(x, mostInlined) >= mostInlined {
		return nil, b.err(c, "AS1601", "compute a part of it in a query in FROM", "the calls of %s stand for an expression of more than %d parts", f.name, mostInlined)
	}
	t, err := b.s.arrowType(f.result)
	if err != nil {
		return nil, err
	}
	return expr.Cast{Of: x, To: t}, nil
}

// mostInlined bounds an expression that SQL functions stand for: functions that
// use a parameter twice double it with every call around a call.
const mostInlined = 10_000

// size is the number of parts of e, counted up to a bound.
func size(e expr.Expr, bound int) int {
	n := 0
	expr.Walk(e, func(expr.Expr) bool {
		n++
		return n < bound
	})
	return n
}
