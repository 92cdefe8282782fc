package sql

import (
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/udf/wasm"
)

// moduleKey is what modules are compiled for once.
type moduleKey struct {
	path    string
	memory  int64
	timeout time.Duration
}

// wasmFunction makes a function of an export of a module. Without types it is
// one of plain numbers.
func (s *session) wasmFunction(f *function, st *syntax.CreateFunction) error {
	path, export := st.Path, st.Class
	if st.Resource == "" {
		path, export = st.Class, f.name
	}
	m, err := s.wasmModule(path)
	if err != nil {
		return s.coded(st.Span, "AS1612", err)
	}
	d := kernels.Declaration{Name: f.name, Doc: "export " + export + " of " + path, Volatile: st.Volatile}
	if st.Returns == nil {
		var ok bool
		if d.Args, d.Out, ok = m.Signature(export); !ok {
			return s.src.Error(st.Name.Span, "AS1612", "write its types: CREATE FUNCTION f(x DOUBLE) RETURNS DOUBLE LANGUAGE WASM AS 'export' USING WASM 'path'; exports: "+strings.Join(m.Exports(), ", "),
				fmt.Sprintf("%s has no export %q of plain numbers", path, export))
		}
	} else {
		for _, p := range st.Params {
			var t arrow.DataType
			if t, err = s.arrowType(p.Type); err != nil {
				return err
			}
			d.Params, d.Args = append(d.Params, p.Name.Name), append(d.Args, t)
		}
		if d.Out, err = s.arrowType(st.Returns); err != nil {
			return err
		}
	}
	if f.own, err = m.Function(export, d); err != nil {
		return s.coded(st.Name.Span, "AS1612", err)
	}
	s.code["function "+f.name] = "sha256 " + m.Sum()
	return nil
}

// wasmModule reads and compiles a module, within the walls of the program.
func (s *session) wasmModule(path string) (*wasm.Module, error) {
	memory, err := arrowstream.ParseSize(s.setting("function.wasm.memory", "64MiB"))
	if err != nil {
		return nil, err
	}
	key := moduleKey{path, memory, s.durationSetting("function.wasm.timeout", 10*time.Second)}
	if m, ok := s.modules[key]; ok {
		return m, nil
	}
	info, err := s.opts.Pipeline.Access.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > wasm.MostBytes || !info.Mode().IsRegular() {
		return nil, &kernels.Error{Code: "AS1612", Msg: fmt.Sprintf("%s is no file of at most %d bytes", path, wasm.MostBytes)}
	}
	code, err := s.opts.Pipeline.Access.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m, err := wasm.Compile(code, wasm.Options{Memory: memory, Timeout: key.timeout})
	if err == nil {
		s.modules[key] = m
	}
	return m, err
}

// closeModules frees the modules of the script.
func (s *session) closeModules() (err error) {
	for key, m := range s.modules {
		if e := m.Close(); err == nil {
			err = e
		}
		delete(s.modules, key)
	}
	return err
}
