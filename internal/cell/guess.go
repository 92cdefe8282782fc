package cell

import (
	"bytes"

	"github.com/apache/arrow/go/v17/arrow"
)

// Guess narrows down the type of a column from the texts of its values.
type Guess struct {
	seen                                   bool
	notBool, notInt, notFloat, notDate     bool
	notTime, zoned, unzoned, bigInt, point bool
}

// Add looks at a value that is not NULL.
func (g *Guess) Add(v []byte) {
	v = bytes.Trim(v, " ")
	if len(v) == 0 {
		return
	}
	g.seen = true
	if !g.notBool {
		_, err := ParseBool(v)
		g.notBool = err != nil
	}
	if !g.notFloat {
		_, err := ParseFloat(v, true)
		g.notFloat = err != nil
		if _, ok := ParseInt(v); !ok && err == nil {
			g.notInt = true
			if len(bytes.Trim(v, "+-0123456789")) == 0 {
				g.bigInt = true
			} else {
				g.point = true
			}
		}
	}
	g.notInt = g.notInt || g.notFloat
	if !g.notTime {
		isDate, zoned, ok := looksLikeTime(v)
		g.notTime = !ok
		g.notDate = g.notDate || !isDate
		g.zoned = g.zoned || zoned
		g.unzoned = g.unzoned || !zoned
	}
}

// Type is the narrowest type that holds what was seen.
func (g *Guess) Type() arrow.DataType {
	switch {
	case !g.seen:
	case !g.notBool:
		return arrow.FixedWidthTypes.Boolean
	case !g.notInt:
		return arrow.PrimitiveTypes.Int64
	case !g.notFloat && (g.point || !g.bigInt):
		return arrow.PrimitiveTypes.Float64
	case !g.notTime && !g.notDate:
		return arrow.FixedWidthTypes.Date32
	case !g.notTime && !g.zoned:
		return &arrow.TimestampType{Unit: arrow.Microsecond}
	case !g.notTime && !g.unzoned:
		return arrow.FixedWidthTypes.Timestamp_us
	}
	return arrow.BinaryTypes.String
}

// AddText looks at a value that is known to be text: it may be a time, but not
// a number or a truth value.
func (g *Guess) AddText(v []byte) {
	g.notBool, g.notInt, g.notFloat = true, true, true
	if len(v) == 0 {
		g.notTime = true
	}
	g.Add(v)
	g.seen = true
}

// Seen reports whether there was any value.
func (g *Guess) Seen() bool { return g.seen }
