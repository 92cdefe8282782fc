package sql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

const opColumn = columnar.OpColumn

// binder turns expressions of the text into those of kernels/expr over the
// columns of one scope.
type binder struct {
	s     *session
	scope *scope
	// input is the node the expressions are evaluated on; a scalar call of a
	// model puts a node that scores after it. nil where that is not possible.
	input **node
	// group is set while the outputs of an aggregation are bound.
	group *aggregation
	// params are the arguments of an SQL function that is being inlined.
	params  map[string]expr.Expr
	depth   int
	lambdas int               // around
	scored  map[string]string // columns of scalar calls of models
	overs   map[string]string // columns of window functions, by their text

	block   *block                    // whose queries in expressions are planned; nil where there can be none
	queries map[syntax.Expr]expr.Expr // what they are
	outer   *binder                   // knows names that the scope does not
	empty   bool                      // aggregates are those of no rows
	match   *matchBinder              // set in MATCH_RECOGNIZE
}

// operators are the names in kernels/functions.go of the operators.
var operators = map[string]string{
	"+": "add", "-": "sub", "*": "mul", "/": "divide", "%": "mod", "DIV": "div", "||": "concat",
	"=": "eq", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "<=>": "is_not_distinct", "AND": "and", "OR": "or",
	"&": "bit_and", "|": "bit_or", "^": "bit_xor", "<<": "shift_left", ">>": "shift_right",
}

func call(name string, args ...expr.Expr) expr.Expr { return expr.Call{Name: name, Args: args} }

// err makes an error at an expression.
func (b *binder) err(e syntax.Node, code, hint, format string, args ...any) error {
	return b.s.src.Error(e.Range(), code, hint, fmt.Sprintf(format, args...))
}

// unsupported refuses a form that is known and not there yet.
func (b *binder) unsupported(e syntax.Node, what string) error {
	return b.err(e, "AS1103", "", "%s not supported yet", what)
}

// expr binds e: its names are resolved, its types not yet checked.
func (b *binder) expr(e syntax.Expr) (expr.Expr, error) {
	x, err := b.named(e)
	if err != nil {
		return nil, err
	}
	x = expr.InZone(x, b.s.zone())
	if b.params == nil { // the body of a function stands elsewhere
		b.s.places = append(b.s.places, place{x: x, at: e.Range()})
	}
	return x, nil
}

// named is expr without the time zone of the session.
func (b *binder) named(e syntax.Expr) (expr.Expr, error) {
	if c, ok := e.(*syntax.Column); ok && len(c.Parts) == 1 {
		if x, ok := b.params[strings.ToLower(c.Parts[0].Name)]; ok {
			return x, nil
		}
	}
	if b.match != nil {
		if x, ok, err := b.match.lookup(b, e); ok || err != nil {
			return x, err
		}
	}
	if b.group != nil {
		if x, ok, err := b.group.lookup(e); ok || err != nil {
			return x, err
		}
	}
	switch e := e.(type) {
	case *syntax.Column:
		return b.column(e)
	case *syntax.Number, *syntax.String, *syntax.Bytes, *syntax.Bool, *syntax.Null, *syntax.Typed, *syntax.Interval:
		return b.literal(e)
	case *syntax.Unary:
		return b.unary(e)
	case *syntax.Binary:
		if e.Op == "/" || e.Op == "DIV" || e.Op == "%" {
			return b.quotient(e)
		}
		args, err := b.exprs(e.L, e.R)
		if err != nil {
			return nil, err
		}
		return call(operators[e.Op], args...), nil
	case *syntax.Is:
		return b.is(e)
	case *syntax.Between:
		return b.between(e)
	case *syntax.In:
		if e.Query != nil {
			return b.inColumn(e)
		}
		args, err := b.exprs(append([]syntax.Expr{e.X}, e.List...)...)
		if err != nil {
			return nil, err
		}
		return negate(e.Not, call("in", args...)), nil
	case *syntax.Like:
		args := []syntax.Expr{e.X, e.Pattern}
		if e.Escape != nil {
			args = append(args, e.Escape)
		}
		bound, err := b.exprs(args...)
		if err != nil {
			return nil, err
		}
		return negate(e.Not, call(strings.ReplaceAll(strings.ToLower(e.Op), " ", "_"), bound...)), nil
	case *syntax.Case:
		return b.caseExpr(e)
	case *syntax.Cast:
		x, err := b.expr(e.X)
		if err != nil {
			return nil, err
		}
		t, err := b.s.arrowType(e.To)
		if err != nil {
			return nil, err
		}
		return expr.Cast{Of: x, To: t, Try: e.Try}, nil
	case *syntax.Extract:
		x, err := b.expr(e.X)
		if err != nil {
			return nil, err
		}
		return call("extract", expr.Lit{Value: strings.ToLower(e.Unit)}, x), nil
	case *syntax.Field:
		x, err := b.expr(e.X)
		if err != nil {
			return nil, err
		}
		return expr.Field{Of: x, Name: e.Name.Name}, nil
	case *syntax.Call:
		if b.empty && b.s.isAggregate(e) {
			return ofNoRows(e), nil
		}
		return b.call(e)
	case *syntax.Array:
		args, err := b.exprs(e.Items...)
		if err != nil {
			return nil, err
		}
		return call("array", args...), nil
	case *syntax.Lambda:
		return b.lambda(e)
	case *syntax.JSONAccess:
		return b.jsonAccess(e)
	case *syntax.Map:
		args, err := b.exprs(e.Items...)
		if err != nil {
			return nil, err
		}
		return call("map", args...), nil
	case *syntax.Row:
		args, err := b.exprs(e.Items...)
		if err != nil {
			return nil, err
		}
		return call("row", args...), nil
	case *syntax.Index:
		if b.s.compat("sql.array-base") == "0" {
			return b.element(e)
		}
		args, err := b.exprs(e.X, e.I)
		if err != nil {
			return nil, err
		}
		return call("element_at", args...), nil
	case *syntax.Star:
		return nil, b.err(e, "AS1101", "it stands for columns in a select list and in count(*)", "* cannot be used here")
	case *syntax.Subquery:
		return b.scalar(e)
	case *syntax.Param:
		return nil, b.unsupported(e, "a parameter in a query is")
	case *syntax.TableArg, *syntax.ModelArg, *syntax.Descriptor, *syntax.Rows:
		return nil, b.err(e, "AS1101", "it is an argument of table functions", "%s cannot be used here", syntax.Text(e))
	}
	return nil, b.unsupported(e, syntax.Text(e)+" is")
}

func (b *binder) exprs(list ...syntax.Expr) ([]expr.Expr, error) {
	out := make([]expr.Expr, len(list))
	for i, e := range list {
		x, err := b.expr(e)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

func negate(not bool, x expr.Expr) expr.Expr {
	if not {
		return call("not", x)
	}
	return x
}

func (b *binder) unary(e *syntax.Unary) (expr.Expr, error) {
	x, err := b.expr(e.X)
	if err != nil {
		return nil, err
	}
	switch e.Op {
	case "NOT":
		return call("not", x), nil
	case "-":
		if l, ok := x.(expr.Lit); ok {
			if n, ok := negative(l); ok {
				return n, nil
			}
		}
		return call("neg", x), nil
	case "+":
		return x, nil
	}
	return call("bit_not", x), nil
}

func (b *binder) is(e *syntax.Is) (expr.Expr, error) {
	x, err := b.expr(e.X)
	if err != nil {
		return nil, err
	}
	if kind, ok := strings.CutPrefix(e.What, "JSON"); ok {
		if kind = strings.ToLower(strings.TrimSpace(kind)); kind == "" {
			kind = "value"
		}
		return negate(e.Not, call("is_json", x, text(kind))), nil
	}
	switch e.What {
	case "NULL", "UNKNOWN":
		if e.Not {
			return call("is_not_null", x), nil
		}
		return call("is_null", x), nil
	}
	if e.Not {
		return call("is_not_"+strings.ToLower(e.What), x), nil
	}
	return call("is_"+strings.ToLower(e.What), x), nil
}

func (b *binder) between(e *syntax.Between) (expr.Expr, error) {
	args, err := b.exprs(e.X, e.Low, e.High)
	if err != nil {
		return nil, err
	}
	if e.Symmetric {
		return negate(e.Not, call("between_symmetric", args...)), nil
	}
	return negate(e.Not, call("between", args...)), nil
}

func (b *binder) caseExpr(e *syntax.Case) (expr.Expr, error) {
	var operand expr.Expr
	var err error
	if e.Operand != nil {
		if operand, err = b.expr(e.Operand); err != nil {
			return nil, err
		}
	}
	var out expr.Case
	for _, w := range e.Whens {
		pair, err := b.exprs(w.Cond, w.Then)
		if err != nil {
			return nil, err
		}
		cond := pair[0]
		if operand != nil {
			cond = call("eq", operand, cond)
		}
		out.Whens = append(out.Whens, expr.When{Cond: cond, Then: pair[1]})
	}
	if e.Else != nil {
		if out.Else, err = b.expr(e.Else); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (b *binder) column(c *syntax.Column) (expr.Expr, error) {
	first := c.Parts[0]
	double := len(c.Parts) == 1 && first.Quote == '"'
	if double && b.s.compat("sql.double-quotes") == "string" {
		return expr.Lit{Value: first.Name}, nil
	}
	r, found, err := b.resolve(c.Name)
	if err != nil {
		return nil, err
	}
	if found {
		var x expr.Expr = expr.Col{Name: r.column}
		for _, f := range r.fields {
			x = expr.Field{Of: x, Name: f}
		}
		return x, nil
	}
	if b.outer != nil {
		return b.outer.expr(c)
	}
	if double && b.s.compat("sql.double-quotes") == "auto" {
		return b.doubleQuoted(c, first)
	}
	if len(c.Parts) == 1 && first.Quote == 0 && slices.Contains(clockFunctions[1:], strings.ToLower(first.Name)) {
		return b.clock(&syntax.Call{Span: c.Span, Fn: c.Name})
	}
	return nil, b.notFound(c.Name)
}

// doubleQuoted is "x" where no column x is: a string, unless it is a mistyped
// column (docs/sql/README.md).
func (b *binder) doubleQuoted(c *syntax.Column, id syntax.Ident) (expr.Expr, error) {
	if syntax.QuoteName(id.Name) == id.Name && len([]rune(id.Name)) >= 4 {
		limit := 1
		if len([]rune(id.Name)) >= 8 {
			limit = 2
		}
		for _, n := range b.scope.names() {
			if near(id.Name, n, limit) {
				return nil, b.err(c, "AS1203", fmt.Sprintf("did you mean %q?  text is written in single quotes", n), "column %q not found", id.Name)
			}
		}
	}
	b.s.warn(c.Range(), "AS1010", "write '"+id.Name+"'", fmt.Sprintf("%q in double quotes is read as text: no column has this name", id.Name))
	return expr.Lit{Value: id.Name}, nil
}

// typed binds e and checks its types; errors point at the smallest part that
// is wrong.
func (b *binder) typed(e syntax.Expr) (expr.Expr, arrow.DataType, error) {
	x, err := b.expr(e)
	if err != nil {
		return nil, nil, err
	}
	schema := b.schema()
	if c, ok := x.(expr.Col); ok { // nothing to check, and most common
		if i := columnar.Index(schema, c.Name); i >= 0 {
			return x, schema.Field(i).Type, nil
		}
	}
	bound, err := expr.Bind(x, schema)
	if err != nil {
		return nil, nil, b.locate(e, err)
	}
	return x, bound.Type(), nil
}

// schema is the schema that bound expressions see.
func (b *binder) schema() *arrow.Schema {
	switch {
	case b.group != nil:
		return b.group.out.schema
	case b.input != nil && *b.input != nil:
		return (*b.input).schema
	case b.scope.schema != nil:
		return b.scope.schema
	}
	return arrow.NewSchema(nil, nil)
}

func (b *binder) locate(e syntax.Expr, cause error) error {
	for _, c := range syntax.Children(e) {
		if _, ok := c.(*syntax.Lambda); ok {
			continue // it means something as an argument only
		}
		x, err := b.expr(c)
		if err != nil {
			continue
		}
		if _, err := expr.Bind(x, b.schema()); err != nil {
			return b.locate(c, err)
		}
	}
	return b.s.coded(e.Range(), "AS1301", cause)
}

// condition binds a boolean expression.
func (b *binder) condition(e syntax.Expr, clause string) (expr.Expr, error) {
	x, t, err := b.typed(e)
	if err != nil {
		return nil, err
	}
	if t.ID() != arrow.BOOL && t.ID() != arrow.NULL {
		return nil, b.err(e, "AS1301", "compare it with something", "%s wants a condition, not %s", clause, typeName(t))
	}
	return x, nil
}
