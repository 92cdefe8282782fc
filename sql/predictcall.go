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

// predictCalls are the scalar calls of a model of the catalog.
var predictCalls = map[string]string{
	"predict":       "predict(MODEL m, feature, ...)",
	"predict_proba": "predict_proba(MODEL m, feature, ...)",
}

// predictCall binds PREDICT(MODEL m, a, b), the prediction of a model for features
// in its order, and PREDICT_PROBA, its probabilities: the columns of
// ML_PREDICT. The stage that predicts is put behind the input of the block.
func (b *binder) predictCall(c *syntax.Call, name string) (expr.Expr, error) {
	usage := "usage: " + predictCalls[name]
	if len(c.Args) < 2 || c.Star || c.Distinct || c.Filter != nil || len(c.OrderBy) > 0 {
		return nil, b.err(c, "AS1601", usage, "%s takes a model and its features", strings.ToUpper(name))
	}
	arg, ok := c.Args[0].Value.(*syntax.ModelArg)
	if !ok {
		return nil, b.err(c.Args[0].Value, "AS1601", usage, "the first argument of %s is MODEL and its name", strings.ToUpper(name))
	}
	if b.input == nil || b.match != nil {
		return nil, b.err(c, "AS1701", "call it in the select list or in WHERE", "a model cannot be called here")
	}
	m, err := b.s.findModel(arg.Name)
	if err != nil {
		return nil, err
	}
	xs := make([]expr.Expr, len(c.Args)-1)
	key := "predict " + m.name
	for i, a := range c.Args[1:] {
		if a.Name != nil {
			return nil, b.err(*a.Name, "AS1601", "give the features by position", "%s has no named arguments", strings.ToUpper(name))
		}
		if xs[i], _, err = b.typed(a.Value); err != nil {
			return nil, err
		}
		key += ", " + exprText(xs[i])
	}
	scored := &b.scored
	if b.block != nil {
		scored = &b.block.scored // WHERE and the select list call it alike
	}
	if col, known := (*scored)[key]; !known || columnar.Index((*b.input).schema, col) < 0 {
		found, err := b.appendPredictions(c, m, xs, len(*scored))
		if err != nil {
			return nil, err
		}
		if *scored == nil {
			*scored = map[string]string{}
		}
		(*scored)[key], (*scored)[key+" probabilities"] = found[0], found[1]
	}
	if name == "predict_proba" {
		key += " probabilities"
	}
	if col := (*scored)[key]; col != "" {
		return expr.Col{Name: col}, nil
	}
	return nil, b.err(c, "AS1701", "use PREDICT, or ML_PREDICT for all that it tells", "model %q, which is %s, has no probabilities", m.name, m.spec.Type)
}

// appendPredictions puts the stage of a model behind the input. It returns the
// columns of its prediction and of its probabilities, "" if it has none. The call
// is the n-th of the block.
func (b *binder) appendPredictions(c *syntax.Call, m *model, xs []expr.Expr, n int) (found [2]string, err error) {
	in := *b.input
	cols := passColumns(visibleNames(in.schema))
	features := make([]string, len(xs))
	for i, x := range xs {
		if col, ok := x.(expr.Col); ok {
			features[i] = col.Name
			continue
		}
		features[i] = free(in, fmt.Sprintf("__feature%d_%d", n, i))
		cols = append(cols, outColumn{features[i], x})
	}
	if len(cols) > len(visibleNames(in.schema)) {
		if in, err = projectNode(in, cols); err != nil {
			return found, b.s.coded(c.Span, "AS1701", err)
		}
	}
	out, err := b.s.predict(m, in, features, c.Span)
	if err != nil {
		return found, b.s.coded(c.Span, "AS1701", err)
	}
	for _, name := range columnar.Names(out.schema) {
		if _, given := in.field(name); given {
			continue
		}
		f, _ := out.field(name)
		list := slices.Contains([]arrow.Type{arrow.LIST, arrow.FIXED_SIZE_LIST}, f.Type.ID())
		switch {
		case strings.HasPrefix(name, "predicted_") && list:
			found[1] = name
		case found[0] == "" && (strings.HasPrefix(name, "predicted_") || strings.HasPrefix(name, "centroid_id")):
			found[0] = name
		}
	}
	*b.input = out
	if b.group != nil {
		b.scope.schema = out.schema
	}
	return found, nil
}
