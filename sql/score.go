package sql

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/mlkernels"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// scorer is the stage of a scalar call of a model: it appends a column of
// doubles computed from one column.
type scorer struct {
	predictor *mlkernels.ScalarPredictor
	arg, name string

	env arrowstream.Env
	col int
	out *arrow.Schema
}

var _ arrowstream.Parallel = (*scorer)(nil)

// Bind implements [arrowstream.Stage].
func (s *scorer) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	s.env = env
	if s.col = columnar.Index(in, s.arg); s.col < 0 {
		return nil, fmt.Errorf("sql: score: column %q not found", s.arg)
	}
	md := in.Metadata()
	fields := append(append([]arrow.Field{}, in.Fields()...), arrow.Field{Name: s.name, Type: arrow.PrimitiveTypes.Float64, Nullable: true})
	s.out = arrow.NewSchema(fields, &md)
	return s.out, nil
}

// Process implements [arrowstream.Stage].
func (s *scorer) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	if b.NumRows() == 0 {
		return nil
	}
	scores, err := s.predictor.Predict(s.env.Allocator, b.Column(s.col))
	if err != nil {
		return err
	}
	defer scores.Release()
	out := array.NewRecord(s.out, append(append([]arrow.Array{}, b.Columns()...), scores), b.NumRows())
	defer out.Release()
	return emit(out)
}

// Advance implements [arrowstream.Stage].
func (s *scorer) Advance(_ context.Context, w arrowstream.Watermark, _ arrowstream.Emit) (arrowstream.Watermark, error) {
	return w, nil
}

// Clone implements [arrowstream.Parallel].
func (s *scorer) Clone() arrowstream.Stage {
	return &scorer{predictor: s.predictor, arg: s.arg, name: s.name}
}

// Keys implements [arrowstream.Parallel]: rows are independent.
func (s *scorer) Keys() []string { return nil }

// Order implements [arrowstream.Parallel].
func (s *scorer) Order() []string { return nil }

// score binds a scalar call of a model: LOGISTIC_REGRESSION('path', features).
// A stage that appends the score is put after the input of the block.
func (b *binder) score(c *syntax.Call, modelType string) (expr.Expr, error) {
	name := c.Fn.Last()
	usage := "usage: " + name + "('model name or path', features)"
	if len(c.Args) != 2 || c.Args[0].Name != nil || c.Args[1].Name != nil || c.Distinct || c.Star || c.Filter != nil {
		return nil, b.err(c, "AS1601", usage, "%s takes 2 arguments", name)
	}
	path, err := b.constantText(c.Args[0].Value)
	if err != nil {
		return nil, err
	}
	m, err := b.scalarModel(c, path)
	if err != nil {
		return nil, err
	}
	if got := m.Spec().Type; got != modelType {
		return nil, b.err(c, "AS1701", "call the function of its type", "model %q is %s, not %s", path, got, modelType)
	}
	predictor, err := m.Scalar()
	if err != nil {
		return nil, b.s.coded(c.Span, "AS1701", err)
	}
	if b.input == nil {
		return nil, b.err(c, "AS1701", "call it in the select list or in WHERE", "a model cannot be called here")
	}
	x, t, err := b.typed(c.Args[1].Value)
	if err != nil {
		return nil, err
	}
	if !vectorLike(t) {
		return nil, b.err(c.Args[1].Value, "AS1601", "pass a VECTOR, an ARRAY or a text", "%s cannot be called with %s", name, typeName(t))
	}
	key := "score " + modelType + " " + path + " " + exprText(x)
	if col, ok := b.scored[key]; ok {
		return expr.Col{Name: col}, nil
	}
	col, err := b.appendScore(predictor, x, name+" from "+path)
	if err != nil {
		return nil, b.s.coded(c.Span, "AS1701", err)
	}
	if b.scored == nil {
		b.scored = map[string]string{}
	}
	b.scored[key] = col
	return expr.Col{Name: col}, nil
}

// callsModel reports whether c scores rows with a model.
func (s *session) callsModel(c *syntax.Call) bool {
	name := strings.ToLower(c.Fn.Last())
	if f, declared, _ := s.catalog.functions.find(c.Fn.Last()); declared {
		if f.model != "" {
			return true
		}
		name = f.native
	}
	_, ok := scorers[name]
	return ok || predictCalls[name] != ""
}

func (b *binder) constantText(e syntax.Expr) (string, error) {
	x, err := b.expr(e)
	if err != nil {
		return "", err
	}
	if l, ok := x.(expr.Lit); ok {
		if s, ok := l.Value.(string); ok {
			return s, nil
		}
	}
	return "", b.err(e, "AS1601", "write the name or the path of a model in quotes", "the model must be a constant, not %s", syntax.Text(e))
}

// scalarModel finds a model by its name in the catalog, else by its path.
func (b *binder) scalarModel(c *syntax.Call, path string) (*mlkernels.Model, error) {
	if m, ok, _ := b.s.catalog.models.find(path); ok {
		switch {
		case m.broken:
			return nil, errBroken
		case m.loaded == nil:
			return nil, b.err(c.Args[0].Value, "AS1103", "use ML_PREDICT(TABLE t, MODEL "+m.name+"), or save the model and load it in another script", "calling a model that is being trained is not supported yet")
		}
		return m.loaded, nil
	}
	m, err := b.s.loadModel(path)
	if err != nil {
		e := b.s.coded(c.Args[0].Value.Range(), "AS7015", err)
		if names := b.s.catalog.models.sorted(); e.Hint == "" && len(names) > 0 {
			e.Hint = arrowstream.Suggest(path, names, "models")
		}
		return nil, e
	}
	return m, nil
}

// appendScore puts a scorer after the input and returns its column.
func (b *binder) appendScore(predictor *mlkernels.ScalarPredictor, x expr.Expr, detail string) (string, error) {
	in := *b.input
	unused := func(name string) string {
		out := name
		for i := 0; columnar.Index(in.schema, out) >= 0; i++ {
			out = fmt.Sprintf("%s%d", name, i)
		}
		return out
	}
	arg := ""
	if col, ok := x.(expr.Col); ok {
		arg = col.Name
	} else {
		arg = unused("__features")
		p, err := projectNode(in, append(passColumns(columnar.Names(in.schema)), outColumn{arg, x}))
		if err != nil {
			return "", err
		}
		in = p
	}
	name := unused("__score")
	n := &node{kind: "score", detail: strings.TrimSpace(detail), rowwise: true}
	n.build = func(columns) (arrowstream.Stage, error) {
		return &scorer{predictor: predictor, arg: arg, name: name}, nil
	}
	b.s.appends(n, in, []string{arg})
	out, err := derive(n, in)
	if err != nil {
		return "", err
	}
	*b.input = out
	return name, nil
}
