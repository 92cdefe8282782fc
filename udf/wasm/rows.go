package wasm

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/arrowstream/arrowstream/kernels"
)

// chunk is how many rows are handed to a guest at a time: their columns stay in
// the cache, and the memory of a loop has a fixed size.
const chunk = 4096

// loop is a module that calls a function of numbers for each row:
//
//	for i = 0; i < n; i++ { if mask[i] != 0 { out[i] = f(a[i], b[i], ...) } }
//
// in a memory of its own, where every column has its place.
type loop struct {
	compiled wazero.CompiledModule
	args     []uint32 // where the columns are
	out      uint32
}

// loop makes the loop over an export.
func (m *Module) loop(export string, f api.FunctionDefinition, d kernels.Declaration) (*loop, error) {
	var params []api.ValueType
	var widths []int
	for _, t := range append(slices.Clone(d.Args), d.Out) {
		s, _ := shapeOf(t)
		if s.plain == 0 {
			return nil, unusable("%s takes or returns %s, for which it needs an export %s_batch", export, kernels.SQLName(t), export)
		}
		params, widths = append(params, s.plain), append(widths, max(s.width, 1))
	}
	params, result := params[:len(d.Args)], params[len(d.Args)]
	if !slices.Equal(f.ParamTypes(), params) || !slices.Equal(f.ResultTypes(), []api.ValueType{result}) {
		return nil, unusable("export %s is %s, but %s stands for %s", export, signature(f.ParamTypes(), f.ResultTypes()...), d.Name, signature(params, result))
	}
	l := &loop{}
	at := uint32(chunk) // the mask is first, a byte for each row
	for _, w := range widths {
		l.args = append(l.args, at)
		at += uint32(chunk * w)
	}
	l.args, l.out = l.args[:len(d.Args)], l.args[len(d.Args)]
	compiled, err := m.runtime.CompileModule(context.Background(), l.code(export, params, result, widths, at))
	if err != nil {
		return nil, fmt.Errorf("wasm: loop over %s: %w", export, err)
	}
	l.compiled = compiled
	return l, nil
}

// Opcodes of the loop, and numbers of sections and forms.
const (
	opBlock, opLoop, opIf, opEnd = 0x02, 0x03, 0x04, 0x0b
	opBr, opBrIf, opCall         = 0x0c, 0x0d, 0x10
	opGet, opSet                 = 0x20, 0x21
	opLoad8, opStore8            = 0x2d, 0x3a
	opConst, opEqz, opGeU        = 0x41, 0x45, 0x4f
	opAdd, opShl                 = 0x6a, 0x74
	noResult                     = 0x40

	sectionType, sectionImport, sectionFunction, sectionMemory, sectionExport, sectionCode = 1, 2, 3, 5, 7, 10

	formFunction, isFunction, isMemory = 0x60, 0, 2
)

// loads and stores are the instructions that move a number of a type.
var (
	loads  = map[api.ValueType]byte{api.ValueTypeI32: 0x28, api.ValueTypeI64: 0x29, api.ValueTypeF32: 0x2a, api.ValueTypeF64: 0x2b}
	stores = map[api.ValueType]byte{api.ValueTypeI32: 0x36, api.ValueTypeI64: 0x37, api.ValueTypeF32: 0x38, api.ValueTypeF64: 0x39}
)

// code is the module, in the binary format of the WebAssembly core
// specification, section 5, around the export it calls. Columns have the given widths, the last one is the
// result; size is that of the memory.
func (l *loop) code(export string, params []api.ValueType, result api.ValueType, widths []int, size uint32) []byte {
	const n, i = 0, 1 // locals
	// at puts the place of row i in a column of a width on the stack.
	at := func(b []byte, width int) []byte {
		b = append(b, opGet, i)
		if width > 1 {
			b = append(b, opConst, byte(bits.TrailingZeros(uint(width))), opShl)
		}
		return b
	}
	// move loads or stores there, in the column that begins at base.
	move := func(b []byte, op byte, base uint32) []byte {
		return binary.AppendUvarint(append(b, op, 0), uint64(base))
	}
	body := []byte{1, 1, api.ValueTypeI32} // one more local
	body = append(body, opBlock, noResult, opLoop, noResult)
	body = append(body, opGet, i, opGet, n, opGeU, opBrIf, 1)
	body = append(move(at(body, 1), opLoad8, 0), opIf, noResult)
	body = at(body, widths[len(params)])
	for k, t := range params {
		op := loads[t]
		if widths[k] == 1 {
			op = opLoad8
		}
		body = move(at(body, widths[k]), op, l.args[k])
	}
	body = append(body, opCall, 0)
	if widths[len(params)] == 1 {
		body = move(append(body, opEqz, opEqz), opStore8, l.out)
	} else {
		body = move(body, stores[result], l.out)
	}
	body = append(body, opEnd, opGet, i, opConst, 1, opAdd, opSet, i, opBr, 0, opEnd, opEnd, opEnd)

	b := []byte("\x00asm\x01\x00\x00\x00")
	section := func(id byte, content []byte) {
		b = append(binary.AppendUvarint(append(b, id), uint64(len(content))), content...)
	}
	types := append([]byte{2, formFunction}, byte(len(params)))
	types = append(append(types, params...), 1, result)
	section(sectionType, append(types, formFunction, 1, api.ValueTypeI32, 0))
	imported := append(binary.AppendUvarint([]byte{1, 1, 'm'}, uint64(len(export))), export...)
	section(sectionImport, append(imported, isFunction, 0))
	section(sectionFunction, []byte{1, 1})
	section(sectionMemory, binary.AppendUvarint([]byte{1, 0}, uint64((size+1<<16-1)>>16)))
	section(sectionExport, []byte("\x02\x06memory\x02\x00\x03run\x00\x01"))
	section(sectionCode, append(binary.AppendUvarint([]byte{1}, uint64(len(body))), body...))
	return b
}

// run computes rows lo to hi of the result.
//
// Cost: two copies and a mask for a column, and a call between modules for a row.
func (l *loop) run(p *pool, at *instance, in *input, out *result, lo, hi int) error {
	n := hi - lo
	valid := in.valid(lo, hi)
	mask, ok := at.memory.Read(0, uint32(n))
	if !ok {
		return p.wrong("its memory is gone")
	}
	if valid.All() {
		for i := range mask {
			mask[i] = 1
		}
	} else {
		clear(mask)
		for i := range valid.Ones() {
			mask[i] = 1
		}
	}
	for k := range in.columns {
		place, _ := at.memory.Read(l.args[k], uint32(n*max(in.shapes[k].width, 1)))
		in.put(k, lo, hi, place)
	}
	if _, err := p.invoke(at.call, uint64(n)); err != nil {
		return err
	}
	values, ok := at.memory.Read(l.out, uint32(n*max(out.shape.width, 1)))
	if !ok {
		return p.wrong("its memory is gone")
	}
	out.values(lo, values)
	out.valid(lo, valid)
	return nil
}
