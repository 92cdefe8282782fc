package sql

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/suggest"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// parameters are the values of ? and :name while a script is parsed.
type parameters struct {
	args  []any
	named map[string]any
	next  int             // of args
	used  map[string]bool // of named
}

// parse reads a script and its parameters.
func parse(text string, opts Options) (*syntax.Script, error) {
	v := &parameters{args: opts.Args, named: opts.Named, used: map[string]bool{}}
	script, err := syntax.ParseWith(opts.File, text, v.literal)
	if err == nil {
		err = v.left()
	}
	return script, err
}

// literal is the value of p as it would be written.
func (v *parameters) literal(p *syntax.Param) (syntax.Expr, error) {
	if p.Name == "?" {
		v.next++
		if v.next > len(v.args) {
			return nil, &arrowstream.Error{
				Code: "AS2102", Msg: fmt.Sprintf("parameter %d of the script has no value", v.next),
				Hint: fmt.Sprintf("%d are given in Options.Args", len(v.args)),
			}
		}
		return literalOf(v.args[v.next-1], p.Span)
	}
	name := p.Name[1:]
	value, ok := v.named[name]
	if !ok {
		return nil, &arrowstream.Error{
			Code: "AS2102", Msg: fmt.Sprintf("parameter :%s has no value", name),
			Hint: suggest.Hint(name, slices.Sorted(maps.Keys(v.named)), "values"),
		}
	}
	v.used[name] = true
	return literalOf(value, p.Span)
}

// left refuses values that no parameter has taken.
func (v *parameters) left() error {
	if v.next < len(v.args) {
		return &arrowstream.Error{Code: "AS2102", Msg: fmt.Sprintf("%d values for the %d parameters ? of the script", len(v.args), v.next)}
	}
	for _, name := range slices.Sorted(maps.Keys(v.named)) {
		if !v.used[name] {
			return &arrowstream.Error{Code: "AS2102", Msg: fmt.Sprintf("the script has no parameter :%s", name)}
		}
	}
	return nil
}

// literalOf is a value of Go as a literal of SQL, at the place of its parameter.
func literalOf(value any, at syntax.Span) (syntax.Expr, error) {
	switch v := value.(type) {
	case nil:
		return &syntax.Null{Span: at}, nil
	case time.Time:
		return &syntax.Typed{Span: at, Type: "TIMESTAMP_LTZ", Value: v.UTC().Format(time.RFC3339Nano)}, nil
	case time.Duration:
		return &syntax.Interval{Span: at, Nanos: int64(v)}, nil
	case []byte:
		return &syntax.Bytes{Span: at, Value: string(v)}, nil
	}
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Bool:
		return &syntax.Bool{Span: at, Value: v.Bool()}, nil
	case reflect.String:
		return &syntax.String{Span: at, Value: v.String()}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return number(strconv.FormatInt(v.Int(), 10), v.Kind(), at), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return number(strconv.FormatUint(v.Uint(), 10), v.Kind(), at), nil
	case reflect.Float32, reflect.Float64:
		return number(strconv.FormatFloat(v.Float(), 'e', -1, v.Type().Bits()), v.Kind(), at), nil
	case reflect.Slice, reflect.Array:
		list := &syntax.Array{Span: at}
		for i := range v.Len() {
			x, err := literalOf(v.Index(i).Interface(), at)
			if err != nil {
				return nil, err
			}
			list.Items = append(list.Items, x)
		}
		return list, nil
	}
	return nil, fmt.Errorf("a value of the Go type %T is none of SQL", value)
}

// numberTypes are the types of numbers of Go that are not those of literals.
var numberTypes = map[reflect.Kind]string{
	reflect.Int8: "TINYINT", reflect.Int16: "SMALLINT", reflect.Int32: "INT",
	reflect.Uint: "BIGINT UNSIGNED", reflect.Uint8: "TINYINT UNSIGNED", reflect.Uint16: "SMALLINT UNSIGNED", reflect.Uint32: "INT UNSIGNED", reflect.Uint64: "BIGINT UNSIGNED",
	reflect.Float32: "FLOAT",
}

// number is a number as a literal or, if there is none of its type, as a cast.
func number(text string, k reflect.Kind, at syntax.Span) syntax.Expr {
	t, other := numberTypes[k]
	switch {
	case !other && k == reflect.Float64:
		t = "DOUBLE"
	case !other:
		t = "BIGINT"
	}
	digits, negative := strings.CutPrefix(text, "-")
	if other || digits[0] > '9' || digits == "9223372036854775808" {
		return &syntax.Cast{Span: at, X: &syntax.String{Span: at, Value: text}, To: &syntax.Type{Span: at, Name: t}}
	}
	var x syntax.Expr = &syntax.Number{Span: at, Text: digits}
	if negative {
		x = &syntax.Unary{Span: at, Op: "-", X: x}
	}
	return x
}
