package mlkernels

import (
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

var nan = math.NaN()

const maxFloat = math.MaxFloat64

// Outputs are the columns a model adds to a batch: predicted_<label> and
// predicted_<label>_probs, a list of {label, prob} in ascending class order,
// or predicted_<label>_score where the loss has no probabilities;
// centroid_id, which counts from 1, and nearest_centroid_distance for
// clustering; then model_version if asked for. A name that in has already gets
// a number. Valid after Bind or on a loaded model.
func (m *Model) Outputs(in *arrow.Schema, version bool) []arrow.Field {
	var fields []arrow.Field
	add := func(name string, t arrow.DataType) {
		fields = append(fields, arrow.Field{Name: unique(name, in, fields), Type: t, Nullable: true})
	}
	switch m.kind.Task {
	case Clustering:
		add("centroid_id", arrow.PrimitiveTypes.Int64)
		add("nearest_centroid_distance", arrow.PrimitiveTypes.Float64)
	case Regression:
		add("predicted_"+m.spec.Label, arrow.PrimitiveTypes.Float64)
	default:
		add("predicted_"+m.spec.Label, m.labels.arrowType())
		if m.probabilities() {
			add("predicted_"+m.spec.Label+"_probs", probsType(m.labels.arrowType()))
		} else {
			add("predicted_"+m.spec.Label+"_score", arrow.PrimitiveTypes.Float64)
		}
	}
	if version {
		add("model_version", arrow.PrimitiveTypes.Int64)
	}
	return fields
}

func probsType(label arrow.DataType) arrow.DataType {
	return arrow.ListOf(arrow.StructOf(
		arrow.Field{Name: "label", Type: label, Nullable: true},
		arrow.Field{Name: "prob", Type: arrow.PrimitiveTypes.Float64, Nullable: true}))
}

// unique is name, or name with the first number that makes it unique.
func unique(name string, in *arrow.Schema, fields []arrow.Field) string {
	taken := func(n string) bool {
		return columnar.Index(in, n) >= 0 || slices.ContainsFunc(fields, func(f arrow.Field) bool { return f.Name == n })
	}
	out := name
	for i := 0; taken(out); i++ {
		out = fmt.Sprintf("%s%d", name, i)
	}
	return out
}

// probabilities reports whether the model gives probabilities of classes.
func (m *Model) probabilities() bool {
	s, ok := m.learner.(*sgd)
	return ok && s.task == Classification && s.loss.HasProbability()
}

// output builds the output columns. From row negativeFrom on the negative
// class of a binary label is -1.
func (m *Model) output(mem memory.Allocator, s *Scores, negativeFrom int, version bool) []arrow.Array {
	v := validityOf(mem, s.Valid)
	defer v.release()
	var out []arrow.Array
	switch m.kind.Task {
	case Clustering:
		ids, buf := room[int64](mem, len(s.Class))
		for i, c := range s.Class {
			ids[i] = int64(c) + 1
		}
		out = append(out, fixed(arrow.PrimitiveTypes.Int64, len(s.Class), buf, v), copied(mem, arrow.PrimitiveTypes.Float64, s.Value, v))
	case Regression:
		out = append(out, copied(mem, arrow.PrimitiveTypes.Float64, s.Value, v))
	default:
		out = m.classOutput(mem, s, v, negativeFrom)
	}
	if version {
		out = append(out, copied(mem, arrow.PrimitiveTypes.Int64, s.Version, v))
	}
	return out
}

func (m *Model) classOutput(mem memory.Allocator, s *Scores, v validity, negativeFrom int) []arrow.Array {
	if len(s.PerClass) > 0 {
		m.labels.pick(s)
	}
	class := m.labels.array(mem, s.Class, s.Valid, v, negativeFrom)
	if !m.probabilities() {
		return []arrow.Array{class, copied(mem, arrow.PrimitiveTypes.Float64, s.Value, v)}
	}
	if m.labels.classes() == 2 {
		return []arrow.Array{class, m.labels.pairs(mem, s, v, negativeFrom)}
	}
	return []arrow.Array{class, m.labels.lists(mem, s, v)}
}

// pairs is the column of the probabilities of two classes. About 3 ns per row.
func (l *labels) pairs(mem memory.Allocator, s *Scores, v validity, negativeFrom int) arrow.Array {
	n := len(s.Valid)
	offsets, starts := room[int32](mem, n+1)
	split, at := 0, int32(0) // split: entries before row negativeFrom
	for i, valid := range s.Valid {
		offsets[i] = at
		at += 2 * int32(oneIf(valid))
	}
	offsets[n] = at
	if split = int(at); negativeFrom < n {
		split = int(offsets[negativeFrom])
	}
	s.labels = grow(s.labels, int(at))
	low, high := int32(l.order2(0)), int32(l.order2(1))
	for k := 0; k+1 < len(s.labels); k += 2 {
		s.labels[k], s.labels[k+1] = low, high
	}
	probs, values := room[float64](mem, int(at))
	k := 0
	for i, p := range s.Value {
		if s.Valid[i] {
			pair := probs[k : k+2 : k+2]
			pair[0], pair[1] = 1-p, p
			k += 2
		}
	}
	return l.entries(mem, s.labels, starts, values, n, v, split)
}

// lists is the column of the probabilities of any number of classes, which
// may grow from row to row.
func (l *labels) lists(mem memory.Allocator, s *Scores, v validity) arrow.Array {
	n, total := len(s.Valid), 0
	offsets, starts := room[int32](mem, n+1)
	for i, valid := range s.Valid {
		offsets[i] = int32(total)
		if valid {
			total += int(s.Offsets[i+1] - s.Offsets[i])
		}
	}
	offsets[n] = int32(total)
	s.labels = grow(s.labels, total)
	probs, values := room[float64](mem, total)
	at := 0
	for i, valid := range s.Valid {
		if !valid {
			continue
		}
		row := s.PerClass[s.Offsets[i]:s.Offsets[i+1]]
		for _, k := range l.order {
			if k < len(row) {
				s.labels[at], probs[at] = int32(k), row[k]
				at++
			}
		}
	}
	return l.entries(mem, s.labels, starts, values, n, v, total)
}

// entries is a column of n lists of {label, prob} from the classes, the starts
// of the lists and the probabilities, which it takes over.
func (l *labels) entries(mem memory.Allocator, class []int32, starts, probs *memory.Buffer, n int, v validity, split int) arrow.Array {
	label := l.array(mem, class, nil, validity{}, split)
	defer label.Release()
	p := fixed(arrow.PrimitiveTypes.Float64, len(class), probs, validity{})
	defer p.Release()
	defer starts.Release()
	t := probsType(l.arrowType()).(*arrow.ListType)
	pairs := array.NewData(t.Elem(), len(class), []*memory.Buffer{nil}, []arrow.ArrayData{label.Data(), p.Data()}, 0, 0)
	defer pairs.Release()
	data := array.NewData(t, n, []*memory.Buffer{v.bits, starts}, []arrow.ArrayData{pairs}, v.nulls, 0)
	defer data.Release()
	return array.MakeFromData(data)
}

// order2 is the i-th class of two.
func (l *labels) order2(i int) int {
	if l.binary {
		return i
	}
	return l.order[i]
}

// pick chooses the class with the highest score of each row, the lowest class
// on ties, and notes its score.
func (l *labels) pick(s *Scores) {
	for i, valid := range s.Valid {
		if !valid {
			continue
		}
		row := s.PerClass[s.Offsets[i]:s.Offsets[i+1]]
		best := -1
		for _, k := range l.order {
			if k < len(row) && (best < 0 || row[k] > row[best]) {
				best = k
			}
		}
		s.Class[i], s.Value[i] = int32(best), row[best]
	}
}
