package kernels

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// formatPart is a piece of a format: text as it is, or a conversion of an
// argument with its flags.
type formatPart struct {
	text string
	verb byte // 0 for text
	spec string
}

// parseFormat reads a format of printf: %[-+ 0#][width][.precision] and one of
// d x X o s c b f e E, %% and %n. Widths and precisions are at most 1000.
func parseFormat(s string) ([]formatPart, bool) {
	var parts []formatPart
	plain := func(text string) {
		if text != "" {
			parts = append(parts, formatPart{text: text})
		}
	}
	for {
		before, rest, found := strings.Cut(s, "%")
		plain(before)
		if !found {
			return parts, true
		}
		end := strings.IndexFunc(rest, func(r rune) bool { return !strings.ContainsRune("-+ 0#123456789.", r) })
		if end < 0 {
			return nil, false
		}
		spec, verb := rest[:end], rest[end]
		s = rest[end+1:]
		digits := strings.TrimLeft(spec, "-+ 0#")
		width, precision, _ := strings.Cut(digits, ".")
		if len(width) > 3 || len(precision) > 3 || strings.ContainsAny(digits, "-+ #") || strings.Contains(precision, ".") {
			return nil, false
		}
		switch {
		case (verb == '%' || verb == 'n') && spec == "":
			plain(map[byte]string{'%': "%", 'n': "\n"}[verb])
		case strings.IndexByte("dxXoscbfeE", verb) < 0:
			return nil, false
		case strings.IndexByte("dxXoc", verb) >= 0 && strings.Contains(digits, "."):
			return nil, false
		default:
			parts = append(parts, formatPart{verb: verb, spec: "%" + spec})
		}
	}
}

// bindFormat resolves FORMAT_STRING(format, x, ...), whose format is a constant.
func bindFormat(f *Function, args []Arg) (*Binding, error) {
	text, ok := args[0].stringConst()
	if !ok {
		return nil, &Error{Code: CodeFunction, Msg: f.Name + ": the format must be a constant text", Hint: "usage: " + f.Usage}
	}
	parts, ok := parseFormat(text)
	if !ok {
		return nil, &Error{Code: CodePattern, Msg: f.Name + ": bad format '" + cut(text) + "'", Hint: "conversions are %d %x %X %o %s %c %b %f %e %E, with flags, a width and a precision below 1000"}
	}
	b := &Binding{Args: []arrow.DataType{nil}, Out: textType}
	for _, p := range parts {
		if p.verb == 0 {
			continue
		}
		k := len(b.Args)
		if k >= len(args) {
			return nil, &Error{Code: CodeFunction, Msg: f.Name + ": the format has more conversions than there are arguments", Hint: "usage: " + f.Usage}
		}
		t := textType
		switch p.verb {
		case 'd', 'x', 'X', 'o', 'c':
			t = int64Type
		case 'f', 'e', 'E':
			t = float64Type
		case 'b':
			t = boolType
		}
		if can, _ := CanCast(Logical(args[k].Type), t); t == textType && !can || t != textType && !accepts(args[k], t) {
			return nil, f.mismatch(args)
		}
		b.Args = append(b.Args, t)
	}
	if len(b.Args) < len(args) {
		return nil, &Error{Code: CodeFunction, Msg: f.Name + ": the format has fewer conversions than there are arguments", Hint: "usage: " + f.Usage}
	}
	b.Kernel = formatKernel(parts)
	return b, nil
}

// formatKernel writes the parts of a format, NULL where an argument is. Cost: a
// call of package fmt per conversion and row, about 100 ns.
func formatKernel(parts []formatPart) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, textType, n), nil
		}
		texts, ints, floats := make([]textArg, len(args)), make([]intArg, len(args)), make([][]float64, len(args))
		k := 1
		for _, p := range parts {
			switch p.verb {
			case 0:
				continue
			case 's':
				texts[k] = textsOf(args[k])
			case 'd', 'x', 'X', 'o', 'c':
				ints[k] = intsOf(args[k])
			case 'f', 'e', 'E':
				floats[k] = columnar.Values[float64](args[k].Array)
			}
			k++
		}
		valid := strict(mem, n, args...)
		out := newText(mem, n, 16*n)
		for i := range n {
			if !valid.get(i) {
				out.skip(i)
				continue
			}
			dst, k := out.tail(), 1
			for _, p := range parts {
				switch p.verb {
				case 0:
					dst = append(dst, p.text...)
					continue
				case 's':
					dst = fmt.Appendf(dst, p.spec+"s", texts[k].at(i))
				case 'b':
					dst = fmt.Appendf(dst, p.spec+"t", columnar.Bools(args[k].Array).Get(args[k].at(i)))
				case 'f', 'e', 'E':
					dst = fmt.Appendf(dst, p.spec+string(p.verb), floats[k][i&args[k].mask()])
				default:
					v := ints[k].at(i)
					if p.verb == 'd' {
						dst = fmt.Appendf(dst, p.spec+"d", v)
					} else {
						dst = fmt.Appendf(dst, p.spec+string(p.verb), uint64(v)) // as Java, in 64 bits
					}
				}
				k++
			}
			out.put(i, dst)
		}
		return out.finish(textType, valid)
	}
}
