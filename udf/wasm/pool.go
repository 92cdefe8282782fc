package wasm

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/sys"

	"github.com/arrowstream/arrowstream/kernels"
)

// pool is the instances of one function. One serves one call at a time; one that
// has trapped is not used again, since its memory may be half written.
type pool struct {
	module       *Module
	name, export string
	loop         *loop // of a function of numbers; nil for one of columns

	mu   sync.Mutex
	idle []*instance
}

// instance is a module that was started.
type instance struct {
	guest  api.Module
	loop   api.Module // that calls guest for each row; nil without
	alloc  api.Function
	call   api.Function
	memory api.Memory // that columns are handed over in
}

// kernel is the kernel of the function d.
func (p *pool) kernel(d kernels.Declaration) kernels.Kernel {
	shapes := make([]shape, len(d.Args))
	for i, t := range d.Args {
		shapes[i], _ = shapeOf(t)
	}
	result, _ := shapeOf(d.Out)
	return func(mem memory.Allocator, n int, args []kernels.Datum) (out arrow.Array, err error) {
		in, err := open(mem, n, shapes, args)
		if err != nil {
			return nil, err
		}
		defer in.close()
		at, err := p.take()
		if err != nil {
			return nil, err
		}
		defer func() { p.give(at, err == nil) }()
		to := newResult(mem, d.Out, result, n)
		defer to.close()
		for lo := 0; lo < n; lo += chunk {
			hi := min(lo+chunk, n)
			if p.loop != nil {
				err = p.loop.run(p, at, in, to, lo, hi)
			} else {
				err = p.batch(at, in, to, lo, hi)
			}
			if err != nil {
				return nil, err
			}
		}
		return to.array()
	}
}

// take is an idle instance, or a new one.
func (p *pool) take() (*instance, error) {
	p.mu.Lock()
	last := len(p.idle) - 1
	if last >= 0 {
		at := p.idle[last]
		p.idle = p.idle[:last]
		p.mu.Unlock()
		return at, nil
	}
	p.mu.Unlock()
	return p.start()
}

// start makes an instance.
func (p *pool) start() (*instance, error) {
	ctx, cancel := context.WithTimeout(context.Background(), p.module.timeout)
	defer cancel()
	// No name, so that there can be several; no start function but that of the
	// module itself.
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	guest, err := p.module.runtime.InstantiateModule(ctx, p.module.compiled, config)
	if err != nil {
		return nil, p.failed(err)
	}
	at := &instance{guest: guest}
	if p.loop == nil {
		at.alloc, at.call, at.memory = guest.ExportedFunction("alloc"), guest.ExportedFunction(p.export), guest.Memory()
		return at, nil
	}
	ctx = experimental.WithImportResolver(ctx, func(string) api.Module { return guest })
	if at.loop, err = p.module.runtime.InstantiateModule(ctx, p.loop.compiled, config); err != nil {
		return nil, errors.Join(p.failed(err), guest.Close(ctx))
	}
	at.call, at.memory = at.loop.ExportedFunction("run"), at.loop.Memory()
	return at, nil
}

// give takes an instance back.
func (p *pool) give(at *instance, sound bool) {
	if sound {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.idle = append(p.idle, at)
		return
	}
	ctx := context.Background()
	if at.loop != nil {
		_ = at.loop.Close(ctx)
	}
	_ = at.guest.Close(ctx)
}

// invoke calls a function of an instance within the time it has.
func (p *pool) invoke(f api.Function, args ...uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), p.module.timeout)
	defer cancel()
	out, err := f.Call(ctx, args...)
	if err != nil {
		return 0, p.failed(err)
	}
	if len(out) == 0 {
		return 0, nil
	}
	return out[0], nil
}

// failed is the error of a call.
func (p *pool) failed(err error) error {
	var exit *sys.ExitError
	if errors.As(err, &exit) && (exit.ExitCode() == sys.ExitCodeDeadlineExceeded || exit.ExitCode() == sys.ExitCodeContextCanceled) {
		return &kernels.Error{
			Code: codeTimeout, Msg: fmt.Sprintf("function %s: a call took longer than %s", p.name, p.module.timeout),
			Hint: "SET function.wasm.timeout = '1 min' gives it more time",
		}
	}
	return p.wrong("%s", firstLine(err))
}

// wrong is the error of a function that did something wrong.
func (p *pool) wrong(format string, args ...any) error {
	return &kernels.Error{Code: kernels.CodeUser, Msg: "function " + p.name + ": " + fmt.Sprintf(format, args...)}
}
