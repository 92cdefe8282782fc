package agg

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

func bindJSONArray(f *Function, args []arrow.DataType) (*Spec, error) {
	return bindJSONList(f, args, "[", "]")
}

func bindJSONObject(f *Function, args []arrow.DataType) (*Spec, error) {
	return bindJSONList(f, args, "{", "}")
}

func bindJSONList(f *Function, args []arrow.DataType, open, end string) (*Spec, error) {
	if err := f.arity(args, 1); err != nil {
		return nil, err
	}
	text := arrow.BinaryTypes.String
	if id := Plain(args[0]).ID(); id != arrow.STRING && id != arrow.NULL {
		return nil, f.refuse(args[0], "a JSON")
	}
	return &Spec{
		Args: []arrow.DataType{text}, Out: text, Nullable: true, Merge: true, StateTypes: []arrow.DataType{arrow.ListOf(text)},
		New: func(mem memory.Allocator) Accumulator {
			return &jsonList{collect{mem: mem, elem: text, spans: newChains[span](mem), arena: column[byte]{mem: mem}}, open, end}
		},
	}, nil
}

// jsonList is json_arrayagg and json_objectagg: the array of JSON values, or the
// object of members "key":value, of a group in the order of the rows, without
// NULLs; NULL if there are none. The argument is the text of one value or member,
// which is put in as it is: what a NULL in SQL is, null or nothing, and the form
// of keys are up to the caller. State: the list of the texts.
type jsonList struct {
	collect
	open, end string
}

// Final implements Accumulator.
func (j *jsonList) Final(groups []uint32) (arrow.Array, error) {
	return j.joined(groups, j.open, ",", j.end)
}
