package kafka

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// metaKeys are the facts about a message that a column can show, with the type
// such a column gets when it is not declared.
var metaKeys = []struct {
	name string
	typ  arrow.DataType
}{
	{"topic", arrow.BinaryTypes.String},
	{"partition", arrow.PrimitiveTypes.Int32},
	{"offset", arrow.PrimitiveTypes.Int64},
	{"timestamp", arrow.FixedWidthTypes.Timestamp_ms},
	{"key", arrow.BinaryTypes.String},
}

// layout tells which columns come from the value of a message and which from
// the message itself.
type layout struct {
	schema *arrow.Schema // of the batches
	value  *arrow.Schema // of the format
	// from is for each column of schema the column of value, or -1-k for
	// metaKeys[k].
	from []int
}

// newLayout binds the items of the option metadata, "offset" or
// "offset=name", to columns: to the declared column of that name, else to one
// more column at the end.
func newLayout(declared *arrow.Schema, metadata []string) (*layout, error) {
	fields := append([]arrow.Field{}, declared.Fields()...)
	source := make([]int, len(fields))
	for i := range source {
		source[i] = i
	}
	for _, item := range metadata {
		key, column, ok := strings.Cut(item, "=")
		if key = strings.TrimSpace(key); !ok {
			column = key
		}
		column = strings.TrimSpace(column)
		k := -1
		for i, m := range metaKeys {
			if strings.EqualFold(m.name, key) {
				k = i
			}
		}
		if k < 0 || column == "" {
			return nil, kind.BadOption(fmt.Sprintf("metadata: %q", item), "keys: topic, partition, offset, timestamp, key; write key or key=column")
		}
		at := -1
		for i, f := range fields {
			if f.Name == column {
				at = i
			}
		}
		if at < 0 {
			fields = append(fields, arrow.Field{Name: column, Type: metaKeys[k].typ, Nullable: key == "key"})
			source = append(source, 0)
			at = len(fields) - 1
		}
		if !metaType(metaKeys[k].name, fields[at].Type) {
			return nil, kind.BadOption(fmt.Sprintf("metadata: column %q of type %s cannot hold %s", column, fields[at].Type, key),
				"declare it as "+metaKeys[k].typ.String())
		}
		source[at] = -1 - k
	}
	l := &layout{from: source}
	md := declared.Metadata()
	l.schema = arrow.NewSchema(fields, &md)
	var inner []arrow.Field
	for i, f := range fields {
		if source[i] >= 0 {
			source[i] = len(inner)
			inner = append(inner, f)
		}
	}
	l.value = arrow.NewSchema(inner, &md)
	return l, nil
}

func metaType(key string, t arrow.DataType) bool {
	switch key {
	case "partition":
		return t.ID() == arrow.INT32 || t.ID() == arrow.INT64
	case "offset":
		return t.ID() == arrow.INT64
	case "timestamp":
		return t.ID() == arrow.TIMESTAMP
	case "key":
		return t.ID() == arrow.STRING || t.ID() == arrow.BINARY
	}
	return t.ID() == arrow.STRING
}

// origin is a message that gave rows of a batch.
type origin struct {
	offset, millis int64
	rows           int
	keyAt, keyLen  int // in origins.keys; keyLen < 0 is a null
}

// origins are the messages of a batch in order.
type origins struct {
	list []origin
	keys []byte
}

func (o *origins) reset() { o.list, o.keys = o.list[:0], o.keys[:0] }

func (o *origins) add(r *record, key []byte, rows int) {
	o.list = append(o.list, origin{r.offset, r.millis, rows, len(o.keys), r.keyLen})
	o.keys = append(o.keys, key...)
}

// build puts the columns of a decoded batch and those about its messages
// together. It takes over the reference to b.
func (l *layout) build(mem memory.Allocator, b arrow.Record, p place, o *origins) arrow.Record {
	if len(l.from) == int(b.NumCols()) {
		return b
	}
	defer b.Release()
	cols := make([]arrow.Array, len(l.from))
	defer func() {
		for i, c := range cols {
			if l.from[i] < 0 && c != nil {
				c.Release()
			}
		}
	}()
	for i, from := range l.from {
		if from >= 0 {
			cols[i] = b.Column(from)
		} else {
			cols[i] = metaColumn(mem, metaKeys[-1-from].name, l.schema.Field(i).Type, p, o, int(b.NumRows()))
		}
	}
	return array.NewRecord(l.schema, cols, b.NumRows())
}

func metaColumn(mem memory.Allocator, key string, t arrow.DataType, p place, o *origins, n int) arrow.Array {
	b := array.NewBuilder(mem, t)
	defer b.Release()
	b.Reserve(n)
	for i := range o.list {
		m := &o.list[i]
		for range m.rows {
			switch b := b.(type) {
			case *array.Int32Builder:
				b.Append(int32(p.partition))
			case *array.Int64Builder:
				if key == "partition" {
					b.Append(int64(p.partition))
				} else {
					b.Append(m.offset)
				}
			case *array.TimestampBuilder:
				b.Append(fromMillis(m.millis, t.(*arrow.TimestampType).Unit))
			case *array.StringBuilder:
				switch {
				case key == "topic":
					b.Append(p.topic)
				case m.keyLen < 0:
					b.AppendNull()
				default:
					b.BinaryBuilder.Append(bytes.ToValidUTF8(o.keys[m.keyAt:m.keyAt+m.keyLen], []byte("\uFFFD")))
				}
			case *array.BinaryBuilder:
				if m.keyLen < 0 {
					b.AppendNull()
				} else {
					b.Append(o.keys[m.keyAt : m.keyAt+m.keyLen])
				}
			}
		}
	}
	return b.NewArray()
}

func fromMillis(ms int64, unit arrow.TimeUnit) arrow.Timestamp {
	switch unit {
	case arrow.Second:
		return arrow.Timestamp(columnar.FloorDiv(ms, 1000))
	case arrow.Millisecond:
		return arrow.Timestamp(ms)
	case arrow.Microsecond:
		return arrow.Timestamp(ms * 1000)
	}
	return arrow.Timestamp(ms * 1_000_000)
}
