package kernels

import (
	"fmt"
	"strings"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/suggest"
)

// Function is one row of the function table.
type Function struct {
	Name    string   // canonical name, lower case
	Aliases []string // other names, operators among them
	Usage   string   // "round(number[, digits])"
	Doc     string   // one line
	least   int      // number of arguments
	most    int      // -1 for any number
	bind    func(f *Function, args []Arg) (*Binding, error)
}

// String is the usage of f: its name and its arguments.
func (f *Function) String() string { return f.Usage }

// NullRule says when the result of a function can be NULL.
type NullRule int

const (
	// NullIfAny: NULL exactly where an argument is NULL.
	NullIfAny NullRule = iota
	// NullPossible: can be NULL also where no argument is.
	NullPossible
	// NullIfAll: NULL where all arguments are.
	NullIfAll
	// NeverNull: never NULL.
	NeverNull
)

// Binding is a function resolved for the types of its arguments.
type Binding struct {
	Args  []arrow.DataType // the type each argument must be cast to
	Out   arrow.DataType
	Nulls NullRule
	Fails bool // some values of the arguments are errors
	// Volatile: equal arguments may give different results.
	Volatile bool
	Kernel   Kernel
}

// index maps every name and alias to its function.
var index = sync.OnceValue(func() map[string]*Function {
	m := make(map[string]*Function)
	for i := range table {
		f := &table[i]
		m[f.Name] = f
		for _, a := range f.Aliases {
			m[a] = f
		}
	}
	return m
})

// Find returns the function of a name or alias, in any case.
func Find(name string) (*Function, bool) {
	f, ok := index()[name]
	if !ok {
		f, ok = index()[strings.ToLower(name)]
	}
	return f, ok
}

// Names are the canonical names of all functions in the order of the table.
func Names() []string {
	names := make([]string, len(table))
	for i := range table {
		names[i] = table[i].Name
	}
	return names
}

// Unknown is the error of a function name that is not in the table.
func Unknown(name string) *Error {
	var known []string
	for i := range table {
		for _, n := range append([]string{table[i].Name}, table[i].Aliases...) {
			if n[0] >= 'a' && n[0] <= 'z' {
				known = append(known, n)
			}
		}
	}
	return &Error{Code: CodeFunction, Msg: fmt.Sprintf("unknown function %q", name), Hint: suggest.Hint(name, known, "functions")}
}

// Bind resolves the function for the types of args.
func (f *Function) Bind(args []Arg) (*Binding, error) {
	if len(args) < f.least || f.most >= 0 && len(args) > f.most {
		return nil, &Error{Code: CodeFunction, Msg: fmt.Sprintf("%s takes %s, not %d", f.Name, f.arity(), len(args)), Hint: "usage: " + f.Usage}
	}
	for _, a := range args {
		if ts, ok := a.Type.(*arrow.TimestampType); ok {
			if _, err := FindZone(ts.TimeZone); err != nil {
				return nil, err
			}
		}
	}
	b, err := f.bind(f, args)
	if err != nil {
		return nil, err
	}
	for i, t := range b.Args {
		if t == nil {
			b.Args[i] = args[i].Type
		}
	}
	return b, nil
}

func (f *Function) arity() string {
	plural := func(n int) string {
		if n == 1 {
			return "1 argument"
		}
		return fmt.Sprintf("%d arguments", n)
	}
	switch {
	case f.least == f.most:
		return plural(f.least)
	case f.most < 0:
		return "at least " + plural(f.least)
	}
	return fmt.Sprintf("%d to %d arguments", f.least, f.most)
}

// mismatch is the error of argument types no signature of f accepts.
func (f *Function) mismatch(args []Arg) error {
	types := make([]string, len(args))
	for i, a := range args {
		types[i] = SQLName(a.Type)
	}
	return &Error{Code: CodeFunction, Msg: fmt.Sprintf("%s does not take (%s)", f.Name, strings.Join(types, ", ")), Hint: "usage: " + f.Usage}
}

// accepts reports whether an argument is implicitly cast to type t: the type
// itself in any layout, a narrower number, a date for a timestamp, a literal
// text for anything that has a text form.
func accepts(a Arg, t arrow.DataType) bool {
	from := Logical(a.Type)
	switch {
	case isNull(from), columnar.SameType(from, t):
		return true
	case a.Literal && isText(from):
		ok, _ := CanCast(from, t)
		return ok
	case isFloat(t):
		return isNumber(from)
	case isInt(t):
		return isInt(from)
	case t.ID() == arrow.TIMESTAMP:
		return isInstant(from)
	case t.ID() == arrow.BINARY:
		return isBytes(from)
	}
	return false
}

// scalar is the resolver of a function with fixed argument types; a nil type
// takes anything as it is. Trailing types may be missing in a call, the last
// one repeats when the function takes any number of arguments.
func scalar(out arrow.DataType, k Kernel, in ...arrow.DataType) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		b := &Binding{Args: make([]arrow.DataType, len(args)), Out: out, Kernel: k}
		for i, a := range args {
			t := in[min(i, len(in)-1)]
			if t != nil && !accepts(a, t) {
				return nil, f.mismatch(args)
			}
			b.Args[i] = t
		}
		return b, nil
	}
}

// texts is scalar for functions that also take dictionary-encoded text: they
// run once per value of the dictionary.
func texts(out arrow.DataType, k Kernel, in ...arrow.DataType) func(*Function, []Arg) (*Binding, error) {
	bind := scalar(out, k, in...)
	return func(f *Function, args []Arg) (*Binding, error) {
		b, err := bind(f, args)
		if err != nil {
			return nil, err
		}
		b.keepDictionaries(args)
		return b, nil
	}
}

// keepDictionaries lets the arguments that are dictionary-encoded text stay so.
func (b *Binding) keepDictionaries(args []Arg) {
	for i, a := range args {
		if a.Type.ID() == arrow.DICTIONARY && b.Args[i] != nil && columnar.SameType(Logical(a.Type), b.Args[i]) {
			b.Args[i] = a.Type
		}
	}
	b.Kernel = overDictionary(b.Kernel)
}

// failing marks the binding of a resolver as one with errors for some values.
func failing(bind func(*Function, []Arg) (*Binding, error)) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		b, err := bind(f, args)
		if b != nil {
			b.Fails = true
		}
		return b, err
	}
}

// nulls sets when the result of a resolver can be NULL.
func nulls(rule NullRule, bind func(*Function, []Arg) (*Binding, error)) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		b, err := bind(f, args)
		if b != nil {
			b.Nulls = rule
		}
		return b, err
	}
}
