package expr

import (
	"sort"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// connective binds AND or OR. Operands that cannot fail come first, so that
// "10/x > 1 AND x <> 0" asks x <> 0 first.
func (b *binder) connective(name string, nodes []node, k *kernels.Binding) node {
	ordered := append([]node(nil), nodes...)
	sort.SliceStable(ordered, func(i, j int) bool { return !ordered[i].info().fails && ordered[j].info().fails })
	c := combined(name, k.Out, ordered)
	c.nullable = nullability(kernels.NullIfAny, nodes)
	n := &connective{or: name == "or", args: ordered, kernel: k.Kernel, common: c}
	// One constant that decides is enough.
	if folded, _ := b.fold(n, ordered); folded != nil {
		return folded
	}
	for _, a := range ordered {
		if v, ok := a.(*constant); ok && decides(v, name == "or") {
			return v
		}
	}
	return b.share(n)
}

func decides(c *constant, or bool) bool {
	if c.typ.ID() != arrow.BOOL || c.value.IsNull(0) {
		return false
	}
	return columnar.Bools(c.value).Get(0) == or
}

func (b *binder) coalesce(nodes []node, k *kernels.Binding) node {
	var kept []node
	for _, n := range nodes {
		if c, ok := n.(*constant); ok && c.nullable {
			continue
		}
		kept = append(kept, n)
		if !n.info().nullable {
			break
		}
	}
	switch len(kept) {
	case 0:
		return b.constant(kernels.Nulls(constants, k.Out, 1))
	case 1:
		return kept[0]
	}
	c := combined("coalesce", k.Out, kept)
	c.nullable = nullability(kernels.NullIfAll, kept)
	return b.share(&coalesce{args: kept, common: c})
}

func (b *binder) bindCase(e Case, depth int) (node, error) {
	if len(e.Whens) == 0 {
		return nil, &Error{Code: "AS1101", Msg: "CASE without WHEN"}
	}
	conds, thens := make([]node, len(e.Whens)), make([]node, len(e.Whens))
	for i, w := range e.Whens {
		bind := b.branch
		if i == 0 {
			bind = b.bind
		}
		cond, err := bind(w.Cond, depth+1)
		if err != nil {
			return nil, err
		}
		if t := cond.info().typ; t.ID() != arrow.BOOL && t.ID() != arrow.NULL {
			return nil, &Error{Code: kernels.CodeTypes, Msg: "condition " + String(w.Cond) + " is " + kernels.SQLName(t) + ", not BOOLEAN"}
		}
		if conds[i], err = b.coerce(cond, arrow.FixedWidthTypes.Boolean); err != nil {
			return nil, err
		}
		if thens[i], err = b.branch(w.Then, depth+1); err != nil {
			return nil, err
		}
	}
	els, err := b.branch(e.Else, depth+1)
	if err != nil {
		return nil, err
	}
	values := append(append([]node(nil), thens...), els)
	t, err := kernels.CommonType("CASE", args(values))
	if err != nil {
		return nil, err
	}
	b.lazy++
	defer func() { b.lazy-- }()
	for i := range values {
		if values[i], err = b.coerce(values[i], t); err != nil {
			return nil, err
		}
	}
	return b.choice(conds, values[:len(thens)], values[len(thens)], t), nil
}

// choice binds CASE and IF. Constant conditions are settled here.
func (b *binder) choice(conds, thens []node, els node, t arrow.DataType) node {
	var c []node
	var v []node
	for i, cond := range conds {
		if k, ok := cond.(*constant); ok {
			if !decides(k, true) {
				continue
			}
			els = thens[i]
			break
		}
		c, v = append(c, cond), append(v, thens[i])
	}
	if len(c) == 0 {
		return els
	}
	all := append(append(append([]node(nil), c...), v...), els)
	n := &choice{conds: c, thens: v, els: els, common: combined("case", t, all)}
	n.nullable = nullability(kernels.NullIfAny, append(append([]node(nil), v...), els))
	return b.share(n)
}
