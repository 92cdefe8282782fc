package mlkernels

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// The forms labels come in; predictions have the same form.
const (
	labelBool = iota
	labelInt
	labelFloat
	labelText
)

// labels turns a label column into targets or class numbers and back. Without
// declared classes numeric labels are binary, {0,1} or {-1,+1}.
type labels struct {
	name     string
	task     Task
	form     int
	discover bool
	binary   bool // two implied classes, the negative one 0 or -1
	skip     bool // rows of unknown classes are not learned
	rows     int64

	numbers  []float64 // value of every class, numeric forms
	texts    []string  // value of every class, labelText
	order    []int     // class numbers in ascending order of their values
	lookup   map[float64]int
	lookupT  map[string]int
	negative float64 // of binary: NaN until a row shows 0 or -1

	y    []float64
	memo []float64
}

// labelForm is the form of a label of type t.
func labelForm(t arrow.DataType) (int, bool) {
	kind, _, ok := kindOf(t)
	switch {
	case !ok || kind == kindVector:
		return 0, false
	case kind == kindCategory:
		return labelText, true
	case t.ID() == arrow.BOOL:
		return labelBool, true
	case arrow.IsInteger(t.ID()):
		return labelInt, true
	}
	return labelFloat, true
}

func newLabels(spec *Spec, task Task, t arrow.DataType) (*labels, error) {
	l := &labels{name: spec.Label, task: task, skip: spec.UnknownClass == "skip", negative: math.NaN(), lookup: map[float64]int{}, lookupT: map[string]int{}}
	var ok bool
	if l.form, ok = labelForm(t); !ok || task == Regression && l.form == labelText {
		return nil, &arrowstream.Error{Code: "AS7011", Msg: fmt.Sprintf("label %q: type %s cannot be learned by %s", spec.Label, columnar.TypeName(t), task)}
	}
	switch {
	case task == Regression:
	case len(spec.Classes) > 0:
		return l, l.declare(spec.Classes)
	case l.form == labelText || spec.DiscoverClasses:
		l.discover = true
	default:
		l.binary = true
	}
	return l, nil
}

// declare fixes the classes in ascending order.
func (l *labels) declare(classes []string) error {
	if l.form == labelText {
		sorted := slices.Clone(classes)
		slices.Sort(sorted)
		for _, c := range slices.Compact(sorted) {
			l.addText(c)
		}
		return nil
	}
	var values []float64
	for _, c := range classes {
		v, err := strconv.ParseFloat(c, 64)
		if b, berr := strconv.ParseBool(strings.ToLower(c)); l.form == labelBool && berr == nil {
			v, err = 0, nil
			if b {
				v = 1
			}
		}
		if err != nil || !finite(v) {
			return &arrowstream.Error{Code: "AS1504", Msg: fmt.Sprintf("option \"classes\": %q is not a value of the label %q", c, l.name)}
		}
		values = append(values, v)
	}
	slices.Sort(values)
	for _, v := range slices.Compact(values) {
		l.addNumber(v)
	}
	return nil
}

func (l *labels) addNumber(v float64) int {
	k := len(l.numbers)
	l.numbers = append(l.numbers, v)
	l.lookup[v] = k
	l.insert(k, func(c int) bool { return l.numbers[c] > v })
	return k
}

func (l *labels) addText(s string) int {
	k := len(l.texts)
	s = strings.Clone(s)
	l.texts = append(l.texts, s)
	l.lookupT[s] = k
	l.insert(k, func(c int) bool { return l.texts[c] > s })
	return k
}

// insert puts class k before the first class that is greater.
func (l *labels) insert(k int, greater func(int) bool) {
	at := slices.IndexFunc(l.order, greater)
	if at < 0 {
		at = len(l.order)
	}
	l.order = slices.Insert(l.order, at, k)
}

// classes is the number of classes a learner is bound to.
func (l *labels) classes() int {
	switch {
	case l == nil || l.task != Classification || l.discover:
		return 0
	case l.binary:
		return 2
	}
	return len(l.order)
}

// decode returns the class number or target of every row, NaN where it is not
// known. negativeFrom is the row from which on predictions know that the negative
// class is -1: the row after the first such label, 0 if one came before.
func (l *labels) decode(a arrow.Array) (y []float64, negativeFrom int, err error) {
	n := a.Len()
	l.y = grow(l.y, n)
	if l.form == labelText {
		err = l.decodeText(a)
	} else {
		negativeFrom, err = l.decodeNumbers(a)
	}
	l.rows += int64(n)
	return l.y, negativeFrom, err
}

func (l *labels) decodeNumbers(a arrow.Array) (negativeFrom int, err error) {
	valid := columnar.Validity(a)
	widen(l.y, a)
	negativeFrom = len(l.y)
	if l.negative == -1 {
		negativeFrom = 0
	}
	if l.binary && l.negative == l.negative && valid.All() && twoValues(l.y, l.negative) {
		return negativeFrom, nil
	}
	for i, v := range l.y {
		switch {
		case !valid.Get(i) || v != v:
			l.y[i] = math.NaN()
		case l.task == Regression:
			if !finite(v) {
				return 0, l.refuse(i, fmt.Sprint(v), "the label is not finite")
			}
		case l.binary && v == 1:
			l.y[i] = 1
		case l.binary && (v == 0 || v == -1):
			if v += 0; l.negative != l.negative {
				if l.negative = v; v == -1 {
					negativeFrom = i + 1
				}
			}
			if l.negative != v {
				return 0, l.refuse(i, fmt.Sprint(v), fmt.Sprintf("the label %v after %v: binary labels are 0 and 1 or -1 and 1; declare the option classes", v, l.negative))
			}
			l.y[i] = 0
		case l.binary:
			return 0, l.refuse(i, fmt.Sprint(v), fmt.Sprintf("the label %v is neither 0 and 1 nor -1 and 1; declare the option classes", v))
		default:
			k, ok := l.lookup[v]
			switch {
			case ok:
				l.y[i] = float64(k)
			case l.discover && !finite(v):
				return 0, l.refuse(i, fmt.Sprint(v), "the label is not finite")
			case l.discover:
				l.y[i] = float64(l.addNumber(v))
			case l.skip:
				l.y[i] = math.NaN()
			default:
				return 0, l.refuse(i, fmt.Sprint(v), fmt.Sprintf("the label %v is not one of the classes %s", v, l.list()))
			}
		}
	}
	return negativeFrom, nil
}

// twoValues makes 0 of low and 1 of 1, for low 0 or -1, and reports true, if y
// has only these; else y stays. Most binary labels come this way.
func twoValues(y []float64, low float64) bool {
	for _, v := range y {
		if float64((v-1)*(v-low)) != 0 {
			return false
		}
	}
	scale := 1 / (1 - low)
	for i, v := range y {
		y[i] = float64((v-low)*scale) + 0
	}
	return true
}

func (l *labels) decodeText(a arrow.Array) error {
	valid := columnar.Validity(a)
	codes, values, dict := columnar.Dictionary(a)
	if !dict {
		values = a
	}
	text, known := columnar.StringsOf(values), columnar.Validity(values)
	if dict {
		l.memo = grow(l.memo, values.Len())
		for i := range l.memo {
			l.memo[i] = -1
		}
	}
	for i := range l.y {
		at := i
		if dict {
			at = int(codes[i])
		}
		if !valid.Get(i) || dict && !known.Get(at) {
			l.y[i] = math.NaN()
			continue
		}
		if dict && l.memo[at] != -1 {
			l.y[i] = l.memo[at]
			continue
		}
		s := text.String(at)
		k, ok := l.lookupT[s]
		switch {
		case ok:
			l.y[i] = float64(k)
		case l.discover:
			l.y[i] = float64(l.addText(s))
		case l.skip:
			l.y[i] = math.NaN()
		default:
			return l.refuse(i, s, fmt.Sprintf("the label %q is not one of the classes %s", s, l.list()))
		}
		if dict {
			l.memo[at] = l.y[i]
		}
	}
	return nil
}

// list shows the classes in ascending order.
func (l *labels) list() string {
	parts := make([]string, 0, len(l.order))
	for _, k := range l.order {
		parts = append(parts, l.show(k))
	}
	return strings.Join(parts, ", ")
}

// show is class k as text.
func (l *labels) show(k int) string {
	switch {
	case l.form == labelText:
		return l.texts[k]
	case l.form == labelBool:
		return strconv.FormatBool(l.value(k) != 0)
	}
	return strconv.FormatFloat(l.value(k), 'g', -1, 64)
}

// value is the number of class k.
func (l *labels) value(k int) float64 {
	if !l.binary {
		return l.numbers[k]
	}
	if k == 0 && l.negative == -1 {
		return -1
	}
	return float64(k)
}

func (l *labels) refuse(i int, value, why string) error {
	return &arrowstream.DataError{Source: "mlkernels", Where: fmt.Sprintf("row %d", l.rows+int64(i)+1), Column: l.name, Value: arrowstream.CutValue([]byte(value)), Err: fmt.Errorf("%s", why), Hint: leaveOut}
}

// arrowType is the type predictions of the label have.
func (l *labels) arrowType() arrow.DataType {
	if l.task == Regression {
		return arrow.PrimitiveTypes.Float64
	}
	return [...]arrow.DataType{arrow.FixedWidthTypes.Boolean, arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Float64, arrow.BinaryTypes.String}[l.form]
}

func (l *labels) save(w *stateWriter) {
	w.text(l.name)
	w.int(int64(l.form))
	w.bool(l.discover)
	w.bool(l.binary)
	w.int(l.rows)
	w.floats(l.numbers)
	w.texts(l.texts)
	w.float(l.negative)
}

func (l *labels) load(r *stateReader) {
	l.name = r.text()
	l.form = int(r.int())
	l.discover, l.binary, l.rows = r.bool(), r.bool(), r.int()
	l.lookup, l.lookupT = map[float64]int{}, map[string]int{}
	numbers, texts := r.floats(), r.texts()
	l.negative = r.float()
	text := l.form == labelText
	if l.form < labelBool || l.form > labelText || text && (l.binary || l.task == Regression || len(numbers) > 0) || !text && len(texts) > 0 || l.binary && len(numbers) > 0 {
		r.fail()
		return
	}
	for _, v := range numbers {
		l.addNumber(v)
	}
	for _, s := range texts {
		l.addText(s)
	}
	if len(l.lookup) != len(numbers) || len(l.lookupT) != len(texts) {
		r.fail()
	}
}
