package cell

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// IsTextDictionary reports whether t is a dictionary of utf8.
func IsTextDictionary(t arrow.DataType) bool {
	d, ok := t.(*arrow.DictionaryType)
	return ok && (d.ValueType.ID() == arrow.STRING || d.ValueType.ID() == arrow.LARGE_STRING)
}

// Plain is a dictionary-encoded text column as utf8, owned.
func Plain(a arrow.Array, mem memory.Allocator) (arrow.Array, error) {
	v, err := NewView(a)
	if err != nil {
		return nil, err
	}
	out, err := NewColumn(arrow.BinaryTypes.String, mem)
	if err != nil {
		return nil, err
	}
	defer out.Release()
	values := v.kids[0]
	for i := range a.Len() {
		if !v.Valid.Get(i) || !values.Valid.Get(int(v.codes[i])) {
			out.AppendNull()
			continue
		}
		b := values.text.Bytes(int(v.codes[i]))
		if !out.Room(len(b)) {
			return nil, errSize
		}
		out.AppendBytes(b)
	}
	return out.Array(), nil
}
