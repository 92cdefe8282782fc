package sql

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/kernels/agg"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

func text(s string) expr.Expr { return expr.Lit{Value: s} }

func when(cond, then, orElse expr.Expr) expr.Expr {
	return expr.Case{Whens: []expr.When{{Cond: cond, Then: then}}, Else: orElse}
}

// jsonAccess is x -> key and x ->> key.
func (b *binder) jsonAccess(e *syntax.JSONAccess) (expr.Expr, error) {
	args, err := b.exprs(e.X, e.Key)
	if err != nil {
		return nil, err
	}
	if e.Text {
		return call("json_get_text", args...), nil
	}
	return call("json_get", args...), nil
}

// fromJSON is FROM_JSON(text, schema), whose schema is a constant text.
func (b *binder) fromJSON(c *syntax.Call) (expr.Expr, error) {
	args, err := b.plainArguments(c)
	if err != nil {
		return nil, err
	}
	const usage = "usage: FROM_JSON(text, 'a INT, b ARRAY<DOUBLE>')"
	if len(args) != 2 {
		return nil, b.err(c, "AS1601", usage, "FROM_JSON takes 2 arguments, not %d", len(args))
	}
	schema, ok := constantFor(args[1], arrow.BinaryTypes.String)
	if !ok {
		return nil, b.err(c.Args[1].Value, "AS1601", usage, "the schema must be a constant text")
	}
	t, err := syntax.ParseType(schema.(string))
	if err == nil {
		var typ arrow.DataType
		if typ, err = b.s.arrowType(t); err == nil {
			return call("from_json", args[0], expr.Lit{Type: typ}), nil
		}
	}
	return nil, b.err(c.Args[1].Value, "AS1601", usage, "%q is no type: %s", schema, toError(err).Msg)
}

// jsonCall is JSON_VALUE, JSON_QUERY or JSON_EXISTS with the clauses after the
// path: a choice between the value, what is given where nothing stands at the
// path, and what is given where the text is no JSON, the value is of the wrong
// kind or cannot be converted.
func (b *binder) jsonCall(c *syntax.Call) (expr.Expr, error) {
	name := strings.ToLower(c.Fn.Last())
	if len(c.Args) != 2 {
		return nil, b.err(c, "AS1601", "usage: "+strings.ToUpper(name)+"(json, path ...)", "%s takes a JSON and a path", c.Fn.Last())
	}
	args, err := b.exprs(c.Args[0].Value, c.Args[1].Value)
	if err != nil {
		return nil, err
	}
	j, known := args[0], call("is_not_null", args[0])
	bad, missing := call("not", call("is_json", j)), call("not", call("json_exists", args...))
	clauses := c.JSON
	if name == "json_exists" {
		var onError expr.Expr = expr.Lit{Value: false}
		switch clauses.OnError.Kind {
		case "TRUE", "FALSE":
			onError = expr.Lit{Value: clauses.OnError.Kind == "TRUE"}
		case "UNKNOWN":
			onError = expr.Lit{}
		case "ERROR":
			onError = call("eq", call("raise_error", text("JSON_EXISTS: the text is no JSON")), text(""))
		}
		return when(call("and", known, bad), onError, call("json_exists", args...)), nil
	}
	onEmpty, err := b.jsonDefault(c, clauses.OnEmpty, "nothing stands at the path")
	if err != nil {
		return nil, err
	}
	onError, err := b.jsonDefault(c, clauses.OnError, "the text is no JSON, or the value does not fit")
	if err != nil {
		return nil, err
	}
	raw := call("json_extract", args...)
	value, wrong := call(name, args...), call("ne", raw, text("null"))
	nested := call("or", call("is_json", raw, text("object")), call("is_json", raw, text("array")))
	switch clauses.Wrapper {
	case "UNCONDITIONAL":
		value = call("concat", text("["), raw, text("]"))
	case "CONDITIONAL":
		value = when(nested, raw, call("concat", text("["), raw, text("]")))
	}
	fits := value
	if clauses.Returning != nil {
		t, err := b.s.arrowType(clauses.Returning)
		if err != nil {
			return nil, err
		}
		fits = expr.Cast{Of: value, To: t, Try: true}
		if onEmpty != nil {
			onEmpty = expr.Cast{Of: onEmpty, To: t}
		}
		if onError != nil {
			onError = expr.Cast{Of: onError, To: t}
		}
	}
	if onEmpty == nil && onError == nil {
		return fits, nil
	}
	return expr.Case{Whens: []expr.When{
		{Cond: call("is_null", j), Then: expr.Lit{}},
		{Cond: bad, Then: orNull(onError)},
		{Cond: missing, Then: orNull(onEmpty)},
		{Cond: call("and", call("is_null", fits), wrong), Then: orNull(onError)},
	}, Else: fits}, nil
}

func orNull(x expr.Expr) expr.Expr {
	if x == nil {
		return expr.Lit{}
	}
	return x
}

// jsonDefault is what ON EMPTY or ON ERROR gives, nil for NULL.
func (b *binder) jsonDefault(c *syntax.Call, d syntax.JSONDefault, why string) (expr.Expr, error) {
	switch d.Kind {
	case "ERROR":
		return call("raise_error", text(strings.ToUpper(c.Fn.Last())+": "+why)), nil
	case "DEFAULT":
		return b.expr(d.Value)
	case "EMPTY ARRAY":
		return text("[]"), nil
	case "EMPTY OBJECT":
		return text("{}"), nil
	}
	return nil, nil
}

// jsonMakers are the functions whose results are JSON: inside of JSON_OBJECT and
// JSON_ARRAY they are not texts.
var jsonMakers = map[string]bool{
	"json_object": true, "json_array": true, "json_objectagg": true, "json_arrayagg": true,
	"json_query": true, "json_extract": true, "to_json": true, "json_string": true,
}

// isJSON reports whether e is JSON rather than a text.
func isJSON(e syntax.Expr) bool {
	switch e := e.(type) {
	case *syntax.Call:
		return jsonMakers[strings.ToLower(e.Fn.Last())]
	case *syntax.JSONAccess:
		return !e.Text
	}
	return false
}

// absent reports whether c, which makes JSON, leaves a NULL out: what it says, or
// else by.
func absent(c *syntax.Call, by bool) bool {
	if c.JSON == nil {
		return by
	}
	return c.JSON.OnNull == "ABSENT"
}

// jsonPart is e as a part of a JSON, NULL where a NULL is left out.
func (b *binder) jsonPart(e syntax.Expr, absent bool) (expr.Expr, error) {
	x, err := b.expr(e)
	if err != nil {
		return nil, err
	}
	if !isJSON(e) {
		x = call("to_json", x)
	}
	if !absent {
		x = call("coalesce", x, text("null"))
	}
	return x, nil
}

// jsonObject is JSON_OBJECT([KEY] key VALUE value, ... [NULL | ABSENT ON NULL]);
// a NULL is null if nothing is said.
func (b *binder) jsonObject(c *syntax.Call) (expr.Expr, error) {
	if len(c.Args)%2 != 0 {
		return nil, b.err(c, "AS1601", "usage: JSON_OBJECT('key' VALUE value, ...)", "JSON_OBJECT has a key without a value")
	}
	members := []expr.Expr{text(",")}
	for i := 0; i < len(c.Args); i += 2 {
		key, err := b.expr(c.Args[i].Value)
		if err != nil {
			return nil, err
		}
		value, err := b.jsonPart(c.Args[i+1].Value, absent(c, false))
		if err != nil {
			return nil, err
		}
		members = append(members, call("concat", call("to_json", expr.Cast{Of: key, To: arrow.BinaryTypes.String}), text(":"), value))
	}
	return jsonBetween("{", members, "}"), nil
}

// jsonArray is JSON_ARRAY(value, ... [NULL | ABSENT ON NULL]); a NULL is left out
// if nothing is said.
func (b *binder) jsonArray(c *syntax.Call) (expr.Expr, error) {
	values := []expr.Expr{text(",")}
	for _, a := range c.Args {
		value, err := b.jsonPart(a.Value, absent(c, true))
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return jsonBetween("[", values, "]"), nil
}

// jsonBetween are parts with a separator, which comes first, between open and
// end; parts that are NULL are left out.
func jsonBetween(open string, parts []expr.Expr, end string) expr.Expr {
	if len(parts) == 1 {
		return text(open + end)
	}
	return call("concat", text(open), call("concat_ws", parts...), text(end))
}

// jsonAggregate are the arguments of JSON_ARRAYAGG(value) and
// JSON_OBJECTAGG([KEY] key VALUE value): the text of a value or of a member. A
// value that is NULL is left out of an array and null in an object if nothing is
// said; a key that is NULL is left out.
func (s *session) jsonAggregate(c *syntax.Call, args []syntax.Expr) ([]syntax.Expr, error) {
	fn := strings.ToUpper(c.Fn.Last())
	object := fn == "JSON_OBJECTAGG"
	want := map[bool]int{false: 1, true: 2}[object]
	if len(args) != want {
		f, _ := agg.Find(fn)
		return nil, s.src.Error(c.Span, "AS1601", "usage: "+strings.ToUpper(f.Usage), fmt.Sprintf("%s takes %d arguments, not %d", fn, want, len(args)))
	}
	apply := func(name string, args ...syntax.Expr) syntax.Expr {
		out := &syntax.Call{Span: c.Span, Fn: syntax.Name{Span: c.Fn.Span, Parts: []syntax.Ident{{Span: c.Fn.Span, Name: name}}}}
		for _, a := range args {
			out.Args = append(out.Args, syntax.Arg{Value: a})
		}
		return out
	}
	literal := func(s string) syntax.Expr { return &syntax.String{Span: c.Span, Value: s} }
	value := args[want-1]
	if !isJSON(value) {
		value = apply("to_json", value)
	}
	if !absent(c, !object) {
		value = apply("coalesce", value, literal("null"))
	}
	if object {
		key := apply("to_json", &syntax.Cast{Span: args[0].Range(), X: args[0], To: &syntax.Type{Name: "VARCHAR"}})
		value = apply("concat", key, literal(":"), value)
	}
	return []syntax.Expr{value}, nil
}
