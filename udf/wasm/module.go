package wasm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/arrowstream/arrowstream/internal/safe"
	"github.com/arrowstream/arrowstream/kernels"
)

// Options bound what a module may use.
type Options struct {
	// Memory is the most bytes an instance of the module may have; default 64 MiB.
	// There is one for each worker that calls it.
	Memory int64
	// Timeout is how long a call for at most 4096 rows may take; default 10 s.
	Timeout time.Duration
}

// Codes of the errors of this package.
const (
	codeModule  = "AS1612" // a module or an export that cannot be used
	codeTimeout = "AS6002" // a call that takes too long
)

// MostBytes is how long the code of a module may be.
const MostBytes = 64 << 20

// Module is a compiled module. Its functions may be called by several goroutines.
type Module struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	sum      string
	timeout  time.Duration
}

// Compile checks and compiles a module. Errors are *kernels.Error.
func Compile(code []byte, o Options) (*Module, error) {
	if len(code) > MostBytes {
		return nil, unusable("it has %d bytes, more than %d", len(code), MostBytes)
	}
	if o.Memory == 0 {
		o.Memory = 64 << 20
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	const page = 64 << 10
	pages := min(max(o.Memory/page, 1), 1<<16)
	config := wazero.NewRuntimeConfig().WithCloseOnContextDone(true).WithMemoryLimitPages(uint32(pages)).WithDebugInfoEnabled(false)
	sum := sha256.Sum256(code)
	m := &Module{runtime: wazero.NewRuntimeWithConfig(context.Background(), config), sum: hex.EncodeToString(sum[:]), timeout: o.Timeout}
	err := safe.Do("wasm", "", func() (err error) {
		m.compiled, err = m.runtime.CompileModule(context.Background(), code)
		return err
	})
	if err == nil {
		err = m.refuseImports()
	} else {
		err = unusable("%v", firstLine(err))
	}
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// Sum is the SHA-256 of the code of the module in hexadecimal.
func (m *Module) Sum() string { return m.sum }

// Close frees the module. None of its functions may be at work.
func (m *Module) Close() error { return m.runtime.Close(context.Background()) }

// refuseImports is the error of a module that wants something of its host.
func (m *Module) refuseImports() error {
	var what []string
	for _, f := range m.compiled.ImportedFunctions() {
		module, name, _ := f.Import()
		what = append(what, module+"."+name)
	}
	for _, f := range m.compiled.ImportedMemories() {
		module, name, _ := f.Import()
		what = append(what, module+"."+name)
	}
	if len(what) == 0 {
		return nil
	}
	slices.Sort(what)
	e := unusable("it imports %s", strings.Join(what[:min(len(what), 5)], ", "))
	e.Hint = "a module gets nothing from its host: build it without WASI, such as for wasm32-unknown-unknown"
	return e
}

// Exports are the names of the functions that the module exports, in order.
func (m *Module) Exports() []string {
	var names []string
	for n := range m.compiled.ExportedFunctions() {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Signature is the types of an export of plain numbers: INT for i32, BIGINT for
// i64, FLOAT for f32 and DOUBLE for f64. ok is false if it is none.
func (m *Module) Signature(export string) (args []arrow.DataType, out arrow.DataType, ok bool) {
	f, ok := m.compiled.ExportedFunctions()[export]
	if !ok || len(f.ResultTypes()) != 1 {
		return nil, nil, false
	}
	types := map[api.ValueType]arrow.DataType{
		api.ValueTypeI32: arrow.PrimitiveTypes.Int32, api.ValueTypeI64: arrow.PrimitiveTypes.Int64,
		api.ValueTypeF32: arrow.PrimitiveTypes.Float32, api.ValueTypeF64: arrow.PrimitiveTypes.Float64,
	}
	for _, t := range f.ParamTypes() {
		if types[t] == nil {
			return nil, nil, false
		}
		args = append(args, types[t])
	}
	out = types[f.ResultTypes()[0]]
	return args, out, out != nil
}

// Function makes a function of an export: d has its name, its types and whether
// it is volatile; see the package for the forms of export. An export "f_batch" is
// preferred to "f".
func (m *Module) Function(export string, d kernels.Declaration) (*kernels.Function, error) {
	for i, t := range append(slices.Clone(d.Args), d.Out) {
		if _, ok := shapeOf(t); !ok {
			what := "its result"
			if i < len(d.Args) {
				what = fmt.Sprintf("argument %d", i+1)
			}
			return nil, unusable("%s of %s has the type %s, which modules cannot take", what, d.Name, kernels.SQLName(t))
		}
	}
	exports := m.compiled.ExportedFunctions()
	p := &pool{module: m, name: d.Name}
	switch f, rows := exports[export]; {
	case exports[export+"_batch"] != nil:
		if err := m.checkBatch(export + "_batch"); err != nil {
			return nil, err
		}
		p.export = export + "_batch"
		d.Nulls = kernels.NullPossible
	case !rows:
		e := unusable("it exports no function %s", export)
		e.Hint = "its exports: " + strings.Join(m.Exports(), ", ")
		return nil, e
	default:
		l, err := m.loop(export, f, d)
		if err != nil {
			return nil, err
		}
		p.export, p.loop = export, l
	}
	d.Kernel = p.kernel(d)
	return d.Function()
}

// checkBatch checks the exports that a function of columns needs.
func (m *Module) checkBatch(export string) error {
	i32 := api.ValueTypeI32
	exports := m.compiled.ExportedFunctions()
	for name, params := range map[string][]api.ValueType{export: {i32, i32}, "alloc": {i32}} {
		f, ok := exports[name]
		if !ok || !slices.Equal(f.ParamTypes(), params) || !slices.Equal(f.ResultTypes(), []api.ValueType{i32}) {
			return unusable("%s needs an export %s%s", export, name, signature(params, i32))
		}
	}
	if len(m.compiled.ExportedMemories()) != 1 {
		return unusable("%s needs the memory of the module to be exported", export)
	}
	return nil
}

// signature is the text of a type of function: (i32, i32) -> i32.
func signature(params []api.ValueType, result ...api.ValueType) string {
	list := func(types []api.ValueType) string {
		names := make([]string, len(types))
		for i, t := range types {
			names[i] = api.ValueTypeName(t)
		}
		return strings.Join(names, ", ")
	}
	if len(result) != 1 {
		return "(" + list(params) + ") -> (" + list(result) + ")"
	}
	return "(" + list(params) + ") -> " + list(result)
}

func unusable(format string, args ...any) *kernels.Error {
	return &kernels.Error{Code: codeModule, Msg: "module cannot be used: " + fmt.Sprintf(format, args...)}
}

// firstLine is the text of an error without the stack behind it.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
