package parquet

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/format"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/hive"
)

// Predicate is a comparison of a column with a constant. Beside what
// [arrowstream.Predicate] names, a Value may be []byte, and an int64 in
// microseconds since 1970 for timestamps and dates.
type Predicate = arrowstream.Predicate

// checkPredicates refuses columns and operators that do not exist.
func (s *Source) checkPredicates(p *plan) error {
	for _, pred := range s.Predicates {
		switch pred.Op {
		case "=", "<", "<=", ">", ">=", "is null", "is not null":
		default:
			return &arrowstream.Error{Code: "AS1504", Msg: fmt.Sprintf("parquet: predicate operator %q is unknown", pred.Op), Hint: "=, <, <=, >, >=, is null, is not null"}
		}
	}
	return nil
}

// wanted reports whether row group g may hold rows that satisfy all predicates
// and lie in the range of event times.
func (p *plan) wanted(f *file, g int) bool {
	s := p.source
	preds := s.Predicates
	if !s.From.IsZero() {
		preds = append(preds[:len(preds):len(preds)], Predicate{Column: s.EventTime, Op: ">=", Value: s.From.Time})
	}
	if !s.To.IsZero() {
		preds = append(preds[:len(preds):len(preds)], Predicate{Column: s.EventTime, Op: "<", Value: s.To.Time})
	}
	for _, a := range p.asked(f, preds) {
		if excludes(a.Predicate, a.typ, a.leaf, &f.meta.RowGroups[g].Columns[a.leaf.leaf].MetaData) {
			return false
		}
	}
	return true
}

// excluded reports whether, by the k=v directories of a file, no row of it
// satisfies the predicates on the columns that these give.
func (p *plan) excluded(f *fileInfo) bool {
	if !p.source.Hive {
		return false
	}
	var preds []Predicate
	for _, pred := range p.source.Predicates {
		if slices.ContainsFunc(p.columns, func(c column) bool { return c.hive && c.name == pred.Column }) {
			preds = append(preds, pred)
		}
	}
	return hive.Excludes(f.hive, preds)
}

// asked is a predicate on a leaf column of a file, outside of lists.
type asked struct {
	Predicate
	typ  arrow.DataType
	leaf *node
}

// asked finds the columns of predicates in f, as far as it has them.
func (p *plan) asked(f *file, preds []Predicate) (out []asked) {
	s := p.source
	for _, pred := range preds {
		for _, n := range f.root.children {
			if n.elem.Name != pred.Column || n.leaf < 0 || n.rep > 0 {
				continue
			}
			typ, err := leafType(n.elem)
			if err != nil {
				continue
			}
			if pred.Column == s.EventTime && s.EventTimeUnit != "" && typ.ID() != arrow.TIMESTAMP {
				typ = &arrow.TimestampType{Unit: eventUnits[s.EventTimeUnit]}
			}
			out = append(out, asked{pred, typ, n})
		}
	}
	return out
}

// excludes reports whether the statistics of a chunk rule out every row for p.
func excludes(p Predicate, typ arrow.DataType, leaf *node, m *format.ColumnMetaData) bool {
	stats := &m.Statistics
	allNull := leaf.def > 0 && m.NumValues > 0 && stats.NullCount == m.NumValues
	switch p.Op {
	case "is null":
		return leaf.def == 0
	case "is not null":
		return allNull
	}
	if allNull {
		return true
	}
	if stats.MinValue == nil || stats.MaxValue == nil {
		return false
	}
	low, ok1 := compareStat(typ, leaf.elem.Type.V, stats.MinValue, p.Value, false)
	high, ok2 := compareStat(typ, leaf.elem.Type.V, stats.MaxValue, p.Value, true)
	if !ok1 || !ok2 {
		return false
	}
	// NaN is greater than every number and does not show in statistics.
	nan := typ.ID() == arrow.FLOAT32 || typ.ID() == arrow.FLOAT64
	switch p.Op {
	case "=":
		return low > 0 || high < 0
	case "<":
		return low >= 0
	case "<=":
		return low > 0
	case ">":
		return high <= 0 && !nan
	case ">=":
		return high < 0 && !nan
	}
	return false
}

// compareStat compares a bound of the statistics with a constant; ok is false
// when they cannot be compared. up rounds the bound up instead of down.
func compareStat(typ arrow.DataType, physical format.Type, stat []byte, value any, up bool) (order int, ok bool) {
	switch typ.ID() {
	case arrow.STRING, arrow.BINARY:
		switch v := value.(type) {
		case string:
			return bytes.Compare(stat, []byte(v)), true
		case []byte:
			return bytes.Compare(stat, v), true
		}
		return 0, false
	case arrow.BOOL:
		v, ok := value.(bool)
		if !ok || len(stat) != 1 {
			return 0, false
		}
		return cmp.Compare(stat[0], map[bool]byte{true: 1}[v]), true
	case arrow.FLOAT32, arrow.FLOAT64:
		x, ok1 := statFloat(stat)
		y, ok2 := number(value)
		if !ok1 || !ok2 || math.IsNaN(x) || math.IsNaN(y) {
			return 0, false
		}
		return cmp.Compare(x+0, y+0), true
	}
	x, ok := statInt(physical, stat)
	if !ok || physical == format.Int96 {
		return 0, false
	}
	if mul, div, isTime := columnar.Micros(typ); isTime {
		v, ok := micros(value)
		if !ok || x > math.MaxInt64/mul || x < math.MinInt64/mul {
			return 0, false
		}
		return cmp.Compare(scaleMicros(x, mul, div, up), v), true
	}
	switch typ.ID() {
	case arrow.UINT64, arrow.UINT32:
		if x < 0 {
			return 0, false
		}
		fallthrough
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16:
		switch v := value.(type) {
		case int64:
			return cmp.Compare(x, v), true
		case int:
			return cmp.Compare(x, int64(v)), true
		case float64:
			if x > 1<<53 || x < -1<<53 || math.IsNaN(v) {
				return 0, false
			}
			return cmp.Compare(float64(x), v), true
		}
	}
	return 0, false
}

// scaleMicros is x*mul/div rounded down, or up.
func scaleMicros(x, mul, div int64, up bool) int64 {
	x *= mul
	y := x / div
	switch r := x % div; {
	case r > 0 && up:
		y++
	case r < 0 && !up:
		y--
	}
	return y
}

func statFloat(b []byte) (float64, bool) {
	switch len(b) {
	case 4:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), true
	case 8:
		return math.Float64frombits(binary.LittleEndian.Uint64(b)), true
	}
	return 0, false
}

func statInt(physical format.Type, b []byte) (int64, bool) {
	switch {
	case physical == format.Int32 && len(b) == 4:
		return int64(int32(binary.LittleEndian.Uint32(b))), true
	case physical == format.Int64 && len(b) == 8:
		return int64(binary.LittleEndian.Uint64(b)), true
	}
	return 0, false
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), v <= 1<<53 && v >= -1<<53
	case int:
		return float64(v), v <= 1<<53 && v >= -1<<53
	}
	return 0, false
}

func micros(v any) (int64, bool) {
	switch v := v.(type) {
	case time.Time:
		return v.UnixMicro(), true
	case int64:
		return v, true
	}
	return 0, false
}
