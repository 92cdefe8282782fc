package expr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/kernels"
)

// args are nodes as the arguments of a function.
func args(nodes []node) []kernels.Arg {
	out := make([]kernels.Arg, len(nodes))
	for i, n := range nodes {
		out[i].Type = n.info().typ
		if c, ok := n.(*constant); ok {
			out[i].Const, out[i].Literal = c.value, c.literal
		}
	}
	return out
}

// branch binds an expression that may never be evaluated.
func (b *binder) branch(e Expr, depth int) (node, error) {
	b.lazy++
	defer func() { b.lazy-- }()
	return b.bind(e, depth)
}

func (b *binder) call(e Call, depth int) (node, error) {
	if e.Func != nil {
		return b.declared(e, depth)
	}
	f, ok := kernels.Find(e.Name)
	if !ok {
		return nil, kernels.Unknown(e.Name)
	}
	if f.Name == "nvl2" && len(e.Args) == 3 {
		there := Call{Name: "is_not_null", Args: e.Args[:1]}
		return b.call(Call{Name: "if", Args: []Expr{there, e.Args[1], e.Args[2]}}, depth)
	}
	if higher[f.Name] {
		if n, err := b.bindHigher(f.Name, e, depth); n != nil || err != nil {
			return n, err
		}
	}
	nodes := make([]node, len(e.Args))
	for i, a := range e.Args {
		bind := b.bind
		if i > 0 && lazyCalls[f.Name] {
			bind = b.branch
		}
		n, err := bind(a, depth+1)
		if err != nil {
			return nil, err
		}
		nodes[i] = n
	}
	return b.apply(f, nodes)
}

// declared binds a call of a function that is not in the table.
func (b *binder) declared(e Call, depth int) (node, error) {
	nodes := make([]node, len(e.Args))
	for i, a := range e.Args {
		n, err := b.bind(a, depth+1)
		if err != nil {
			return nil, err
		}
		nodes[i] = n
	}
	k, err := e.Func.Bind(args(nodes))
	if err != nil {
		return nil, err
	}
	for i := range nodes {
		if nodes[i], err = b.coerce(nodes[i], k.Args[i]); err != nil {
			return nil, err
		}
	}
	key := fmt.Sprintf("%s@%p", e.Name, e.Func)
	if k.Volatile {
		key += fmt.Sprintf("#%d", e.Site)
	}
	return b.function(key, nodes, k)
}

// apply binds a call of f with bound arguments.
func (b *binder) apply(f *kernels.Function, nodes []node) (node, error) {
	if err := b.localize(f, nodes); err != nil {
		return nil, err
	}
	in := args(nodes)
	for i := range in {
		if b.zone != "UTC" {
			in[i].Zone = b.zone
		}
	}
	k, err := f.Bind(in)
	if err != nil {
		return nil, err
	}
	for i := range nodes {
		if i > 0 && lazyCalls[f.Name] {
			b.lazy++
		}
		nodes[i], err = b.coerce(nodes[i], k.Args[i])
		if i > 0 && lazyCalls[f.Name] {
			b.lazy--
		}
		if err != nil {
			return nil, err
		}
	}
	switch f.Name {
	case "and", "or":
		return b.connective(f.Name, nodes, k), nil
	case "if":
		return b.choice([]node{nodes[0]}, nodes[1:2], nodes[2], k.Out), nil
	case "coalesce":
		return b.coalesce(nodes, k), nil
	}
	n, err := b.function(f.Name, nodes, k)
	if err != nil || !instant(k.Out) || b.zone == "" {
		return n, err
	}
	return b.convert(n, &arrow.TimestampType{Unit: k.Out.(*arrow.TimestampType).Unit, TimeZone: "UTC"}, false)
}

// lazyCalls are the functions whose arguments after the first may never be
// evaluated for a row.
var lazyCalls = map[string]bool{"and": true, "or": true, "if": true, "coalesce": true}

// combined is what a node has in common with the nodes it is made of.
func combined(name string, t arrow.DataType, nodes []node) common {
	c := common{typ: t}
	size := len(name) + 2
	for _, n := range nodes {
		size += len(n.info().key) + 1
	}
	var key strings.Builder
	key.Grow(size)
	key.WriteString(name)
	key.WriteByte('(')
	for i, n := range nodes {
		in := n.info()
		c.fails, c.volatile = c.fails || in.fails, c.volatile || in.volatile
		c.deep = c.deep || !in.ready && len(in.cols) > 0
		c.cols = union(c.cols, in.cols)
		if i > 0 {
			key.WriteByte(',')
		}
		key.WriteString(in.key)
	}
	key.WriteByte(')')
	c.key = key.String()
	return c
}

// union is what is in a or b, both ascending; neither is changed.
func union(a, b []int) []int {
	switch {
	case len(b) == 0:
		return a
	case len(a) == 0 || slices.Equal(a, b):
		return b
	}
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

func nullability(rule kernels.NullRule, nodes []node) bool {
	any, all := false, true
	for _, n := range nodes {
		any = any || n.info().nullable
		all = all && n.info().nullable
	}
	switch rule {
	case kernels.NullPossible:
		return true
	case kernels.NullIfAll:
		return all
	case kernels.NeverNull:
		return false
	}
	return any
}

func (b *binder) function(name string, nodes []node, k *kernels.Binding) (node, error) {
	c := combined(name, k.Out, nodes)
	c.nullable = nullability(k.Nulls, nodes)
	c.fails, c.volatile = c.fails || k.Fails, c.volatile || k.Volatile
	n := &function{args: nodes, kernel: k.Kernel, common: c}
	if k.Volatile {
		n.key += fmt.Sprintf(" of %d", b.roots)
		return b.share(n), nil
	}
	if folded, err := b.fold(n, nodes); folded != nil || err != nil {
		return folded, err
	}
	return b.share(n), nil
}

// fold evaluates n if all it is made of is constant. An error is one of the
// expression unless n may never be evaluated; then n stays.
func (b *binder) fold(n node, of []node) (node, error) {
	for _, a := range of {
		if _, ok := a.(*constant); !ok {
			return nil, nil
		}
	}
	f := &frame{Scratch: kernels.NewScratch(constants), n: 1}
	defer f.release()
	d, err := n.eval(f, constants)
	switch {
	case err == nil:
		return b.constant(f.Own(d.Array)), nil
	case b.lazy > 0:
		return nil, nil
	}
	return nil, err
}
