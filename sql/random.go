package sql

import (
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/zeebo/xxh3"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
)

// positionColumn is the column with the numbers of rows that random functions
// read.
const positionColumn = "row position"

// randomFunctions are the functions of the seed and the position of a row, by the
// number of arguments that they take in SQL.
var randomFunctions = map[string]int{"rand": 1, "random": 1, "randn": 1, "uuid": 0}

// isRandom reports whether c is a call of one of them.
func (s *session) isRandom(c *syntax.Call) bool {
	_, ok := randomFunctions[strings.ToLower(c.Fn.Last())]
	return ok && c.Over == nil && !s.declaredFunction(c.Fn.Last())
}

// random binds RAND([seed]), RANDN([seed]) and UUID(): rows are numbered behind
// the input of the block. Every call has numbers of its own, but those with one
// seed.
func (b *binder) random(c *syntax.Call) (expr.Expr, error) {
	name := strings.ToLower(c.Fn.Last())
	if len(c.Args) > randomFunctions[name] || c.Star || c.Distinct || c.Filter != nil || len(c.OrderBy) > 0 {
		return nil, b.err(c, "AS1601", "usage: rand([seed]), randn([seed]), uuid()", "%s takes at most %d arguments", strings.ToUpper(name), randomFunctions[name])
	}
	if b.input == nil || b.match != nil {
		return nil, b.err(c, "AS1601", "select it in a query below: FROM (SELECT *, "+strings.ToUpper(name)+"() AS r FROM t)", "%s() cannot be used here", strings.ToUpper(name))
	}
	seed := int64(0)
	if len(c.Args) == 1 {
		x, err := b.expr(c.Args[0].Value)
		if err != nil {
			return nil, err
		}
		v, _ := constantFor(x, arrow.PrimitiveTypes.Int64)
		var ok bool
		if seed, ok = v.(int64); !ok {
			return nil, b.err(c.Args[0].Value, "AS1601", "leave it out, or set job.seed", "the seed of %s must be a constant integer", strings.ToUpper(name))
		}
	} else {
		seed = b.s.siteSeed(c)
	}
	if err := b.numbered(c); err != nil {
		return nil, err
	}
	return call(name, expr.Col{Name: positionColumn}, expr.Lit{Value: seed}), nil
}

// siteSeed is the seed of a call: that of the job and the number of the call.
func (s *session) siteSeed(c *syntax.Call) int64 {
	site := slices.Index(s.randoms, c)
	if site < 0 {
		site = len(s.randoms)
		s.randoms = append(s.randoms, c)
	}
	text := s.setting("job.name", "") + "\x00" + s.setting("job.seed", "0") + "\x00" + strconv.Itoa(site)
	return int64(xxh3.HashString(text))
}

// numbered puts an operator behind the input of the block that numbers its rows,
// unless there is one.
func (b *binder) numbered(c *syntax.Call) error {
	in := *b.input
	if at, name := in.origin(positionColumn); at.kind == positionColumn && name == positionColumn {
		return nil
	}
	if in.updating() || b.group != nil && !in.bounded { // groups have no order
		return b.err(c, "AS1407", "take HASH of the key of the row, or call it before the aggregation", "%s() of rows that are taken back", strings.ToUpper(c.Fn.Last()))
	}
	n := &node{kind: positionColumn, rowwise: true, notes: []string{"state: the number of rows"}}
	n.build = func(want columns) (arrowstream.Stage, error) {
		st := &stage.Position{}
		if want.has(positionColumn) {
			st.Column = positionColumn
		}
		return st, nil
	}
	n.plain = func(out string) (string, bool) { return out, out != positionColumn }
	n.needs = func(want columns) columns {
		delete(want.names, positionColumn)
		return want
	}
	out, err := derive(n, in)
	if err != nil {
		return b.s.coded(c.Span, "AS1407", err)
	}
	*b.input = out
	if b.group != nil {
		b.scope.schema = out.schema
	}
	return nil
}
