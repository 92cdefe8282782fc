package generator

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/cell"
)

// draw is what the value of a row is made of.
type draw struct {
	rng
	row    int64
	micros int64 // of the timeline
}

// maker appends the value of a row to its column.
type maker func(d *draw, c *cell.Column)

// makers collects what makes the values of the columns of a [Datagen].
type makers struct {
	values  map[string]Values // those that no column has taken
	paths   []string          // of columns, their fields and elements
	columns []maker
	rows    int64 // the least that a sequence or the source has, 0 for no end
	width   int   // of the longest row, in bytes
	repeat  int   // how often a value is there in a row, 0 outside of lists
}

// bad is the error of an option of a column.
func bad(path, option, msg string, args ...any) error {
	return &arrowstream.Error{Code: "AS2161", Msg: fmt.Sprintf("datagen: %q: ", "fields."+path+"."+option) + fmt.Sprintf(msg, args...)}
}

// field makes the values of the column, field or element at path.
func (m *makers) field(f arrow.Field, path string) (maker, error) {
	m.paths = append(m.paths, path)
	var v Values
	var names []string
	for p, given := range m.values {
		if strings.EqualFold(p, path) {
			v, names = given, append(names, p)
		}
	}
	for _, p := range names {
		delete(m.values, p)
	}
	switch {
	case len(names) > 1:
		return nil, &arrowstream.Error{Code: "AS2161", Msg: fmt.Sprintf("datagen: the values of column %q are given twice", path)}
	case v.NullRate < 0 || v.NullRate > 1 || math.IsNaN(v.NullRate):
		return nil, bad(path, "null-rate", "must be between 0 and 1")
	case v.NullRate > 0 && !f.Nullable:
		return nil, bad(path, "null-rate", "the column is NOT NULL")
	case v.Length < 0 || v.Length > maxRowBytes:
		return nil, bad(path, "length", "must be between 0 and %d", maxRowBytes)
	case v.MaxPast < 0:
		return nil, bad(path, "max-past", "is negative")
	}
	value, err := m.value(f.Type, path, v)
	if err != nil || v.NullRate == 0 {
		return value, err
	}
	return func(d *draw, c *cell.Column) {
		if d.float() < v.NullRate {
			c.AppendNull()
		} else {
			value(d, c)
		}
	}, nil
}

func (m *makers) value(t arrow.DataType, path string, v Values) (maker, error) {
	if len(v.Of) > 0 {
		return m.chosen(t, path, v)
	}
	switch strings.ToLower(v.Kind) {
	case "", "random":
	case "sequence":
		return m.sequence(t, path, v)
	default:
		return nil, bad(path, "kind", "%q is not random or sequence", v.Kind)
	}
	switch t := t.(type) {
	case *arrow.BooleanType:
		m.wide(1)
		return func(d *draw, c *cell.Column) { c.AppendBool(d.next()&1 == 1) }, nil
	case *arrow.Float32Type, *arrow.Float64Type:
		return m.floats(t, path, v)
	case *arrow.Decimal128Type:
		return m.decimals(t, path, v)
	case *arrow.StringType, *arrow.BinaryType, *arrow.DictionaryType:
		return m.texts(t, v), nil
	case *arrow.TimestampType, *arrow.Date32Type, *arrow.Date64Type, *arrow.Time32Type, *arrow.Time64Type:
		return m.times(t, v), nil
	case *arrow.ListType:
		return m.lists(t.ElemField(), path, v, -1)
	case *arrow.FixedSizeListType:
		return m.lists(t.ElemField(), path, v, int(t.Len()))
	case *arrow.StructType:
		return m.structs(t, path)
	}
	if lo, hi, ok := integers(t); ok {
		return m.numbers(t, path, v, lo, hi)
	}
	return nil, &arrowstream.Error{Code: "AS2161", Msg: fmt.Sprintf("datagen: column %q is %s, which cannot be made", path, columnar.TypeName(t))}
}

// wide adds the bytes of a value to those of a row.
func (m *makers) wide(bytes int) { m.width += min(bytes*max(m.repeat, 1), maxRowBytes+1) }

// integers are the least and the greatest number of a type, as bits of 64.
func integers(t arrow.DataType) (lo, hi uint64, ok bool) {
	f, fixed := t.(arrow.FixedWidthDataType)
	switch {
	case !fixed:
		return 0, 0, false
	case arrow.IsUnsignedInteger(t.ID()):
		return 0, math.MaxUint64 >> (64 - f.BitWidth()), true
	case arrow.IsSignedInteger(t.ID()), t.ID() == arrow.DURATION:
		hi := uint64(math.MaxInt64) >> (64 - f.BitWidth())
		return ^hi, hi, true
	}
	return 0, 0, false
}

// bound reads a bound of an integer type, which has the given one without.
func bound(t arrow.DataType, path, option, text string, otherwise uint64) (uint64, error) {
	if text == "" {
		return otherwise, nil
	}
	lo, hi, _ := integers(t)
	if lo == 0 {
		if n, ok := cell.ParseUint([]byte(text)); ok && n <= hi {
			return n, nil
		}
	} else if n, ok := cell.ParseInt([]byte(text)); ok && n >= int64(lo) && n <= int64(hi) {
		return uint64(n), nil
	}
	return 0, bad(path, option, "%q is no %s", text, columnar.TypeName(t))
}

// span reads the bounds of an integer type and how many numbers are between them,
// less one.
func span(t arrow.DataType, path string, v Values, lo, hi uint64) (from, more uint64, err error) {
	if lo, err = bound(t, path, "min", v.Min, lo); err != nil {
		return 0, 0, err
	}
	if hi, err = bound(t, path, "max", v.Max, hi); err != nil {
		return 0, 0, err
	}
	if unsigned := arrow.IsUnsignedInteger(t.ID()); unsigned && hi < lo || !unsigned && int64(hi) < int64(lo) {
		return 0, 0, bad(path, "max", "is less than min")
	}
	return lo, hi - lo, nil
}

// upTo is a number of 0 to n.
func (d *draw) upTo(n uint64) uint64 {
	if n == math.MaxUint64 {
		return d.next()
	}
	return d.intn(n + 1)
}

func (m *makers) numbers(t arrow.DataType, path string, v Values, lo, hi uint64) (maker, error) {
	from, more, err := span(t, path, v, lo, hi)
	m.wide(8)
	if arrow.IsUnsignedInteger(t.ID()) {
		return func(d *draw, c *cell.Column) { c.AppendUnsigned(from + d.upTo(more)) }, err
	}
	return func(d *draw, c *cell.Column) { c.AppendInteger(int64(from + d.upTo(more))) }, err
}

func (m *makers) floats(t arrow.DataType, path string, v Values) (maker, error) {
	bounds := [2]float64{0, 1}
	for i, text := range []string{v.Min, v.Max} {
		if text == "" {
			continue
		}
		var err error
		if bounds[i], err = strconv.ParseFloat(text, 64); err != nil || math.IsNaN(bounds[i]) || math.IsInf(bounds[i], 0) {
			return nil, bad(path, []string{"min", "max"}[i], "%q is no number", text)
		}
	}
	lo, hi := bounds[0], bounds[1]
	if hi < lo {
		return nil, bad(path, "max", "is less than min")
	}
	m.wide(8)
	between := func(d *draw) float64 {
		x := d.float()
		return min(float64(lo*(1-x))+float64(hi*x), hi)
	}
	if t.ID() == arrow.FLOAT32 {
		return func(d *draw, c *cell.Column) { c.AppendFloat32(float32(between(d))) }, nil
	}
	return func(d *draw, c *cell.Column) { c.AppendFloat64(between(d)) }, nil
}

// decimals are made of 18 digits at most.
func (m *makers) decimals(t *arrow.Decimal128Type, path string, v Values) (maker, error) {
	bounds := [2]int64{0, int64(math.Pow10(int(min(t.Precision, 18)))) - 1}
	for i, text := range []string{v.Min, v.Max} {
		if text == "" {
			continue
		}
		option := []string{"min", "max"}[i]
		n, err := decimal128.FromString(text, t.Precision, t.Scale)
		if err != nil {
			return nil, bad(path, option, "%q is no %s", text, columnar.TypeName(t))
		}
		if n.HighBits() != int64(n.LowBits())>>63 {
			return nil, bad(path, option, "has more than 18 digits")
		}
		bounds[i] = int64(n.LowBits())
	}
	lo, hi := bounds[0], bounds[1]
	if hi < lo {
		return nil, bad(path, "max", "is less than min")
	}
	m.wide(16)
	return func(d *draw, c *cell.Column) {
		c.AppendDecimal(decimal128.FromI64(int64(uint64(lo) + d.upTo(uint64(hi)-uint64(lo)))))
	}, nil
}

// texts are hexadecimal digits, or any bytes.
func (m *makers) texts(t arrow.DataType, v Values) maker {
	length := or(v.Length, 100)
	m.wide(length + 4)
	buf := make([]byte, 0, length)
	return func(d *draw, c *cell.Column) {
		n := length
		if v.VarLen {
			n = int(d.upTo(uint64(length)))
		}
		buf = buf[:0]
		for len(buf) < n {
			for x, k := d.next(), 0; k < 16 && len(buf) < n; k++ {
				if t.ID() == arrow.BINARY {
					buf = append(buf, byte(x>>(4*k)))
				} else {
					buf = append(buf, "0123456789abcdef"[x>>(4*k)&15])
				}
			}
		}
		c.AppendBytes(buf)
	}
}

// times are those of the timeline: the instant, the day, the time of the day.
func (m *makers) times(t arrow.DataType, v Values) maker {
	m.wide(8)
	past := uint64(v.MaxPast.Microseconds())
	const day = 24 * 3600 * 1e6
	convert := func(micros int64) int64 { return micros }
	unit := func(u arrow.TimeUnit) (mul, div int64) {
		return []int64{1, 1, 1, 1000}[u], []int64{1e6, 1e3, 1, 1}[u]
	}
	switch t := t.(type) {
	case *arrow.TimestampType:
		mul, div := unit(t.Unit)
		convert = func(micros int64) int64 { return floorDiv(micros, div) * mul }
	case *arrow.Date32Type:
		convert = func(micros int64) int64 { return floorDiv(micros, day) }
	case *arrow.Date64Type:
		convert = func(micros int64) int64 { return floorDiv(micros, day) * (day / 1000) }
	case *arrow.Time32Type:
		mul, div := unit(t.Unit)
		convert = func(micros int64) int64 { return (micros - floorDiv(micros, day)*day) / div * mul }
	case *arrow.Time64Type:
		mul, div := unit(t.Unit)
		convert = func(micros int64) int64 { return (micros - floorDiv(micros, day)*day) / div * mul }
	}
	return func(d *draw, c *cell.Column) { c.AppendInteger(convert(d.micros - int64(d.upTo(past)))) }
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// lists have size elements, or as many as the options say.
func (m *makers) lists(elem arrow.Field, path string, v Values, size int) (maker, error) {
	length := size
	if size < 0 {
		length = or(v.Length, 3)
	}
	m.wide(4)
	outer := m.repeat
	m.repeat = min(max(outer, 1)*length, maxRowBytes+1)
	value, err := m.field(elem, path+".element")
	m.repeat = outer
	if err != nil {
		return nil, err
	}
	return func(d *draw, c *cell.Column) {
		n := length
		if size < 0 {
			if v.VarLen {
				n = int(d.upTo(uint64(length)))
			}
			c.BeginList()
		}
		for range n {
			value(d, c.Kids[0])
		}
		c.EndList()
	}, nil
}

func (m *makers) structs(t *arrow.StructType, path string) (maker, error) {
	values := make([]maker, t.NumFields())
	for i, f := range t.Fields() {
		var err error
		if values[i], err = m.field(f, path+"."+f.Name); err != nil {
			return nil, err
		}
	}
	return func(d *draw, c *cell.Column) {
		for i, value := range values {
			value(d, c.Kids[i])
		}
		c.EndList()
	}, nil
}

// chosen picks one of the values.
func (m *makers) chosen(t arrow.DataType, path string, v Values) (maker, error) {
	of := make([][]byte, len(v.Of))
	longest := 0
	for i, text := range v.Of {
		c, err := cell.NewColumn(t, memory.DefaultAllocator)
		if err == nil {
			err = c.AppendParsed([]byte(text))
			c.Release()
		}
		if err != nil {
			return nil, bad(path, "values", "%q: %v", text, err)
		}
		of[i] = []byte(text)
		longest = max(longest, len(text), 8)
	}
	m.wide(longest)
	return func(d *draw, c *cell.Column) {
		_ = c.AppendParsed(of[d.intn(uint64(len(of)))]) // tried before
	}, nil
}

// sequence counts from the start on, a row at a time.
func (m *makers) sequence(t arrow.DataType, path string, v Values) (maker, error) {
	if m.repeat > 0 {
		return nil, bad(path, "kind", "there is no sequence in a list")
	}
	id := t.ID()
	counts := t // the type of the numbers
	if id == arrow.STRING || id == arrow.FLOAT32 || id == arrow.FLOAT64 || id == arrow.DECIMAL128 {
		counts = bigint
	}
	_, hi, ok := integers(counts)
	if !ok {
		return nil, bad(path, "kind", "there is no sequence of %s", columnar.TypeName(t))
	}
	start, err := bound(counts, path, "start", v.Start, 0)
	if err != nil {
		return nil, err
	}
	v.Min, v.Max = v.Start, v.End
	if v.Start == "" {
		v.Min = "0"
	}
	_, more, err := span(counts, path, v, start, hi)
	if err != nil {
		return nil, bad(path, "end", "is no number from the start on")
	}
	if more < math.MaxInt64-1 && (v.End != "" || more < math.MaxInt32) {
		if rows := int64(more) + 1; m.rows == 0 || rows < m.rows {
			m.rows = rows
		}
	}
	m.wide(20)
	at := func(d *draw) int64 { return int64(start) + d.row }
	switch {
	case id == arrow.STRING:
		return func(d *draw, c *cell.Column) { c.AppendText(strconv.FormatInt(at(d), 10)) }, nil
	case id == arrow.FLOAT32:
		return func(d *draw, c *cell.Column) { c.AppendFloat32(float32(at(d))) }, nil
	case id == arrow.FLOAT64:
		return func(d *draw, c *cell.Column) { c.AppendFloat64(float64(at(d))) }, nil
	case id == arrow.DECIMAL128:
		scale := decimal128.GetScaleMultiplier(int(t.(*arrow.Decimal128Type).Scale))
		return func(d *draw, c *cell.Column) { c.AppendDecimal(decimal128.FromI64(at(d)).Mul(scale)) }, nil
	case slices.Contains([]arrow.Type{arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64}, id):
		return func(d *draw, c *cell.Column) { c.AppendUnsigned(uint64(at(d))) }, nil
	}
	return func(d *draw, c *cell.Column) { c.AppendInteger(at(d)) }, nil
}
