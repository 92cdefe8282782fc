package kernels

import (
	"cmp"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// timePatterns compiles the pattern argument of each row, one after the other.
type timePatterns struct {
	constant timePattern
	arg      textArg
	last     string
	pattern  timePattern
}

func (p *timePatterns) at(i int) (timePattern, error) {
	if p.constant != nil {
		return p.constant, nil
	}
	if s := p.arg.string(i); p.pattern == nil || s != p.last {
		c, err := compileTime(string(p.arg.at(i)))
		if err != nil {
			return nil, err
		}
		p.pattern, p.last = append(timePattern{}, c...), s
	}
	return p.pattern, nil
}

// constantPattern compiles a constant pattern, argument k, at bind.
func constantPattern(args []Arg, k int) (timePattern, error) {
	s, ok := args[k].stringConst()
	if !ok {
		return nil, nil
	}
	p, err := compileTime(s)
	return append(timePattern{}, p...), err
}

// formatTime is DATE_FORMAT(x, pattern).
func formatTime(constant timePattern) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, textType, n), nil
		}
		x := instantsOf(args[0])
		p := timePatterns{constant: constant}
		if constant == nil {
			p.arg = textsOf(args[1])
		}
		valid := strict(mem, n, args...)
		out := newText(mem, n, 24*n)
		for i := range n {
			if !valid.get(i) {
				out.skip(i)
				continue
			}
			pattern, err := p.at(i)
			if err != nil {
				out.release(valid)
				return nil, err
			}
			day, nanos := x.split(i)
			zone := utcText
			if x.clock != nil && pattern.showsZone() {
				abbr, offset := x.clock.Shows()
				zone = zoneText{offset: offset, id: x.clock.Zone(), abbr: abbr}
			}
			out.put(i, pattern.append(out.tail(), day, nanos, zone))
		}
		return out.finish(textType, valid)
	}
}

func bindFormatTime(f *Function, args []Arg) (*Binding, error) {
	t := acceptsInstant(args[0], false)
	if t == nil || !accepts(args[1], textType) {
		return nil, f.mismatch(args)
	}
	p, err := constantPattern(args, 1)
	if err != nil {
		return nil, err
	}
	return &Binding{Args: []arrow.DataType{t, textType}, Out: textType, Kernel: formatTime(p), Fails: p == nil}, nil
}

// bindFromUnixtime resolves FROM_UNIXTIME(seconds[, pattern]), a text.
func bindFromUnixtime(f *Function, args []Arg) (*Binding, error) {
	if !accepts(args[0], int64Type) || len(args) == 2 && !accepts(args[1], textType) {
		return nil, f.mismatch(args)
	}
	p, err := compileTime("yyyy-MM-dd HH:mm:ss")
	if len(args) == 2 {
		p, err = constantPattern(args, 1)
	}
	if err != nil {
		return nil, err
	}
	format, local := formatTime(p), &arrow.TimestampType{Unit: arrow.Second, TimeZone: args[0].Zone}
	b := &Binding{Args: same(textType, len(args)), Out: textType, Fails: p == nil}
	b.Args[0] = int64Type
	b.Kernel = func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if args[0].Null() {
			return Nulls(mem, textType, n), nil
		}
		seconds := relabel(args[0].Array, local)
		defer seconds.Release()
		return format(mem, n, append([]Datum{{seconds, args[0].Const}}, args[1:]...))
	}
	return b, nil
}

// parseTime reads texts by a pattern as instants of a unit, or as days.
func parseTime(constant timePattern, t arrow.DataType) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		clock, err := wallClock(t)
		if err != nil {
			return nil, err
		}
		s := textsOf(args[0])
		p := timePatterns{constant: constant, arg: textsOf(args[1])}
		valid := strict(mem, n, args...)
		buf, out := fixed[int64](mem, n)
		for i := range out {
			if !valid.get(i) {
				continue
			}
			pattern, err := p.at(i)
			if err == nil {
				sec, nanos, fixed, ok := pattern.parse(s.string(i))
				if ok {
					out[i], ok = join(sec, nanos, unitOf(t))
				}
				if ok && !fixed && clock != nil {
					out[i] = clock.Instant(out[i])
				}
				if !ok {
					err = &Error{Code: CodeValue, Msg: "cannot read " + strconv.Quote(cut(s.string(i))) + " as " + SQLName(t) + " by pattern '" + p.text(i) + "'"}
				}
			}
			if err != nil {
				giveUp(valid, buf)
				return nil, err
			}
		}
		return finish(t, valid, buf), nil
	}
}

// text is the pattern of row i, for messages.
func (p *timePatterns) text(i int) string { return cut(string(p.arg.at(i))) }

// bindParseTime resolves TO_TIMESTAMP and TO_DATE: of a text with a pattern or
// without, where it is CAST, or of another instant.
func bindParseTime(out arrow.DataType) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		if len(args) == 1 {
			if ok, _ := CanCast(Logical(args[0].Type), out); !ok {
				return nil, f.mismatch(args)
			}
			_, fails := CanCast(args[0].Type, out)
			return &Binding{Args: []arrow.DataType{nil}, Out: out, Fails: fails, Kernel: castKernel(out)}, nil
		}
		if !accepts(args[0], textType) || !accepts(args[1], textType) {
			return nil, f.mismatch(args)
		}
		p, err := constantPattern(args, 1)
		if err != nil {
			return nil, err
		}
		b := &Binding{Args: same(textType, 2), Out: out, Fails: true, Kernel: parseTime(p, out)}
		if out.ID() == arrow.DATE32 {
			parse := parseTime(p, &arrow.TimestampType{Unit: arrow.Second})
			b.Kernel = func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
				seconds, err := parse(mem, n, args)
				if err != nil {
					return nil, err
				}
				defer seconds.Release()
				return Cast(mem, seconds, out, false)
			}
		}
		return b, nil
	}
}

// castKernel is CAST as a kernel of one argument.
func castKernel(t arrow.DataType) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		return Cast(mem, args[0].Array, t, false)
	}
}

// bindUnixTimestamp resolves UNIX_TIMESTAMP(x) and UNIX_TIMESTAMP(text[,
// pattern]): seconds since the epoch, rounded down.
func bindUnixTimestamp(f *Function, args []Arg) (*Binding, error) {
	if t := acceptsInstant(args[0], false); len(args) == 1 && t != nil {
		if args[0].Zone != "" && !zoned(t) {
			t = &arrow.TimestampType{Unit: max(unitOf(t), arrow.Second), TimeZone: args[0].Zone}
		}
		return &Binding{Args: []arrow.DataType{t}, Out: int64Type, Kernel: extractPart(partEpoch)}, nil
	}
	seconds := &arrow.TimestampType{Unit: arrow.Second, TimeZone: args[0].Zone}
	b, err := bindParseTime(seconds)(f, args)
	if err != nil {
		return nil, err
	}
	parse := b.Kernel
	b.Out = int64Type
	b.Kernel = func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		a, err := parse(mem, n, args)
		if err != nil {
			return nil, err
		}
		defer a.Release()
		return relabel(a, int64Type), nil
	}
	return b, nil
}

// bindToLTZ resolves TO_TIMESTAMP_LTZ(n, precision): n seconds, milliseconds,
// microseconds or nanoseconds since the epoch. The default precision is 3.
func bindToLTZ(f *Function, args []Arg) (*Binding, error) {
	precision := int64(3)
	if len(args) == 2 {
		var ok bool
		if precision, ok = args[1].intConst(); !ok || precision < 0 || precision > 9 || precision%3 != 0 {
			return nil, &Error{Code: CodeFunction, Msg: f.Name + ": the precision must be 0, 3, 6 or 9", Hint: "usage: " + f.Usage}
		}
	}
	t := &arrow.TimestampType{Unit: arrow.TimeUnit(precision / 3), TimeZone: cmp.Or(args[0].Zone, "UTC")}
	if isText(args[0].Type) && len(args) == 1 || isInstant(args[0].Type) {
		return bindParseTime(t)(f, args[:1])
	}
	if !accepts(args[0], int64Type) {
		return nil, f.mismatch(args)
	}
	b := &Binding{Args: make([]arrow.DataType, len(args)), Out: t}
	b.Args[0] = int64Type
	b.Kernel = func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		return relabel(args[0].Array, t), nil
	}
	return b, nil
}
