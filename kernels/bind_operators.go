package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/decimal128"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// arithmetic is + - * of numbers and of times.
type arithmetic simd.Operator

const (
	arithAdd = arithmetic(simd.Add)
	arithSub = arithmetic(simd.Sub)
	arithMul = arithmetic(simd.Mul)
)

// bindArithmetic resolves + - *. With try what does not fit is NULL.
func bindArithmetic(op arithmetic, try bool) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		x, y := numberTypes(args)
		b := bindTimes(op, args, try)
		if b == nil {
			if !isNumber(x) || !isNumber(y) {
				if isNull(x) && isNull(y) {
					return &Binding{Args: []arrow.DataType{int64Type, int64Type}, Out: int64Type, Kernel: elementwise[int64](simd.Operator(op), int64Type, try)}, nil
				}
				return nil, f.mismatch(args)
			}
			b = bindNumbers(op, x, y, try)
		}
		if try && b.Fails {
			b.Fails, b.Nulls = false, NullPossible
		}
		return b, nil
	}
}

// numberTypes are the types of two operands after text literals and NULLs have
// taken the type of the other side and text columns have become numbers.
func numberTypes(args []Arg) (x, y arrow.DataType) {
	t := [2]arrow.DataType{Logical(args[0].Type), Logical(args[1].Type)}
	for i, a := range args {
		other := t[1-i]
		switch {
		case isNull(t[i]) && isNumber(other):
			t[i] = other
		case isText(t[i]) && isNumber(other) && a.Literal:
			t[i] = other
		case isText(t[i]) && isNumber(other):
			t[i] = textNumber(other)
		}
	}
	return t[0], t[1]
}

func bindNumbers(op arithmetic, x, y arrow.DataType, try bool) *Binding {
	t := commonNumber(x, y)
	if isDecimal(t) {
		p, q := digitsOf(x), digitsOf(y)
		out := decimalResult(decimalOp(op), p, q)
		return &Binding{Args: []arrow.DataType{p, q}, Out: out, Kernel: decimalKernel(decimalOp(op), p, q, out, try), Fails: out.Precision == 38}
	}
	b := &Binding{}
	switch {
	case t.ID() == arrow.FLOAT32:
		b.Kernel = elementwise[float32](simd.Operator(op), t, false)
	case t.ID() == arrow.FLOAT64:
		b.Kernel = elementwise[float64](simd.Operator(op), t, false)
	case signedWidth(t) <= 32:
		t, b.Fails = int32Type, true
		b.Kernel = elementwise[int32](simd.Operator(op), t, try)
	default:
		t, b.Fails = int64Type, true
		b.Kernel = elementwise[int64](simd.Operator(op), t, try)
	}
	b.Args, b.Out = []arrow.DataType{t, t}, t
	return b
}

// bindTimes resolves arithmetic of instants, durations and months, nil if args
// are none of these.
func bindTimes(op arithmetic, args []Arg, try bool) *Binding {
	x, y := Logical(args[0].Type), Logical(args[1].Type)
	if op == arithMul {
		return bindDurationTimes(args, try)
	}
	timed := func(t arrow.DataType) bool {
		return isInstant(t) || t.ID() == arrow.DURATION || t.ID() == arrow.INTERVAL_MONTHS
	}
	switch {
	case isNull(x) && timed(y):
		// NULL and an interval, or NULL minus an instant: an instant.
		x = micros
		if isInstant(y) && op == arithAdd {
			x = arrow.FixedWidthTypes.Duration_us
		}
	case isNull(y) && timed(x):
		y = arrow.FixedWidthTypes.Duration_us
	}
	if args[0].Literal && isText(x) && isInstant(y) {
		x = y
	}
	if args[1].Literal && isText(y) && isInstant(x) && op == arithSub {
		y = x
	}
	ints := func(x, y, out arrow.DataType) *Binding {
		return &Binding{Args: []arrow.DataType{x, y}, Out: out, Kernel: elementwise[int64](simd.Operator(op), out, try), Fails: true}
	}
	switch {
	case isInstant(x) && y.ID() == arrow.DURATION:
		t := instantAt(x, args[1])
		return ints(t, &arrow.DurationType{Unit: unitOf(t)}, t)
	case x.ID() == arrow.DURATION && isInstant(y) && op == arithAdd:
		t := instantAt(y, args[0])
		return ints(&arrow.DurationType{Unit: unitOf(t)}, t, t)
	case x.ID() == arrow.DURATION && y.ID() == arrow.DURATION:
		t := &arrow.DurationType{Unit: max(unitOf(x), unitOf(y))}
		return ints(t, t, t)
	case isInstant(x) && isInstant(y) && op == arithSub:
		t := finerInstant(x, y)
		if isDate(x) && isDate(y) {
			t = micros
		}
		return ints(t, t, &arrow.DurationType{Unit: unitOf(t)})
	case isDate(x) && isInt(y), isDate(y) && isInt(x) && op == arithAdd:
		days := [2]arrow.DataType{int32Type, int32Type}
		if isDate(x) {
			days[0] = dateType
		} else {
			days[1] = dateType
		}
		return &Binding{Args: days[:], Out: dateType, Kernel: elementwise[int32](simd.Operator(op), dateType, try), Fails: true}
	case isInstant(x) && y.ID() == arrow.INTERVAL_MONTHS:
		return bindMonths(x, 0, op == arithSub, try)
	case x.ID() == arrow.INTERVAL_MONTHS && isInstant(y) && op == arithAdd:
		return bindMonths(y, 1, false, try)
	}
	return nil
}

// instantAt is the timestamp type in which an instant and a duration meet: the
// finer unit, or that of the instant when a constant duration is a multiple of
// it.
func instantAt(t arrow.DataType, duration Arg) arrow.DataType {
	unit, zone := arrow.Microsecond, ""
	if ts, ok := t.(*arrow.TimestampType); ok {
		unit, zone = ts.Unit, ts.TimeZone
	}
	finer := unitOf(duration.Type)
	if finer > unit && !wholeUnits(duration, unit) {
		unit = finer
	}
	return &arrow.TimestampType{Unit: unit, TimeZone: zone}
}

// bindDurationTimes resolves the product of a duration and an integer.
func bindDurationTimes(args []Arg, try bool) *Binding {
	x, y := Logical(args[0].Type), Logical(args[1].Type)
	t := [2]arrow.DataType{int64Type, int64Type}
	switch {
	case x.ID() == arrow.DURATION && isInt(y):
		t[0] = x
	case y.ID() == arrow.DURATION && isInt(x):
		t[1], x = y, y
	default:
		return nil
	}
	return &Binding{Args: t[:], Out: x, Kernel: elementwise[int64](simd.Mul, x, try), Fails: true}
}

// bindDivide resolves "/": floats by IEEE rules, integers as float64 with an
// error for a zero divisor, decimals rounded half away from zero.
func bindDivide(try bool) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		x, y := numberTypes(args)
		if x.ID() == arrow.DURATION && isInt(y) {
			return &Binding{Args: []arrow.DataType{x, int64Type}, Out: x, Kernel: divide("/", divInts[int64], x), Fails: true}, nil
		}
		if isNull(x) && isNull(y) {
			x, y = float64Type, float64Type
		}
		if !isNumber(x) || !isNumber(y) {
			return nil, f.mismatch(args)
		}
		t := commonNumber(x, y)
		b := &Binding{Args: []arrow.DataType{t, t}, Out: t}
		switch {
		case isDecimal(t):
			p, q := digitsOf(x), digitsOf(y)
			out := decimalResult(decimalDiv, p, q)
			b = &Binding{Args: []arrow.DataType{p, q}, Out: out, Kernel: decimalKernel(decimalDiv, p, q, out, try), Fails: true}
		case t.ID() == arrow.FLOAT32:
			b.Kernel = elementwise[float32](simd.Div, t, false)
		case t.ID() == arrow.FLOAT64 && (isFloat(y) || isNull(y)):
			b.Kernel = elementwise[float64](simd.Div, t, false)
		default:
			b = &Binding{Args: []arrow.DataType{float64Type, float64Type}, Out: float64Type, Kernel: checkedQuotient(try), Fails: true}
		}
		if try && b.Fails {
			b.Fails, b.Nulls = false, NullPossible
		}
		return b, nil
	}
}

// bindDiv resolves DIV, the quotient cut towards zero, a BIGINT.
func bindDiv(f *Function, args []Arg) (*Binding, error) {
	x, y := numberTypes(args)
	if isNull(x) && isNull(y) {
		x, y = int64Type, int64Type
	}
	if !isNumber(x) || !isNumber(y) {
		return nil, f.mismatch(args)
	}
	t := commonNumber(x, y)
	switch {
	case isInt(t) && signedWidth(t) <= 32:
		return &Binding{Args: []arrow.DataType{int32Type, int32Type}, Out: int32Type, Kernel: divide("DIV", divInts[int32], int32Type), Fails: true}, nil
	case isInt(t):
		return &Binding{Args: []arrow.DataType{int64Type, int64Type}, Out: int64Type, Kernel: divide("DIV", divInts[int64], int64Type), Fails: true}, nil
	}
	return &Binding{Args: []arrow.DataType{float64Type, float64Type}, Out: int64Type, Kernel: divFloatsTruncated, Fails: true}, nil
}

// bindMod resolves the remainder, which has the sign of the dividend.
func bindMod(f *Function, args []Arg) (*Binding, error) {
	x, y := numberTypes(args)
	if isNull(x) && isNull(y) {
		x, y = int64Type, int64Type
	}
	if !isNumber(x) || !isNumber(y) {
		return nil, f.mismatch(args)
	}
	t := commonNumber(x, y)
	switch {
	case isDecimal(t):
		p, q := digitsOf(x), digitsOf(y)
		out := decimalResult(decimalMod, p, q)
		return &Binding{Args: []arrow.DataType{p, q}, Out: out, Kernel: decimalKernel(decimalMod, p, q, out, false), Fails: true}, nil
	case t.ID() == arrow.FLOAT32:
		return &Binding{Args: []arrow.DataType{t, t}, Out: t, Kernel: modFloats[float32](t)}, nil
	case t.ID() == arrow.FLOAT64:
		return &Binding{Args: []arrow.DataType{t, t}, Out: t, Kernel: modFloats[float64](t)}, nil
	case signedWidth(t) <= 32:
		return &Binding{Args: []arrow.DataType{int32Type, int32Type}, Out: int32Type, Kernel: divide("%", modInts[int32], int32Type), Fails: true}, nil
	}
	return &Binding{Args: []arrow.DataType{int64Type, int64Type}, Out: int64Type, Kernel: divide("%", modInts[int64], int64Type), Fails: true}, nil
}

// bindNegate resolves the unary minus.
func bindNegate(f *Function, args []Arg) (*Binding, error) {
	t := Logical(args[0].Type)
	one := func(t arrow.DataType, k Kernel, fails bool) (*Binding, error) {
		return &Binding{Args: []arrow.DataType{t}, Out: t, Kernel: k, Fails: fails}, nil
	}
	switch {
	case isNull(t):
		return one(int64Type, negate[int64](int64Type), true)
	case t.ID() == arrow.FLOAT32:
		return one(t, negateFloats[float32](t), false)
	case t.ID() == arrow.FLOAT64:
		return one(t, negateFloats[float64](t), false)
	case isDecimal(t):
		return one(t, decimalUnary(t, decimal128.Num.Negate), false)
	case t.ID() == arrow.INTERVAL_MONTHS:
		return one(t, negate[int32](t), true)
	case t.ID() == arrow.DURATION:
		return one(t, negate[int64](t), true)
	case isInt(t) && signedWidth(t) <= 32:
		return one(int32Type, negate[int32](int32Type), true)
	case isInt(t):
		return one(int64Type, negate[int64](int64Type), true)
	}
	return nil, f.mismatch(args)
}

// bindComparison resolves = <> < <= > >= in the common type of both sides.
func bindComparison(op comparison) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		t, err := comparedType(f, args)
		if err != nil {
			return nil, err
		}
		b := &Binding{Args: []arrow.DataType{t, t}, Out: boolType, Kernel: op.kernel()}
		b.keepDictionaries(args)
		return b, nil
	}
}

// bindDistinct resolves IS [NOT] DISTINCT FROM.
func bindDistinct(distinct bool) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		t, err := comparedType(f, args)
		if err != nil {
			return nil, err
		}
		return &Binding{Args: []arrow.DataType{t, t}, Out: boolType, Nulls: NeverNull, Kernel: distinctKernel(distinct)}, nil
	}
}

// comparedType is the type in which args are compared: an integer constant
// that fits takes the type of a column, so that no column is widened for it.
func comparedType(f *Function, args []Arg) (arrow.DataType, error) {
	t, err := CommonType(f.Usage, args)
	if err != nil {
		return nil, err
	}
	if t.ID() == arrow.MAP {
		return nil, &Error{Code: CodeTypes, Msg: f.Usage + ": values of type " + SQLName(t) + " cannot be compared"}
	}
	var column arrow.DataType
	for _, a := range args {
		if a.Const == nil {
			if column != nil && !columnar.SameType(column, a.Type) {
				return t, nil
			}
			column = a.Type
		}
	}
	if column == nil || !isInt(column) || columnar.SameType(column, t) {
		return t, nil
	}
	for _, a := range args {
		if a.Const == nil || isNull(a.Type) {
			continue
		}
		v, ok := a.intConst()
		if !ok || !intFits(v, column) {
			return t, nil
		}
	}
	return column, nil
}

// intFits reports whether v is a value of the integer type t.
func intFits(v int64, t arrow.DataType) bool {
	switch t.ID() {
	case arrow.INT8:
		return v == int64(int8(v))
	case arrow.INT16:
		return v == int64(int16(v))
	case arrow.INT32:
		return v == int64(int32(v))
	case arrow.UINT8:
		return v == int64(uint8(v))
	case arrow.UINT16:
		return v == int64(uint16(v))
	case arrow.UINT32:
		return v == int64(uint32(v))
	case arrow.UINT64:
		return v >= 0
	}
	return true
}

// bindLogic resolves functions of booleans.
func bindLogic(k Kernel, rule NullRule) func(*Function, []Arg) (*Binding, error) {
	return nulls(rule, scalar(boolType, k, boolType))
}
