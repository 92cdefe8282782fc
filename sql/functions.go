package sql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/agg"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// scorers are the functions that call a saved model: LOGISTIC_REGRESSION(path,
// features).
var scorers = map[string]string{"logistic_regression": "LOGISTIC_REG", "linear_regression": "LINEAR_REG", "kmeans": "KMEANS", "linear_svm": "LINEAR_SVM"}

// createFunction runs CREATE FUNCTION.
func (s *session) createFunction(st *syntax.CreateFunction) error {
	f := &function{name: st.Name.Last()}
	if st.Language == "PYTHON" || st.Language == "JAVASCRIPT" {
		return s.src.Error(st.Name.Span, "AS1103", "write the body in SQL, name a native function, or compile it to WASM", "LANGUAGE "+st.Language+" is not supported yet")
	}
	var err error
	switch {
	case st.Body != nil:
		f.body, f.result = st.Body, st.Returns
		for _, p := range st.Params {
			f.params, f.types = append(f.params, p.Name.Name), append(f.types, p.Type)
		}
		if err := s.checkBody(f); err != nil {
			return err
		}
	case st.IfNotExists && s.catalog.functions[f.name] != nil:
		return nil
	case st.Language == "WASM" || st.Resource == "WASM":
		err = s.wasmFunction(f, st)
	default:
		err = s.resolveClass(f, st)
	}
	if err != nil {
		f.broken = true
		s.catalog.functions[f.name] = f
		return err
	}
	_, err = declare(s, s.catalog.functions, st.Name, "function", st.OrReplace, st.IfNotExists, f)
	return err
}

// checkBody binds the body of an SQL function over its parameters.
func (s *session) checkBody(f *function) error {
	var fields []arrow.Field
	for i, p := range f.params {
		t, err := s.arrowType(f.types[i])
		if err != nil {
			return err
		}
		if slices.ContainsFunc(f.params[:i], func(o string) bool { return strings.EqualFold(o, p) }) {
			return s.src.Error(f.types[i].Span, "AS1601", "", fmt.Sprintf("%s has two parameters %q", f.name, p))
		}
		fields = append(fields, arrow.Field{Name: p, Type: t, Nullable: true})
	}
	if syntax.Any(f.body, func(x syntax.Expr) bool {
		c, ok := x.(*syntax.Call)
		return ok && strings.EqualFold(c.Fn.Last(), f.name)
	}) && !isBuiltin(f.name) {
		return s.src.Error(f.body.Range(), "AS1601", "put the body of the one before into its place", fmt.Sprintf("function %s calls itself", f.name))
	}
	t, err := s.arrowType(f.result)
	if err != nil {
		return err
	}
	b := &binder{s: s, scope: newScope("", arrow.NewSchema(fields, nil))}
	x, _, err := b.typed(f.body)
	if err != nil {
		return err
	}
	if _, err := expr.Bind(expr.Cast{Of: x, To: t}, b.schema()); err != nil {
		return s.coded(f.result.Span, "AS1301", err)
	}
	return nil
}

// resolveClass finds the native function a class stands for (docs/sql/create-function.md).
func (s *session) resolveClass(f *function, st *syntax.CreateFunction) error {
	known := func(name string) bool {
		if t, ok := scorers[name]; ok {
			f.model = t
			return true
		}
		if own, ok, _ := s.catalog.functions.find(name); ok && own.own != nil {
			f.own = own.own
			return true
		}
		if _, ok := kernels.Find(name); ok {
			f.native = name
			return true
		}
		return false
	}
	class := st.Class
	mapped := s.settings["function.class."+class]
	last := class[strings.LastIndexByte(class, '.')+1:]
	for _, name := range []string{class, strings.ToLower(class), mapped, strings.ToLower(mapped), snake(last), last, strings.ToLower(last)} {
		if name != "" && known(name) {
			if st.Resource != "" {
				s.warn(st.Span, "AS1611", "", fmt.Sprintf("%s %q is not loaded: the native function %s is used", st.Resource, st.Path, name))
			}
			return nil
		}
	}
	var names []string
	for n := range scorers {
		names = append(names, n)
	}
	for n, f := range s.catalog.functions {
		if f.own != nil {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	names = append(names, kernels.Names()...)
	return s.src.Error(st.Name.Span, "AS1610", arrowstream.Suggest(snake(last), names, "native functions")+"; or write it in SQL: CREATE FUNCTION f(x DOUBLE) RETURNS DOUBLE AS ...",
		fmt.Sprintf("no native function for class %q", class))
}

// snake is LogisticRegressionUDF as logistic_regression.
func snake(class string) string {
	for _, suffix := range []string{"UDF", "Udf", "udf"} {
		class = strings.TrimSuffix(class, suffix)
	}
	var sb strings.Builder
	for i, r := range class {
		if r >= 'A' && r <= 'Z' {
			if i > 0 && !strings.HasSuffix(sb.String(), "_") {
				sb.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		sb.WriteRune(r)
	}
	return strings.Trim(sb.String(), "_")
}

// declaredFunction reports whether the script declared a function of the name.
func (s *session) declaredFunction(name string) bool {
	_, ok, _ := s.catalog.functions.find(name)
	return ok
}

// help is the row of SHOW FUNCTIONS for a declared function.
func (f *function) help() []string {
	switch {
	case f.own != nil:
		return []string{f.name, f.own.Usage, f.own.Doc}
	case f.body != nil:
		params := make([]string, len(f.params))
		for i, p := range f.params {
			params[i] = syntax.QuoteName(p) + " " + syntax.Text(f.types[i])
		}
		return []string{f.name, f.name + "(" + strings.Join(params, ", ") + ") " + syntax.Text(f.result), syntax.Text(f.body)}
	}
	return []string{f.name, f.name + "()", "native " + f.native + f.model}
}

// isBuiltin reports whether the engine has a function of the name, which an SQL
// function of that name can call.
func isBuiltin(name string) bool {
	_, ok := functionHelp(name)
	_, planned := plannedHelp(name)
	return ok && !planned
}

// functionHelp is the row of SHOW FUNCTIONS for a built-in function.
func functionHelp(name string) (row []string, ok bool) {
	lower := strings.ToLower(name)
	if f, ok := kernels.Find(lower); ok {
		return []string{f.Name, f.Usage, f.Doc}, true
	}
	if f, ok := agg.Find(lower); ok {
		return []string{f.Name, f.Usage, "aggregate"}, true
	}
	if f, ok := scalers[lower]; ok {
		return []string{lower, f.usage, f.doc}, true
	}
	if usage, ok := predictCalls[lower]; ok {
		return []string{lower, usage, "what a model of the catalog predicts for the features, as ML_PREDICT"}, true
	}
	if t, ok := scorers[lower]; ok {
		return []string{lower, lower + "('model', features)", "score of a saved model of type " + t}, true
	}
	return plannedHelp(lower)
}

// functionNames lists what SHOW FUNCTIONS shows.
func (s *session) functionNames() []string {
	names := append(kernels.Names(), agg.Names()...)
	for n := range scorers {
		names = append(names, n)
	}
	for n := range scalers {
		names = append(names, n)
	}
	for n := range predictCalls {
		names = append(names, n)
	}
	for _, f := range plannedFunctions {
		names = append(names, f.name)
	}
	names = append(names, s.catalog.functions.sorted()...)
	slices.Sort(names)
	return slices.Compact(names)
}
