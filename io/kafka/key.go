package kafka

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// keyer renders the key of a row: the text of a single column, else a JSON
// object of the columns in their order.
type keyer struct {
	columns []int
	names   []string // quoted for JSON
	object  bool
	buf     []byte
}

func newKeyer(schema *arrow.Schema, columns []string, format string) (*keyer, error) {
	k := &keyer{}
	for _, name := range columns {
		at := schema.FieldIndices(name)
		if len(at) == 0 {
			return nil, kind.BadOption(fmt.Sprintf("key.fields: no column %q", name), "")
		}
		k.columns = append(k.columns, at[0])
		quoted, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		k.names = append(k.names, string(quoted))
	}
	switch format {
	case "":
		k.object = len(columns) > 1
	case "raw":
		if len(columns) > 1 {
			return nil, kind.BadOption("key.format: raw takes one column", "use json")
		}
	case "json":
		k.object = true
	default:
		return nil, kind.BadOption(fmt.Sprintf("key.format: %q", format), "use raw or json")
	}
	return k, nil
}

// key is the key of row i, valid until the next call; nil is a null.
func (k *keyer) key(b arrow.Record, i int) ([]byte, error) {
	k.buf = k.buf[:0]
	if !k.object {
		col, row := plainValue(b.Column(k.columns[0]), i)
		if col.IsNull(row) {
			return nil, nil
		}
		if k.buf == nil {
			k.buf = []byte{} // an empty key is not a null
		}
		k.buf = appendText(k.buf, col, row)
		return k.buf, nil
	}
	k.buf = append(k.buf, '{')
	for j, c := range k.columns {
		if j > 0 {
			k.buf = append(k.buf, ',')
		}
		k.buf = append(append(k.buf, k.names[j]...), ':')
		var err error
		col, row := plainValue(b.Column(c), i)
		if k.buf, err = appendJSON(k.buf, col, row); err != nil {
			return nil, err
		}
	}
	k.buf = append(k.buf, '}')
	return k.buf, nil
}

// plainValue looks through a dictionary.
func plainValue(a arrow.Array, i int) (arrow.Array, int) {
	if d, ok := a.(*array.Dictionary); ok && !d.IsNull(i) {
		return d.Dictionary(), d.GetValueIndex(i)
	}
	return a, i
}

func appendText(dst []byte, a arrow.Array, i int) []byte {
	switch a := a.(type) {
	case *array.String:
		return append(dst, a.Value(i)...)
	case *array.LargeString:
		return append(dst, a.Value(i)...)
	case *array.Binary:
		return append(dst, a.Value(i)...)
	case *array.LargeBinary:
		return append(dst, a.Value(i)...)
	case *array.Int64:
		return strconv.AppendInt(dst, a.Value(i), 10)
	case *array.Int32:
		return strconv.AppendInt(dst, int64(a.Value(i)), 10)
	}
	return append(dst, a.ValueStr(i)...)
}

func appendJSON(dst []byte, a arrow.Array, i int) ([]byte, error) {
	if a.IsNull(i) {
		return append(dst, "null"...), nil
	}
	switch a.(type) {
	case *array.Int64, *array.Int32:
		return appendText(dst, a, i), nil
	}
	text, err := json.Marshal(a.GetOneForMarshal(i))
	return append(dst, text...), err
}

// murmur2 is the hash by which the Java client spreads keys over partitions
// (MurmurHash2, 32 bit, seed 0x9747b28c), so that all producers agree.
func murmur2(data []byte) uint32 {
	const m = 0x5bd1e995
	h := uint32(0x9747b28c) ^ uint32(len(data))
	for len(data) >= 4 {
		k := binary.LittleEndian.Uint32(data) * m
		k = (k ^ k>>24) * m
		h = h*m ^ k
		data = data[4:]
	}
	if len(data) > 0 {
		for i := len(data) - 1; i >= 0; i-- {
			h ^= uint32(data[i]) << (8 * i)
		}
		h *= m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}
