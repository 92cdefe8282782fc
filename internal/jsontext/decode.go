package jsontext

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/internal/cell"
)

// Options say how values become columns. The zero value is strict.
type Options struct {
	// LastDuplicate lets the last of several members with one name win;
	// otherwise they are an error. Members without a column are not checked.
	LastDuplicate bool
	// Epoch is the unit of timestamps that are numbers; without EpochSet it is
	// that of the column.
	Epoch    arrow.TimeUnit
	EpochSet bool
}

// ValueError is a value that does not fit its column, or has no valid JSON.
type ValueError struct {
	Column string // path of the column, empty for the whole text
	Value  string
	Err    error
}

// Error implements error.
func (e *ValueError) Error() string {
	if e.Column == "" {
		return e.Err.Error()
	}
	return fmt.Sprintf("column %q: %v", e.Column, e.Err)
}

// Unwrap returns the cause.
func (e *ValueError) Unwrap() error { return e.Err }

// Decoder reads JSON texts into columns. It is used by one goroutine.
type Decoder struct {
	opts    Options
	s       scanner
	scratch []byte
	top     *plan
	plans   map[*cell.Column]*plan
	path    []string
}

// plan is how the members of an object find their columns.
type plan struct {
	names []string
	cols  []*cell.Column
	kids  []*plan
	index map[string]int
}

// NewDecoder returns a decoder.
func NewDecoder(opts Options) *Decoder { return &Decoder{opts: opts} }

func newPlan(fields []arrow.Field, cols []*cell.Column) *plan {
	p := &plan{index: map[string]int{}, cols: cols}
	for i, f := range fields {
		p.names = append(p.names, f.Name)
		if _, dup := p.index[f.Name]; !dup {
			p.index[f.Name] = i
		}
		p.kids = append(p.kids, inner(cols[i]))
	}
	return p
}

// inner is the plan of the values of a column, nil for scalars.
func inner(c *cell.Column) *plan {
	switch t := c.Type.(type) {
	case *arrow.StructType:
		return newPlan(t.Fields(), c.Kids)
	case *arrow.ListType, *arrow.FixedSizeListType:
		return inner(c.Kids[0])
	case *arrow.MapType:
		return inner(c.Kids[0].Kids[1])
	}
	return nil
}

// Row reads one object as a row of rows and commits it. After an error rows
// are as before.
func (d *Decoder) Row(text []byte, rows *cell.Rows) error {
	if d.top == nil || len(d.top.cols) > 0 && d.top.cols[0] != rows.Columns[0] {
		d.top = newPlan(rows.Schema.Fields(), rows.Columns)
	}
	d.s = scanner{b: text}
	d.path = d.path[:0]
	err := d.row(rows)
	if err != nil {
		rows.Rollback()
		return err
	}
	if missing := rows.Commit(); missing >= 0 {
		return &ValueError{Column: rows.Schema.Field(missing).Name, Err: errors.New("no value for a column that is NOT NULL")}
	}
	return nil
}

func (d *Decoder) row(rows *cell.Rows) error {
	if d.s.space() != '{' {
		return d.s.syntax("an object")
	}
	if err := d.object(d.top, rows.N, 0); err != nil {
		return err
	}
	return d.s.end()
}

// Value reads one JSON text into a column. After an error the column may hold
// parts of a value, which Truncate takes back.
func (d *Decoder) Value(text []byte, c *cell.Column) error {
	if d.plans == nil {
		d.plans = map[*cell.Column]*plan{}
	}
	p, known := d.plans[c]
	if !known {
		p = inner(c)
		d.plans[c] = p
	}
	d.s = scanner{b: text}
	if err := d.value(c, p, 0); err != nil {
		return err
	}
	return d.s.end()
}

// object reads the members of an object into row number row of the columns.
func (d *Decoder) object(p *plan, row, depth int) error {
	if depth >= maxDepth {
		return errDepth
	}
	s := &d.s
	s.i++
	if s.space() == '}' {
		s.i++
		return nil
	}
	for guess := 0; ; {
		raw, escaped, err := s.key()
		if err != nil {
			return err
		}
		if escaped {
			d.scratch = unescape(d.scratch[:0], raw)
			raw = d.scratch
		}
		// Members mostly come in the order of the columns.
		at, known := guess, true
		if guess >= len(p.names) || string(raw) != p.names[guess] {
			at, known = p.index[string(raw)]
		}
		if !known {
			err = s.skip(depth + 1)
		} else {
			guess = at + 1
			c := p.cols[at]
			if c.Len() > row {
				if !d.opts.LastDuplicate {
					return d.fail(p.names[at], raw, errors.New("the name occurs twice"))
				}
				c.Truncate(row)
			}
			from := s.i
			if err = d.value(c, p.kids[at], depth+1); err != nil {
				return d.fail(p.names[at], s.b[from:min(len(s.b), max(s.i, from))], err)
			}
		}
		if err != nil {
			return err
		}
		if done, err := s.next('}'); done || err != nil {
			return err
		}
	}
}

// fail names the column of an error, with its parents.
func (d *Decoder) fail(name string, value []byte, err error) error {
	var inner *ValueError
	if errors.As(err, &inner) {
		inner.Column = name + "." + inner.Column
		return inner
	}
	return &ValueError{Column: name, Value: string(value[:min(len(value), 200)]), Err: err}
}

// value reads one value into a column.
func (d *Decoder) value(c *cell.Column, p *plan, depth int) error {
	s := &d.s
	first := s.space()
	if first == 'n' {
		if err := s.word("null"); err != nil {
			return err
		}
		c.AppendNull()
		return nil
	}
	switch c.ID {
	case arrow.STRING, arrow.DICTIONARY:
		return d.text(c, first, depth)
	case arrow.LIST, arrow.FIXED_SIZE_LIST:
		return d.list(c, p, depth)
	case arrow.MAP:
		return d.entries(c, p, depth)
	case arrow.STRUCT:
		if first != '{' {
			return d.mismatch("an object", depth)
		}
		row := c.Len()
		if err := d.object(p, row, depth); err != nil {
			return err
		}
		for _, k := range c.Kids {
			if k.Len() == row {
				k.AppendNull()
			}
		}
		c.EndList()
		return nil
	case arrow.BOOL:
		switch first {
		case 't':
			c.AppendBool(true)
			return s.word("true")
		case 'f':
			c.AppendBool(false)
			return s.word("false")
		}
		return d.mismatch("true or false", depth)
	}
	switch {
	case first == '"':
		return d.quoted(c)
	case first == '-' || first-'0' <= 9:
		return d.number(c)
	}
	return d.mismatch("a value of type "+c.Type.String(), depth)
}

// mismatch passes the value and says what it is not; broken JSON comes first.
func (d *Decoder) mismatch(want string, depth int) error {
	if err := d.s.skip(depth); err != nil {
		return err
	}
	return errors.New("not " + want)
}

var errSize = errors.New("the batch holds more than 2 GiB of text")

// text reads a string, or takes any other value as its JSON text.
func (d *Decoder) text(c *cell.Column, first byte, depth int) error {
	from := d.s.i
	var v []byte
	if first == '"' {
		raw, escaped, err := d.s.str()
		if err != nil {
			return err
		}
		if v = raw; escaped {
			d.scratch = unescape(d.scratch[:0], raw)
			v = d.scratch
		}
	} else {
		if err := d.s.skip(depth); err != nil {
			return err
		}
		v = d.s.b[from:d.s.i]
	}
	if !c.Room(len(v)) {
		return errSize
	}
	c.AppendBytes(v)
	return nil
}

// quoted reads a string into a column of times, decimals or bytes.
func (d *Decoder) quoted(c *cell.Column) error {
	raw, escaped, err := d.s.str()
	if err != nil {
		return err
	}
	if escaped {
		d.scratch = unescape(d.scratch[:0], raw)
		raw = d.scratch
	}
	switch c.ID {
	case arrow.TIMESTAMP, arrow.DATE32, arrow.DATE64, arrow.TIME32, arrow.TIME64, arrow.DECIMAL128:
		return c.AppendParsed(raw)
	case arrow.BINARY:
		v, err := base64.StdEncoding.AppendDecode(nil, raw)
		if err != nil {
			return errors.New("not base64")
		}
		if !c.Room(len(v)) {
			return errSize
		}
		c.AppendBytes(v)
		return nil
	}
	return fmt.Errorf("text, not a value of type %s", c.Type)
}

// number reads a number into a column of numbers or instants.
func (d *Decoder) number(c *cell.Column) error {
	text, whole, err := d.s.number()
	if err != nil {
		return err
	}
	switch c.ID {
	case arrow.FLOAT64:
		x, err := cell.ParseFloat(text, false)
		if err != nil {
			return err
		}
		c.AppendFloat64(x)
		return nil
	case arrow.FLOAT32, arrow.DECIMAL128:
		return c.AppendParsed(text)
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64, arrow.DURATION:
		if whole {
			return c.AppendParsed(text)
		}
		// 1.0 and 1e3 are whole numbers, too.
		x, err := cell.ParseFloat(text, false)
		if err != nil || x != math.Trunc(x) || math.Abs(x) > 1<<53 {
			return fmt.Errorf("not a whole number in range of %s", c.Type)
		}
		if !c.AppendInteger(int64(x)) {
			return fmt.Errorf("not a whole number in range of %s", c.Type)
		}
		return nil
	case arrow.TIMESTAMP:
		n, ok := cell.ParseInt(text)
		if !ok {
			return errors.New("not a whole number of time units")
		}
		return d.epoch(c, n)
	}
	return fmt.Errorf("a number, not a value of type %s", c.Type)
}

var perSecond = map[arrow.TimeUnit]int64{arrow.Second: 1, arrow.Millisecond: 1e3, arrow.Microsecond: 1e6, arrow.Nanosecond: 1e9}

// epoch converts a number of units of the option into units of the column.
func (d *Decoder) epoch(c *cell.Column, n int64) error {
	if to := c.Type.(*arrow.TimestampType).Unit; d.opts.EpochSet && to != d.opts.Epoch {
		from := perSecond[d.opts.Epoch]
		if per := perSecond[to]; per > from {
			if n > math.MaxInt64/(per/from) || n < math.MinInt64/(per/from) {
				return errors.New("a time that its column cannot hold")
			}
			n *= per / from
		} else {
			q := from / per
			n = (n - ((n%q)+q)%q) / q
		}
	}
	c.AppendInt64(n)
	return nil
}

func (d *Decoder) list(c *cell.Column, p *plan, depth int) error {
	s := &d.s
	if s.space() != '[' {
		return d.mismatch("a list", depth)
	}
	if depth >= maxDepth {
		return errDepth
	}
	fixed, isFixed := c.Type.(*arrow.FixedSizeListType)
	if !isFixed {
		c.BeginList()
	}
	kid, n := c.Kids[0], int32(0)
	s.i++
	if s.space() == ']' {
		s.i++
	} else {
		for {
			if err := d.value(kid, p, depth+1); err != nil {
				return err
			}
			n++
			if done, err := s.next(']'); err != nil {
				return err
			} else if done {
				break
			}
		}
	}
	if isFixed && n != fixed.Len() {
		return fmt.Errorf("a list of %d elements, want %d", n, fixed.Len())
	}
	c.EndList()
	return nil
}
