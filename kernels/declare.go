package kernels

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// Declaration describes a function that is not in the table: one of the program
// around the engine, or of a module that was loaded.
type Declaration struct {
	Name   string
	Params []string // their names, for messages; arg1, arg2 ... where missing
	Doc    string   // one line
	Args   []arrow.DataType
	Out    arrow.DataType
	Nulls  NullRule
	// Volatile: equal arguments may give different results. Such a call is
	// computed once for every place where it is written and never ahead.
	Volatile bool
	// Kernel computes the function. It may fail and panic. Text comes to it
	// decoded, constants as constants.
	Kernel Kernel
}

// Function is the function that d declares. A panic of its kernel and a result
// of another length or type are errors that name it, so that nothing of what
// stands outside of the engine brings it down.
func (d Declaration) Function() (*Function, error) {
	switch _, known := Find(d.Name); {
	case d.Name == "" || d.Kernel == nil || d.Out == nil:
		return nil, errorf(CodeFunction, "a function needs a name, a type and something to call")
	case known:
		return nil, &Error{Code: CodeFunction, Msg: fmt.Sprintf("there is a function %s already", d.Name), Hint: "give it another name"}
	}
	for len(d.Params) < len(d.Args) {
		d.Params = append(d.Params[:len(d.Params):len(d.Params)], fmt.Sprintf("arg%d", len(d.Params)+1))
	}
	f := &Function{Name: d.Name, Usage: d.usage(), Doc: d.Doc, least: len(d.Args), most: len(d.Args)}
	f.bind = func(f *Function, args []Arg) (*Binding, error) {
		b := &Binding{Args: make([]arrow.DataType, len(args)), Out: d.Out, Nulls: d.Nulls, Fails: true, Volatile: d.Volatile, Kernel: d.call}
		for i, a := range args {
			if !accepts(a, d.Args[i]) {
				return nil, f.mismatch(args)
			}
			b.Args[i] = d.Args[i]
		}
		if d.Nulls == NullIfAny && !d.Volatile {
			b.keepDictionaries(args)
		}
		return b, nil
	}
	return f, nil
}

// usage is the call with the names and types of its arguments.
func (d Declaration) usage() string {
	var sb strings.Builder
	sb.WriteString(d.Name + "(")
	for i, t := range d.Args {
		if i > 0 {
			sb.WriteString(", ")
		}
		sb.WriteString(d.Params[i] + " " + SQLName(t))
	}
	return sb.String() + ") " + SQLName(d.Out)
}

// call runs the kernel and checks what it returns.
func (d Declaration) call(mem memory.Allocator, n int, args []Datum) (out arrow.Array, err error) {
	defer func() {
		v := recover()
		switch v := v.(type) {
		case nil:
			return
		case *columnar.LimitError: // of the engine, not of the function
			panic(v)
		case runtime.Error:
			err = &Error{Code: CodeUser, Msg: fmt.Sprintf("function %s panicked: %v", d.Name, v), Hint: "it happened " + place(debug.Stack())}
		default:
			err = errorf(CodeUser, "function %s panicked: %v", d.Name, v)
		}
		out = nil
	}()
	out, err = d.Kernel(mem, n, args)
	switch {
	case err != nil && out != nil:
		out.Release()
		return nil, err
	case err != nil:
		return nil, err
	case out == nil:
		return nil, errorf(CodeContract, "function %s returned no column", d.Name)
	case out.Len() != n || !arrow.TypeEqual(out.DataType(), d.Out):
		defer out.Release()
		return nil, errorf(CodeContract, "function %s returned %d rows of %s, not %d of %s", d.Name, out.Len(), SQLName(out.DataType()), n, SQLName(d.Out))
	}
	return out, nil
}

// place is the line of Go code that panicked, the first below the runtime on a
// stack.
func place(stack []byte) string {
	lines := strings.Split(string(stack), "\n")
	for i := len(lines) - 1; i > 0; i-- {
		if !strings.HasPrefix(lines[i-1], "panic(") {
			continue
		}
		for _, l := range lines[i:] {
			if at, _, _ := strings.Cut(strings.TrimSpace(l), " +"); strings.Contains(at, ".go:") && !strings.Contains(at, "/runtime/") {
				return "at " + at
			}
		}
	}
	return "outside of Go code"
}
