package parquet

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// candidate is a column that could be selected.
type candidate struct {
	name     string // in the files
	out      string // in the batches
	typ      arrow.DataType
	nullable bool
	hive     bool
	err      error
	conflict bool // err is that the files differ
}

// available lists the columns of all files with the types they are read as. A
// column whose types cannot be reconciled is listed with that error.
func (s *Source) available(p *plan) ([]candidate, error) {
	var out []candidate
	at := map[string]int{}
	for _, f := range p.files {
		for _, field := range f.fields {
			i, ok := at[field.name]
			if !ok {
				at[field.name] = len(out)
				out = append(out, candidate{name: field.name, out: field.name, typ: field.typ, nullable: field.nullable, err: field.err})
				if field.err != nil {
					p.omitted = append(p.omitted, fmt.Sprintf("%s: %v", field.name, field.err))
				}
				continue
			}
			c := &out[i]
			if c.err != nil || field.err != nil {
				if c.err == nil {
					c.err = fmt.Errorf("%s: %w", f.path, field.err)
				}
				continue
			}
			t, ok := wider(c.typ, field.typ)
			if !ok {
				c.err, c.conflict = s.conflict(p, c.name), true
				continue
			}
			c.typ, c.nullable = t, c.nullable || field.nullable
		}
	}
	for i := range out {
		for _, f := range p.files {
			if f.field(out[i].name) == nil {
				out[i].nullable = true
			}
		}
		out[i].typ = s.textType(p, &out[i])
	}
	if s.Hive {
		out = s.hiveColumns(p, out)
	}
	if s.Declared != nil {
		return s.declared(out)
	}
	if s.Columns == nil {
		for _, c := range out {
			if c.conflict {
				return nil, c.err
			}
		}
	}
	return out, nil
}

func (f *fileInfo) field(name string) *fileField {
	for i := range f.fields {
		if f.fields[i].name == name {
			return &f.fields[i]
		}
	}
	return nil
}

// conflict lists, field by field, in what each file differs from the first.
func (s *Source) conflict(p *plan, name string) error {
	first := p.files[0]
	var diffs []string
	for _, f := range p.files[1:] {
		for _, field := range f.fields {
			want := first.field(field.name)
			switch {
			case want == nil:
				diffs = append(diffs, fmt.Sprintf("%s has %q, which %s has not", f.path, field.name, first.path))
			case want.err == nil && field.err == nil:
				if _, ok := wider(want.typ, field.typ); !ok {
					diffs = append(diffs, fmt.Sprintf("%q is %s in %s and %s in %s", field.name, want.typ, first.path, field.typ, f.path))
				}
			}
		}
		for _, field := range first.fields {
			if f.field(field.name) == nil {
				diffs = append(diffs, fmt.Sprintf("%s lacks %q", f.path, field.name))
			}
		}
		if len(diffs) >= 10 {
			diffs = append(diffs[:10], "...")
			break
		}
	}
	return &arrowstream.Error{
		Code: "AS4141", Msg: fmt.Sprintf("parquet: the files differ in column %q: %s", name, strings.Join(diffs, "; ")),
		Hint: "set 'union_by_name' = 'true' for missing columns, declare the columns, or narrow the path",
	}
}

// checkFiles refuses a column that some file lacks.
func (p *plan) checkFiles(c *candidate) error {
	if c.hive {
		return nil
	}
	for _, f := range p.files {
		field := f.field(c.name)
		if field == nil {
			if !p.source.UnionByName {
				return p.source.conflict(p, c.name)
			}
			continue
		}
		if field.err != nil {
			return p.source.unreadable(candidate{out: c.out, err: fmt.Errorf("%s: %w", f.path, field.err)})
		}
		typ := c.typ
		if err := checkReadable(field.shape, typ); err != nil {
			return p.source.unreadable(candidate{out: c.out, err: fmt.Errorf("%s: %w", f.path, err)})
		}
	}
	return nil
}

// textType decides whether a text column stays dictionary-encoded: as the first
// file that has rows stores it, unless the option says so.
func (s *Source) textType(p *plan, c *candidate) arrow.DataType {
	if c.err != nil || c.typ.ID() != arrow.STRING {
		return c.typ
	}
	switch s.Strings {
	case "dictionary":
		return columnar.Dict
	case "plain":
		return c.typ
	}
	for _, f := range p.files {
		if field := f.field(c.name); field != nil && f.rows > 0 {
			if field.dictionary {
				return columnar.Dict
			}
			break
		}
	}
	return c.typ
}

// declared matches the declared columns with those of the files by name, in
// other case if that is unique, and takes over their types.
func (s *Source) declared(all []candidate) ([]candidate, error) {
	var out []candidate
	for _, d := range s.Declared.Fields() {
		i := slices.IndexFunc(all, func(c candidate) bool { return c.out == d.Name })
		if i < 0 {
			for j, c := range all {
				if strings.EqualFold(c.out, d.Name) {
					if i >= 0 {
						i = -1
						break
					}
					i = j
				}
			}
		}
		if i < 0 {
			if !s.UnionByName {
				return nil, s.notFound(d.Name, all)
			}
			out = append(out, candidate{name: d.Name, out: d.Name, typ: d.Type, nullable: true})
			continue
		}
		c := all[i]
		c.out, c.nullable = d.Name, c.nullable || d.Nullable
		if c.err == nil || c.conflict {
			c.err, c.conflict = nil, false
			if c.typ.ID() != arrow.DICTIONARY || d.Type.ID() != arrow.STRING {
				c.typ = d.Type
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// checkReadable reports whether a column of shape s can be read as typ.
func checkReadable(s *shape, typ arrow.DataType) error {
	switch s.kind {
	case leafShape:
		return checkLeaf(s.leaf, typ)
	case listShape:
		elem, err := elementType(typ)
		if err != nil {
			return err
		}
		return checkLeaf(s.leaf, elem)
	}
	if !arrow.TypeEqual(s.typ, typ) {
		return fmt.Errorf("%s cannot be read as %s", s.typ, typ)
	}
	return nil
}

func checkLeaf(leaf *node, typ arrow.DataType) error {
	from, err := leafType(leaf.elem)
	if err != nil {
		return err
	}
	switch typ.ID() {
	case arrow.STRING, arrow.DICTIONARY:
		if from.ID() == arrow.STRING {
			return nil
		}
	case arrow.BINARY:
		if from.ID() == arrow.STRING || from.ID() == arrow.BINARY {
			return nil
		}
	case arrow.BOOL:
		if from.ID() == arrow.BOOL {
			return nil
		}
	case arrow.TIMESTAMP:
		if from.ID() == arrow.TIMESTAMP {
			return nil
		}
	default:
		if from.ID() != arrow.STRING && from.ID() != arrow.BINARY && from.ID() != arrow.BOOL {
			_, err := converter(leaf.elem, typ)
			return err
		}
	}
	return fmt.Errorf("%s cannot be read as %s", from, typ)
}

// wider is the type that holds the values of both types without loss.
func wider(a, b arrow.DataType) (arrow.DataType, bool) {
	if arrow.TypeEqual(a, b) {
		return a, true
	}
	if ta, ok := a.(*arrow.TimestampType); ok {
		if tb, ok := b.(*arrow.TimestampType); ok && ta.TimeZone == tb.TimeZone {
			if ta.Unit.Multiplier() < tb.Unit.Multiplier() {
				return ta, true
			}
			return tb, true
		}
		return nil, false
	}
	if da, ok := a.(*arrow.Decimal128Type); ok {
		if db, ok := b.(*arrow.Decimal128Type); ok && da.Scale == db.Scale {
			return &arrow.Decimal128Type{Precision: max(da.Precision, db.Precision), Scale: da.Scale}, true
		}
		return nil, false
	}
	if la, ok := a.(*arrow.ListType); ok {
		if lb, ok := b.(*arrow.ListType); ok {
			t, ok := wider(la.Elem(), lb.Elem())
			return arrow.ListOf(t), ok
		}
		return nil, false
	}
	sa, wa, oka := intWidth(a)
	sb, wb, okb := intWidth(b)
	switch {
	case oka && okb:
		return widerInt(sa, wa, sb, wb)
	case oka && wa <= 32 && isFloat(b), okb && wb <= 32 && isFloat(a), isFloat(a) && isFloat(b):
		return arrow.PrimitiveTypes.Float64, true
	}
	return nil, false
}

func isFloat(t arrow.DataType) bool { return t.ID() == arrow.FLOAT32 || t.ID() == arrow.FLOAT64 }

func intWidth(t arrow.DataType) (signed bool, bits int, ok bool) {
	switch t.ID() {
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64:
		signed = true
	case arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64:
	default:
		return false, 0, false
	}
	return signed, t.(arrow.FixedWidthDataType).BitWidth(), true
}

// widerInt is the integer type of a signed and an unsigned, or two alike.
func widerInt(sa bool, wa int, sb bool, wb int) (arrow.DataType, bool) {
	bits, signed := max(wa, wb), sa
	if sa != sb {
		signed = true
		unsigned := wa
		if sa {
			unsigned = wb
		}
		bits = max(bits, 2*unsigned)
	}
	if bits > 64 {
		return nil, false
	}
	t, err := intType(bits, signed)
	return t, err == nil
}

// hiveColumns adds the k=v directories of the paths as text columns, unless the
// files have columns of these names.
func (s *Source) hiveColumns(p *plan, all []candidate) []candidate {
	for _, f := range p.files {
		for _, h := range f.hive {
			if !slices.ContainsFunc(all, func(c candidate) bool { return c.name == h.Key }) {
				all = append(all, candidate{name: h.Key, out: h.Key, typ: columnar.Dict, nullable: true, hive: true})
			}
		}
	}
	return all
}
