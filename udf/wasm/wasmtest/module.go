// Package wasmtest writes small WebAssembly modules for tests, byte by byte, in
// the binary format of the core specification, section 5.
package wasmtest

import "encoding/binary"

// Value types.
const (
	I32 = 0x7f
	I64 = 0x7e
	F32 = 0x7d
	F64 = 0x7c
)

// Func is a function of a module.
type Func struct {
	Export string // "" for none
	Params []byte
	Result byte
	Locals int    // further ones, all i32
	Code   []byte // without the last end
}

// Module is a module with a memory of some pages, which it exports.
type Module struct {
	Pages   int
	Imports []string // functions () -> () of the module env
	Funcs   []Func
	Start   bool // run the last function, which is () -> (), when it is started
	Data    string
	DataAt  int
}

// Bytes is the module in the binary format.
func (m Module) Bytes() []byte {
	b := []byte("\x00asm\x01\x00\x00\x00")
	section := func(id byte, n int, content []byte) {
		if n > 0 {
			content = append(binary.AppendUvarint(nil, uint64(n)), content...)
			b = append(b, id)
			b = append(binary.AppendUvarint(b, uint64(len(content))), content...)
		}
	}
	name := func(to []byte, s string) []byte { return append(binary.AppendUvarint(to, uint64(len(s))), s...) }
	types, imports := []byte{0x60, 0, 0}, []byte{}
	var funcs, exports, code []byte
	exported := 0
	for _, i := range m.Imports {
		imports = append(name(name(imports, "env"), i), 0, 0)
	}
	for i, f := range m.Funcs {
		types = append(append(types, 0x60, byte(len(f.Params))), f.Params...)
		if f.Result != 0 {
			types = append(types, 1, f.Result)
		} else {
			types = append(types, 0)
		}
		funcs = append(funcs, byte(i+1))
		if f.Export != "" {
			exports = append(name(exports, f.Export), 0, byte(len(m.Imports)+i))
			exported++
		}
		body := []byte{0}
		if f.Locals > 0 {
			body = []byte{1, byte(f.Locals), I32}
		}
		body = append(append(body, f.Code...), 0x0b)
		code = append(binary.AppendUvarint(code, uint64(len(body))), body...)
	}
	if m.Pages > 0 {
		exports = append(name(exports, "memory"), 2, 0)
		exported++
	}
	section(1, len(m.Funcs)+1, types)
	section(2, len(m.Imports), imports)
	section(3, len(m.Funcs), funcs)
	if m.Pages > 0 {
		section(5, 1, append([]byte{0}, binary.AppendUvarint(nil, uint64(m.Pages))...))
	}
	section(7, exported, exports)
	if m.Start {
		b = append(b, 8, 1, byte(len(m.Imports)+len(m.Funcs)-1))
	}
	section(10, len(m.Funcs), code)
	if m.Data != "" {
		section(11, 1, name(append(Const([]byte{0}, m.DataAt), 0x0b), m.Data))
	}
	return b
}

// Const appends i32.const v to code.
func Const(code []byte, v int) []byte {
	code = append(code, 0x41)
	for {
		low := byte(v & 0x7f)
		v >>= 7
		if v == 0 && low&0x40 == 0 || v == -1 && low&0x40 != 0 {
			return append(code, low)
		}
		code = append(code, low|0x80)
	}
}
