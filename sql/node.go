package sql

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/window"
)

// node is one operator of the plan. A node that several others have as input
// is planned and run once.
type node struct {
	kind   string // scan, filter, project, ... as EXPLAIN prints it
	detail string
	notes  []string // further lines of EXPLAIN: state bound, warnings
	in     []*node
	schema *arrow.Schema
	// bounded: the input ends, so that final results exist.
	bounded bool

	// table is set for a scan; onError if a query says what to do with its rows
	// that cannot be decoded, or that something cannot be computed of.
	table   *table
	onError *onError
	// build makes the stage for the columns that are wanted of it; nil for
	// scans, unions and side outputs.
	build func(want columns) (arrowstream.Stage, error)
	// join makes an operator of several inputs; needsOf is its needs.
	join    func(want columns) (arrowstream.Join, error)
	needsOf func(input int, want columns) columns
	// side names the side output of in[0] that this node is.
	side string
	// needs are the columns of the input that are needed for the wanted ones;
	// nil needs all of them.
	needs func(want columns) columns
	// plain maps the outputs that are inputs as they are; rowwise nodes give
	// one row for each row of their input, in order.
	plain   func(output string) (input string, ok bool)
	plainOf func(output string) (input int, column string, ok bool) // the same for several inputs
	goesOn  bool                                                    // of a scan that ends for this run only
	rowwise bool
	passes  bool // the schema of the output is that of the input
	// rows estimates how many rows come out for those of the inputs, where the
	// kind alone does not tell; see estimates.
	rows func(in []float64) float64
	// uniqueOf are the columns that tell rows apart; see unique.
	uniqueOf func() (key []string, ok bool)

	project  []outColumn  // of a projection
	where    expr.Expr    // of a filter
	shared   sharing      // what a filter computes for the projection behind it too
	alone    []outColumn  // of a projection, without what the filter has computed
	aggs     []window.Agg // of a node that groups
	rank     *ranking     // of a number of rows
	window   *windowSpec  // of a node that makes one
	refusal  error        // why it must not be part of a plan that runs
	last     string       // column of the number, of a node that takes the last row of each key by event time
	proctime string       // column of the processing time, of a node that writes it
	pushed   []pushed     // predicates that the source of a scan is handed

	uid string // its name in the state, of a hint

	want   columns // set by planNeeds
	stream *arrowstream.Stream
}

// columns is a set of column names; all stands for every column.
type columns struct {
	all   bool
	names map[string]bool
}

func (c *columns) add(names ...string) {
	if c.names == nil {
		c.names = map[string]bool{}
	}
	for _, n := range names {
		c.names[n] = true
	}
}

func (c *columns) merge(o columns) {
	c.all = c.all || o.all
	for n := range o.names {
		c.add(n)
	}
}

func (c columns) has(name string) bool { return c.all || c.names[name] }

// list is the wanted columns of a schema in its order; all of them when that
// would be none, because a batch without columns has no rows to count.
func (c columns) list(schema *arrow.Schema) []string {
	var out []string
	for i := range schema.NumFields() {
		if name := schema.Field(i).Name; c.has(name) {
			out = append(out, name)
		}
	}
	if len(out) == 0 && schema.NumFields() > 0 {
		return []string{schema.Field(0).Name}
	}
	return out
}

// same is the mapping of nodes that pass every column.
func same(output string) (string, bool) { return output, true }

// trial is the environment in which stages are bound to learn their schema.
var trial = arrowstream.Env{Allocator: memory.NewGoAllocator(), Name: "plan"}

// derive makes a node from its stage and learns its schema.
func derive(n *node, in ...*node) (*node, error) {
	n.in = in
	n.bounded = true
	for _, i := range in {
		n.bounded = n.bounded && i.bounded
	}
	return n, n.rebind()
}

// rebind learns the schema of a node anew after that of its input changed.
func (n *node) rebind() error {
	switch {
	case n.passes:
		n.schema = n.in[0].schema
	case n.rank != nil && n.rank.refusal != nil:
		n.schema = n.rank.schema(n.in[0].schema)
	case n.build != nil:
		st, err := n.build(columns{all: true})
		if err != nil {
			return err
		}
		n.schema, err = st.Bind(n.in[0].schema, trial)
		return err
	case n.join != nil:
		j, err := n.join(columns{all: true})
		if err != nil {
			return err
		}
		var in []*arrow.Schema
		for _, i := range n.in {
			in = append(in, i.schema)
		}
		n.schema, err = j.Bind(in, trial)
		return err
	case n.side == arrowstream.Errors:
		n.schema = arrowstream.DeadLetterSchema
	case n.side != "":
		st, err := n.in[0].build(columns{all: true})
		if err != nil {
			return err
		}
		if _, err := st.Bind(n.in[0].in[0].schema, trial); err != nil {
			return err
		}
		if sided, ok := st.(arrowstream.Sided); ok {
			for _, s := range sided.Sides() {
				if s.Name == n.side {
					n.schema = s.Schema
				}
			}
		}
	case len(n.in) > 0: // union
		md := n.in[0].schema.Metadata()
		n.schema = arrow.NewSchema(n.schema.Fields(), &md)
	}
	return nil
}

// eventTime is the name of the event-time column of a node, "" without one.
func (n *node) eventTime() string {
	if i := columnar.EventTime(n.schema); i >= 0 {
		return n.schema.Field(i).Name
	}
	return ""
}

// updating reports whether the node takes rows back.
func (n *node) updating() bool { return columnar.Changelog(n.schema) }

// field is the column of a name.
func (n *node) field(name string) (arrow.Field, bool) {
	if i := columnar.Index(n.schema, name); i >= 0 {
		return n.schema.Field(i), true
	}
	return arrow.Field{}, false
}

// walk calls f for every node below and including n, inputs first, once each.
func (n *node) walk(seen map[*node]bool, f func(*node)) {
	if seen[n] {
		return
	}
	seen[n] = true
	for _, i := range n.in {
		i.walk(seen, f)
	}
	f(n)
}

// origin follows a column down to the node it comes from unchanged.
func (n *node) origin(column string) (*node, string) {
	for {
		i, in, ok := n.passed(column)
		if !ok {
			return n, column
		}
		if _, exists := n.in[i].field(in); !exists {
			return n, column // a column that the node adds
		}
		n, column = n.in[i], in
	}
}

// passed is the column of an input that an output of n is as it came.
func (n *node) passed(output string) (input int, column string, ok bool) {
	switch {
	case n.plainOf != nil:
		return n.plainOf(output)
	case n.plain != nil && len(n.in) == 1:
		column, ok = n.plain(output)
		return 0, column, ok
	}
	return 0, "", false
}
